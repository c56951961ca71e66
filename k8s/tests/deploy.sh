#!/usr/bin/env bash
# Tests k8s/deploy.sh with a kubectl and a curl of its own: the order of its steps, and the way back after each step that can fail.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export FAKE=$work
mkdir "$work/bin"

cat >"$work/bin/kubectl" <<'END'
#!/usr/bin/env bash
# Prints what k8s/deploy.sh reads, notes what it changes, and fails once at the step that the file `failing` names.
fail=$(cat "$FAKE/failing" 2>/dev/null)
case "$*" in
  "kustomize "*) grep -q images "${2%/overlays/*}/components/images/kustomization.yaml" && sed "s/RELEASE/$NEW/" "$FAKE/manifest" ;;
  *"get configmap"*) if [ -n "$OLD" ]; then sed "s/RELEASE/$OLD/" "$FAKE/manifest"; fi ;;
  *"create configmap"*) echo "kind: ConfigMap" ;;
  *condition=Failed*) [[ $fail == migrate ]] || exec sleep 60 ;;
  *condition=Complete*) [[ $fail != migrate ]] || exec sleep 60 ;;
  *port-forward*) exec sleep 60 ;;
  *apply*) input=$(cat); echo "$input" | awk '/^kind:/ { kind = $2 } /^  name:/ { name = $2 } /^  image:/ { image = " " $2 }
      /^---/ && kind { print "apply", kind "/" name image; image = "" } END { print "apply", kind "/" name image }' >>"$FAKE/log" ;;
  *"rollout status"*) echo "wait ${*: -1}" >>"$FAKE/log"; if [[ ${*: -1} == "deployment/$fail" ]]; then rm "$FAKE/failing"; exit 1; fi ;;
esac
END
cat >"$work/bin/curl" <<'END'
#!/usr/bin/env bash
if [[ $* == *audit* && $(cat "$FAKE/failing") == smoke ]]; then exit 22; fi
echo '{"access_token":"a","id":"b","type":"task.created"}'
END
chmod +x "$work/bin/kubectl" "$work/bin/curl"
for object in Namespace/spindle Job/migrate Deployment/redis Deployment/bridge Deployment/gateway SpinApp/audit SpinApp/recurring SpinApp/reminder SpinApp/sync SpinApp/api; do
  printf -- '---\nkind: %s\nmetadata:\n  name: %s\nspec:\n  image: RELEASE\n' "${object%/*}" "${object#*/}"
done >"$work/manifest"
echo images >"$work/images"

# run OLD NEW FAIL: its log in one line each, and its status.
run() {
  : >"$work/log"
  echo "$3" >"$work/failing"
  local status=0
  OLD=$1 NEW=$2 PATH="$work/bin:$PATH" k8s/deploy.sh production "$work/images" >"$work/out" 2>&1 || status=$?
  echo "status $status" >>"$work/log"
}
# expect NAME LINE…: the lines occur in the log in this order.
expect() {
  local name=$1 at=0 line found
  shift
  for line in "$@"; do
    found=$(awk -v at="$at" -v line="$line" 'NR > at && $0 == line { print NR; exit }' "$work/log")
    [ -n "$found" ] || { echo "$name: no \"$line\" after line $at of" >&2; cat "$work/log" "$work/out" >&2; exit 1; }
    at=$found
  done
}
# never NAME LINE: the line does not occur.
never() {
  ! grep -qx "$2" "$work/log" || { echo "$1: \"$2\"" >&2; cat "$work/log" >&2; exit 1; }
}

run "" one none
expect "a first release" "apply Job/migrate one" "apply Deployment/redis one" "apply Deployment/bridge one" "wait deployment/bridge" "apply SpinApp/audit one" "wait deployment/sync" \
  "apply SpinApp/api one" "wait deployment/api" "apply ConfigMap/" "status 0"

run one two migrate
expect "a migration that fails" "apply Job/migrate two" "apply SpinApp/api one" "apply Deployment/bridge one" "status 1"
never "a migration that fails" "apply Deployment/bridge two"

for step in bridge gateway reminder api; do
  run one two "$step"
  expect "$step does not start" "wait deployment/$step" "apply SpinApp/api one" "wait deployment/$step" "status 1"
  never "$step does not start" "apply ConfigMap/"
done
run one two smoke
expect "a smoke test that fails" "apply SpinApp/api two" "apply SpinApp/api one" "apply SpinApp/audit one" "apply Deployment/redis one" "apply Deployment/bridge one" "status 1"
never "a smoke test that fails" "apply Job/migrate one"
never "a smoke test that fails" "apply ConfigMap/"

run "" one smoke
expect "a first release that fails" "apply SpinApp/api one" "status 1"
grep -q "no release before" "$work/out"
echo "k8s/deploy.sh: order and way back"
