//! Malformed, hostile and forbidden requests: the right status, a complete problem, and nothing written.

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use tests::client::{Answer, Call, Person, escape, number, text};
use tests::stage::World;
use uuid::Uuid;

/// Runs refused calls and proves that none of them wrote anything.
struct Refusals<'a> {
    world: &'a World,
    before: Vec<i64>,
    wrong: Vec<String>,
}

impl<'a> Refusals<'a> {
    async fn start(world: &'a World) -> Result<Self> {
        world.quiet().await?;
        Ok(Self { world, before: written(world).await?, wrong: Vec::new() })
    }

    /// Every call is made even when one before it was answered wrongly: the list of failures is worth more than the first.
    async fn refuse(&mut self, name: &str, statuses: &[u16], call: Call) {
        if let Err(error) = self.judge(statuses, call).await {
            self.wrong.push(format!("{name}: {error:#}"));
        }
    }

    async fn judge(&self, statuses: &[u16], call: Call) -> Result<()> {
        let answer = call.send().await?;
        let status = answer.status.as_u16();
        ensure!(statuses.contains(&status), "{status} instead of {statuses:?}: {}", String::from_utf8_lossy(&answer.body));
        match status {
            401 => ensure!(answer.header("www-authenticate").is_some(), "401 without WWW-Authenticate"),
            405 => ensure!(answer.header("allow").is_some(), "405 without Allow"),
            412 => ensure!(answer.header("etag").is_some(), "412 without the current ETag"),
            _ => {}
        }
        answer.problem(status).map(|_| ())
    }

    async fn end(self) -> Result<()> {
        self.world.quiet().await?;
        let after = written(self.world).await?;
        ensure!(self.wrong.is_empty(), "{} answers are wrong:\n  {}", self.wrong.len(), self.wrong.join("\n  "));
        ensure!(self.before == after, "something was written: {:?} before, {after:?} after", self.before);
        Ok(())
    }
}

/// Tasks, their versions, their owners' sequences, and task events on the trail.
async fn written(world: &World) -> Result<Vec<i64>> {
    let row = world.database.query_one(include_str!("written.sql"), &[]).await?;
    Ok((0..row.len()).map(|column| row.get(column)).collect())
}

fn post(person: &Person, path: &str, body: &[u8]) -> Call {
    person.post(path).header("content-type", "application/json").body(body.to_vec())
}

pub async fn malformed_json(world: &mut World) -> Result<()> {
    let person = world.api.newcomer("UTC").await?;
    let task = text(&person.create(json!({"title": "Stays as it is"})).await?, "id")?;
    let nested = |open: &str, shut: &str| format!("{{\"title\":{}1{}}}", open.repeat(50_000), shut.repeat(50_000));
    let malformed: Vec<(&str, Vec<u8>)> = vec![
        ("nothing", b"".to_vec()),
        ("half an object", b"{\"title\":\"x\"".to_vec()),
        ("two values", b"{\"title\":\"x\"}{\"title\":\"y\"}".to_vec()),
        ("single quotes", b"{'title':'x'}".to_vec()),
        ("not UTF-8", b"{\"title\":\"\xff\xfe\"}".to_vec()),
        ("raw NUL", b"{\"title\":\"a\x00b\"}".to_vec()),
        ("escaped NUL", br#"{"title":"a\u0000b"}"#.to_vec()),
        ("lone high surrogate", br#"{"title":"\ud800"}"#.to_vec()),
        ("lone low surrogate", br#"{"title":"\udc00x"}"#.to_vec()),
        ("byte order mark", b"\xef\xbb\xbf{\"title\":\"x\"}".to_vec()),
        ("comment", b"{\"title\":\"x\"/*y*/}".to_vec()),
        ("trailing comma", b"{\"title\":\"x\",}".to_vec()),
        ("NaN", b"{\"title\":NaN}".to_vec()),
        ("endless number", b"{\"title\":1e999999}".to_vec()),
        ("same member twice", br#"{"title":"x","title":"y"}"#.to_vec()),
        ("an array", b"[]".to_vec()),
        ("an array of tasks", br#"[{"title":"x"}]"#.to_vec()),
        ("a string", b"\"title\"".to_vec()),
        ("null", b"null".to_vec()),
        ("deep arrays", nested("[", "]").into_bytes()),
        ("deep objects", nested("{\"a\":", "}").into_bytes()),
    ];
    let mut refusals = Refusals::start(world).await?;
    for (name, body) in &malformed {
        refusals.refuse(&format!("POST {name}"), &[400, 422], post(&person, "/api/tasks", body)).await;
        let path = format!("/api/tasks/{task}");
        let call = person.call(Method::PATCH, &path).header("content-type", "application/merge-patch+json");
        refusals.refuse(&format!("PATCH {name}"), &[400, 422], call.body(body.clone())).await;
        let call = person.put(&path).header("content-type", "application/json");
        refusals.refuse(&format!("PUT {name}"), &[400, 422], call.body(body.clone())).await;
        refusals.refuse(&format!("register {name}"), &[400, 422], post(&person, "/api/auth/register", body)).await;
        refusals.refuse(&format!("login {name}"), &[400, 422], post(&person, "/api/auth/login", body)).await;
    }
    refusals.refuse("syntax is 400", &[400], post(&person, "/api/tasks", b"{")).await;
    let large = serde_json::to_vec(&json!({"title": "x", "description": "x".repeat(256 * 1024)}))?;
    refusals.refuse("too large", &[413], post(&person, "/api/tasks", &large)).await;
    for kind in ["text/plain", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
        let call = person.post("/api/tasks").header("content-type", kind).body(br#"{"title":"x"}"#.to_vec());
        refusals.refuse(kind, &[415], call).await;
    }
    refusals.end().await
}

pub async fn wrong_fields(world: &mut World) -> Result<()> {
    let person = world.api.newcomer("UTC").await?;
    let task = text(&person.create(json!({"title": "Stays as it is"})).await?, "id")?;
    let tags: Vec<String> = (0..33).map(|tag| format!("tag{tag}")).collect();
    let wrong = [
        ("title a number", json!({"title": 5})),
        ("title null", json!({"title": null})),
        ("title an object", json!({"title": {"a": 1}})),
        ("title empty", json!({"title": ""})),
        ("title too long", json!({"title": "ä".repeat(501)})),
        ("description too long", json!({"title": "x", "description": "ä".repeat(20_001)})),
        ("description NUL", json!({"title": "x", "description": "\0"})),
        ("tags a string", json!({"title": "x", "tags": "home"})),
        ("tags of numbers", json!({"title": "x", "tags": [1]})),
        ("tag empty", json!({"title": "x", "tags": [""]})),
        ("tag too long", json!({"title": "x", "tags": ["x".repeat(65)]})),
        ("tag NUL", json!({"title": "x", "tags": ["a\0"]})),
        ("too many tags", json!({"title": "x", "tags": tags})),
        ("priority unknown", json!({"title": "x", "priority": "huge"})),
        ("priority a number", json!({"title": "x", "priority": 1})),
        ("status unknown", json!({"title": "x", "status": "done"})),
        ("due a string", json!({"title": "x", "due": "2026-03-01"})),
        ("due empty", json!({"title": "x", "due": {}})),
        ("due of two kinds", json!({"title": "x", "due": {"date": "2026-03-01", "datetime": "2026-03-01T08:00:00Z"}})),
        ("due no such day", json!({"title": "x", "due": {"date": "2026-02-30"}})),
        ("due local without timezone", json!({"title": "x", "due": {"datetime": "2026-03-01T09:00:00"}})),
        ("due in no timezone", json!({"title": "x", "due": {"datetime": "2026-03-01T09:00:00", "timezone": "Mars/Base"}})),
        ("due out of this world", json!({"title": "x", "due": {"date": "999999-01-01"}})),
        ("due unknown member", json!({"title": "x", "due": {"date": "2026-03-01", "moon": "full"}})),
        ("unknown field", json!({"title": "x", "colour": "red"})),
        ("version is not for clients", json!({"title": "x", "version": 9})),
        ("seq is not for clients", json!({"title": "x", "seq": 9})),
        ("owner is not for clients", json!({"title": "x", "user_id": Uuid::new_v4()})),
        ("prototype", json!({"title": "x", "__proto__": {}})),
    ];
    let mut refusals = Refusals::start(world).await?;
    for (name, body) in &wrong {
        refusals.refuse(&format!("POST {name}"), &[422], person.post("/api/tasks").json(body)).await;
        let path = format!("/api/tasks/{task}");
        refusals.refuse(&format!("PATCH {name}"), &[422], person.patch(&path).json(body)).await;
        refusals.refuse(&format!("PUT {name}"), &[422], person.put(&path).json(body)).await;
    }
    refusals.refuse("no title", &[422], person.post("/api/tasks").json(&json!({}))).await;
    refusals.refuse("PUT without title", &[422], person.put(&format!("/api/tasks/{task}")).json(&json!({}))).await;
    for id in [json!("x"), json!(5), json!("00000000-0000-0000-0000-00000000000g")] {
        refusals.refuse("id no UUID", &[422], person.post("/api/tasks").json(&json!({"title": "x", "id": id}))).await;
    }
    let body = json!({"title": "x", "id": task});
    refusals.refuse("id taken", &[409], person.post("/api/tasks").json(&body)).await;
    let answer = person.post("/api/tasks").json(&json!({"title": "", "tags": [""]})).send().await?;
    let problem = answer.problem(422)?;
    let pointers: Vec<_> = problem["errors"].as_array().into_iter().flatten().map(|error| &error["pointer"]).collect();
    ensure!(!pointers.is_empty() && pointers.iter().all(|pointer| pointer.is_string()), "no pointers in {problem}");
    refusals.end().await
}

pub async fn tokens(world: &mut World) -> Result<()> {
    let person = world.api.newcomer("UTC").await?;
    let api = world.api.clone();
    let forged = world.forge(&person)?;
    let mut refusals = Refusals::start(world).await?;
    for (method, path) in [(Method::GET, "/api/tasks"), (Method::POST, "/api/tasks"), (Method::GET, "/api/auth/me"), (Method::GET, "/api/audit")] {
        let with = |value: &str| {
            let call = api.call(method.clone(), path).header("authorization", value);
            if method == Method::POST { call.json(&json!({"title": "x"})) } else { call }
        };
        refusals.refuse("no token", &[401], api.call(method.clone(), path)).await;
        for value in ["Bearer", "Bearer ", "Bearer x", "Bearer a.b.c", "Basic dXNlcjpwYXNz", "bearer\t", "Bearer ä", &person.token] {
            refusals.refuse(&format!("{path} {value}"), &[401], with(value)).await;
        }
        refusals.refuse("a refresh token", &[401], with(&format!("Bearer {}", person.refresh_token))).await;
        refusals.refuse("very long", &[401, 431], with(&format!("Bearer {}", "x".repeat(20_000)))).await;
        for (name, token) in &forged {
            refusals.refuse(&format!("{path} {name}"), &[401], with(&format!("Bearer {token}"))).await;
        }
    }
    refusals.end().await
}

pub async fn somebody_elses(world: &mut World) -> Result<()> {
    let (owner, other) = (world.api.newcomer("UTC").await?, world.api.newcomer("UTC").await?);
    let task = text(&owner.create(json!({"title": "Mine"})).await?, "id")?;
    let mut refusals = Refusals::start(world).await?;
    for id in [task.as_str(), &Uuid::new_v4().to_string(), "no-uuid", "%00", "..%2f..%2fusers"] {
        let path = format!("/api/tasks/{id}");
        let body = json!({"title": "Theirs"});
        refusals.refuse(&format!("GET {id}"), &[404], other.get(&path)).await;
        refusals.refuse(&format!("PATCH {id}"), &[404], other.patch(&path).json(&body)).await;
        refusals.refuse(&format!("PUT {id}"), &[404], other.put(&path).json(&body)).await;
        refusals.refuse(&format!("DELETE {id}"), &[404], other.delete(&path)).await;
        for verb in ["complete", "reopen"] {
            refusals.refuse(&format!("{verb} {id}"), &[404], other.post(&format!("{path}/{verb}"))).await;
        }
        refusals.refuse(&format!("history of {id}"), &[404], other.get(&format!("{path}/history"))).await;
        let call = other.patch(&path).if_match(1).json(&body);
        refusals.refuse(&format!("PATCH with If-Match {id}"), &[404], call).await;
    }
    let body = json!({"title": "x", "id": task});
    refusals.refuse("their id", &[409], other.post("/api/tasks").json(&body)).await;
    refusals.refuse("their audit trail", &[403], other.get(&format!("/api/audit?user_id={}", owner.id))).await;
    refusals.end().await?;
    let seen = other.pages("/api/tasks").await?;
    ensure!(seen.is_empty(), "somebody else sees {seen:?}");
    let trail = other.pages(&format!("/api/audit?task_id={task}")).await?;
    ensure!(trail.is_empty(), "somebody else reads the trail of a task: {trail:?}");
    Ok(())
}

pub async fn queries_and_methods(world: &mut World) -> Result<()> {
    let person = world.api.newcomer("UTC").await?;
    for title in ["a", "b", "c"] {
        person.create(json!({"title": title})).await?;
    }
    let first = person.get("/api/tasks?limit=1&sort=title").send().await?.expect(200)?.json()?;
    let cursor = text(&first, "next_cursor")?;
    let altered: String = cursor.chars().rev().collect();
    let mut refusals = Refusals::start(world).await?;
    let queries = [
        "limit=0", "limit=201", "limit=-1", "limit=many", "limit=99999999999999999999", "colour=red", "sort=colour", "order=up",
        "status=done", "priority=huge", "due_before=yesterday", "due_after=2026-13-01T00:00:00Z", "overdue=perhaps",
        "updated_after=x", "cursor=x", "cursor=", "q=%00", "q=%ff", "tag=%00", "series_id=x", "limit=1&limit=2",
    ];
    for query in queries {
        refusals.refuse(query, &[400, 422], person.get(&format!("/api/tasks?{query}"))).await;
    }
    let cursors = [
        ("altered cursor", format!("limit=1&sort=title&cursor={}", escape(&altered))),
        ("cut cursor", format!("limit=1&sort=title&cursor={}", escape(cursor.get(..cursor.len() / 2).unwrap_or("")))),
        ("cursor of another sort", format!("limit=1&sort=created_at&cursor={}", escape(&cursor))),
        ("cursor of another filter", format!("limit=1&sort=title&status=open&cursor={}", escape(&cursor))),
    ];
    for (name, query) in cursors {
        refusals.refuse(name, &[400, 422], person.get(&format!("/api/tasks?{query}"))).await;
    }
    for query in ["limit=0", "colour=red", "cursor=x", "from=x", "user_id=x", "task_id=x"] {
        refusals.refuse(&format!("audit {query}"), &[400, 422], person.get(&format!("/api/audit?{query}"))).await;
    }
    for path in ["/api/nothing", "/api", "/api/tasks/a/b/c", "/api/auth", "/api/auth/nothing"] {
        refusals.refuse(path, &[404], person.get(path)).await;
    }
    let methods = [
        (Method::PATCH, "/api/tasks"), (Method::DELETE, "/api/tasks"), (Method::GET, "/api/auth/login"),
        (Method::DELETE, "/api/auth/register"), (Method::POST, "/api/audit"), (Method::POST, "/api/audit/verify"),
    ];
    for (method, path) in methods {
        refusals.refuse(&format!("{method} {path}"), &[405], person.call(method, path)).await;
    }
    refusals.end().await
}

pub async fn stale_and_reused(world: &mut World) -> Result<()> {
    let person = world.api.newcomer("UTC").await?;
    let task = person.create(json!({"title": "First"})).await?;
    let path = format!("/api/tasks/{}", text(&task, "id")?);
    let now = person.patch(&path).if_match(number(&task, "version")?).json(&json!({"title": "Second"})).send().await?;
    let now = number(&now.expect(200)?.json()?, "version")?;
    let body = json!({"title": "Third"});
    let key = Uuid::new_v4().to_string();
    let done = person.post("/api/tasks").key(&key).json(&json!({"title": "Once"})).send().await?.expect(201)?;
    let mut refusals = Refusals::start(world).await?;
    for stale in [now - 1, now + 1, 0, -1, i64::MAX] {
        refusals.refuse("stale PATCH", &[412], person.patch(&path).if_match(stale).json(&body)).await;
        refusals.refuse("stale PUT", &[412], person.put(&path).if_match(stale).json(&body)).await;
        refusals.refuse("stale DELETE", &[412], person.delete(&path).if_match(stale)).await;
    }
    for odd in ["x", "\"x\"", "W/\"1\"", "\"", "\"99999999999999999999\""] {
        let call = person.patch(&path).header("if-match", odd).json(&body);
        refusals.refuse(&format!("If-Match {odd}"), &[400, 412, 422], call).await;
    }
    let other = person.post("/api/tasks").key(&key).json(&json!({"title": "Another"}));
    refusals.refuse("a reused key", &[422], other).await;
    let long = person.post("/api/tasks").key(&"k".repeat(256)).json(&body);
    refusals.refuse("a long key", &[400, 422], long).await;
    let empty = person.post("/api/tasks").key("").json(&body);
    refusals.refuse("an empty key", &[400, 422], empty).await;
    refusals.end().await?;
    let stale = person.patch(&path).if_match(now - 1).json(&body).send().await?;
    ensure!(stale.header("etag") == Some(&format!("\"{now}\"")), "412 names {:?} as the current ETag", stale.header("etag"));
    let again = person.post("/api/tasks").key(&key).json(&json!({"title": "Once"})).send().await?.expect(201)?;
    same_answer(&done, &again)
}

fn same_answer(first: &Answer, again: &Answer) -> Result<()> {
    ensure!(again.header("idempotency-replayed") == Some("true"), "a replay does not say so");
    ensure!(first.body == again.body, "a replay differs from the first answer");
    Ok(())
}

pub async fn accounts(world: &mut World) -> Result<()> {
    let person = world.api.newcomer("UTC").await?;
    let api = world.api.clone();
    let register = |fields: Value| {
        let mut body = json!({"email": format!("{}@example.org", Uuid::new_v4().simple()), "password": tests::client::PASSWORD});
        if let (Some(body), Some(fields)) = (body.as_object_mut(), fields.as_object()) {
            body.extend(fields.clone());
        }
        api.post("/api/auth/register").json(&body)
    };
    let users = "select count(*) from users";
    let before: i64 = world.database.query_one(users, &[]).await?.get(0);
    let mut refusals = Refusals::start(world).await?;
    for email in ["", "x", "@", "a@", "@b", "a b@example.org", "a@example.org\0", "a\n@example.org", &format!("{}@example.org", "x".repeat(320))] {
        refusals.refuse(&format!("email {email:?}"), &[422], register(json!({"email": email}))).await;
    }
    for (name, password) in [("short", "seven77".to_owned()), ("common", "password".to_owned()), ("common", "12345678".to_owned()), ("long", "x1".repeat(513))] {
        refusals.refuse(&format!("{name} password"), &[422], register(json!({"password": password}))).await;
    }
    refusals.refuse("timezone", &[422], register(json!({"timezone": "Mars/Base"}))).await;
    refusals.refuse("role", &[422], register(json!({"role": "admin"}))).await;
    refusals.refuse("email taken", &[409], register(json!({"email": person.email}))).await;
    refusals.refuse("email taken in capitals", &[409], register(json!({"email": person.email.to_uppercase()}))).await;
    let login = |email: &str, password: &str| api.post("/api/auth/login").json(&json!({"email": email, "password": password}));
    refusals.refuse("wrong password", &[401], login(&person.email, "not the password")).await;
    refusals.refuse("nobody", &[401], login("nobody@example.org", "not the password")).await;
    let refresh = |token: Value| api.post("/api/auth/refresh").json(&json!({"refresh_token": token}));
    refusals.refuse("no such refresh token", &[401], refresh(json!("x"))).await;
    refusals.refuse("refresh token NUL", &[400, 401, 422], refresh(json!("\0"))).await;
    refusals.refuse("refresh token a number", &[422], refresh(json!(5))).await;
    refusals.refuse("an access token", &[401], refresh(json!(person.token))).await;
    refusals.end().await?;
    let after: i64 = world.database.query_one(users, &[]).await?.get(0);
    ensure!(before == after, "somebody was registered");
    let wrong = login(&person.email, "not the password").send().await?.problem(401)?;
    let nobody = login("nobody@example.org", "not the password").send().await?.problem(401)?;
    let tell = |problem: &Value| problem.get("detail").cloned().context("no detail");
    ensure!(tell(&wrong)? == tell(&nobody)?, "a wrong password and an unknown account can be told apart");
    Ok(())
}
