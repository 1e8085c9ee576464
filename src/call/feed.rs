//! How a value is fed to a stable hash: see [`content`](super::content), where what is fed is written down.

use serde::Serialize;
use serde::ser::{
    SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::content::{Content, ContentError};

/// A sequence, and whether its length was fed before it.
pub(crate) struct Sequence<'c> {
    content: &'c mut Content,
    counted: bool,
}

/// A struct, and the places of the fields that were skipped.
pub(crate) struct Fields<'c> {
    content: &'c mut Content,
    place: u32,
    skipped: Vec<u32>,
}

/// A map: the hash of each entry is added up.
pub(crate) struct Entries<'c> {
    content: &'c mut Content,
    entry: Content,
    count: u64,
    sum: u128,
}

impl<'c> Fields<'c> {
    fn new(content: &'c mut Content, len: usize) -> Self {
        content.feed(&(len as u32).to_le_bytes());
        Self {
            content,
            place: 0,
            skipped: Vec::new(),
        }
    }

    fn skip(&mut self) {
        self.skipped.push(self.place | 1 << 31);
        self.place += 1;
    }

    fn finish(self) {
        for place in self.skipped {
            self.content.feed(&place.to_le_bytes());
        }
    }
}

macro_rules! numbers {
    ($($name:ident: $type:ty),*) => {
        $(#[inline]
        fn $name(self, number: $type) -> Result<(), ContentError> {
            self.feed(&number.to_le_bytes());
            Ok(())
        })*
    };
}

impl<'c> Serializer for &'c mut Content {
    type Ok = ();
    type Error = ContentError;
    type SerializeSeq = Sequence<'c>;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = Entries<'c>;
    type SerializeStruct = Fields<'c>;
    type SerializeStructVariant = Fields<'c>;

    numbers!(
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64, serialize_i128: i128,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_u128: u128,
        serialize_f32: f32, serialize_f64: f64
    );

    fn serialize_bool(self, yes: bool) -> Result<(), ContentError> {
        self.serialize_u8(u8::from(yes))
    }

    fn serialize_char(self, char: char) -> Result<(), ContentError> {
        self.serialize_u32(u32::from(char))
    }

    fn serialize_str(self, text: &str) -> Result<(), ContentError> {
        self.text(text);
        Ok(())
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<(), ContentError> {
        self.feed(&(bytes.len() as u64).to_le_bytes());
        self.feed(bytes);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), ContentError> {
        self.serialize_u8(0)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), ContentError> {
        self.feed(&[1]);
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), ContentError> {
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), ContentError> {
        Ok(())
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        variant: u32,
        _: &'static str,
    ) -> Result<(), ContentError> {
        self.serialize_u32(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), ContentError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        variant: u32,
        _: &'static str,
        value: &T,
    ) -> Result<(), ContentError> {
        self.feed(&variant.to_le_bytes());
        value.serialize(self)
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Sequence<'c>, ContentError> {
        let fed = len.map_or(u64::MAX, |len| len as u64);
        self.feed(&fed.to_le_bytes());
        Ok(Sequence {
            content: self,
            counted: len.is_some(),
        })
    }

    fn serialize_tuple(self, _: usize) -> Result<Self, ContentError> {
        Ok(self)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self, ContentError> {
        Ok(self)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        variant: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, ContentError> {
        self.feed(&variant.to_le_bytes());
        Ok(self)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Entries<'c>, ContentError> {
        Ok(Entries {
            content: self,
            entry: Content::new(),
            count: 0,
            sum: 0,
        })
    }

    fn serialize_struct(self, _: &'static str, len: usize) -> Result<Fields<'c>, ContentError> {
        Ok(Fields::new(self, len))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        variant: u32,
        _: &'static str,
        len: usize,
    ) -> Result<Fields<'c>, ContentError> {
        self.feed(&variant.to_le_bytes());
        Ok(Fields::new(self, len))
    }

    /// As for the encoding: what has two forms takes the compact one.
    fn is_human_readable(&self) -> bool {
        false
    }
}

impl SerializeSeq for Sequence<'_> {
    type Ok = ();
    type Error = ContentError;

    #[inline]
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ContentError> {
        if !self.counted {
            self.content.feed(&[1]);
        }
        value.serialize(&mut *self.content)
    }

    fn end(self) -> Result<(), ContentError> {
        if !self.counted {
            self.content.feed(&[0]);
        }
        Ok(())
    }
}

/// What is only its fields, one after the other.
macro_rules! plain {
    ($($trait:ident $method:ident),*) => {
        $(impl $trait for &mut Content {
            type Ok = ();
            type Error = ContentError;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ContentError> {
                value.serialize(&mut **self)
            }

            fn end(self) -> Result<(), ContentError> {
                Ok(())
            }
        })*
    };
}

plain!(
    SerializeTuple serialize_element,
    SerializeTupleStruct serialize_field,
    SerializeTupleVariant serialize_field
);

macro_rules! fields {
    ($($trait:ident),*) => {
        $(impl $trait for Fields<'_> {
            type Ok = ();
            type Error = ContentError;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                _: &'static str,
                value: &T,
            ) -> Result<(), ContentError> {
                self.place += 1;
                value.serialize(&mut *self.content)
            }

            fn skip_field(&mut self, _: &'static str) -> Result<(), ContentError> {
                self.skip();
                Ok(())
            }

            fn end(self) -> Result<(), ContentError> {
                self.finish();
                Ok(())
            }
        })*
    };
}

fields!(SerializeStruct, SerializeStructVariant);

impl SerializeMap for Entries<'_> {
    type Ok = ();
    type Error = ContentError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), ContentError> {
        self.entry = Content::new();
        key.serialize(&mut self.entry)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ContentError> {
        value.serialize(&mut self.entry)?;
        let entry = std::mem::replace(&mut self.entry, Content::new());
        self.sum = self.sum.wrapping_add(entry.finish());
        self.count += 1;
        Ok(())
    }

    fn end(self) -> Result<(), ContentError> {
        self.content.feed(&self.count.to_le_bytes());
        self.content.feed(&self.sum.to_le_bytes());
        Ok(())
    }
}
