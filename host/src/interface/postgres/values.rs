//! Converts values between the interface and Postgres. The supported pairs of types are exactly Spin's.

use anyhow::{Context, Result};
use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, Timelike, Utc};
use rust_decimal::Decimal;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, ToSql, Type};
use uuid::Uuid;

use super::errors::with_cause;
use super::ranges;
use super::ranges::DecimalBound;
use super::sql_types::{AnyNull, RawBytes};
use crate::wit::postgres4::{DbDataType, DbValue, Interval, ParameterValue};

pub type Parameter = Box<dyn ToSql + Send + Sync>;

/// # Errors
/// When a value is out of range or malformed, such as month 13 or invalid JSON.
pub fn parameters(values: &[ParameterValue]) -> Result<Vec<Parameter>> {
    values.iter().map(parameter).collect()
}

fn parameter(value: &ParameterValue) -> Result<Parameter> {
    Ok(match value {
        ParameterValue::Boolean(value) => Box::new(*value),
        ParameterValue::Int8(value) => Box::new(*value),
        ParameterValue::Int16(value) => Box::new(*value),
        ParameterValue::Int32(value) => Box::new(*value),
        ParameterValue::Int64(value) => Box::new(*value),
        ParameterValue::Floating32(value) => Box::new(*value),
        ParameterValue::Floating64(value) => Box::new(*value),
        ParameterValue::Str(value) => Box::new(value.clone()),
        ParameterValue::Binary(value) => Box::new(value.clone()),
        ParameterValue::Date((year, month, day)) => Box::new(date(*year, *month, *day)?),
        ParameterValue::Time((hour, minute, second, nano)) => {
            Box::new(time(*hour, *minute, *second, *nano)?)
        }
        ParameterValue::Datetime((year, month, day, hour, minute, second, nano)) => {
            Box::new(NaiveDateTime::new(
                date(*year, *month, *day)?,
                time(*hour, *minute, *second, *nano)?,
            ))
        }
        ParameterValue::Timestamp(seconds) => Box::new(
            DateTime::<Utc>::from_timestamp(*seconds, 0)
                .with_context(|| format!("invalid epoch timestamp {seconds}"))?,
        ),
        ParameterValue::Uuid(text) => {
            Box::new(Uuid::parse_str(text).with_context(|| format!("invalid UUID {text}"))?)
        }
        ParameterValue::Jsonb(bytes) => {
            let value: serde_json::Value = serde_json::from_slice(bytes)
                .with_context(|| format!("invalid JSON {}", String::from_utf8_lossy(bytes)))?;
            Box::new(value)
        }
        ParameterValue::Decimal(text) => Box::new(decimal(text)?),
        ParameterValue::RangeInt32(range) => {
            Box::new(ranges::to_postgres(range, |bound| Ok(*bound))?)
        }
        ParameterValue::RangeInt64(range) => {
            Box::new(ranges::to_postgres(range, |bound| Ok(*bound))?)
        }
        ParameterValue::RangeDecimal(range) => Box::new(ranges::to_postgres(range, |text| {
            decimal(text).map(DecimalBound)
        })?),
        ParameterValue::ArrayInt32(values) => Box::new(values.clone()),
        ParameterValue::ArrayInt64(values) => Box::new(values.clone()),
        ParameterValue::ArrayDecimal(values) => {
            let values = values
                .iter()
                .map(|value| value.as_deref().map(decimal).transpose());
            Box::new(values.collect::<Result<Vec<_>>>()?)
        }
        ParameterValue::ArrayStr(values) => Box::new(values.clone()),
        ParameterValue::Interval(interval) => Box::new(*interval),
        ParameterValue::DbNull => Box::new(AnyNull),
    })
}

/// The interface's name for a Postgres type.
pub fn data_type(sql_type: &Type) -> DbDataType {
    match *sql_type {
        Type::BOOL => DbDataType::Boolean,
        Type::BYTEA => DbDataType::Binary,
        Type::FLOAT4 => DbDataType::Floating32,
        Type::FLOAT8 => DbDataType::Floating64,
        Type::INT2 => DbDataType::Int16,
        Type::INT4 => DbDataType::Int32,
        Type::INT8 => DbDataType::Int64,
        Type::TEXT | Type::VARCHAR | Type::BPCHAR => DbDataType::Str,
        Type::TIMESTAMP | Type::TIMESTAMPTZ => DbDataType::Datetime,
        Type::DATE => DbDataType::Date,
        Type::TIME => DbDataType::Time,
        Type::UUID => DbDataType::Uuid,
        Type::JSONB => DbDataType::Jsonb,
        Type::NUMERIC => DbDataType::Decimal,
        Type::INT4_RANGE => DbDataType::RangeInt32,
        Type::INT8_RANGE => DbDataType::RangeInt64,
        Type::NUM_RANGE => DbDataType::RangeDecimal,
        Type::INT4_ARRAY => DbDataType::ArrayInt32,
        Type::INT8_ARRAY => DbDataType::ArrayInt64,
        Type::NUMERIC_ARRAY => DbDataType::ArrayDecimal,
        Type::TEXT_ARRAY | Type::VARCHAR_ARRAY | Type::BPCHAR_ARRAY => DbDataType::ArrayStr,
        Type::INTERVAL => DbDataType::Interval,
        _ => DbDataType::Other(sql_type.name().to_owned()),
    }
}

/// # Errors
/// When a value cannot be decoded as the type that Spin assigns to its column, which is so for `timestamptz`.
pub fn row(row: &Row) -> Result<Vec<DbValue>> {
    let columns = row.columns().iter().enumerate();
    columns
        .map(|(index, column)| value(row, index, column.type_()))
        .collect()
}

/// How many bytes Spin counts for a value.
pub fn size(value: &DbValue) -> usize {
    let text =
        |text: &Option<String>| size_of::<Option<String>>() + text.as_ref().map_or(0, String::len);
    size_of::<DbValue>()
        + match value {
            DbValue::Str(text) | DbValue::Uuid(text) | DbValue::Decimal(text) => text.len(),
            DbValue::Jsonb(bytes) | DbValue::Binary(bytes) | DbValue::Unsupported(bytes) => {
                bytes.len()
            }
            DbValue::ArrayInt32(values) => size_of_val(values.as_slice()),
            DbValue::ArrayInt64(values) => size_of_val(values.as_slice()),
            DbValue::ArrayDecimal(values) | DbValue::ArrayStr(values) => {
                values.iter().map(text).sum()
            }
            _ => 0,
        }
}

fn value(row: &Row, index: usize, sql_type: &Type) -> Result<DbValue> {
    match *sql_type {
        Type::BOOL => plain(row, index, DbValue::Boolean),
        Type::BYTEA => plain(row, index, DbValue::Binary),
        Type::FLOAT4 => plain(row, index, DbValue::Floating32),
        Type::FLOAT8 => plain(row, index, DbValue::Floating64),
        Type::INT2 => plain(row, index, DbValue::Int16),
        Type::INT4 => plain(row, index, DbValue::Int32),
        Type::INT8 => plain(row, index, DbValue::Int64),
        Type::TEXT | Type::VARCHAR | Type::BPCHAR => plain(row, index, DbValue::Str),
        // Spin also declares timestamptz as a datetime, and then fails to decode any value that is not null.
        Type::TIMESTAMP | Type::TIMESTAMPTZ => converted(row, index, datetime),
        Type::DATE => converted(row, index, |date: NaiveDate| {
            Ok(DbValue::Date((
                date.year(),
                date.month().try_into()?,
                date.day().try_into()?,
            )))
        }),
        Type::TIME => converted(row, index, |time: NaiveTime| {
            Ok(DbValue::Time((
                time.hour().try_into()?,
                time.minute().try_into()?,
                time.second().try_into()?,
                time.nanosecond(),
            )))
        }),
        Type::UUID => plain(row, index, |id: Uuid| DbValue::Uuid(id.to_string())),
        Type::JSONB => converted(row, index, |json: serde_json::Value| {
            Ok(DbValue::Jsonb(serde_json::to_vec(&json)?))
        }),
        Type::NUMERIC => plain(row, index, |number: Decimal| {
            DbValue::Decimal(number.to_string())
        }),
        Type::INT4_RANGE => plain(row, index, |range| {
            DbValue::RangeInt32(ranges::from_postgres(&range, |bound: &i32| *bound))
        }),
        Type::INT8_RANGE => plain(row, index, |range| {
            DbValue::RangeInt64(ranges::from_postgres(&range, |bound: &i64| *bound))
        }),
        Type::NUM_RANGE => plain(row, index, |range| {
            DbValue::RangeDecimal(ranges::from_postgres(&range, |bound: &DecimalBound| {
                bound.0.to_string()
            }))
        }),
        Type::INT4_ARRAY => plain(row, index, DbValue::ArrayInt32),
        Type::INT8_ARRAY => plain(row, index, DbValue::ArrayInt64),
        Type::NUMERIC_ARRAY => plain(row, index, |numbers: Vec<Option<Decimal>>| {
            DbValue::ArrayDecimal(
                numbers
                    .into_iter()
                    .map(|number| number.map(|number| number.to_string()))
                    .collect(),
            )
        }),
        Type::TEXT_ARRAY | Type::VARCHAR_ARRAY | Type::BPCHAR_ARRAY => {
            plain(row, index, DbValue::ArrayStr)
        }
        Type::INTERVAL => plain(row, index, |interval: Interval| DbValue::Interval(interval)),
        _ => plain(row, index, |RawBytes(bytes)| DbValue::Unsupported(bytes)),
    }
}

/// Wraps a value in its variant.
fn plain<'a, T: FromSql<'a>>(
    row: &'a Row,
    index: usize,
    wrap: impl Fn(T) -> DbValue,
) -> Result<DbValue> {
    converted(row, index, |value| Ok(wrap(value)))
}

/// Converts a value that has no variant of its own. A null is `DbNull`.
fn converted<'a, T: FromSql<'a>>(
    row: &'a Row,
    index: usize,
    convert: impl Fn(T) -> Result<DbValue>,
) -> Result<DbValue> {
    let value: Option<T> = row.try_get(index).map_err(with_cause)?;
    value.map_or(Ok(DbValue::DbNull), convert)
}

fn datetime(value: NaiveDateTime) -> Result<DbValue> {
    Ok(DbValue::Datetime((
        value.year(),
        value.month().try_into()?,
        value.day().try_into()?,
        value.hour().try_into()?,
        value.minute().try_into()?,
        value.second().try_into()?,
        value.nanosecond(),
    )))
}

fn date(year: i32, month: u8, day: u8) -> Result<NaiveDate> {
    NaiveDate::from_ymd_opt(year, month.into(), day.into())
        .with_context(|| format!("invalid date y={year}, m={month}, d={day}"))
}

fn time(hour: u8, minute: u8, second: u8, nano: u32) -> Result<NaiveTime> {
    NaiveTime::from_hms_nano_opt(hour.into(), minute.into(), second.into(), nano)
        .with_context(|| format!("invalid time {hour}:{minute}:{second}:{nano}"))
}

fn decimal(text: &str) -> Result<Decimal> {
    Decimal::from_str_exact(text).with_context(|| format!("invalid decimal {text}"))
}
