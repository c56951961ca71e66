//! One function and its running instances: what a component may see, and the fresh state that each invocation starts with.
use std::ops::Deref;
use std::sync::Arc;

use wasmtime::Store;
use wasmtime::component::{Instance, InstancePre, ResourceTable};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::outbound_http::OutboundHttp;
use crate::output::Lines;
use crate::settings::Settings;

/// A component, compiled, linked and ready to be instantiated.
pub struct Function {
    settings: Arc<Settings>,
    pre: InstancePre<Guest>,
}

impl Function {
    pub fn new(settings: Settings, pre: InstancePre<Guest>) -> Self {
        Self {
            settings: Arc::new(settings),
            pre,
        }
    }

    pub fn pre(&self) -> &InstancePre<Guest> {
        &self.pre
    }

    /// The state of one invocation. The instance that goes with it counts towards the 1,000 of the process.
    pub fn store(&self) -> Store<Guest> {
        let function = self.settings.clone();
        let mut wasi = WasiCtx::builder();
        wasi.stdout(Lines(function.name.clone()))
            .stderr(Lines(function.name.clone()));
        if !function.environment.is_empty() {
            wasi.envs(&function.environment);
        }
        let guest = Guest {
            outbound_http: OutboundHttp(function.clone()),
            function,
            table: ResourceTable::new(),
            wasi: wasi.build(),
            http: WasiHttpCtx::new(),
        };
        Store::new(self.pre.engine(), guest)
    }

    pub async fn instantiate(&self) -> wasmtime::Result<(Store<Guest>, Instance)> {
        let mut store = self.store();
        let instance = self.pre.instantiate_async(&mut store).await?;
        Ok((store, instance))
    }
}

impl Deref for Function {
    type Target = Settings;

    fn deref(&self) -> &Settings {
        &self.settings
    }
}

/// What the host keeps for one running instance; each capability implements its interface on this.
pub struct Guest {
    pub function: Arc<Settings>,
    pub table: ResourceTable,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    outbound_http: OutboundHttp,
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for Guest {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            ctx: &mut self.http,
            table: &mut self.table,
            hooks: &mut self.outbound_http,
        }
    }
}
