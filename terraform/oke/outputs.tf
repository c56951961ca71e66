output "kubeconfig" {
  value = "oci ce cluster create-kubeconfig --cluster-id ${oci_containerengine_cluster.spindle.id} --region ${var.region}"
}

output "registry" {
  value = "${var.region}.ocir.io"
}

output "postgres_address" {
  value = var.managed_postgres ? "${oci_psql_db_system.postgres[0].network_details[0].primary_db_endpoint_private_ip}:5432" : null
}
