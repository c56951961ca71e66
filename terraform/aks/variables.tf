variable "name" {
  type    = string
  default = "spindle"
}

variable "region" {
  type    = string
  default = "germanywestcentral"
}

variable "kubernetes_version" {
  description = "components/spin-pods needs 1.36"
  type        = string
  default     = "1.36"
}

variable "server_size" {
  type    = string
  default = "Standard_D4s_v5"
}

variable "spin_size" {
  type    = string
  default = "Standard_F4s_v2"
}

variable "managed_postgres" {
  description = "Postgres of the cloud, for components/external-postgres, instead of CloudNativePG"
  type        = bool
  default     = false
}

variable "database_size" {
  type    = string
  default = "GP_Standard_D2ds_v5"
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
  description = "Name of the Gateway, once it has one"
  type        = string
  default     = ""
}

variable "subscription_id" {
  type = string
}

variable "registry" {
  description = "Name of the registry, unique in Azure: letters and digits"
  type        = string
}

variable "database_password" {
  description = "Password of the owner of the database; it is stored in the state"
  type        = string
  default     = null
  sensitive   = true
}
