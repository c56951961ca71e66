//! Converts ranges between the interface's pairs of bounds and Postgres's range types.

use std::error::Error;

use anyhow::Result;
use bytes::BytesMut;
use postgres_range::{BoundSided, BoundType, Normalizable, Range, RangeBound};
use rust_decimal::Decimal;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use crate::wit::postgres4::RangeBoundKind;

/// `None` is unbounded.
type Bound<T> = Option<(T, RangeBoundKind)>;
/// The lower and the upper bound.
pub type Bounds<T> = (Bound<T>, Bound<T>);

pub fn to_postgres<T, U: Normalizable + PartialOrd>(
    (lower, upper): &Bounds<T>,
    convert: impl Fn(&T) -> Result<U>,
) -> Result<Range<U>> {
    Ok(Range::new(
        bound_to_postgres(lower, &convert)?,
        bound_to_postgres(upper, &convert)?,
    ))
}

pub fn from_postgres<T: Normalizable + PartialOrd, U>(
    range: &Range<T>,
    convert: impl Fn(&T) -> U,
) -> Bounds<U> {
    let lower = range
        .lower()
        .map(|bound| (convert(&bound.value), kind_from_postgres(bound.type_)));
    let upper = range
        .upper()
        .map(|bound| (convert(&bound.value), kind_from_postgres(bound.type_)));
    (lower, upper)
}

fn bound_to_postgres<S: BoundSided, T, U: PartialOrd>(
    bound: &Bound<T>,
    convert: impl Fn(&T) -> Result<U>,
) -> Result<Option<RangeBound<S, U>>> {
    let Some((value, kind)) = bound else {
        return Ok(None);
    };
    let kind = match kind {
        RangeBoundKind::Inclusive => BoundType::Inclusive,
        RangeBoundKind::Exclusive => BoundType::Exclusive,
    };
    Ok(Some(RangeBound::new(convert(value)?, kind)))
}

fn kind_from_postgres(kind: BoundType) -> RangeBoundKind {
    match kind {
        BoundType::Inclusive => RangeBoundKind::Inclusive,
        BoundType::Exclusive => RangeBoundKind::Exclusive,
    }
}

/// A decimal as the bound of a range. Decimals have no successor, so unlike integers their bounds have no normal form.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct DecimalBound(pub Decimal);

impl Normalizable for DecimalBound {
    fn normalize<S: BoundSided>(bound: RangeBound<S, Self>) -> RangeBound<S, Self> {
        bound
    }
}

impl FromSql<'_> for DecimalBound {
    fn from_sql(sql_type: &Type, raw: &[u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Decimal::from_sql(sql_type, raw).map(Self)
    }

    fn accepts(sql_type: &Type) -> bool {
        <Decimal as FromSql>::accepts(sql_type)
    }
}

impl ToSql for DecimalBound {
    fn to_sql(
        &self,
        sql_type: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        self.0.to_sql(sql_type, out)
    }

    fn accepts(sql_type: &Type) -> bool {
        <Decimal as ToSql>::accepts(sql_type)
    }

    to_sql_checked!();
}
