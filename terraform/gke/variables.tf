variable "name" {
  type    = string
  default = "spindle"
}

variable "region" {
  type    = string
  default = "europe-west3"
}

variable "kubernetes_version" {
  description = "components/spin-pods needs 1.36"
  type        = string
  default     = "1.36"
}

variable "server_size" {
  type    = string
  default = "e2-standard-4"
}

variable "spin_size" {
  type    = string
  default = "e2-highcpu-4"
}

variable "managed_postgres" {
  description = "Postgres of the cloud, for components/external-postgres, instead of CloudNativePG"
  type        = bool
  default     = false
}

variable "database_size" {
  type    = string
  default = "db-custom-4-16384"
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

variable "project" {
  type = string
}

variable "database_password" {
  description = "Password of the owner of the database; it is stored in the state"
  type        = string
  default     = null
  sensitive   = true
}
