# DigitalOcean: a cluster, its nodes, a registry, and, if wanted, Postgres and DNS.
terraform {
  required_version = ">= 1.9"
  required_providers {
    digitalocean = { source = "digitalocean/digitalocean", version = "~> 2.99" }
  }
}

data "digitalocean_kubernetes_versions" "wanted" {
  version_prefix = "${var.kubernetes_version}."
}

resource "digitalocean_vpc" "spindle" {
  name     = var.name
  region   = var.region
  ip_range = "10.20.0.0/16"
}

resource "digitalocean_kubernetes_cluster" "spindle" {
  name                 = var.name
  region               = var.region
  version              = data.digitalocean_kubernetes_versions.wanted.latest_version
  vpc_uuid             = digitalocean_vpc.spindle.id
  ha                   = true
  surge_upgrade        = true
  registry_integration = true

  # Kafka, Postgres, the bridges and the operators.
  node_pool {
    name       = "servers"
    size       = var.server_size
    auto_scale = true
    min_nodes  = 3
    max_nodes  = 6
  }

  maintenance_policy {
    day        = "sunday"
    start_time = "03:00"
  }

  depends_on = [digitalocean_container_registry.spindle]
}

# The runtime-class-manager installs the shim on nodes with this label, so SpinApps run here.
resource "digitalocean_kubernetes_node_pool" "spin" {
  cluster_id = digitalocean_kubernetes_cluster.spindle.id
  name       = "spin"
  size       = var.spin_size
  auto_scale = true
  min_nodes  = 2
  max_nodes  = 6
  labels     = { spin = "true" }
}

resource "digitalocean_container_registry" "spindle" {
  name                   = var.name
  region                 = var.region
  subscription_tier_slug = "basic"
}

resource "digitalocean_database_cluster" "postgres" {
  count                = var.managed_postgres ? 1 : 0
  name                 = "${var.name}-postgres"
  engine               = "pg"
  version              = "17"
  size                 = var.database_size
  region               = var.region
  node_count           = 2
  private_network_uuid = digitalocean_vpc.spindle.id
}

resource "digitalocean_database_firewall" "postgres" {
  count      = var.managed_postgres ? 1 : 0
  cluster_id = digitalocean_database_cluster.postgres[0].id
  rule {
    type  = "k8s"
    value = digitalocean_kubernetes_cluster.spindle.id
  }
}

resource "digitalocean_database_db" "spindle" {
  count      = var.managed_postgres ? 1 : 0
  cluster_id = digitalocean_database_cluster.postgres[0].id
  name       = "spindle"
}

resource "digitalocean_domain" "spindle" {
  count = var.domain == "" ? 0 : 1
  name  = var.domain
}

# The address of the Gateway is known once the overlay has been applied.
resource "digitalocean_record" "api" {
  count  = var.gateway_address == "" ? 0 : 1
  domain = digitalocean_domain.spindle[0].id
  type   = "A"
  name   = var.host
  value  = var.gateway_address
}
