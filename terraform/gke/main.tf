# Google Cloud: a network, a cluster, its nodes, and a registry.
terraform {
  required_version = ">= 1.9"
  required_providers {
    google = { source = "hashicorp/google", version = "~> 7.45" }
  }
}

provider "google" {
  project = var.project
  region  = var.region
}

resource "google_compute_network" "spindle" {
  name                    = var.name
  auto_create_subnetworks = false
}

resource "google_compute_subnetwork" "nodes" {
  name                     = "${var.name}-nodes"
  network                  = google_compute_network.spindle.id
  region                   = var.region
  ip_cidr_range            = "10.20.0.0/20"
  private_ip_google_access = true

  secondary_ip_range {
    range_name    = "pods"
    ip_cidr_range = "10.24.0.0/14"
  }

  secondary_ip_range {
    range_name    = "services"
    ip_cidr_range = "10.21.0.0/20"
  }
}

# The regional gateway of overlays/gke runs its proxies here.
resource "google_compute_subnetwork" "proxies" {
  name          = "${var.name}-proxies"
  network       = google_compute_network.spindle.id
  region        = var.region
  ip_cidr_range = "10.22.0.0/23"
  purpose       = "REGIONAL_MANAGED_PROXY"
  role          = "ACTIVE"
}

resource "google_container_cluster" "spindle" {
  name                     = var.name
  location                 = var.region
  network                  = google_compute_network.spindle.id
  subnetwork               = google_compute_subnetwork.nodes.id
  min_master_version       = var.kubernetes_version
  remove_default_node_pool = true
  initial_node_count       = 1
  datapath_provider        = "ADVANCED_DATAPATH"

  release_channel {
    channel = "REGULAR"
  }

  ip_allocation_policy {
    cluster_secondary_range_name  = "pods"
    services_secondary_range_name = "services"
  }

  workload_identity_config {
    workload_pool = "${var.project}.svc.id.goog"
  }

  gateway_api_config {
    channel = "CHANNEL_STANDARD"
  }
}

resource "google_service_account" "nodes" {
  account_id = "${var.name}-nodes"
}

resource "google_project_iam_member" "nodes" {
  project = var.project
  role    = "roles/container.defaultNodeServiceAccount"
  member  = "serviceAccount:${google_service_account.nodes.email}"
}

# Kafka, Postgres, the bridges and the operators. The numbers are for each of three zones.
resource "google_container_node_pool" "servers" {
  name     = "servers"
  cluster  = google_container_cluster.spindle.id
  location = var.region

  autoscaling {
    min_node_count = 1
    max_node_count = 2
  }

  node_config {
    machine_type    = var.server_size
    service_account = google_service_account.nodes.email
    oauth_scopes    = ["https://www.googleapis.com/auth/cloud-platform"]
  }
}

# The runtime-class-manager installs the shim on nodes with this label, so SpinApps run here. It writes to the disk of the node, most of which is
# read-only with Google's own system.
resource "google_container_node_pool" "spin" {
  name     = "spin"
  cluster  = google_container_cluster.spindle.id
  location = var.region

  autoscaling {
    min_node_count = 1
    max_node_count = 2
  }

  node_config {
    machine_type    = var.spin_size
    image_type      = "UBUNTU_CONTAINERD"
    labels          = { spin = "true" }
    service_account = google_service_account.nodes.email
    oauth_scopes    = ["https://www.googleapis.com/auth/cloud-platform"]
  }
}

resource "google_artifact_registry_repository" "spindle" {
  location      = var.region
  repository_id = var.name
  format        = "DOCKER"
}

resource "google_artifact_registry_repository_iam_member" "nodes" {
  location   = google_artifact_registry_repository.spindle.location
  repository = google_artifact_registry_repository.spindle.name
  role       = "roles/artifactregistry.reader"
  member     = "serviceAccount:${google_service_account.nodes.email}"
}
