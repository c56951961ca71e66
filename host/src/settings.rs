//! What the manifest says about one component, with its variables filled in.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::outbound::AllowedHosts;
use crate::postgres::pool::Pools;

/// A component's settings, and what it shares with the other components.
pub struct Settings {
    pub name: Arc<str>,
    pub variables: HashMap<String, String>,
    pub environment: Vec<(String, String)>,
    pub allowed: AllowedHosts,
    pub pools: Arc<Pools>,
    /// Where the application's own HTTP triggers are, for relative URLs.
    pub itself: SocketAddr,
}
