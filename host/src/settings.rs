//! The settings of one component: what the manifest says about it, with the variables filled in.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Result;

use crate::allowed_hosts::AllowedHosts;
use crate::manifest::Component;
use crate::postgres_pool::Pools;
use crate::variables::Variables;

/// One component's settings, and what all components of the application share.
pub struct ComponentSettings {
    /// The component's name in the manifest.
    pub name: Arc<str>,
    /// The variables that the component may read. Other variables of the application are hidden from it.
    pub variables: HashMap<String, String>,
    /// The component's environment variables, as names and values.
    pub environment: Vec<(String, String)>,
    pub allowed_hosts: AllowedHosts,
    /// Connections to Postgres; shared by all components.
    pub postgres: Arc<Pools>,
}

impl ComponentSettings {
    /// # Errors
    /// When a template uses an undeclared variable, or `allowed_outbound_hosts` is invalid.
    pub fn resolve(
        name: &str,
        component: &Component,
        variables: &Variables,
        postgres: Arc<Pools>,
    ) -> Result<Self> {
        let own = component
            .variables
            .iter()
            .map(|(name, template)| Ok((name.clone(), variables.expand(template)?)));
        let hosts = component
            .allowed_outbound_hosts
            .iter()
            .map(|host| variables.expand(host))
            .collect::<Result<Vec<_>>>()?;
        Ok(Self {
            name: name.into(),
            variables: own.collect::<Result<_>>()?,
            environment: component.environment.clone().into_iter().collect(),
            allowed_hosts: AllowedHosts::parse(&hosts)?,
            postgres,
        })
    }
}
