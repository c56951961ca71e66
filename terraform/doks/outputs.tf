output "kubeconfig" {
  value = "doctl kubernetes cluster kubeconfig save ${digitalocean_kubernetes_cluster.spindle.name}"
}

output "registry" {
  value = digitalocean_container_registry.spindle.endpoint
}

output "postgres_address" {
  value = var.managed_postgres ? "${digitalocean_database_cluster.postgres[0].private_host}:${digitalocean_database_cluster.postgres[0].port}" : null
}
