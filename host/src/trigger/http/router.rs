//! Routes: finds the function that serves a path.

use std::sync::Arc;

use anyhow::{Context, Result, anyhow, ensure};
use http::HeaderValue;
use routefinder::Captures;
use wasmtime_wasi_http::p2::bindings::ProxyIndices;

use crate::function::{Function, Functions};
use crate::manifest;
use crate::manifest::HttpTrigger;

/// The application's routes. The most specific route that matches a path serves it.
pub struct Router(routefinder::Router<Arc<Route>>);

pub struct Route {
    pub function: Arc<Function>,
    pub export: ProxyIndices,
    /// The route as written in the manifest.
    pub pattern: HeaderValue,
    /// The route without its trailing wildcard.
    pub prefix: HeaderValue,
}

impl Router {
    /// # Errors
    /// When a route is invalid, or its component is not an HTTP handler.
    pub fn new(triggers: &[HttpTrigger], functions: &Functions) -> Result<Self> {
        let mut router = routefinder::Router::new();
        for trigger in triggers {
            let pattern = match &trigger.route {
                manifest::Route::Public(pattern) => pattern,
                manifest::Route::Private { private } => {
                    ensure!(private, "`route` must be a path or `{{ private = true }}`");
                    continue;
                }
            };
            let function = functions.get(&trigger.component)?;
            let export = ProxyIndices::new(function.pre())
                .map_err(anyhow::Error::from)
                .with_context(|| {
                    format!("component `{}` is not an HTTP handler", trigger.component)
                })?;
            let prefix = pattern.strip_suffix("/...");
            let route = Route {
                function,
                export,
                pattern: HeaderValue::from_str(pattern)?,
                prefix: HeaderValue::from_str(prefix.unwrap_or(pattern))?,
            };
            let routefinder_pattern = prefix.map_or_else(
                || pattern.strip_suffix('/').unwrap_or(pattern).to_owned(),
                |prefix| format!("{prefix}/*"),
            );
            router
                .add(routefinder_pattern.as_str(), Arc::new(route))
                .map_err(|error| anyhow!("`route`: `{pattern}` is invalid: {error}"))?;
        }
        Ok(Self(router))
    }

    /// The route of a path, with the parts of the path that its parameters and its wildcard matched.
    pub fn find<'a>(&'a self, path: &'a str) -> Option<(Arc<Route>, Captures<'a, 'a>)> {
        let matched = self.0.best_match(path)?;
        Some((matched.handler().clone(), matched.captures()))
    }
}
