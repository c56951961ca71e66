# Oracle Cloud: a cluster, its nodes, and a registry. The nodes of this service run CRI-O, for which there is no shim of Spin: docs/clouds.md says what
# to do about SpinApps.
terraform {
  required_version = ">= 1.9"
  required_providers {
    oci = { source = "oracle/oci", version = "~> 8.28" }
  }
}

provider "oci" {
  region = var.region
}

data "oci_identity_availability_domains" "all" {
  compartment_id = var.compartment_id
}

resource "oci_containerengine_cluster" "spindle" {
  compartment_id     = var.compartment_id
  name               = var.name
  kubernetes_version = "v${var.kubernetes_version}"
  vcn_id             = oci_core_vcn.spindle.id
  type               = "ENHANCED_CLUSTER"

  cluster_pod_network_options {
    cni_type = "FLANNEL_OVERLAY"
  }

  endpoint_config {
    is_public_ip_enabled = true
    subnet_id            = oci_core_subnet.public.id
  }

  options {
    service_lb_subnet_ids = [oci_core_subnet.public.id]
  }
}

# Kafka, Postgres, the bridges and the operators.
resource "oci_containerengine_node_pool" "servers" {
  cluster_id         = oci_containerengine_cluster.spindle.id
  compartment_id     = var.compartment_id
  name               = "servers"
  kubernetes_version = "v${var.kubernetes_version}"
  node_shape         = "VM.Standard.E5.Flex"

  node_shape_config {
    ocpus         = 2
    memory_in_gbs = 16
  }

  node_source_details {
    source_type = "IMAGE"
    image_id    = var.node_image
  }

  node_config_details {
    size = 3
    dynamic "placement_configs" {
      for_each = data.oci_identity_availability_domains.all.availability_domains
      content {
        availability_domain = placement_configs.value.name
        subnet_id           = oci_core_subnet.nodes.id
      }
    }
  }
}

# Nodes that you set up yourself, from an image with containerd; they join the cluster by what the script does. Without an image there are none.
resource "oci_core_instance" "spin" {
  count               = var.spin_image == "" ? 0 : var.spin_nodes
  compartment_id      = var.compartment_id
  availability_domain = data.oci_identity_availability_domains.all.availability_domains[count.index % length(data.oci_identity_availability_domains.all.availability_domains)].name
  display_name        = "${var.name}-spin-${count.index}"
  shape               = "VM.Standard.E5.Flex"

  shape_config {
    ocpus         = 2
    memory_in_gbs = 8
  }

  source_details {
    source_type = "image"
    source_id   = var.spin_image
  }

  create_vnic_details {
    subnet_id        = oci_core_subnet.nodes.id
    assign_public_ip = false
  }

  metadata = { user_data = base64encode(var.spin_script) }
}

resource "oci_artifacts_container_repository" "image" {
  for_each       = toset(["spindle-app", "spindle-bridge"])
  compartment_id = var.compartment_id
  display_name   = each.key
}
