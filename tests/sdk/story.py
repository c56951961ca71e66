"""The story of the README with a client that openapi-python-client has generated from the API's document."""

import sys
import uuid
from datetime import date

from spindle_client import AuthenticatedClient, Client
from spindle_client.api.accounts import get_me, login, register
from spindle_client.api.audit import list_audit, verify_audit
from spindle_client.api.tasks import complete_task, create_task, list_tasks, update_task
from spindle_client.models import (
    CompleteTaskBody,
    Credentials,
    Day,
    NewTask,
    Problem,
    Registration,
    Task,
    TaskPatch,
)

url = sys.argv[1]
email = f"{uuid.uuid4()}@example.com"
password = "correct horse battery"

anonymous = Client(base_url=url)
new = Registration(email=email, password=password, timezone="Europe/Berlin", sign_in=True)
account = register.sync(client=anonymous, body=new)
assert account.email == email and account.tokens.token_type == "Bearer", account
taken = register.sync(client=anonymous, body=Registration(email=email, password=password))
assert isinstance(taken, Problem) and taken.status == 409, taken
tokens = login.sync(client=anonymous, body=Credentials(email=email, password=password))
client = AuthenticatedClient(base_url=url, token=tokens.access_token)
assert get_me.sync(client=client).id == account.id

new = NewTask(title="Water the plants", tags=["home"], due=Day(date=date(2026, 3, 1)))
task = create_task.sync(client=client, body=new, idempotency_key="first")
assert isinstance(task, Task) and task.due == Day(date=date(2026, 3, 1)), task
again = create_task.sync(client=client, body=new, idempotency_key="first")
assert again.id == task.id, again
page = list_tasks.sync(client=client, tag=["home"], q="water", sort=["priority", "due_at"], due_before=date(2026, 3, 2), count=True)
assert [found.id for found in page.items] == [task.id], page
assert page.next_cursor is None and page.total.count == 1, page
changed = update_task.sync(task.id, client=client, body=TaskPatch(title="Water all plants"), if_match='"1"')
assert (changed.title, changed.version) == ("Water all plants", 2), changed
stale = update_task.sync(task.id, client=client, body=TaskPatch(title="Too late"), if_match='"1"')
assert isinstance(stale, Problem) and stale.status == 412, stale
done = complete_task.sync(task.id, client=client, body=CompleteTaskBody())
assert done.status == "completed" and done.completed_at, done
invalid = create_task.sync(client=client, body=NewTask(title=""))
assert isinstance(invalid, Problem) and invalid.errors[0].pointer == "/title", invalid

assert list_audit.sync(client=client).items is not None
assert verify_audit.sync(client=client).ok
print("the Python client has told the story")
