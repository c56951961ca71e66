//! `spin:postgres` version 4. Version 3 is implemented in terms of it.

use tokio_postgres::error::DbError as ServerError;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Config, Row, config};
use wasmtime::component::Resource;

use crate::instance::InstanceState;
use crate::postgres_pool::PooledConnection;
use crate::wit::postgres4::{
    Column, DbError, Error, Host, HostConnection, ParameterValue, QueryError, RowSet,
};

mod v3;
mod values;
mod ranges;
mod sql_types;

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
            Err(error) => Ok(Err(Error::ConnectionFailed(format!("{error:#}")))),
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

    async fn query_postgres(
        &mut self,
        connection: Resource<PooledConnection>,
        statement: &str,
        parameters: &[ParameterValue],
    ) -> HostResult<RowSet> {
        let connection = self.table.get(&connection)?;
        let parameters = match values::parameters(parameters) {
            Ok(parameters) => parameters,
            Err(error) => return Ok(Err(Error::BadParameter(format!("{error:#}")))),
        };
        let outcome = connection
            .begin_statement()
            .query(statement, &as_refs(&parameters))
            .await;
        connection.end_statement(statement)?;
        Ok(match outcome {
            Ok(rows) => row_set(&rows)
                .map_err(|error| Error::QueryFailed(QueryError::Text(format!("{error:#}")))),
            Err(error) => Err(query_failed(&error)),
        })
    }

    async fn execute_postgres(
        &mut self,
        connection: Resource<PooledConnection>,
        statement: &str,
        parameters: &[ParameterValue],
    ) -> HostResult<u64> {
        let connection = self.table.get(&connection)?;
        let parameters = match values::parameters(parameters) {
            Ok(parameters) => parameters,
            Err(error) => return Ok(Err(Error::ValueConversionFailed(format!("{error:#}")))),
        };
        let outcome = connection
            .begin_statement()
            .execute(statement, &as_refs(&parameters))
            .await;
        connection.end_statement(statement)?;
        Ok(outcome.map_err(|error| query_failed(&error)))
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

/// As on Spin, a result without rows has no columns either.
fn row_set(rows: &[Row]) -> anyhow::Result<RowSet> {
    let columns = rows.first().map(Row::columns).unwrap_or_default();
    let columns = columns.iter().map(|column| Column {
        name: column.name().to_owned(),
        data_type: values::data_type(column.type_()),
    });
    Ok(RowSet {
        columns: columns.collect(),
        rows: rows
            .iter()
            .map(values::row)
            .collect::<anyhow::Result<_>>()?,
    })
}

fn query_failed(error: &tokio_postgres::Error) -> Error {
    let as_text = format!("{error:#}");
    Error::QueryFailed(match error.as_db_error() {
        None => QueryError::Text(as_text),
        Some(error) => QueryError::DbError(DbError {
            as_text,
            severity: error.severity().to_owned(),
            code: error.code().code().to_owned(),
            message: error.message().to_owned(),
            detail: error.detail().map(str::to_owned),
            extras: extras(error),
        }),
    })
}

/// The other fields of a server error, under the names that Spin gives them.
fn extras(error: &ServerError) -> Vec<(String, String)> {
    let line = error.line().map(|line| line.to_string());
    let fields = [
        ("column", error.column()),
        ("constraint", error.constraint()),
        ("routine", error.routine()),
        ("hint", error.hint()),
        ("table", error.table()),
        ("datatype", error.datatype()),
        ("schema", error.schema()),
        ("file", error.file()),
        ("line", line.as_deref()),
        ("where_", error.where_()),
    ];
    let present = fields
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())));
    present.collect()
}
