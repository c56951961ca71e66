#!/usr/bin/env bash
# Downloads the definitions of the custom resources that k8s/ uses, from the tags of their projects, and checks what came. Usage:
#   k8s/tests/definitions.sh [FOLDER]      (.dev/crds)
# Its status is 3 if GitHub cannot be reached.
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=${1:-.dev/crds}
mkdir -p "$folder"
while read -r sum path; do
  file=$folder/$(basename "$path")
  echo "$path"
  curl --connect-timeout 10 --fail --silent --show-error --location --retry 3 --output "$file" "https://raw.githubusercontent.com/$path" || exit 3
  echo "$sum  $file" | sha256sum --check --quiet
done <<'END'
08051de70925efe25bafca636c9b9410a4fe61e17015bd199be1efa04a5b5762 spinframework/spin-operator/v0.6.1/config/crd/bases/core.spinkube.dev_spinapps.yaml
c290585b469a6076eeab764af63be1aac11d584c903b5f72a45a1df807634107 spinframework/spin-operator/v0.6.1/config/crd/bases/core.spinkube.dev_spinappexecutors.yaml
b5b27fc8d52068a77cde7c40d47c068023c7b4e92fc266c45200db2d2506392a strimzi/strimzi-kafka-operator/1.2.0/packaging/install/cluster-operator/040-Crd-kafka.yaml
c7e91b9b027a516b43dc7d369e781ee23a6ea177ae15fe0c33af6f722e26e05f strimzi/strimzi-kafka-operator/1.2.0/packaging/install/cluster-operator/044-Crd-kafkauser.yaml
411c1b32ef8c1a6408ac9d4fe791115a6ce2b41107204588f976a3ed19be2430 strimzi/strimzi-kafka-operator/1.2.0/packaging/install/cluster-operator/045-Crd-kafkanodepool.yaml
ae47f4a00f6e998faef57e480f9a3960cd48ea16a79270861fc7442601507472 cloudnative-pg/cloudnative-pg/v1.30.0/config/crd/bases/postgresql.cnpg.io_clusters.yaml
9e0dad05355f72dceb154a12b43ebe8a410d470133ad228bf711c1fdee221124 cloudnative-pg/cloudnative-pg/v1.30.0/config/crd/bases/postgresql.cnpg.io_poolers.yaml
1dffb969a92ed6b09abe59d9c848ff97c6646c7824e75f8e0b8379df8473a145 cloudnative-pg/cloudnative-pg/v1.30.0/config/crd/bases/postgresql.cnpg.io_scheduledbackups.yaml
af35555862a83933b074af14ad439c4b4ceabaf4daa3e9338e9b23e36d308d80 kedacore/keda/v2.20.2/config/crd/bases/keda.sh_scaledobjects.yaml
25b885f5870b8fff1ae82efa2628b2761cef3745900c2aecf8fb76629a01255a kubernetes-sigs/gateway-api/v1.6.1/config/crd/standard/gateway.networking.k8s.io_gateways.yaml
a424a0d6c953b162e71d1d97bb7e75012d8f1ac264e7274f2763d1b96ab39852 kubernetes-sigs/gateway-api/v1.6.1/config/crd/standard/gateway.networking.k8s.io_httproutes.yaml
7ad91029c00ec959d54215b19d3b1a9b7e0247eaa60f987151c2b70d8661f8af cert-manager/cert-manager/v1.21.1/deploy/crds/cert-manager.io_certificates.yaml
45a93443daa687d3654f7e9631909ff7edcdf3ec09c5e60251b74aa2722aee5d prometheus-operator/prometheus-operator/v0.93.0/example/prometheus-operator-crd-full/monitoring.coreos.com_podmonitors.yaml
5044be5a610ca90a075f34f03ed20b462695c43387ba9410db7f4250e47b1e2f external-secrets/external-secrets/v2.9.0/config/crds/bases/external-secrets.io_externalsecrets.yaml
END
