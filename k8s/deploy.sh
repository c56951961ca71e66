#!/usr/bin/env bash
# Deploys an overlay with the images of a release, in the order migrate, bridge, agents, API, and tests the result. If a step fails, what ran
# before comes back, in the other order. The schema stays: the release before works on it, too.
#   k8s/deploy.sh OVERLAY IMAGES      (a folder in k8s/overlays, and the file `images.yaml` of a release)
# The namespace keeps what was deployed in the ConfigMap `spindle-release`.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
overlay=${1:?"the name of an overlay"} images=${2:?"images.yaml of a release"}
agents=(audit recurring reminder sync)
work=$(mktemp -d)
forward=
trap '[ -z "$forward" ] || kill "$forward"; rm -rf "$work"' EXIT

# A function in the background would be a shell that kubectl outlives.
k() { kubectl --namespace spindle "$@"; }

# pick FILE PATTERN: the objects of a file whose kind/name match; pick FILE PATTERN -v: the others.
pick() {
  awk -v pattern="$2" -v others="${3:+1}" '
    function flush() { if (text != "" && ((kind "/" name) ~ pattern) != (others == 1)) printf "---\n%s", text; text = kind = name = "" }
    /^---$/ { flush(); next }
    /^[a-zA-Z]/ { top = $1 }
    /^kind: / { kind = $2 }
    top == "metadata:" && /^  name: / { name = $2 }
    { text = text $0 "\n" }
    END { flush() }' "$1"
}

# apply FILE PATTERN [-v]
apply() {
  local objects
  objects=$(pick "$@")
  [ -z "$objects" ] || k apply --server-side --force-conflicts --field-manager=spindle-deploy --filename - <<<"$objects"
}

# Steps run inside of conditions, where bash ignores `set -e`: so each says what happens if it fails.
migrate() {
  k delete job migrate --ignore-not-found || return
  apply "$1" '^(SpinApp/.*|Deployment/(bridge|gateway))$' -v || return
  kubectl --namespace spindle wait --for=condition=Failed --timeout=30m job/migrate &
  local failed=$!
  kubectl --namespace spindle wait --for=condition=Complete --timeout=30m job/migrate &
  local complete=$! first="" status=0
  wait -n -p first "$failed" "$complete" || status=$?
  kill "$failed" "$complete" 2>/dev/null || true
  [ "$first" = "$complete" ] && [ "$status" = 0 ]
}

# programs FILE NAME…: Deployments of the base.
programs() {
  local file=$1 name
  shift
  for name in "$@"; do apply "$file" "^Deployment/$name\$" || return; done
  for name in "$@"; do k rollout status --timeout=10m "deployment/$name" || return; done
}

# apps FILE NAME…: SpinApps. The operator makes Deployments of them, a moment later.
apps() {
  local file=$1 name image
  shift
  for name in "$@"; do apply "$file" "^SpinApp/$name\$" || return; done
  for name in "$@"; do
    image=$(pick "$file" "^SpinApp/$name\$" | awk '/^  image: / { print $2 }')
    k wait --for=create --timeout=2m "deployment/$name" || return
    k wait --for=jsonpath='{.spec.template.spec.containers[0].image}'="$image" --timeout=2m "deployment/$name" || return
    k rollout status --timeout=10m "deployment/$name" || return
  done
}

smoke() {
  kubectl --namespace spindle port-forward service/api 3900:80 >/dev/null &
  forward=$!
  curl --silent --fail --retry 20 --retry-connrefused --retry-delay 1 --output /dev/null http://127.0.0.1:3900/healthz || return
  "$here/smoke.sh" http://127.0.0.1:3900
}

deploy() { migrate "$1" && programs "$1" bridge gateway && apps "$1" "${agents[@]}" && apps "$1" api && smoke; }
back() { apps "$1" api && apps "$1" "${agents[@]}" && apply "$1" '^(SpinApp/.*|Deployment/(bridge|gateway)|Job/migrate)$' -v && programs "$1" bridge gateway; }

cp -r "$here" "$work/k8s"
cp "$images" "$work/k8s/components/images/kustomization.yaml"
kubectl kustomize "$work/k8s/overlays/$overlay" >"$work/new.yaml"
k get configmap spindle-release --ignore-not-found --output 'jsonpath={.data.manifest}' >"$work/old.yaml"

if deploy "$work/new.yaml"; then
  k create configmap spindle-release --from-file=manifest="$work/new.yaml" --dry-run=client --output yaml |
    k apply --server-side --force-conflicts --field-manager=spindle-deploy --filename -
  exit 0
fi
if [ ! -s "$work/old.yaml" ]; then
  echo "the deployment failed, and there is no release before it" >&2
elif back "$work/old.yaml"; then
  echo "the deployment failed; the release before it runs again" >&2
else
  echo "the deployment failed, and the way back, too: look at namespace spindle" >&2
fi
exit 1
