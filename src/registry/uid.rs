//! The identity of an object, in little memory.

use std::fmt;

/// The identity that the API server gave an object; empty in a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uid(Kept);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kept {
    /// A UUID in its usual form, as the API server gives: in less than half of its text.
    Uuid([u8; 16]),
    Text(Box<str>),
}

impl From<&str> for Uid {
    fn from(text: &str) -> Self {
        let read = u128::from_str_radix(&text.replace('-', ""), 16);
        let uuid = Self(Kept::Uuid(read.unwrap_or_default().to_be_bytes()));
        // What is written in another way is kept as it is.
        if uuid.to_string() == text {
            uuid
        } else {
            Self(Kept::Text(text.into()))
        }
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kept::Uuid(bytes) => {
                for (at, byte) in bytes.iter().enumerate() {
                    if matches!(at, 4 | 6 | 8 | 10) {
                        f.write_str("-")?;
                    }
                    write!(f, "{byte:02x}")?;
                }
                Ok(())
            }
            Kept::Text(text) => f.write_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_uuid_takes_no_memory_beside_it() {
        let uid = Uid::from("5b0c8e1c-0f5c-4d29-9f0e-000000000007");
        assert!(matches!(uid.0, Kept::Uuid(_)));
        assert_eq!(size_of::<Uid>(), 24);
    }

    proptest! {
        #[test]
        fn it_is_what_it_was(text in "([0-9a-fA-F+]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})|[0-9a-f-]{0,40}|.*") {
            prop_assert_eq!(Uid::from(text.as_str()).to_string(), text);
        }
    }
}
