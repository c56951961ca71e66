//! TLS on a running Postgres.

use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::time::{Instant, sleep};
use tokio_postgres::{NoTls, SimpleQueryMessage};

use super::Postgres;
use crate::certificates::{Authority, Signed};

impl Postgres {
    /// Serves TLS with this certificate from now on, beside connections without it. If an authority of clients is given, the
    /// role `mutual` can connect only with a certificate that it has signed.
    pub async fn serve_tls(&self, server: &Signed, clients: Option<&Authority>) -> Result<()> {
        for (name, file) in [
            ("server.crt", &server.certificate),
            ("server.key", &server.key),
        ] {
            self.store(name, &std::fs::read_to_string(file)?).await?;
        }
        let authority = match clients {
            None => "",
            Some(authority) => {
                let text = std::fs::read_to_string(&authority.file)?;
                self.store("clients.crt", &text).await?;
                self.store("pg_hba.conf", include_str!("postgres_tls/clients.conf"))
                    .await?;
                "clients.crt"
            }
        };
        let statements =
            include_str!("postgres_tls/serve_tls.sql").replace("{authority}", authority);
        // `alter system` must be a statement of its own.
        for statement in statements.split_inclusive(';') {
            self.run(statement).await?;
        }
        let until = Instant::now() + Duration::from_secs(20);
        while self.run("show ssl").await? != ["on"] {
            ensure!(Instant::now() < until, "Postgres does not serve TLS");
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    async fn store(&self, name: &str, text: &str) -> Result<()> {
        let store = include_str!("postgres_tls/store_file.sql");
        self.run(&store.replace("{name}", name).replace("{text}", text))
            .await?;
        Ok(())
    }

    /// Runs a statement as the superuser, on a connection of its own. Returns the first column of the result.
    pub async fn run(&self, statement: &str) -> Result<Vec<String>> {
        let (client, connection) =
            tokio_postgres::connect(&self.admin_url("postgres"), NoTls).await?;
        let connection = tokio::spawn(connection);
        let messages = client.simple_query(statement).await?;
        drop(client);
        connection.await??;
        let rows = messages.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        });
        Ok(rows.collect())
    }
}
