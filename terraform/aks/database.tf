# Postgres of the cloud, reachable from the network alone, and DNS; each only if wanted.
resource "azurerm_subnet" "postgres" {
  count                = var.managed_postgres ? 1 : 0
  name                 = "postgres"
  resource_group_name  = azurerm_resource_group.spindle.name
  virtual_network_name = azurerm_virtual_network.spindle.name
  address_prefixes     = ["10.20.16.0/24"]

  delegation {
    name = "postgres"
    service_delegation {
      name    = "Microsoft.DBforPostgreSQL/flexibleServers"
      actions = ["Microsoft.Network/virtualNetworks/subnets/join/action"]
    }
  }
}

resource "azurerm_private_dns_zone" "postgres" {
  count               = var.managed_postgres ? 1 : 0
  name                = "${var.name}.postgres.database.azure.com"
  resource_group_name = azurerm_resource_group.spindle.name
}

resource "azurerm_private_dns_zone_virtual_network_link" "postgres" {
  count               = var.managed_postgres ? 1 : 0
  name                = "postgres"
  private_dns_zone_id = azurerm_private_dns_zone.postgres[0].id
  virtual_network_id  = azurerm_virtual_network.spindle.id
}

resource "azurerm_postgresql_flexible_server" "postgres" {
  count                         = var.managed_postgres ? 1 : 0
  name                          = "${var.name}-postgres"
  location                      = azurerm_resource_group.spindle.location
  resource_group_name           = azurerm_resource_group.spindle.name
  version                       = "17"
  sku_name                      = var.database_size
  storage_mb                    = 131072
  administrator_login           = "spindle"
  administrator_password        = var.database_password
  backup_retention_days         = 14
  delegated_subnet_id           = azurerm_subnet.postgres[0].id
  private_dns_zone_id           = azurerm_private_dns_zone.postgres[0].id
  public_network_access_enabled = false

  high_availability {
    mode = "ZoneRedundant"
  }

  depends_on = [azurerm_private_dns_zone_virtual_network_link.postgres]
}

resource "azurerm_postgresql_flexible_server_database" "spindle" {
  count     = var.managed_postgres ? 1 : 0
  name      = "spindle"
  server_id = azurerm_postgresql_flexible_server.postgres[0].id
}

resource "azurerm_dns_zone" "spindle" {
  count               = var.domain == "" ? 0 : 1
  name                = var.domain
  resource_group_name = azurerm_resource_group.spindle.name
}

# The address of the Gateway is known once the overlay has been applied. Application Gateway for Containers has a name, not an address.
resource "azurerm_dns_cname_record" "api" {
  count               = var.gateway_address == "" ? 0 : 1
  name                = var.host
  zone_name           = azurerm_dns_zone.spindle[0].name
  resource_group_name = azurerm_resource_group.spindle.name
  ttl                 = 300
  record              = var.gateway_address
}
