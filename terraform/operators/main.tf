# The operators that the overlays use, as Helm releases, on a cluster of any cloud. It is a configuration of its own, because its providers need a
# cluster that exists.
terraform {
  required_version = ">= 1.9"
  required_providers {
    helm    = { source = "hashicorp/helm", version = "~> 3.1" }
    http    = { source = "hashicorp/http", version = "~> 3.5" }
    kubectl = { source = "alekc/kubectl", version = "~> 2.4" }
  }
}

provider "helm" {
  kubernetes = { config_path = var.kubeconfig }
}

provider "kubectl" {
  config_path = var.kubeconfig
}

locals {
  github = "https://github.com/spinframework"
  # Versions whose definitions `cargo dev kubernetes` has checked the manifests with; k8s/tests/definitions.sh names them.
  files = {
    gateway_api = "https://github.com/kubernetes-sigs/gateway-api/releases/download/v1.6.1/standard-install.yaml"
    spin        = "${local.github}/spin-operator/releases/download/v0.6.1/spin-operator.crds.yaml"
    shim        = "https://raw.githubusercontent.com/spinframework/runtime-class-manager/v0.2.0/config/samples/sample_shim_spin.yaml"
  }
}

data "http" "file" {
  for_each = local.files
  url      = each.value
  lifecycle {
    postcondition {
      condition     = self.status_code == 200
      error_message = "${each.value}: status ${self.status_code}"
    }
  }
}

data "kubectl_file_documents" "file" {
  for_each = local.files
  content  = data.http.file[each.key].response_body
}

resource "kubectl_manifest" "gateway_api" {
  for_each          = var.gateway_api ? data.kubectl_file_documents.file["gateway_api"].manifests : {}
  yaml_body         = each.value
  server_side_apply = true
}

resource "kubectl_manifest" "spin" {
  for_each          = data.kubectl_file_documents.file["spin"].manifests
  yaml_body         = each.value
  server_side_apply = true
}

# Installs the shim on the nodes with the label `spin=true`, and makes the runtime class.
resource "kubectl_manifest" "shim" {
  for_each   = data.kubectl_file_documents.file["shim"].manifests
  yaml_body  = each.value
  depends_on = [helm_release.runtime_class_manager]
}

# The issuer that components/gateway-api names.
resource "kubectl_manifest" "letsencrypt" {
  yaml_body = yamlencode({
    apiVersion = "cert-manager.io/v1"
    kind       = "ClusterIssuer"
    metadata   = { name = "letsencrypt" }
    spec = {
      acme = {
        server              = "https://acme-v02.api.letsencrypt.org/directory"
        email               = var.email
        privateKeySecretRef = { name = "letsencrypt" }
        solvers = [{
          http01 = {
            gatewayHTTPRoute = {
              parentRefs = [{ group = "gateway.networking.k8s.io", kind = "Gateway", namespace = "spindle", name = "spindle", sectionName = "http" }]
            }
          }
        }]
      }
    }
  })
  depends_on = [helm_release.cert_manager]
}
