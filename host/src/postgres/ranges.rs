//! Ranges between the interface's pairs of bounds and Postgres's range types.
use anyhow::Result;
use bytes::BytesMut;
use postgres_range::{BoundSided, BoundType, Normalizable, Range, RangeBound};
use rust_decimal::Decimal;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use crate::wit::postgres4::RangeBoundKind;

type Bound<T> = Option<(T, RangeBoundKind)>;
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

/// A decimal that may bound a range: between two of them there is always a third, so nothing is normalised.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Number(pub Decimal);

impl Normalizable for Number {
    fn normalize<S: BoundSided>(bound: RangeBound<S, Self>) -> RangeBound<S, Self> {
        bound
    }
}

type Failure = Box<dyn std::error::Error + Sync + Send>;

impl FromSql<'_> for Number {
    fn from_sql(of: &Type, raw: &[u8]) -> Result<Self, Failure> {
        Decimal::from_sql(of, raw).map(Self)
    }

    fn accepts(of: &Type) -> bool {
        <Decimal as FromSql>::accepts(of)
    }
}

impl ToSql for Number {
    fn to_sql(&self, of: &Type, out: &mut BytesMut) -> Result<IsNull, Failure> {
        self.0.to_sql(of, out)
    }

    fn accepts(of: &Type) -> bool {
        <Decimal as ToSql>::accepts(of)
    }

    to_sql_checked!();
}
