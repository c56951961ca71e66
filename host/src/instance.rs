//! The host's side of one running instance. Each interface that functions import is implemented on this state.

use std::net::SocketAddr;
use std::sync::Arc;

use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::outbound_http::OutboundHttp;
use crate::output::ComponentOutput;
use crate::settings::ComponentSettings;

pub struct InstanceState {
    pub settings: Arc<ComponentSettings>,
    /// The resources that the instance holds, such as its connections.
    pub table: ResourceTable,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    outbound_http: OutboundHttp,
}

impl InstanceState {
    /// A function sees its environment variables, and its output is logged. It has no files, arguments or sockets.
    /// `application` is the address of self-requests, if the trigger has one.
    pub fn new(settings: Arc<ComponentSettings>, application: Option<SocketAddr>) -> Self {
        let mut wasi = WasiCtx::builder();
        wasi.stdout(ComponentOutput(settings.name.clone()))
            .stderr(ComponentOutput(settings.name.clone()));
        if !settings.environment.is_empty() {
            wasi.envs(&settings.environment);
        }
        Self {
            outbound_http: OutboundHttp {
                settings: settings.clone(),
                application,
            },
            settings,
            table: ResourceTable::new(),
            wasi: wasi.build(),
            http: WasiHttpCtx::new(),
        }
    }
}

impl WasiView for InstanceState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for InstanceState {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            ctx: &mut self.http,
            table: &mut self.table,
            hooks: &mut self.outbound_http,
        }
    }
}
