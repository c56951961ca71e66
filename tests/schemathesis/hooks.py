"""Hooks for Schemathesis: rules of the API that an OpenAPI document cannot express. Each exception states its reason."""

import atexit
import json
import os
import threading
import uuid

import schemathesis

with open(os.environ["SPINDLE_ACCOUNTS"], encoding="utf-8") as file:
    ACCOUNTS = json.load(file)

ADMIN = f"Bearer {ACCOUNTS['admin']['token']}"

lock = threading.Lock()
requests = 0
# Accounts for requests that delete or sign out their account.
accounts = iter(ACCOUNTS["accounts"])
# The query of the list that returned each cursor.
cursors = {}
# The current version of each task, as an ETag.
etags = {}
# Refresh tokens that nobody has used yet.
refresh_tokens = []

# These operations delete or sign out the account, so all later requests with its token would be rejected.
CONSUMES_ACCOUNT = {"deleteMe", "changePassword"}

# The members of a task that a PUT must not change.
READ_ONLY = {
    "id", "due_at", "series_id", "occurrence", "occurrence_number", "version", "seq", "created_at", "updated_at",
    "completed_at", "deleted_at",
}


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """Removes X-On-Behalf-Of from all operations, and the operations of agents. Only services and agents may use them, and this run's
    caller is an admin, who would get nothing but 403. The authorisation matrix (tests/tests/system/matrix.rs) covers them."""
    for path in ("/api/occurrences", "/api/occurrences/claim"):
        raw_schema["paths"].pop(path)
    for item in raw_schema["paths"].values():
        for operation in item.values():
            if isinstance(operation, dict):
                operation["parameters"] = [
                    one
                    for one in operation.get("parameters", [])
                    if one.get("$ref") != "#/components/parameters/X-On-Behalf-Of"
                ]


@schemathesis.hook
def before_call(context, case, kwargs):
    operation = case.operation.definition.raw["operationId"]
    if operation in CONSUMES_ACCOUNT and case.headers.get("Authorization") == ADMIN:
        account = next_account()
        if account is not None:
            case.headers["Authorization"] = f"Bearer {account['token']}"
    # Schemathesis takes the last segment of a path for an id, but `/api/tasks/batch` is an operation of its own.
    if case.path_parameters.get("id") == "batch":
        case.path_parameters["id"] = str(uuid.uuid4())
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    # All accounts have this password, which the schema cannot contain.
    if operation == "changePassword" and isinstance(case.body, dict):
        case.body = {**case.body, "current_password": ACCOUNTS["password"]}
    if operation == "deleteMe" and isinstance(case.body, dict):
        case.body = {**case.body, "password": ACCOUNTS["password"]}
    # Generated keys repeat, and a second request with the same key and another body is rejected.
    if "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = str(uuid.uuid4())
    # Schemathesis considers an empty header valid, although the pattern in its schema excludes it.
    for name in ("If-Match", "If-None-Match"):
        if name in case.headers and not str(case.headers[name]).strip():
            del case.headers[name]
    follow_cursor(case)
    # A generated version is hardly ever the current one.
    if "If-Match" in case.headers:
        with lock:
            case.headers["If-Match"] = etags.get(case.path_parameters.get("id"), "*")
    # A generated refresh token was never issued. So some sign-ins use the admin's password, and the tokens are kept for later.
    if operation == "login" and len(refresh_tokens) < 5 and isinstance(case.body, dict):
        case.body = {**case.body, "email": ACCOUNTS["admin"]["email"], "password": ACCOUNTS["password"]}
    if operation == "refresh" and isinstance(case.body, dict):
        with lock:
            if refresh_tokens:
                case.body = {**case.body, "refresh_token": refresh_tokens.pop()}
    possible_recurrence(operation, case)
    possible_reminders(operation, case.body)
    if operation == "listTasks" and "cursor" not in case.query:
        fit(case.query)
    # A read-only member must have its current value, which changes with each request that changes the task. tests/tests/system/put.rs
    # sends them.
    if operation == "replaceTask" and isinstance(case.body, dict):
        case.body = {name: value for name, value in case.body.items() if name not in READ_ONLY}
    # Whether a partial due date is valid depends on the due date that the task has.
    if operation == "updateTask" and isinstance(case.body, dict) and is_partial(case.body.get("due")):
        case.body = {name: value for name, value in case.body.items() if name != "due"}


@schemathesis.hook
def after_call(context, case, response):
    global requests
    with lock:
        requests += 1
    if response.status_code in (200, 201):
        remember(response)
    if response.status_code == 200 and "next_cursor" in response.text:
        cursor = response.json().get("next_cursor")
        if cursor is not None:
            with lock:
                cursors[cursor] = dict(case.query)


def remember(response):
    """Keeps the version of a task, or a new refresh token, for later requests."""
    if "application/json" not in response.headers.get("content-type", [""])[0]:
        return
    body = response.json()
    if not isinstance(body, dict):
        return
    with lock:
        if "version" in body and "id" in body:
            etags[body["id"]] = f'"{body["version"]}"'
        if "refresh_token" in body:
            refresh_tokens.append(body["refresh_token"])


def next_account():
    with lock:
        return next(accounts, None)


def possible_recurrence(operation, case):
    """A schema cannot say which rules occur, and that a recurrence needs a due date of its kind. So a generated recurrence is replaced
    by one that fits. tests/tests/system/series/rules.rs has the others."""
    body = case.body
    if not isinstance(body, dict):
        return
    if operation == "previewRecurrence":
        case.body = {"due": {"date": "2026-03-01"}, "rule": "FREQ=DAILY", "count": body.get("count", 3)}
    elif operation == "batchTasks":
        operations = [one for one in body.get("operations", []) if isinstance(one, dict)]
        for task in [one["task"] for one in operations if isinstance(one.get("task"), dict)]:
            fit_recurrence(task)
    elif operation == "push":
        # A cursor is opaque.
        body.pop("cursor", None)
        for one in [one for one in body.get("operations", []) if isinstance(one, dict)]:
            possible_push(one)
    elif operation in ("createTask", "replaceTask", "updateTask"):
        case.body = fit_recurrence(dict(body))
    if operation == "updateTask":
        if case.query.get("scope") == "this":
            case.body.pop("recurrence", None)
        # Without a due date, a task cannot repeat.
        if "due" in case.body and case.body["due"] is None:
            case.query.pop("scope", None)
            case.body["recurrence"] = None


def possible_push(operation):
    """A schema cannot say that the id of a new task is that of the operation, and which scope goes with which field.
    domain/src/offline.rs has the others."""
    fields = operation.get("fields")
    if not isinstance(fields, dict):
        return
    if operation.get("op") == "snooze":
        fit_snooze(fields)
        return
    fields.pop("id", None)
    fit_recurrence(fields)
    fit_reminders(fields.get("reminders"))
    if operation.get("scope") is not None and ("due" in fields or "recurrence" in fields):
        operation["scope"] = None


def fit_recurrence(task):
    if task.get("recurrence") is not None:
        task["recurrence"] = {"rule": "FREQ=WEEKLY"}
        task["due"] = {"date": "2026-03-01"}
    return task


def possible_reminders(operation, body):
    """A schema cannot say that a reminder has one of three times, and that durations have bounds. So generated ones are replaced by
    some that fit. tests/tests/system/reminders.rs has the others."""
    if not isinstance(body, dict):
        return
    if operation == "snoozeReminder":
        fit_snooze(body)
    elif operation == "addPushSubscription":
        # The hosts of push services are a setting, and the keys are points on a curve.
        body["endpoint"] = f"https://fcm.googleapis.com/fcm/send/{uuid.uuid4()}"
        body["keys"] = {
            "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
            "auth": "BTBZMqHH6r4Tts7J_aSIgg",
        }
    elif operation == "updateReminder":
        fit_reminder(body)
    elif operation == "addReminder":
        fit_reminder(body, required=True)
    elif operation == "updateMe" and isinstance(body.get("reminders"), dict):
        preferences = body["reminders"]
        fit_reminders(preferences.get("defaults"))
        if preferences.get("quiet") is not None:
            preferences["quiet"] = {"from": "22:00", "to": "07:00"}
    elif operation == "batchTasks":
        for one in body.get("operations", []):
            if isinstance(one, dict) and isinstance(one.get("task"), dict):
                fit_reminders(one["task"].get("reminders"))
    elif operation in ("createTask", "replaceTask", "updateTask"):
        fit_reminders(body.get("reminders"))


def fit_snooze(body):
    once = "until" if "until" in body else "for"
    body.clear()
    body[once] = {"for": "PT10M", "until": "2090-03-01T08:00:00Z"}[once]


def fit_reminders(reminders):
    for reminder in reminders or []:
        if isinstance(reminder, dict):
            reminder.pop("id", None)
            fit_reminder(reminder, required=True)


def fit_reminder(reminder, required=False):
    times = {"before": "PT30M", "at": "2090-03-01T08:00:00Z", "on": "due"}
    given = [name for name in times if reminder.get(name) is not None]
    for name in times:
        reminder.pop(name, None)
    if given or required:
        name = given[0] if given else "on"
        reminder[name] = times[name]
    if reminder.get("repeat") is not None:
        reminder["repeat"] = "PT10M"


def follow_cursor(case):
    """A cursor is opaque, and valid only with the query of the list that returned it."""
    cursor = case.query.pop("cursor", None)
    with lock:
        query = cursors.get(cursor) if isinstance(cursor, str) else None
    if query is not None:
        case.query = {**query, "cursor": cursor}


def fit(query):
    """Makes the parameters of a list fit together, in ways that OpenAPI cannot express."""
    sort = query.get("sort", [])
    if query.get("deleted") in (True, "true"):
        sort = []
    elif isinstance(sort, list) and len(sort) > 1:
        sort = [key for key in sort if key not in ("relevance", "deleted_at")]
    elif sort == ["deleted_at"]:
        query["deleted"] = "true"
    if sort == ["relevance"] or query.get("highlight") is not None:
        # A blank search is none.
        if not str(query.get("q") or "").strip():
            query["q"] = "plant"
    if isinstance(sort, list):
        if sort:
            query["sort"] = sort
        else:
            query.pop("sort", None)
        if isinstance(query.get("order"), list):
            query["order"] = query["order"][: max(len(sort), 1)]
    if "due_on" in query:
        query.pop("due_after", None)
        query.pop("due_before", None)


def is_partial(due):
    if not isinstance(due, dict):
        return False
    present = {name for name, value in due.items() if value is not None}
    if present == {"datetime"}:
        return not due["datetime"].upper().endswith("Z") and due["datetime"][-6] not in "+-"
    return present not in ({"date"}, {"datetime", "timezone"})


@atexit.register
def write_request_count():
    with open(os.environ["SPINDLE_REQUESTS"], "w", encoding="utf-8") as file:
        file.write(f"{requests}\n")
