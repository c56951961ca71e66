#!/usr/bin/env bash
# Prints a Kustomize component that sets the images of a release, each with its digest. It belongs into a folder of its own, as kustomization.yaml.
#   k8s/images.sh ghcr.io/OWNER/spindle-app@sha256:… ghcr.io/OWNER/spindle-bridge@sha256:…
set -euo pipefail
app=${1:?"IMAGE@DIGEST of the functions"} bridge=${2:?"IMAGE@DIGEST of the bridge"}
for image in "$app" "$bridge"; do
  [[ $image =~ ^[a-z0-9._/:-]+@sha256:[0-9a-f]{64}$ ]] || { echo "$image is no image with a digest" >&2; exit 2; }
done
# An overlay names this component itself, or another overlay does so on top of it: then the images have the names that the first gave them.
cat <<END
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
images:
  - {name: spindle-app, newName: "${app%@*}", digest: "${app##*@}"}
  - {name: spindle-bridge, newName: "${bridge%@*}", digest: "${bridge##*@}"}
  - {name: registry.example.org/spindle-app, newName: "${app%@*}", digest: "${app##*@}"}
  - {name: registry.example.org/spindle-bridge, newName: "${bridge%@*}", digest: "${bridge##*@}"}
END
