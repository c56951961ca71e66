variable "kubeconfig" {
  description = "File with access to the cluster"
  type        = string
  default     = "~/.kube/config"
}

variable "email" {
  description = "Address that Let's Encrypt writes to"
  type        = string
}

variable "gateway_api" {
  description = "Whether to install the definitions of the Gateway API; GKE has them, and DigitalOcean's Cilium, too"
  type        = bool
  default     = true
}

variable "strimzi" {
  description = "Whether Kafka runs in the cluster"
  type        = bool
  default     = true
}

variable "cloudnative_pg" {
  description = "Whether Postgres runs in the cluster"
  type        = bool
  default     = true
}

variable "external_secrets" {
  description = "Whether Secrets come from a store"
  type        = bool
  default     = true
}
