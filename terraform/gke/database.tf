# Postgres of the cloud, reachable from the network alone, and DNS; each only if wanted.
resource "google_compute_global_address" "services" {
  count         = var.managed_postgres ? 1 : 0
  name          = "${var.name}-services"
  network       = google_compute_network.spindle.id
  purpose       = "VPC_PEERING"
  address_type  = "INTERNAL"
  prefix_length = 20
}

resource "google_service_networking_connection" "services" {
  count                   = var.managed_postgres ? 1 : 0
  network                 = google_compute_network.spindle.id
  service                 = "servicenetworking.googleapis.com"
  reserved_peering_ranges = [google_compute_global_address.services[0].name]
}

resource "google_sql_database_instance" "postgres" {
  count            = var.managed_postgres ? 1 : 0
  name             = "${var.name}-postgres"
  region           = var.region
  database_version = "POSTGRES_17"
  depends_on       = [google_service_networking_connection.services]

  settings {
    tier              = var.database_size
    edition           = "ENTERPRISE"
    availability_type = "REGIONAL"

    ip_configuration {
      ipv4_enabled    = false
      private_network = google_compute_network.spindle.id
    }

    backup_configuration {
      enabled                        = true
      point_in_time_recovery_enabled = true
    }

    database_flags {
      name  = "max_connections"
      value = "600"
    }
  }
}

resource "google_sql_database" "spindle" {
  count    = var.managed_postgres ? 1 : 0
  name     = "spindle"
  instance = google_sql_database_instance.postgres[0].name
}

resource "google_sql_user" "spindle" {
  count    = var.managed_postgres ? 1 : 0
  name     = "spindle"
  instance = google_sql_database_instance.postgres[0].name
  password = var.database_password
}

resource "google_dns_managed_zone" "spindle" {
  count    = var.domain == "" ? 0 : 1
  name     = var.name
  dns_name = "${var.domain}."
}

# The address of the Gateway is known once the overlay has been applied.
resource "google_dns_record_set" "api" {
  count        = var.gateway_address == "" ? 0 : 1
  managed_zone = google_dns_managed_zone.spindle[0].name
  name         = "${var.host}.${var.domain}."
  type         = "A"
  ttl          = 300
  rrdatas      = [var.gateway_address]
}
