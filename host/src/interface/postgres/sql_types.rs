//! SQL encodings that the Postgres client lacks: a null of any type, the raw bytes of an unknown type, and intervals.

use std::error::Error;

use bytes::{BufMut, BytesMut};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use crate::wit::postgres4::Interval;

/// A null for a column of any type. `None::<i32>` would fit integer columns only.
#[derive(Debug)]
pub struct AnyNull;

impl ToSql for AnyNull {
    fn to_sql(&self, _: &Type, _: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        Ok(IsNull::Yes)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// A value as Postgres sent it, of a type that the interface does not have.
#[derive(Debug)]
pub struct RawBytes(pub Vec<u8>);

impl FromSql<'_> for RawBytes {
    fn from_sql(_: &Type, raw: &[u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(raw.to_vec()))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// The binary format: microseconds (8 bytes), days (4) and months (4).
impl ToSql for Interval {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.put_i64(self.micros);
        out.put_i32(self.days);
        out.put_i32(self.months);
        Ok(IsNull::No)
    }

    fn accepts(sql_type: &Type) -> bool {
        *sql_type == Type::INTERVAL
    }

    to_sql_checked!();
}

impl FromSql<'_> for Interval {
    fn from_sql(_: &Type, raw: &[u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        let (micros, rest) = raw
            .split_first_chunk()
            .ok_or("the interval is too short for its microseconds")?;
        let (days, rest) = rest
            .split_first_chunk()
            .ok_or("the interval is too short for its days")?;
        Ok(Self {
            micros: i64::from_be_bytes(*micros),
            days: i32::from_be_bytes(*days),
            months: i32::from_be_bytes(rest.try_into()?),
        })
    }

    fn accepts(sql_type: &Type) -> bool {
        *sql_type == Type::INTERVAL
    }
}
