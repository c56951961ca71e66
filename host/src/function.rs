//! The application's functions: the components that its triggers invoke, compiled, linked and ready to be instantiated.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use wasmtime::Store;
use wasmtime::component::{Instance, InstancePre};

use crate::component_loader::ComponentLoader;
use crate::instance::InstanceState;
use crate::manifest::Manifest;
use crate::postgres_pool::Pools;
use crate::settings::ComponentSettings;
use crate::variables::Variables;

/// The functions by the names of their components.
pub struct Functions(HashMap<String, Arc<Function>>);

pub struct Function {
    settings: Arc<ComponentSettings>,
    pre: InstancePre<InstanceState>,
}

impl Functions {
    /// Loads every component that a trigger invokes.
    ///
    /// # Errors
    /// When a component is missing, cannot be compiled, or has invalid settings. The error names the component.
    pub fn load(
        manifest: &Manifest,
        variables: &Variables,
        loader: &ComponentLoader,
    ) -> Result<Self> {
        let postgres = Arc::new(Pools::default());
        let load = |name: &str| {
            let component = (manifest.component.get(name))
                .context("a trigger invokes it, but the manifest does not define it")?;
            let settings =
                ComponentSettings::resolve(name, component, variables, postgres.clone())?;
            Ok::<_, anyhow::Error>(Function {
                settings: Arc::new(settings),
                pre: loader.load(&manifest.folder.join(&component.source))?,
            })
        };
        let mut functions = HashMap::new();
        for name in manifest.trigger.components() {
            let function = load(name).with_context(|| format!("[component.{name}]"))?;
            functions.insert(name.to_owned(), Arc::new(function));
        }
        Ok(Self(functions))
    }

    /// # Errors
    /// When no trigger invokes a component of this name.
    pub fn get(&self, name: &str) -> Result<Arc<Function>> {
        let function = self.0.get(name).cloned();
        function.with_context(|| format!("no component `{name}`"))
    }
}

impl Function {
    /// The name of the component.
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    pub fn pre(&self) -> &InstancePre<InstanceState> {
        &self.pre
    }

    /// A store with fresh state, for one invocation. `application` is where its requests to the application itself go; as on
    /// Spin, only the HTTP trigger knows it.
    pub fn new_store(&self, application: Option<SocketAddr>) -> Store<InstanceState> {
        let state = InstanceState::new(self.settings.clone(), application);
        Store::new(self.pre.engine(), state)
    }

    /// A fresh instance, for one invocation by a trigger other than HTTP.
    ///
    /// # Errors
    /// When the process already runs as many instances as it may; the error is then a `PoolConcurrencyLimitError`.
    pub async fn instantiate(&self) -> wasmtime::Result<(Store<InstanceState>, Instance)> {
        let mut store = self.new_store(None);
        let instance = self.pre.instantiate_async(&mut store).await?;
        Ok((store, instance))
    }
}
