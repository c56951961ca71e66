//! Types whose values are a few words, as JSON and the database spell them.

/// A word from a fixed list: its Rust name, and how it is written.
macro_rules! words {
    ($(#[$attribute:meta])* $name:ident { $($variant:ident = $word:literal),+ $(,)? }) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        $(#[$attribute])*
        pub enum $name { $($variant),+ }

        impl $name {
            pub const WORDS: &[&str] = &[$($word),+];

            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }

            fn parse(pointer: &str, value: $crate::json::Json) -> Result<Self, Vec<$crate::json::Fault>> {
                let found = match &value { $crate::json::Json::Text(word) => Self::from_word(word), _ => None };
                found.ok_or_else(|| vec![$crate::json::Fault::new(pointer, format!("must be one of {}", Self::WORDS.join(", ")))])
            }
        }
    };
}

pub(crate) use words;
