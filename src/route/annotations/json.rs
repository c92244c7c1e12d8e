//! The hosts in the JSON of an annotation: the texts within some fields, wherever those stand. It is walked, not kept, and
//! a field that stands twice counts twice, for who reads it may take either.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::Reader;

/// Gives a reader each host and each regular expression of hosts.
///
/// # Errors
/// Where it is no JSON. What stands before that has been given.
pub(super) fn read(text: &str, reader: &mut Reader<'_>) -> Result<(), serde_json::Error> {
    let mut json = serde_json::Deserializer::from_str(text);
    let walk = Walk {
        reader,
        within: Within::Other,
    };
    walk.deserialize(&mut json)?;
    json.end()
}

/// What the texts in a value are.
#[derive(Clone, Copy)]
enum Within {
    Hosts,
    Patterns,
    Other,
}

struct Walk<'w, 'r> {
    reader: &'w mut Reader<'r>,
    within: Within,
}

impl<'r> Walk<'_, 'r> {
    fn inside(&mut self, within: Within) -> Walk<'_, 'r> {
        Walk {
            reader: self.reader,
            within,
        }
    }

    fn field(&self, name: &str) -> Within {
        if self.reader.fact.has_hosts_in(name) {
            Within::Hosts
        } else if self.reader.fact.has_patterns_in(name) {
            Within::Patterns
        } else {
            self.within
        }
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("rules in JSON")
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        match self.within {
            Within::Hosts => self.reader.host(text.trim()),
            Within::Patterns => self.reader.pattern(text.trim()),
            Within::Other => {}
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        let within = self.within;
        while items.next_element_seed(self.inside(within))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut fields: A) -> Result<(), A::Error> {
        while let Some(name) = fields.next_key::<Cow<'_, str>>()? {
            let within = self.field(&name);
            fields.next_value_seed(self.inside(within))?;
        }
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}
