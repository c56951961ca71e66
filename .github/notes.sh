#!/usr/bin/env bash
# Prints the notes of a release: its images, and the commits since the release before, by the part that their subjects name.
#   .github/notes.sh TAG IMAGE@DIGEST…
set -euo pipefail
tag=${1:?"the tag of the release"}
shift
if before=$(git describe --tags --abbrev=0 --match 'v*' "$tag^" 2>/dev/null); then range=$before..$tag; else range=$tag; fi
echo "## Images"
echo
for image in "$@"; do echo "- \`$image\`"; done
echo
echo "## Changes since ${before:-the beginning}"
git log --no-merges --reverse --format=%s "$range" | awk -F ': ' '
  { part = NF > 1 && $1 !~ / .* / ? $1 : "other"; text = part == "other" ? $0 : substr($0, length($1) + 3) }
  !(part in lines) { parts[++count] = part }
  { lines[part] = lines[part] "- " text "\n" }
  END { for (i = 1; i <= count; i++) printf "\n### %s\n\n%s", parts[i], lines[parts[i]] }'
