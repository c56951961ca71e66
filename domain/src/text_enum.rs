//! A macro for enums that JSON and the database write as text.

/// Declares an enum and the text of each variant, for example `Open = "open"`.
///
/// The enum gets `NAMES` (all texts, in order), `as_str`, `from_name`, and a `parse` for JSON values.
macro_rules! text_enum {
    ($(#[$attribute:meta])* $enum:ident { $($variant:ident = $name:literal),+ $(,)? }) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        $(#[$attribute])*
        pub enum $enum { $($variant),+ }

        impl $enum {
            pub const NAMES: &[&str] = &[$($name),+];

            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)+ _ => None }
            }

            pub(crate) fn parse(pointer: &str, value: $crate::json::Json) -> Result<Self, Vec<$crate::json::Fault>> {
                let found = match &value { $crate::json::Json::Text(name) => Self::from_name(name), _ => None };
                found.ok_or_else(|| vec![$crate::json::Fault::new(pointer, format!("must be one of {}", Self::NAMES.join(", ")))])
            }
        }
    };
}

pub(crate) use text_enum;
