variable "name" {
  type    = string
  default = "spindle"
}

variable "region" {
  type    = string
  default = "eu-frankfurt-1"
}

variable "kubernetes_version" {
  description = "Full version, as the cloud names it; components/spin-pods needs 1.36"
  type        = string
  default     = "1.36.1"
}

variable "managed_postgres" {
  description = "Postgres of the cloud, for components/external-postgres, instead of CloudNativePG"
  type        = bool
  default     = false
}

variable "database_size" {
  type    = string
  default = "PostgreSQL.VM.Standard.E5.Flex"
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

variable "compartment_id" {
  type = string
}

variable "node_image" {
  description = "OCID of an image of this service for the version of Kubernetes"
  type        = string
}

variable "spin_image" {
  description = "OCID of an image with containerd, for nodes that run SpinApps; empty for none"
  type        = string
  default     = ""
}

variable "spin_nodes" {
  type    = number
  default = 2
}

variable "spin_script" {
  description = "What cloud-init does on such a node: it joins the cluster, with the label `spin=true`"
  type        = string
  default     = ""
}

variable "database_password" {
  description = "Password of the owner of the database; it is stored in the state"
  type        = string
  default     = null
  sensitive   = true
}
