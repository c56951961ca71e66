//! `spin:postgres` version 4. Version 3 is implemented in terms of it.

use std::pin::pin;

use anyhow::ensure;
use futures::TryStreamExt;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Config, Row, RowStream, config};
use wasmtime::component::Resource;

use crate::instance::InstanceState;
use crate::postgres_pool::PooledConnection;
use crate::wit::postgres4::{
    Column, Error, Host, HostConnection, ParameterValue, QueryError, RowSet,
};

mod v3;
mod errors;
mod values;
mod ranges;
mod sql_types;

/// How many bytes the values of one result may have. Spin refuses a larger result (its `MAX_HOST_BUFFERED_BYTES`).
const MAX_RESULT: usize = 128 * 1024 * 1024;

/// The inner error goes to the function; the outer one traps it.
type HostResult<T> = wasmtime::Result<Result<T, Error>>;

impl InstanceState {
    async fn open_postgres(&mut self, address: &str) -> HostResult<Resource<PooledConnection>> {
        let config = match self.authorize_postgres(address) {
            Ok(config) => config,
            Err(error) => return Ok(Err(error)),
        };
        match self.settings.postgres.get(address, &config).await {
            Ok(connection) => Ok(Ok(self.table.push(connection)?)),
            Err(error) => Ok(Err(Error::ConnectionFailed(format!("{error:?}")))),
        }
    }

    /// Parses an address, and checks that `allowed_outbound_hosts` allows each of its servers.
    #[expect(
        clippy::result_large_err,
        reason = "the interface defines the error type and passes it by value"
    )]
    fn authorize_postgres(&self, address: &str) -> Result<Config, Error> {
        let config: Config = address
            .parse()
            .map_err(|error| Error::ConnectionFailed(format!("{error}")))?;
        for (index, host) in config.get_hosts().iter().enumerate() {
            let config::Host::Tcp(host) = host else {
                return Err(Error::ConnectionFailed(
                    "functions cannot connect to Unix sockets".into(),
                ));
            };
            let port = config
                .get_ports()
                .get(index)
                .map(|port| format!(":{port}"))
                .unwrap_or_default();
            let server = format!("{host}{port}");
            if !self.settings.allowed_hosts.allows(&server, "postgres") {
                tracing::warn!(component = %self.settings.name, server, "allowed_outbound_hosts does not allow this Postgres server");
                return Err(Error::ConnectionFailed(format!(
                    "address postgres://{server} is not permitted"
                )));
            }
        }
        Ok(config)
    }

    /// As on Spin, an error of prepare or bind has its SQLSTATE, and an error that arrives instead of rows is text.
    async fn query_postgres(
        &mut self,
        connection: Resource<PooledConnection>,
        statement: &str,
        parameters: &[ParameterValue],
    ) -> HostResult<RowSet> {
        let connection = self.table.get(&connection)?;
        let parameters = match values::parameters(parameters) {
            Ok(parameters) => parameters,
            Err(error) => return Ok(Err(Error::BadParameter(format!("{error:?}")))),
        };
        let client = connection.begin_statement();
        let outcome = match client.query_raw(statement, parameters).await {
            Ok(rows) => row_set(rows)
                .await
                .map_err(|error| Error::QueryFailed(QueryError::Text(format!("{error:?}")))),
            Err(error) => Err(errors::query_failed(&error)),
        };
        connection.end_statement(statement)?;
        Ok(outcome)
    }

    /// As on Spin, every error of the server has its SQLSTATE.
    async fn execute_postgres(
        &mut self,
        connection: Resource<PooledConnection>,
        statement: &str,
        parameters: &[ParameterValue],
    ) -> HostResult<u64> {
        let connection = self.table.get(&connection)?;
        let parameters = match values::parameters(parameters) {
            Ok(parameters) => parameters,
            Err(error) => return Ok(Err(Error::ValueConversionFailed(format!("{error:?}")))),
        };
        let outcome = connection
            .begin_statement()
            .execute(statement, &as_refs(&parameters))
            .await;
        connection.end_statement(statement)?;
        Ok(outcome.map_err(|error| errors::query_failed(&error)))
    }

    fn close_postgres(&mut self, connection: Resource<PooledConnection>) -> wasmtime::Result<()> {
        self.table.delete(connection)?;
        Ok(())
    }
}

impl Host for InstanceState {}

impl HostConnection for InstanceState {
    async fn open(&mut self, address: String) -> HostResult<Resource<PooledConnection>> {
        self.open_postgres(&address).await
    }

    async fn query(
        &mut self,
        connection: Resource<PooledConnection>,
        statement: String,
        parameters: Vec<ParameterValue>,
    ) -> HostResult<RowSet> {
        self.query_postgres(connection, &statement, &parameters)
            .await
    }

    async fn execute(
        &mut self,
        connection: Resource<PooledConnection>,
        statement: String,
        parameters: Vec<ParameterValue>,
    ) -> HostResult<u64> {
        self.execute_postgres(connection, &statement, &parameters)
            .await
    }

    async fn drop(&mut self, connection: Resource<PooledConnection>) -> wasmtime::Result<()> {
        self.close_postgres(connection)
    }
}

fn as_refs(parameters: &[values::Parameter]) -> Vec<&(dyn ToSql + Sync)> {
    parameters
        .iter()
        .map(|parameter| -> &(dyn ToSql + Sync) { parameter.as_ref() })
        .collect()
}

/// Collects the rows. As on Spin, a result without rows has no columns either.
async fn row_set(rows: RowStream) -> anyhow::Result<RowSet> {
    let mut rows = pin!(rows);
    let mut set = RowSet {
        columns: Vec::new(),
        rows: Vec::new(),
    };
    let mut size = size_of::<RowSet>();
    while let Some(row) = rows.try_next().await.map_err(errors::with_cause)? {
        if set.rows.is_empty() {
            set.columns = columns(&row);
        }
        let values = values::row(&row)?;
        size += values.iter().map(values::size).sum::<usize>();
        ensure!(
            size <= MAX_RESULT,
            "query result exceeds limit of {MAX_RESULT} bytes"
        );
        set.rows.push(values);
    }
    Ok(set)
}

fn columns(row: &Row) -> Vec<Column> {
    let columns = row.columns().iter().map(|column| Column {
        name: column.name().to_owned(),
        data_type: values::data_type(column.type_()),
    });
    columns.collect()
}
