//! Values on their way into JSON text, checked so that they come back as they went.
//!
//! `serde_json` writes NaN and the infinities as `null`, which then cannot be
//! read back into a number (serde_json issues 202 and 842). A value is
//! therefore walked once before it is written.

use std::fmt::Display;

use serde::ser::{self, Impossible, Serialize, Serializer};

/// The JSON text of a value, or what cannot be stored and where it stands.
pub fn to_json<T: Serialize + ?Sized>(value: &T) -> Result<String, String> {
    value.serialize(Walk).map_err(|unstorable| unstorable.to_string())?;
    serde_json::to_string(value).map_err(|error| error.to_string())
}

/// JSON text with its object keys sorted: equal values have equal text.
pub(crate) fn canonical(json: &str) -> String {
    // Text that came from `to_json` parses; anything else stands for itself.
    serde_json::from_str::<serde_json::Value>(json).map_or_else(|_| json.to_owned(), |value| value.to_string())
}

/// Text that every store can hold: NUL is written as `\0`, and what is past the limit is cut with a mark.
pub(crate) fn storable_text(text: &str, limit: usize) -> String {
    let mut clean = text.replace('\0', "\\0");
    if clean.len() > limit {
        let end = (0..=limit).rev().find(|at| clean.is_char_boundary(*at)).unwrap_or(0);
        let cut = clean.len() - end;
        clean.truncate(end);
        return format!("{clean} … ({cut} more bytes)");
    }
    clean
}

/// What cannot be stored, with the path to it, innermost name first.
#[derive(Debug)]
struct Unstorable {
    what: String,
    path: Vec<String>,
}

impl Unstorable {
    fn within(mut self, name: impl Display) -> Self {
        self.path.push(name.to_string());
        self
    }
}

impl Display for Unstorable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.path.is_empty() {
            return f.write_str(&self.what);
        }
        let path: Vec<_> = self.path.iter().rev().map(String::as_str).collect();
        write!(f, "`{}`: {}", path.join("."), self.what)
    }
}

impl std::error::Error for Unstorable {}

impl ser::Error for Unstorable {
    fn custom<T: Display>(message: T) -> Self {
        Self { what: message.to_string(), path: Vec::new() }
    }
}

/// A serializer that writes nothing and only looks.
struct Walk;

/// The same inside a list, a map or a struct; counts the items for the path.
struct WalkInside {
    item: usize,
    key: String,
}

impl WalkInside {
    const fn start() -> Self {
        Self { item: 0, key: String::new() }
    }

    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unstorable> {
        let at = self.item;
        self.item += 1;
        value.serialize(Walk).map_err(|error| error.within(at))
    }
}

fn finite(number: f64) -> Result<(), Unstorable> {
    if number.is_finite() {
        Ok(())
    } else {
        Err(ser::Error::custom(format!("{number} cannot be stored, JSON has only finite numbers")))
    }
}

macro_rules! nothing_to_see {
    ($($method:ident($type:ty)),+ $(,)?) => {
        $(fn $method(self, _: $type) -> Result<(), Unstorable> { Ok(()) })+
    };
}

impl Serializer for Walk {
    type Ok = ();
    type Error = Unstorable;
    type SerializeSeq = WalkInside;
    type SerializeTuple = WalkInside;
    type SerializeTupleStruct = WalkInside;
    type SerializeTupleVariant = WalkInside;
    type SerializeMap = WalkInside;
    type SerializeStruct = WalkInside;
    type SerializeStructVariant = WalkInside;

    nothing_to_see! {
        serialize_bool(bool), serialize_i8(i8), serialize_i16(i16), serialize_i32(i32), serialize_i64(i64),
        serialize_i128(i128), serialize_u8(u8), serialize_u16(u16), serialize_u32(u32), serialize_u64(u64),
        serialize_u128(u128), serialize_char(char), serialize_str(&str), serialize_bytes(&[u8]),
        serialize_unit_struct(&'static str),
    }

    fn serialize_f32(self, value: f32) -> Result<(), Unstorable> {
        finite(f64::from(value))
    }

    fn serialize_f64(self, value: f64) -> Result<(), Unstorable> {
        finite(value)
    }

    fn serialize_none(self) -> Result<(), Unstorable> {
        Ok(())
    }

    fn serialize_unit(self) -> Result<(), Unstorable> {
        Ok(())
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, _: &'static str) -> Result<(), Unstorable> {
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Unstorable> {
        value.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), Unstorable> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Unstorable> {
        value.serialize(self).map_err(|error| error.within(variant))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<WalkInside, Unstorable> {
        Ok(WalkInside::start())
    }

    fn serialize_tuple(self, _: usize) -> Result<WalkInside, Unstorable> {
        Ok(WalkInside::start())
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<WalkInside, Unstorable> {
        Ok(WalkInside::start())
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<WalkInside, Unstorable> {
        Ok(WalkInside::start())
    }

    fn serialize_map(self, _: Option<usize>) -> Result<WalkInside, Unstorable> {
        Ok(WalkInside::start())
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<WalkInside, Unstorable> {
        Ok(WalkInside::start())
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<WalkInside, Unstorable> {
        Ok(WalkInside::start())
    }
}

macro_rules! walk_items {
    ($($trait:ident::$method:ident),+ $(,)?) => {$(
        impl ser::$trait for WalkInside {
            type Ok = ();
            type Error = Unstorable;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unstorable> {
                self.item(value)
            }

            fn end(self) -> Result<(), Unstorable> {
                Ok(())
            }
        }
    )+};
}

walk_items!(
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field,
);

macro_rules! walk_fields {
    ($($trait:ident),+) => {$(
        impl ser::$trait for WalkInside {
            type Ok = ();
            type Error = Unstorable;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Unstorable> {
                value.serialize(Walk).map_err(|error| error.within(key))
            }

            fn end(self) -> Result<(), Unstorable> {
                Ok(())
            }
        }
    )+};
}

walk_fields!(SerializeStruct, SerializeStructVariant);

impl ser::SerializeMap for WalkInside {
    type Ok = ();
    type Error = Unstorable;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Unstorable> {
        self.key = key.serialize(KeyText).unwrap_or_else(|_| "?".to_owned());
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unstorable> {
        value.serialize(Walk).map_err(|error| error.within(&self.key))
    }

    fn end(self) -> Result<(), Unstorable> {
        Ok(())
    }
}

/// The text of a map's key, for the path; keys of other kinds are shown as `?`.
struct KeyText;

macro_rules! key_text {
    ($($method:ident($type:ty)),+ $(,)?) => {
        $(fn $method(self, key: $type) -> Result<String, Unstorable> { Ok(key.to_string()) })+
    };
}

macro_rules! no_key {
    ($($method:ident($($arg:ty),*) -> $out:ty),+ $(,)?) => {
        $(fn $method(self, $(_: $arg),*) -> Result<$out, Unstorable> { Err(ser::Error::custom("not a key")) })+
    };
}

impl Serializer for KeyText {
    type Ok = String;
    type Error = Unstorable;
    type SerializeSeq = Impossible<String, Unstorable>;
    type SerializeTuple = Impossible<String, Unstorable>;
    type SerializeTupleStruct = Impossible<String, Unstorable>;
    type SerializeTupleVariant = Impossible<String, Unstorable>;
    type SerializeMap = Impossible<String, Unstorable>;
    type SerializeStruct = Impossible<String, Unstorable>;
    type SerializeStructVariant = Impossible<String, Unstorable>;

    key_text! {
        serialize_bool(bool), serialize_i8(i8), serialize_i16(i16), serialize_i32(i32), serialize_i64(i64),
        serialize_u8(u8), serialize_u16(u16), serialize_u32(u32), serialize_u64(u64), serialize_char(char),
        serialize_str(&str), serialize_f32(f32), serialize_f64(f64),
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<String, Unstorable> {
        Ok(variant.to_owned())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<String, Unstorable> {
        value.serialize(self)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<String, Unstorable> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<String, Unstorable> {
        Err(ser::Error::custom("not a key"))
    }

    no_key! {
        serialize_bytes(&[u8]) -> String,
        serialize_none() -> String,
        serialize_unit() -> String,
        serialize_unit_struct(&'static str) -> String,
        serialize_seq(Option<usize>) -> Self::SerializeSeq,
        serialize_tuple(usize) -> Self::SerializeTuple,
        serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct,
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Self::SerializeTupleVariant,
        serialize_map(Option<usize>) -> Self::SerializeMap,
        serialize_struct(&'static str, usize) -> Self::SerializeStruct,
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Self::SerializeStructVariant,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[derive(serde::Serialize)]
    struct Order {
        lines: Vec<Line>,
        rates: BTreeMap<String, f64>,
    }

    #[derive(serde::Serialize)]
    enum Line {
        Price(f64),
        Free,
    }

    #[test]
    fn a_number_that_json_cannot_hold_is_named_by_its_path() {
        let order = |price, rate| Order {
            lines: vec![Line::Free, Line::Price(price)],
            rates: BTreeMap::from([("eur".to_owned(), rate)]),
        };
        assert!(to_json(&order(1.0, 2.0)).is_ok());
        assert_eq!(
            to_json(&order(f64::NAN, 2.0)),
            Err("`lines.1.Price`: NaN cannot be stored, JSON has only finite numbers".to_owned())
        );
        assert_eq!(
            to_json(&order(1.0, f64::INFINITY)),
            Err("`rates.eur`: inf cannot be stored, JSON has only finite numbers".to_owned())
        );
        assert!(to_json(&f32::NEG_INFINITY).is_err());
    }

    #[test]
    fn text_is_cut_at_a_character_and_holds_no_nul() {
        assert_eq!(storable_text("a\0b", 100), "a\\0b");
        assert_eq!(storable_text("aéé", 2), "a … (4 more bytes)");
    }

    #[test]
    fn canonical_text_does_not_depend_on_the_order_of_keys() {
        assert_eq!(canonical(r#"{"b":1,"a":2}"#), canonical(r#"{"a":2,"b":1}"#));
    }
}
