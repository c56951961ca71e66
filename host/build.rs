//! Generates the host's bindings from the WIT files of the spin-sdk package, so the repository holds no copy of them.

use std::error::Error;
use std::path::PathBuf;
use std::process::Command;
use std::{env, fs};

/// `imports`: what functions may import beside WASI. `redis-handler`: the export that the Redis trigger calls.
const WORLD: &str = "
package spindle:host;
world imports {
    import fermyon:spin/variables@2.0.0;
    import fermyon:spin/redis@2.0.0;
    import spin:postgres/postgres@3.0.0;
    import spin:postgres/postgres@4.0.0;
}
world redis-handler {
    export fermyon:spin/inbound-redis;
}
";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=../Cargo.lock");
    let wit = sdk_folder()?.join("wit");
    let wit = wit
        .to_str()
        .ok_or("the path of the cargo registry is not UTF-8")?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(
        out.join("imports.rs"),
        format!(
            r###"wasmtime::component::bindgen!({{
                path: {wit:?}, inline: {WORLD:?}, world: "spindle:host/imports",
                imports: {{ default: async | trappable }},
                with: {{
                    "fermyon:spin/redis@2.0.0.connection": ::redis::aio::MultiplexedConnection,
                    "spin:postgres/postgres@3.0.0.connection": crate::postgres_pool::PooledConnection,
                    "spin:postgres/postgres@4.0.0.connection": crate::postgres_pool::PooledConnection,
                }},
            }});"###
        ),
    )?;
    fs::write(
        out.join("redis_handler.rs"),
        format!(
            r###"wasmtime::component::bindgen!({{
                path: {wit:?}, inline: {WORLD:?}, world: "spindle:host/redis-handler",
                exports: {{ default: async }},
            }});"###
        ),
    )?;
    Ok(())
}

/// Where cargo keeps the source of the spin-sdk package.
fn sdk_folder() -> Result<PathBuf, Box<dyn Error>> {
    let output = Command::new(env::var("CARGO")?)
        .args(["metadata", "--format-version", "1", "--filter-platform"])
        .arg(env::var("HOST")?)
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata
        .get("packages")
        .and_then(|packages| packages.as_array());
    let manifest = packages
        .into_iter()
        .flatten()
        .find(|package| package.get("name").is_some_and(|name| name == "spin-sdk"))
        .and_then(|package| package.get("manifest_path")?.as_str())
        .ok_or("no member of the workspace depends on spin-sdk, whose WIT files the host needs")?;
    let folder = PathBuf::from(manifest)
        .parent()
        .ok_or("the manifest path of spin-sdk has no folder")?
        .to_path_buf();
    Ok(folder)
}
