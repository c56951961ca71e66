//! Finds the WIT that spin-sdk ships and writes the bindings of the embedded host against it, so that no copy of it lives here.
use std::error::Error;
use std::path::PathBuf;
use std::process::Command;
use std::{env, fs};

/// What the host offers to a function beside WASI, and the Redis trigger's entry point.
const WORLD: &str = "
package dev:host;
world function {
    import fermyon:spin/variables@2.0.0;
    import fermyon:spin/redis@2.0.0;
    import spin:postgres/postgres@3.0.0;
    import spin:postgres/postgres@4.0.0;
}
world redis-function {
    export fermyon:spin/inbound-redis;
}
";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=../Cargo.lock");
    let wit = sdk_folder()?.join("wit");
    let wit = wit
        .to_str()
        .ok_or("the cargo registry's path is not UTF-8")?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(
        out.join("function.rs"),
        format!(
            r###"wasmtime::component::bindgen!({{
                path: {wit:?}, inline: {WORLD:?}, world: "dev:host/function",
                imports: {{ default: async | trappable }},
                with: {{
                    "fermyon:spin/redis@2.0.0.connection": crate::outbound_redis::Connection,
                    "spin:postgres/postgres@3.0.0.connection": crate::postgres::Connection,
                    "spin:postgres/postgres@4.0.0.connection": crate::postgres::Connection,
                }},
            }});"###
        ),
    )?;
    fs::write(
        out.join("redis_function.rs"),
        format!(
            r###"wasmtime::component::bindgen!({{
                path: {wit:?}, inline: {WORLD:?}, world: "dev:host/redis-function",
                exports: {{ default: async }},
            }});"###
        ),
    )?;
    Ok(())
}

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
        .ok_or("spin-sdk is not among the workspace's packages, and with it its WIT")?;
    let folder = PathBuf::from(manifest)
        .parent()
        .ok_or("spin-sdk has no folder")?
        .to_path_buf();
    Ok(folder)
}
