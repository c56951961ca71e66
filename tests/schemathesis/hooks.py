"""What the OpenAPI document cannot say, so that Schemathesis knows it too. Each exception has its reason."""

import atexit
import json
import os
import threading
import uuid

import schemathesis

with open(os.environ["SPINDLE_CAST"], encoding="utf-8") as file:
    CAST = json.load(file)

ADMIN = f"Bearer {CAST['admin']['token']}"

lock = threading.Lock()
requests = 0
accounts = iter(CAST["accounts"])
# The query that each cursor came with.
cursors = {}

# An account is used up by these, and nobody else's requests would be answered after them.
USES_ACCOUNT_UP = {"deleteMe", "changePassword"}


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """Acting for somebody is for services; this run's caller is an admin, for whom each such request is a 403 and says
    nothing else. The authorisation matrix (tests/tests/system/matrix.rs) has it."""
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
    if operation in USES_ACCOUNT_UP and case.headers.get("Authorization") == ADMIN:
        account = next_account()
        if account is not None:
            case.headers["Authorization"] = f"Bearer {account['token']}"
    # Schemathesis takes the last part of a path for an id; a path that is written out comes first, and its name is no id.
    if case.path_parameters.get("id") == "batch":
        case.path_parameters["id"] = str(uuid.uuid4())
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    # Every account has this password, which no schema may tell.
    if operation == "changePassword" and isinstance(case.body, dict):
        case.body = {**case.body, "current_password": CAST["password"]}
    # A key belongs to one request: generated ones are alike, and the second request with one is refused.
    if "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = str(uuid.uuid4())
    # Schemathesis takes an empty header for a valid one, although its schema has a pattern that says otherwise.
    for name in ("If-Match", "If-None-Match"):
        if name in case.headers and not str(case.headers[name]).strip():
            del case.headers[name]
    follow_cursor(case)
    # OpenAPI has no words for "only together with `q`".
    if case.query.get("sort") == "relevance" or case.query.get("highlight") is not None:
        case.query.setdefault("q", "plant")
    # Whether a part of a due is enough depends on the due that the task has.
    if operation == "updateTask" and isinstance(case.body, dict) and is_part(case.body.get("due")):
        case.body = {name: value for name, value in case.body.items() if name != "due"}


@schemathesis.hook
def after_call(context, case, response):
    global requests
    with lock:
        requests += 1
    if response.status_code == 200 and "next_cursor" in response.text:
        cursor = response.json().get("next_cursor")
        if cursor is not None:
            with lock:
                cursors[cursor] = dict(case.query)


def next_account():
    with lock:
        return next(accounts, None)


def follow_cursor(case):
    """A cursor is opaque: it is good where a list gave it, with the query that it was given for."""
    cursor = case.query.pop("cursor", None)
    with lock:
        query = cursors.get(cursor) if isinstance(cursor, str) else None
    if query is not None:
        case.query = {**query, "cursor": cursor}


def is_part(due):
    if not isinstance(due, dict):
        return False
    given = {name for name, value in due.items() if value is not None}
    if given == {"datetime"}:
        return not due["datetime"].upper().endswith("Z") and due["datetime"][-6] not in "+-"
    return given not in ({"date"}, {"datetime", "timezone"})


@atexit.register
def tell():
    with open(os.environ["SPINDLE_REQUESTS"], "w", encoding="utf-8") as file:
        file.write(f"{requests}\n")
