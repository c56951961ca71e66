//! `spin:postgres`: version 4 of the interface here, version 3 in terms of it; values, pool and connection beside.
use tokio_postgres::Config;
use tokio_postgres::config::Host as Address;
use tokio_postgres::error::DbError as Refusal;
use tokio_postgres::types::ToSql;
use wasmtime::component::Resource;

use crate::guest::Guest;
use crate::wit::postgres4::{
    Column, DbError, Error, Host, HostConnection, ParameterValue, QueryError, RowSet,
};

pub mod pool;
mod ranges;
mod session;
mod special;
mod v3;
mod values;

use pool::Lease;

/// A guest's connection: goes back to its pool when the guest drops it or ends.
pub struct Connection(Lease);

type Reply<T> = wasmtime::Result<Result<T, Error>>;

impl Guest {
    async fn open_postgres(&mut self, address: &str) -> Reply<Resource<Connection>> {
        let config = match self.permit(address) {
            Ok(config) => config,
            Err(error) => return Ok(Err(error)),
        };
        match self.function.pools.clone().lease(address, config).await {
            Ok(lease) => Ok(Ok(self.table.push(Connection(lease))?)),
            Err(error) => Ok(Err(Error::ConnectionFailed(format!("{error:#}")))),
        }
    }

    /// The address, parsed, if `allowed_outbound_hosts` has all of its servers.
    #[expect(
        clippy::result_large_err,
        reason = "the error is the interface's own and goes to the guest by value"
    )]
    fn permit(&self, address: &str) -> Result<Config, Error> {
        let config: Config = address
            .parse()
            .map_err(|error| Error::ConnectionFailed(format!("{error}")))?;
        for (index, host) in config.get_hosts().iter().enumerate() {
            let Address::Tcp(host) = host else {
                return Err(Error::ConnectionFailed(
                    "a function cannot reach a Unix socket".into(),
                ));
            };
            let port = config
                .get_ports()
                .get(index)
                .map(|port| format!(":{port}"))
                .unwrap_or_default();
            let server = format!("{host}{port}");
            if !self.function.allowed.allows(&server, "postgres") {
                tracing::warn!(component = %self.function.name, server, "not in allowed_outbound_hosts");
                return Err(Error::ConnectionFailed(format!(
                    "address postgres://{server} is not permitted"
                )));
            }
        }
        Ok(config)
    }

    async fn query_postgres(
        &mut self,
        connection: Resource<Connection>,
        statement: &str,
        parameters: &[ParameterValue],
    ) -> Reply<RowSet> {
        let Connection(lease) = self.table.get(&connection)?;
        let parameters = match values::parameters(parameters) {
            Ok(parameters) => parameters,
            Err(error) => return Ok(Err(Error::BadParameter(format!("{error:#}")))),
        };
        let outcome = lease
            .begin()
            .query(statement, &by_reference(&parameters))
            .await;
        lease.end(statement)?;
        Ok(match outcome {
            Ok(rows) => row_set(&rows)
                .map_err(|error| Error::QueryFailed(QueryError::Text(format!("{error:#}")))),
            Err(error) => Err(query_failed(&error)),
        })
    }

    async fn execute_postgres(
        &mut self,
        connection: Resource<Connection>,
        statement: &str,
        parameters: &[ParameterValue],
    ) -> Reply<u64> {
        let Connection(lease) = self.table.get(&connection)?;
        let parameters = match values::parameters(parameters) {
            Ok(parameters) => parameters,
            Err(error) => return Ok(Err(Error::ValueConversionFailed(format!("{error:#}")))),
        };
        let outcome = lease
            .begin()
            .execute(statement, &by_reference(&parameters))
            .await;
        lease.end(statement)?;
        Ok(outcome.map_err(|error| query_failed(&error)))
    }

    fn close_postgres(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
        self.table.delete(connection)?;
        Ok(())
    }
}

impl Host for Guest {}

impl HostConnection for Guest {
    async fn open(&mut self, address: String) -> Reply<Resource<Connection>> {
        self.open_postgres(&address).await
    }

    async fn query(
        &mut self,
        connection: Resource<Connection>,
        statement: String,
        parameters: Vec<ParameterValue>,
    ) -> Reply<RowSet> {
        self.query_postgres(connection, &statement, &parameters)
            .await
    }

    async fn execute(
        &mut self,
        connection: Resource<Connection>,
        statement: String,
        parameters: Vec<ParameterValue>,
    ) -> Reply<u64> {
        self.execute_postgres(connection, &statement, &parameters)
            .await
    }

    async fn drop(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
        self.close_postgres(connection)
    }
}

fn by_reference(parameters: &[values::Parameter]) -> Vec<&(dyn ToSql + Sync)> {
    parameters
        .iter()
        .map(|parameter| -> &(dyn ToSql + Sync) { parameter.as_ref() })
        .collect()
}

/// A result without rows has no columns either, as on Spin.
fn row_set(rows: &[tokio_postgres::Row]) -> anyhow::Result<RowSet> {
    let columns = rows
        .first()
        .map(tokio_postgres::Row::columns)
        .unwrap_or_default();
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
        Some(refusal) => QueryError::DbError(DbError {
            as_text,
            severity: refusal.severity().to_owned(),
            code: refusal.code().code().to_owned(),
            message: refusal.message().to_owned(),
            detail: refusal.detail().map(str::to_owned),
            extras: extras(refusal),
        }),
    })
}

/// Everything else that Postgres tells, under the names that Spin gives it.
fn extras(refusal: &Refusal) -> Vec<(String, String)> {
    let line = refusal.line().map(|line| line.to_string());
    let fields = [
        ("column", refusal.column()),
        ("constraint", refusal.constraint()),
        ("routine", refusal.routine()),
        ("hint", refusal.hint()),
        ("table", refusal.table()),
        ("datatype", refusal.datatype()),
        ("schema", refusal.schema()),
        ("file", refusal.file()),
        ("line", line.as_deref()),
        ("where_", refusal.where_()),
    ];
    let told = fields
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())));
    told.collect()
}
