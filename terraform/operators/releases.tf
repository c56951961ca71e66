resource "helm_release" "cert_manager" {
  name             = "cert-manager"
  namespace        = "cert-manager"
  create_namespace = true
  chart            = "oci://quay.io/jetstack/charts/cert-manager"
  version          = "v1.21.1"
  values = [yamlencode({
    crds = { enabled = true }
    config = {
      apiVersion       = "controller.config.cert-manager.io/v1alpha1"
      kind             = "ControllerConfiguration"
      enableGatewayAPI = true
    }
  })]
  depends_on = [kubectl_manifest.gateway_api]
}

resource "helm_release" "runtime_class_manager" {
  name             = "runtime-class-manager"
  namespace        = "runtime-class-manager"
  create_namespace = true
  chart            = "oci://ghcr.io/spinframework/charts/runtime-class-manager"
  version          = "0.2.0"
}

resource "helm_release" "spin_operator" {
  name             = "spin-operator"
  namespace        = "spin-operator"
  create_namespace = true
  chart            = "oci://ghcr.io/spinframework/charts/spin-operator"
  version          = "0.6.1"
  depends_on       = [helm_release.cert_manager, kubectl_manifest.spin]
}

# Kafka, for components/kafka-strimzi.
resource "helm_release" "strimzi" {
  count            = var.strimzi ? 1 : 0
  name             = "strimzi"
  namespace        = "strimzi-system"
  create_namespace = true
  chart            = "oci://quay.io/strimzi-helm/strimzi-kafka-operator"
  version          = "1.2.0"
  values           = [yamlencode({ watchAnyNamespace = true })]
}

# Postgres, for components/postgres-cnpg. components/network-policies names the namespace.
resource "helm_release" "cloudnative_pg" {
  count            = var.cloudnative_pg ? 1 : 0
  name             = "cloudnative-pg"
  namespace        = "cnpg-system"
  create_namespace = true
  repository       = "https://cloudnative-pg.github.io/charts"
  chart            = "cloudnative-pg"
  version          = "0.29.0"
}

# For components/autoscaling.
resource "helm_release" "keda" {
  name             = "keda"
  namespace        = "keda"
  create_namespace = true
  repository       = "https://kedacore.github.io/charts"
  chart            = "keda"
  version          = "2.20.2"
}

# For components/monitors and components/autoscaling, which name the namespace.
resource "helm_release" "prometheus" {
  name             = "prometheus"
  namespace        = "monitoring"
  create_namespace = true
  repository       = "https://prometheus-community.github.io/helm-charts"
  chart            = "kube-prometheus-stack"
  version          = "88.5.3"
  values = [yamlencode({
    # It takes monitors and rules of all namespaces, not only those of this release.
    prometheus = { prometheusSpec = { podMonitorSelectorNilUsesHelmValues = false, ruleSelectorNilUsesHelmValues = false } }
  })]
}

# For components/external-secrets. The ClusterSecretStore `spindle` depends on the store, so it is yours to make.
resource "helm_release" "external_secrets" {
  count            = var.external_secrets ? 1 : 0
  name             = "external-secrets"
  namespace        = "external-secrets"
  create_namespace = true
  repository       = "https://charts.external-secrets.io"
  chart            = "external-secrets"
  version          = "2.9.0"
}
