variable "name" {
  type    = string
  default = "spindle"
}

variable "region" {
  type    = string
  default = "fra1"
}

variable "kubernetes_version" {
  description = "components/spin-pods needs 1.36"
  type        = string
  default     = "1.36"
}

variable "server_size" {
  type    = string
  default = "g-4vcpu-16gb"
}

variable "spin_size" {
  type    = string
  default = "c-4"
}

variable "managed_postgres" {
  description = "Postgres of the cloud, for components/external-postgres, instead of CloudNativePG"
  type        = bool
  default     = false
}

variable "database_size" {
  type    = string
  default = "db-s-4vcpu-8gb"
}

variable "domain" {
  description = "Domain that is delegated to this cloud, such as example.org; empty for none"
  type        = string
  default     = ""
}

variable "host" {
  description = "Name of the API in the domain"
  type        = string
  default     = "tasks"
}

variable "gateway_address" {
  description = "IPv4 address of the Gateway, once it has one"
  type        = string
  default     = ""
}
