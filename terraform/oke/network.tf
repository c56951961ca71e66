# The network: nodes without public addresses, and a subnet for load balancers and the API of Kubernetes.
resource "oci_core_vcn" "spindle" {
  compartment_id = var.compartment_id
  display_name   = var.name
  cidr_blocks    = ["10.20.0.0/16"]
  dns_label      = "spindle"
}

resource "oci_core_internet_gateway" "spindle" {
  compartment_id = var.compartment_id
  vcn_id         = oci_core_vcn.spindle.id
}

resource "oci_core_nat_gateway" "spindle" {
  compartment_id = var.compartment_id
  vcn_id         = oci_core_vcn.spindle.id
}

resource "oci_core_route_table" "public" {
  compartment_id = var.compartment_id
  vcn_id         = oci_core_vcn.spindle.id
  route_rules {
    destination       = "0.0.0.0/0"
    network_entity_id = oci_core_internet_gateway.spindle.id
  }
}

resource "oci_core_route_table" "nodes" {
  compartment_id = var.compartment_id
  vcn_id         = oci_core_vcn.spindle.id
  route_rules {
    destination       = "0.0.0.0/0"
    network_entity_id = oci_core_nat_gateway.spindle.id
  }
}

resource "oci_core_security_list" "public" {
  compartment_id = var.compartment_id
  vcn_id         = oci_core_vcn.spindle.id

  egress_security_rules {
    destination = "0.0.0.0/0"
    protocol    = "all"
  }

  ingress_security_rules {
    source   = "10.20.0.0/16"
    protocol = "all"
  }

  # HTTP, HTTPS, and the API of Kubernetes.
  dynamic "ingress_security_rules" {
    for_each = [80, 443, 6443]
    content {
      source   = "0.0.0.0/0"
      protocol = "6"
      tcp_options {
        min = ingress_security_rules.value
        max = ingress_security_rules.value
      }
    }
  }
}

resource "oci_core_security_list" "nodes" {
  compartment_id = var.compartment_id
  vcn_id         = oci_core_vcn.spindle.id

  egress_security_rules {
    destination = "0.0.0.0/0"
    protocol    = "all"
  }

  ingress_security_rules {
    source   = "10.20.0.0/16"
    protocol = "all"
  }
}

resource "oci_core_subnet" "public" {
  compartment_id    = var.compartment_id
  vcn_id            = oci_core_vcn.spindle.id
  cidr_block        = "10.20.0.0/24"
  dns_label         = "public"
  route_table_id    = oci_core_route_table.public.id
  security_list_ids = [oci_core_security_list.public.id]
}

resource "oci_core_subnet" "nodes" {
  compartment_id             = var.compartment_id
  vcn_id                     = oci_core_vcn.spindle.id
  cidr_block                 = "10.20.16.0/20"
  dns_label                  = "nodes"
  prohibit_public_ip_on_vnic = true
  route_table_id             = oci_core_route_table.nodes.id
  security_list_ids          = [oci_core_security_list.nodes.id]
}
