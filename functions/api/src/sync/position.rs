//! How far a client has come in a user's sequence of changes. Clients keep it as a signed cursor.

use uuid::Uuid;

use crate::http::cursor::Cursor;

/// The rank after those of all rows, see `sync_page.fn.sql`.
pub const ALL: i64 = 9;

/// What `sync_page.fn.sql` calls `reached`, `rank`, `id`, `base` and `issued`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    pub reached: i64,
    pub rank: i64,
    pub id: Uuid,
    pub base: i64,
    pub issued: i64,
}

impl Position {
    /// Reads the cursor of a client; `None` if it has another form.
    pub fn of(cursor: &Cursor) -> Option<Self> {
        let numbers: Vec<i64> = cursor
            .key
            .split('.')
            .map(|number| number.parse().ok())
            .collect::<Option<_>>()?;
        let [reached, rank, base, issued] = numbers[..] else {
            return None;
        };
        Some(Self {
            reached,
            rank,
            id: cursor.id,
            base,
            issued,
        })
    }

    pub fn cursor(&self) -> Cursor {
        Cursor {
            key: format!(
                "{}.{}.{}.{}",
                self.reached, self.rank, self.base, self.issued
            ),
            id: self.id,
        }
    }

    /// True if both are the same place, whenever they were issued.
    pub fn is_at(&self, other: &Self) -> bool {
        (self.reached, self.rank, self.id) == (other.reached, other.rank, other.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_read_as_it_was_written() {
        let position = Position {
            reached: 7,
            rank: 3,
            id: Uuid::from_u128(5),
            base: 9,
            issued: 1_767_225_600,
        };
        assert_eq!(Position::of(&position.cursor()), Some(position));
    }

    #[test]
    fn another_form_is_refused() {
        for key in ["", "7", "7.3.9", "7.3.9.1.1", "7.3.9.x"] {
            let cursor = Cursor {
                key: key.to_owned(),
                id: Uuid::nil(),
            };
            assert_eq!(Position::of(&cursor), None, "{key}");
        }
    }
}
