# Postgres of the cloud, reachable from the network alone, and DNS; each only if wanted.
resource "oci_psql_db_system" "postgres" {
  count                       = var.managed_postgres ? 1 : 0
  compartment_id              = var.compartment_id
  display_name                = "${var.name}-postgres"
  db_version                  = "16"
  shape                       = var.database_size
  instance_count              = 2
  instance_ocpu_count         = 2
  instance_memory_size_in_gbs = 32

  network_details {
    subnet_id = oci_core_subnet.nodes.id
  }

  storage_details {
    is_regionally_durable = true
    system_type           = "OCI_OPTIMIZED_STORAGE"
  }

  credentials {
    username = "spindle"
    password_details {
      password_type = "PLAIN_TEXT"
      password      = var.database_password
    }
  }
}

resource "oci_dns_zone" "spindle" {
  count          = var.domain == "" ? 0 : 1
  compartment_id = var.compartment_id
  name           = var.domain
  zone_type      = "PRIMARY"
}

# The address of the Gateway is known once the overlay has been applied.
resource "oci_dns_rrset" "api" {
  count           = var.gateway_address == "" ? 0 : 1
  zone_name_or_id = oci_dns_zone.spindle[0].id
  domain          = "${var.host}.${var.domain}"
  rtype           = "A"
  items {
    domain = "${var.host}.${var.domain}"
    rtype  = "A"
    rdata  = var.gateway_address
    ttl    = 300
  }
}
