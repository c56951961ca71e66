# Azure: a network, a cluster, its nodes, and a registry.
terraform {
  required_version = ">= 1.9"
  required_providers {
    azurerm = { source = "hashicorp/azurerm", version = "~> 5.0" }
  }
}

provider "azurerm" {
  subscription_id = var.subscription_id
  features {}
}

resource "azurerm_resource_group" "spindle" {
  name     = var.name
  location = var.region
}

resource "azurerm_virtual_network" "spindle" {
  name                = var.name
  location            = azurerm_resource_group.spindle.location
  resource_group_name = azurerm_resource_group.spindle.name
  address_space       = ["10.20.0.0/16"]
}

resource "azurerm_subnet" "nodes" {
  name                 = "nodes"
  resource_group_name  = azurerm_resource_group.spindle.name
  virtual_network_name = azurerm_virtual_network.spindle.name
  address_prefixes     = ["10.20.0.0/20"]
}

resource "azurerm_kubernetes_cluster" "spindle" {
  name                      = var.name
  location                  = azurerm_resource_group.spindle.location
  resource_group_name       = azurerm_resource_group.spindle.name
  dns_prefix                = var.name
  kubernetes_version        = var.kubernetes_version
  sku_tier                  = "Standard"
  oidc_issuer_enabled       = true
  workload_identity_enabled = true

  # Kafka, Postgres, the bridges and the operators.
  default_node_pool {
    name                 = "servers"
    vm_size              = var.server_size
    vnet_subnet_id       = azurerm_subnet.nodes.id
    zones                = ["1", "2", "3"]
    auto_scaling_enabled = true
    min_count            = 3
    max_count            = 6
  }

  identity {
    type = "SystemAssigned"
  }

  node_provisioning_profile {
    mode = "Manual"
  }

  network_profile {
    network_plugin      = "azure"
    network_plugin_mode = "overlay"
    network_policy      = "cilium"
    network_data_plane  = "cilium"
  }
}

# The runtime-class-manager installs the shim on nodes with this label, so SpinApps run here. All nodes of AKS run containerd.
resource "azurerm_kubernetes_cluster_node_pool" "spin" {
  name                  = "spin"
  kubernetes_cluster_id = azurerm_kubernetes_cluster.spindle.id
  vm_size               = var.spin_size
  vnet_subnet_id        = azurerm_subnet.nodes.id
  zones                 = ["1", "2", "3"]
  auto_scaling_enabled  = true
  min_count             = 2
  max_count             = 6
  node_labels           = { spin = "true" }
}

resource "azurerm_container_registry" "spindle" {
  name                = var.registry
  location            = azurerm_resource_group.spindle.location
  resource_group_name = azurerm_resource_group.spindle.name
  sku                 = "Standard"
}

resource "azurerm_role_assignment" "pull" {
  scope                = azurerm_container_registry.spindle.id
  role_definition_name = "AcrPull"
  principal_id         = azurerm_kubernetes_cluster.spindle.kubelet_identity[0].object_id
}
