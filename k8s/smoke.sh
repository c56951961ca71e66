#!/usr/bin/env bash
# Tests a running installation as a user would: an account, a task, and its entry on the audit trail. It removes the account again.
#   k8s/smoke.sh https://tasks.example.org
set -euo pipefail
url=${1:?"URL of the API"}
email=smoke-$(openssl rand -hex 8)@example.org password=$(openssl rand -hex 16)
# call METHOD PATH [BODY]: the answer of the API, whose status must be good.
call() {
  curl --silent --show-error --fail-with-body --max-time 20 --request "$1" "$url$2" --header 'content-type: application/json' \
    --header "authorization: Bearer ${token:-none}" ${3:+--data "$3"}
}
# member NAME: this member of the JSON object on standard input, if it is a text.
member() { sed -n "s/.*\"$1\" *: *\"\([^\"]*\)\".*/\1/p"; }

account="{\"email\":\"$email\",\"password\":\"$password\"}"
call POST /api/auth/register "$account" >/dev/null
token=$(call POST /api/auth/login "$account" | member access_token)
trap 'call DELETE /api/auth/me "{\"password\":\"$password\"}" >/dev/null' EXIT
task=$(call POST /api/tasks '{"title":"A smoke test"}' | member id)
# The entry takes the road of every event: outbox, log, bridge, Redis, agent.
for _ in $(seq 30); do
  trail=$(call GET "/api/audit?task_id=$task")
  if [[ $trail == *task.created* ]]; then
    echo "$url works: task $task is on the audit trail"
    exit 0
  fi
  sleep 2
done
echo "task $task is not on the audit trail after a minute" >&2
exit 1
