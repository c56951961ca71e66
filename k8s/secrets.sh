#!/usr/bin/env bash
# Prints the Secrets of a new installation, with new passwords and keys. Nothing is stored: pass them on at once.
#   k8s/secrets.sh postgres:5432 | kubectl --namespace spindle create --filename -
#   k8s/secrets.sh HOST:PORT OWNER_PASSWORD SSLMODE
# The database is `spindle` and belongs to the role `spindle`. It needs `bridge` on PATH, or BRIDGE with its path.
set -euo pipefail
address=${1:?"HOST:PORT of Postgres"}
word() { openssl rand -hex 24; }
owner=${2:-$(word)}
query="?connect_timeout=5&sslmode=${3:-disable}"
bridge=${BRIDGE:-bridge}
api=$(word) agent=$(word) worker=$(word) redis=$(word)
token_keys=$("$bridge" keys new token_keys)
service_keys=$("$bridge" keys new service_keys)
unsubscribe_keys=$("$bridge" keys new service_keys)
vapid_key=$("$bridge" keys vapid)
cat <<END
apiVersion: v1
kind: Secret
metadata: {name: spindle-database}
stringData:
  owner_password: $owner
  owner_url: postgres://spindle:$owner@$address/spindle$query
  api_password: $api
  agent_password: $agent
  bridge_password: $worker
  api_url: postgres://spindle_api:$api@$address/spindle$query
  agent_url: postgres://spindle_agent:$agent@$address/spindle$query
  bridge_url: postgres://spindle_bridge:$worker@$address/spindle$query
---
apiVersion: v1
kind: Secret
metadata: {name: spindle-redis}
stringData:
  password: $redis
  url: redis://default:$redis@redis:6379
---
apiVersion: v1
kind: Secret
metadata: {name: spindle-keys}
stringData:
  token_keys: $token_keys
  service_keys: $service_keys
  unsubscribe_keys: $unsubscribe_keys
  vapid_key: $vapid_key
  vapid_subject: mailto:postmaster@example.org
END
