//! Loads components: turns a `.wasm` file into a component, compiles it, and caches the result for the next start.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::{fs, process};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use wasi_preview1_component_adapter_provider::WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER;
use wasmtime::component::{Component, HasSelf, InstancePre, Linker};
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};
use wit_component::ComponentEncoder;

use crate::instance::InstanceState;
use crate::wit::imports::Imports;

/// How many instances a process runs at once. As on Spin, the next invocation fails at once.
const MAX_INSTANCES: u32 = 1_000;
/// A component made from a core module has up to four core instances: the module, the adapter, and two that link them.
const CORE_INSTANCES_PER_COMPONENT: u32 = 4;
/// How many bytes of linear memory a pool slot keeps resident for its next instance. Resetting these pages takes a
/// third of the time of returning them to the operating system and faulting them in again.
const MEMORY_KEEP_RESIDENT: usize = 4 * 1024 * 1024;
/// The same for a slot's tables and for its stack.
const TABLE_AND_STACK_KEEP_RESIDENT: usize = 64 * 1024;

/// The engine, the linker with every import that functions may have, and the cache of compiled components.
pub struct ComponentLoader {
    engine: Engine,
    linker: Linker<InstanceState>,
    cache: PathBuf,
}

impl ComponentLoader {
    /// `cache` is the folder for compiled components; it is created if necessary.
    ///
    /// # Errors
    /// When the folder cannot be created, or the machine lacks the virtual memory for the instance pool.
    pub fn new(cache: PathBuf) -> Result<Self> {
        let engine = Engine::new(&engine_config())?;
        let mut linker = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
        Imports::add_to_linker::<_, HasSelf<_>>(&mut linker, |state: &mut InstanceState| state)?;
        fs::create_dir_all(&cache).with_context(|| format!("cannot create {}", cache.display()))?;
        Ok(Self {
            engine,
            linker,
            cache,
        })
    }

    /// Compiles a `.wasm` file, or takes it from the cache, and links its imports.
    ///
    /// # Errors
    /// When the file cannot be read or compiled, or imports an interface that this host does not implement.
    pub fn load(&self, source: &Path) -> Result<InstancePre<InstanceState>> {
        let wasm = fs::read(source)
            .with_context(|| format!("`source`: cannot read {}; is it built?", source.display()))?;
        let cached = self.cache.join(format!("{}.cwasm", self.cache_key(&wasm)));
        let component = match self.load_cached(&cached) {
            Some(component) => component,
            None => self
                .compile(&wasm, &cached)
                .with_context(|| format!("`source`: cannot compile {}", source.display()))?,
        };
        let pre = self
            .linker
            .instantiate_pre(&component)
            .map_err(anyhow::Error::from);
        pre.context("it imports an interface that this host does not implement")
    }

    fn compile(&self, wasm: &[u8], cached: &Path) -> Result<Component> {
        let compiled = self.engine.precompile_component(&componentize(wasm)?)?;
        // The rename is atomic, so another process never reads half a file.
        let partial = cached.with_extension(format!("{}.partial", process::id()));
        fs::write(&partial, &compiled)?;
        fs::rename(&partial, cached)?;
        self.load_cached(cached)
            .context("the component was compiled, but cannot be loaded from the cache")
    }

    /// The cached component, if there is one that this engine can run.
    fn load_cached(&self, cached: &Path) -> Option<Component> {
        if !cached.exists() {
            return None;
        }
        #[expect(
            unsafe_code,
            reason = "the file is wasmtime's own output, in a folder that only this host writes to"
        )]
        // SAFETY: the contents come from `compile`. Wasmtime checks its version and settings against those in the file.
        let component = unsafe { Component::deserialize_file(&self.engine, cached) };
        component
            .inspect_err(|error| {
                tracing::info!(file = %cached.display(), "compiling the component again: {error}");
            })
            .ok()
    }

    /// A hash of what a compiled component depends on: the source, the adapter, and the engine with its settings.
    fn cache_key(&self, wasm: &[u8]) -> String {
        let mut engine = DefaultHasher::new();
        self.engine
            .precompile_compatibility_hash()
            .hash(&mut engine);
        let mut hash = Sha256::new();
        hash.update(engine.finish().to_le_bytes());
        hash.update(WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER);
        hash.update(wasm);
        hash.finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

fn engine_config() -> Config {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(MAX_INSTANCES)
        .total_stacks(MAX_INSTANCES)
        .total_core_instances(MAX_INSTANCES * CORE_INSTANCES_PER_COMPONENT)
        .total_memories(MAX_INSTANCES)
        .total_tables(MAX_INSTANCES * 2)
        .max_memories_per_component(1)
        .pagemap_scan(Enabled::Auto)
        .linear_memory_keep_resident(MEMORY_KEEP_RESIDENT)
        .table_keep_resident(TABLE_AND_STACK_KEEP_RESIDENT)
        .async_stack_keep_resident(TABLE_AND_STACK_KEEP_RESIDENT);
    let mut config = Config::new();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    // WASI 0.2 functions do not use the component model's tasks, and tracking them would slow down every call.
    config.concurrency_support(false);
    config
}

/// Turns a core module for wasm32-wasip1 into a component. The module carries its interface types in custom sections.
/// A file that already is a component stays as it is.
fn componentize(wasm: &[u8]) -> Result<Vec<u8>> {
    if is_component(wasm) {
        return Ok(wasm.to_vec());
    }
    ComponentEncoder::default()
        .validate(true)
        .module(wasm)?
        .adapter(
            "wasi_snapshot_preview1",
            WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
        )?
        .encode()
}

/// A component's header has version 13 and layer 1, a core module's version 1 and layer 0.
fn is_component(wasm: &[u8]) -> bool {
    wasm.starts_with(b"\0asm\x0d\0\x01\0")
}
