output "kubeconfig" {
  value = "gcloud container clusters get-credentials ${google_container_cluster.spindle.name} --region ${var.region} --project ${var.project}"
}

output "registry" {
  value = "${var.region}-docker.pkg.dev/${var.project}/${google_artifact_registry_repository.spindle.repository_id}"
}

output "postgres_address" {
  value = var.managed_postgres ? "${google_sql_database_instance.postgres[0].private_ip_address}:5432" : null
}
