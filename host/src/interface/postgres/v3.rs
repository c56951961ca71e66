//! `spin:postgres` version 3, in terms of version 4. Values of types that only version 4 has become `unsupported`.

use wasmtime::component::Resource;

use crate::instance::InstanceState;
use crate::postgres_pool::PooledConnection;
use crate::wit::postgres3::{
    Column, DbDataType, DbValue, Error, Host, HostConnection, ParameterValue, RowSet,
};
use crate::wit::postgres4 as v4;

/// The inner error goes to the function; the outer one traps it.
type HostResult<T> = wasmtime::Result<Result<T, Error>>;

impl Host for InstanceState {}

impl HostConnection for InstanceState {
    async fn open(&mut self, address: String) -> HostResult<Resource<PooledConnection>> {
        Ok(self.open_postgres(&address).await?.map_err(error))
    }

    async fn query(
        &mut self,
        connection: Resource<PooledConnection>,
        statement: String,
        parameters: Vec<ParameterValue>,
    ) -> HostResult<RowSet> {
        let parameters: Vec<_> = parameters.into_iter().map(parameter).collect();
        Ok(self
            .query_postgres(connection, &statement, &parameters)
            .await?
            .map(row_set)
            .map_err(error))
    }

    async fn execute(
        &mut self,
        connection: Resource<PooledConnection>,
        statement: String,
        parameters: Vec<ParameterValue>,
    ) -> HostResult<u64> {
        let parameters: Vec<_> = parameters.into_iter().map(parameter).collect();
        Ok(self
            .execute_postgres(connection, &statement, &parameters)
            .await?
            .map_err(error))
    }

    async fn drop(&mut self, connection: Resource<PooledConnection>) -> wasmtime::Result<()> {
        self.close_postgres(connection)
    }
}

fn parameter(value: ParameterValue) -> v4::ParameterValue {
    match value {
        ParameterValue::Boolean(value) => v4::ParameterValue::Boolean(value),
        ParameterValue::Int8(value) => v4::ParameterValue::Int8(value),
        ParameterValue::Int16(value) => v4::ParameterValue::Int16(value),
        ParameterValue::Int32(value) => v4::ParameterValue::Int32(value),
        ParameterValue::Int64(value) => v4::ParameterValue::Int64(value),
        ParameterValue::Floating32(value) => v4::ParameterValue::Floating32(value),
        ParameterValue::Floating64(value) => v4::ParameterValue::Floating64(value),
        ParameterValue::Str(value) => v4::ParameterValue::Str(value),
        ParameterValue::Binary(value) => v4::ParameterValue::Binary(value),
        ParameterValue::Date(value) => v4::ParameterValue::Date(value),
        ParameterValue::Time(value) => v4::ParameterValue::Time(value),
        ParameterValue::Datetime(value) => v4::ParameterValue::Datetime(value),
        ParameterValue::Timestamp(value) => v4::ParameterValue::Timestamp(value),
        ParameterValue::DbNull => v4::ParameterValue::DbNull,
    }
}

fn row_set(set: v4::RowSet) -> RowSet {
    let columns = set.columns.into_iter().map(|column| Column {
        name: column.name,
        data_type: data_type(&column.data_type),
    });
    let rows = set
        .rows
        .into_iter()
        .map(|row| row.into_iter().map(value).collect());
    RowSet {
        columns: columns.collect(),
        rows: rows.collect(),
    }
}

fn data_type(of: &v4::DbDataType) -> DbDataType {
    match of {
        v4::DbDataType::Boolean => DbDataType::Boolean,
        v4::DbDataType::Int8 => DbDataType::Int8,
        v4::DbDataType::Int16 => DbDataType::Int16,
        v4::DbDataType::Int32 => DbDataType::Int32,
        v4::DbDataType::Int64 => DbDataType::Int64,
        v4::DbDataType::Floating32 => DbDataType::Floating32,
        v4::DbDataType::Floating64 => DbDataType::Floating64,
        v4::DbDataType::Str => DbDataType::Str,
        v4::DbDataType::Binary => DbDataType::Binary,
        v4::DbDataType::Date => DbDataType::Date,
        v4::DbDataType::Time => DbDataType::Time,
        v4::DbDataType::Datetime => DbDataType::Datetime,
        v4::DbDataType::Timestamp => DbDataType::Timestamp,
        _ => DbDataType::Other,
    }
}

fn value(value: v4::DbValue) -> DbValue {
    match value {
        v4::DbValue::Boolean(value) => DbValue::Boolean(value),
        v4::DbValue::Int8(value) => DbValue::Int8(value),
        v4::DbValue::Int16(value) => DbValue::Int16(value),
        v4::DbValue::Int32(value) => DbValue::Int32(value),
        v4::DbValue::Int64(value) => DbValue::Int64(value),
        v4::DbValue::Floating32(value) => DbValue::Floating32(value),
        v4::DbValue::Floating64(value) => DbValue::Floating64(value),
        v4::DbValue::Str(value) => DbValue::Str(value),
        v4::DbValue::Binary(value) => DbValue::Binary(value),
        v4::DbValue::Date(value) => DbValue::Date(value),
        v4::DbValue::Time(value) => DbValue::Time(value),
        v4::DbValue::Datetime(value) => DbValue::Datetime(value),
        v4::DbValue::Timestamp(value) => DbValue::Timestamp(value),
        v4::DbValue::DbNull => DbValue::DbNull,
        _ => DbValue::Unsupported,
    }
}

fn error(error: v4::Error) -> Error {
    match error {
        v4::Error::ConnectionFailed(text) => Error::ConnectionFailed(text),
        v4::Error::BadParameter(text) => Error::BadParameter(text),
        v4::Error::QueryFailed(v4::QueryError::Text(text)) => Error::QueryFailed(text),
        v4::Error::QueryFailed(v4::QueryError::DbError(error)) => Error::QueryFailed(error.as_text),
        v4::Error::ValueConversionFailed(text) => Error::ValueConversionFailed(text),
        v4::Error::Other(text) => Error::Other(text),
    }
}
