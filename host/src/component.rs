//! From a `.wasm` file to a function that is ready to run: made a component, compiled, and kept compiled for the next start.
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::{fs, process};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use wasi_preview1_component_adapter_provider::WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER as PREVIEW1;
use wasmtime::component::{Component, HasSelf, InstancePre, Linker};
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};
use wit_component::ComponentEncoder;

use crate::guest::Guest;
use crate::wit::function;

/// As Spin: the instance after these is refused at once.
const INSTANCES: u32 = 1_000;
/// A component made from a core module has up to four core instances: itself, the adapter and two that tie them together.
const CORE_INSTANCES: u32 = 4;
/// A slot keeps the pages that its last instance touched, up to this much: they are put back to what the next one expects, which
/// costs a third of giving them back to the system and faulting them in again.
const RESIDENT_MEMORY: usize = 4 * 1024 * 1024;
const RESIDENT: usize = 64 * 1024;

/// The engine, everything that functions may import, and the folder of compiled components.
pub struct Workshop {
    engine: Engine,
    linker: Linker<Guest>,
    cache: PathBuf,
}

impl Workshop {
    pub fn new(cache: PathBuf) -> Result<Self> {
        let engine = Engine::new(&config())?;
        let mut linker = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
        function::Function::add_to_linker::<_, HasSelf<_>>(&mut linker, |guest: &mut Guest| guest)?;
        fs::create_dir_all(&cache).with_context(|| format!("cannot create {}", cache.display()))?;
        Ok(Self {
            engine,
            linker,
            cache,
        })
    }

    /// Compiles a file, or takes it from the cache, and ties its imports to the host's capabilities.
    pub fn load(&self, source: &Path) -> Result<InstancePre<Guest>> {
        let wasm = fs::read(source)
            .with_context(|| format!("cannot read {}; is it built?", source.display()))?;
        let cached = self.cache.join(format!("{}.cwasm", self.key(&wasm)));
        let component = match self.take(&cached) {
            Some(component) => component,
            None => self
                .compile(&wasm, &cached)
                .with_context(|| format!("cannot compile {}", source.display()))?,
        };
        let pre = self
            .linker
            .instantiate_pre(&component)
            .map_err(anyhow::Error::from);
        pre.context("it needs a capability that this host lacks")
    }

    fn compile(&self, wasm: &[u8], cached: &Path) -> Result<Component> {
        let compiled = self.engine.precompile_component(&componentize(wasm)?)?;
        // Renamed into place, so that a run beside this one never sees half a file.
        let partial = cached.with_extension(format!("{}.partial", process::id()));
        fs::write(&partial, &compiled)?;
        fs::rename(&partial, cached)?;
        self.take(cached)
            .context("a component that was compiled just now cannot be loaded")
    }

    /// The compiled component, if there is one that this engine can run.
    fn take(&self, cached: &Path) -> Option<Component> {
        if !cached.exists() {
            return None;
        }
        #[expect(
            unsafe_code,
            reason = "the file is wasmtime's own output, from a folder that only this host writes to"
        )]
        // SAFETY: wasmtime checks the version and the settings that the file was compiled with; its contents are `compile`'s.
        let component = unsafe { Component::deserialize_file(&self.engine, cached) };
        component
            .inspect_err(
                |error| tracing::info!(file = %cached.display(), "compiling anew: {error}"),
            )
            .ok()
    }

    /// Names what a compiled component depends on: the source, the adapter that goes with it, and the engine with its settings.
    fn key(&self, wasm: &[u8]) -> String {
        let mut engine = DefaultHasher::new();
        self.engine
            .precompile_compatibility_hash()
            .hash(&mut engine);
        let mut hash = Sha256::new();
        hash.update(engine.finish().to_le_bytes());
        hash.update(PREVIEW1);
        hash.update(wasm);
        hash.finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

fn config() -> Config {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(INSTANCES)
        .total_stacks(INSTANCES)
        .total_core_instances(INSTANCES * CORE_INSTANCES)
        .total_memories(INSTANCES)
        .total_tables(INSTANCES * 2)
        .max_memories_per_component(1)
        .pagemap_scan(Enabled::Auto)
        .linear_memory_keep_resident(RESIDENT_MEMORY)
        .table_keep_resident(RESIDENT)
        .async_stack_keep_resident(RESIDENT);
    let mut config = Config::new();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    // Functions for WASI 0.2 have no use for the component model's own tasks, whose bookkeeping costs each of their calls.
    config.concurrency_support(false);
    config
}

/// A core module for wasm32-wasip1 with the types of its interfaces in custom sections becomes a component; one that is already stays as it is.
fn componentize(wasm: &[u8]) -> Result<Vec<u8>> {
    if is_component(wasm) {
        return Ok(wasm.to_vec());
    }
    ComponentEncoder::default()
        .validate(true)
        .module(wasm)?
        .adapter("wasi_snapshot_preview1", PREVIEW1)?
        .encode()
}

/// The version field of a component is 13 with layer 1; a core module's is 1 with layer 0.
fn is_component(wasm: &[u8]) -> bool {
    wasm.starts_with(b"\0asm\x0d\0\x01\0")
}
