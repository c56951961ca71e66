output "kubeconfig" {
  value = "az aks get-credentials --resource-group ${azurerm_resource_group.spindle.name} --name ${azurerm_kubernetes_cluster.spindle.name}"
}

output "registry" {
  value = azurerm_container_registry.spindle.login_server
}

output "postgres_address" {
  value = var.managed_postgres ? "${azurerm_postgresql_flexible_server.postgres[0].fqdn}:5432" : null
}
