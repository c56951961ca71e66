//! The servers that test programs share. Each is started only if a selected program uses it.

use std::path::Path;

use anyhow::Result;
use stage::progress;
use stage::scratch::Scratch;
use stage::services::{Kafka, Postgres, shared};

use super::jobs::Job;

/// Servers without durability, because they stop after the tests.
pub struct Servers {
    postgres: Option<Postgres>,
    kafka: Option<Kafka>,
    _folder: Scratch,
}

impl Servers {
    pub async fn start(jobs: &[Job]) -> Result<Self> {
        let folder = Scratch::new("test")?;
        let used_by = |packages: &[&str]| {
            jobs.iter().any(|job| {
                job.program.integration && packages.contains(&job.program.package.as_str())
            })
        };
        let postgres = async {
            if !used_by(&["bridge", "audit", "host"]) {
                return Ok(None);
            }
            let server = Postgres::start(folder.path().join("postgres"), false).await?;
            progress::step(format!("postgres at {}", server.address()));
            anyhow::Ok(Some(server))
        };
        let kafka = async {
            if !used_by(&["bridge"]) {
                return Ok(None);
            }
            let server = Kafka::start(folder.path().join("kafka")).await?;
            progress::step(format!("kafka at {}", server.brokers()));
            anyhow::Ok(Some(server))
        };
        let (postgres, kafka) = tokio::try_join!(postgres, kafka)?;
        Ok(Self {
            postgres,
            kafka,
            _folder: folder,
        })
    }

    /// The environment variables that tell test programs where the workspace and the servers are.
    pub fn environment(&self, root: &Path) -> Vec<(&'static str, String)> {
        let mut environment = vec![("SPINDLE_ROOT", root.display().to_string())];
        environment.extend(
            self.postgres
                .iter()
                .map(|server| (shared::POSTGRES, server.address())),
        );
        environment.extend(
            self.kafka
                .iter()
                .map(|server| (shared::KAFKA, server.brokers())),
        );
        environment
    }

    pub async fn stop(&self) {
        if let Some(postgres) = &self.postgres {
            postgres.stop().await;
        }
        if let Some(kafka) = &self.kafka {
            kafka.kill().await;
        }
    }
}
