//! Several processes of one device, and processes that are killed: nothing is lost, and nothing is done twice.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures::future::try_join_all;
use stage::proxy::Slow;
use tests::client::{User, number, text};
use tests::fixture::Fixture;
use tests::spindle::Spindle;
use tests::wait;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::time::timeout;

const LIMIT: Duration = Duration::from_secs(20);

/// The titles of a user's tasks at the server. Each has been created once, and never changed.
async fn created(user: &User) -> Result<BTreeSet<String>> {
    let mut titles = BTreeSet::new();
    for task in user.pages("/api/tasks?limit=200").await? {
        ensure!(
            number(&task, "version")? == 1,
            "changed by a repetition: {task}"
        );
        let title = text(&task, "title")?;
        ensure!(titles.insert(title), "created twice: {task}");
    }
    Ok(titles)
}

/// Commands at the same time, of which some do not talk to the server, lose no edit.
pub async fn commands_at_once(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let here = Spindle::of(fixture, &user).await?;
    let names: Vec<String> = (0..10).map(|name| format!("Task {name}")).collect();
    let adds = names.iter().enumerate().map(async |(place, name)| {
        let offline = if place % 2 == 0 {
            &["--offline"][..]
        } else {
            &[]
        };
        here.json(&[&["add", name], offline].concat()).await
    });
    let added = try_join_all(adds).await?;
    let numbers: BTreeSet<_> = added
        .iter()
        .map(|task| task["number"].to_string())
        .collect();
    ensure!(numbers.len() == 10, "two tasks have one number: {added:?}");
    here.run(&["sync"]).await?.expect(0, "")?;
    ensure!(
        created(&user).await? == names.into_iter().collect(),
        "{:?}",
        created(&user).await?
    );
    Ok(())
}

/// A process that is killed while it sends, before the server has it or after, leaves all to the next one.
pub async fn killed_in_the_middle(fixture: &mut Fixture) -> Result<()> {
    let user = fixture.api.new_user("UTC").await?;
    let here = Spindle::of(fixture, &user).await?;
    let names: BTreeSet<String> = (0..6).map(|name| format!("Task {name}")).collect();
    for name in &names {
        here.json(&["add", name, "--offline"]).await?;
    }
    // The batch is on its way, and does not arrive.
    let nowhere = TcpListener::bind("127.0.0.1:0").await?;
    here.proxy()?.redirect(&nowhere.local_addr()?.to_string());
    let mut asking = here.command(&["sync"]).spawn()?;
    let (mut connection, _) = timeout(LIMIT, nowhere.accept()).await??;
    let mut head = [0; 14];
    timeout(LIMIT, connection.read_exact(&mut head)).await??;
    ensure!(
        head == *b"POST /api/sync",
        "{:?}",
        String::from_utf8_lossy(&head)
    );
    asking.kill().await?;
    here.proxy()?
        .redirect(fixture.api.base().trim_start_matches("http://"));
    // The server has done it, and its answer is under way.
    let delay = Duration::from_secs(1);
    here.proxy()?.slow_down(Slow { delay, loss: 0.0 });
    let mut sending = here.command(&["sync"]).spawn()?;
    wait::until(
        "the server has all tasks",
        Duration::from_secs(30),
        async || Ok((created(&user).await? == names).then_some(())),
    )
    .await?;
    ensure!(sending.try_wait()?.is_none(), "the answer came too early");
    sending.kill().await?;
    here.proxy()?.recover();
    let pending = here.json(&["export"]).await?;
    ensure!(
        pending["pending"].as_array().map(Vec::len) == Some(6),
        "{pending}"
    );
    let synced = here.json(&["sync"]).await?;
    ensure!(synced["sent"] == 6 && synced["pending"] == 0, "{synced}");
    ensure!(
        created(&user).await? == names,
        "{:?}",
        created(&user).await?
    );
    let listed = here.titles(&[]).await?;
    ensure!(listed.len() == 6, "{listed:?}");
    let first = listed.first().context("no task")?;
    ensure!(names.contains(first), "{listed:?}");
    Ok(())
}
