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

/// A map: the hash of each entry is added up.
pub(crate) struct Entries<'c> {
    content: &'c mut Content,
    entry: Content,
    count: usize,
    sum: u128,
}

/// What a value is, as the byte before it.
mod tag {
    pub(super) const NONE: u8 = 0;
    pub(super) const SOME: u8 = 1;
    pub(super) const UNIT: u8 = 2;
    pub(super) const FALSE: u8 = 3;
    pub(super) const TRUE: u8 = 4;
    pub(super) const CHAR: u8 = 5;
    pub(super) const TEXT: u8 = 6;
    pub(super) const BYTES: u8 = 7;
    pub(super) const SEQUENCE: u8 = 8;
    pub(super) const UNCOUNTED: u8 = 9;
    pub(super) const TUPLE: u8 = 10;
    pub(super) const STRUCT: u8 = 11;
    pub(super) const MAP: u8 = 12;
    pub(super) const VARIANT: u8 = 13;
    /// Of an integer this and its width in bytes.
    pub(super) const SIGNED: u8 = 0x20;
    pub(super) const UNSIGNED: u8 = 0x40;
    pub(super) const FLOAT: u8 = 0x60;
}

impl Content {
    /// What has a length, before what it consists of.
    #[inline]
    fn head(&mut self, tag: u8, len: usize) {
        let mut head = [tag; 9];
        head[1..].copy_from_slice(&(len as u64).to_le_bytes());
        self.feed(&head);
    }

    /// A variant, before what it holds.
    fn variant(&mut self, name: &str) {
        self.head(tag::VARIANT, name.len());
        self.feed(name.as_bytes());
    }
}

macro_rules! numbers {
    ($($name:ident: $tag:ident $type:ty),*) => {
        $(#[inline]
        fn $name(self, number: $type) -> Result<(), ContentError> {
            let mut fed = [tag::$tag + size_of::<$type>() as u8; 1 + size_of::<$type>()];
            fed[1..].copy_from_slice(&number.to_le_bytes());
            self.feed(&fed);
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
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    numbers!(
        serialize_i8: SIGNED i8, serialize_i16: SIGNED i16, serialize_i32: SIGNED i32, serialize_i64: SIGNED i64,
        serialize_i128: SIGNED i128, serialize_u8: UNSIGNED u8, serialize_u16: UNSIGNED u16, serialize_u32: UNSIGNED u32,
        serialize_u64: UNSIGNED u64, serialize_u128: UNSIGNED u128, serialize_f32: FLOAT f32, serialize_f64: FLOAT f64
    );

    fn serialize_bool(self, yes: bool) -> Result<(), ContentError> {
        self.feed(&[if yes { tag::TRUE } else { tag::FALSE }]);
        Ok(())
    }

    fn serialize_char(self, char: char) -> Result<(), ContentError> {
        self.feed(&[tag::CHAR]);
        self.feed(&u32::from(char).to_le_bytes());
        Ok(())
    }

    fn serialize_str(self, text: &str) -> Result<(), ContentError> {
        self.head(tag::TEXT, text.len());
        self.feed(text.as_bytes());
        Ok(())
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<(), ContentError> {
        self.head(tag::BYTES, bytes.len());
        self.feed(bytes);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), ContentError> {
        self.feed(&[tag::NONE]);
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), ContentError> {
        self.feed(&[tag::SOME]);
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), ContentError> {
        self.feed(&[tag::UNIT]);
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), ContentError> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), ContentError> {
        self.variant(variant);
        self.serialize_unit()
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
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), ContentError> {
        self.variant(variant);
        value.serialize(self)
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Sequence<'c>, ContentError> {
        match len {
            Some(len) => self.head(tag::SEQUENCE, len),
            None => self.feed(&[tag::UNCOUNTED]),
        }
        Ok(Sequence {
            content: self,
            counted: len.is_some(),
        })
    }

    fn serialize_tuple(self, len: usize) -> Result<Self, ContentError> {
        self.head(tag::TUPLE, len);
        Ok(self)
    }

    fn serialize_tuple_struct(self, _: &'static str, len: usize) -> Result<Self, ContentError> {
        self.serialize_tuple(len)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self, ContentError> {
        self.variant(variant);
        self.serialize_tuple(len)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Entries<'c>, ContentError> {
        Ok(Entries {
            content: self,
            entry: Content::new(),
            count: 0,
            sum: 0,
        })
    }

    fn serialize_struct(self, _: &'static str, len: usize) -> Result<Self, ContentError> {
        self.head(tag::STRUCT, len);
        Ok(self)
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self, ContentError> {
        self.variant(variant);
        self.serialize_struct(name, len)
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

/// Fields by their names, so one that is skipped is not another that is there.
macro_rules! fields {
    ($($trait:ident),*) => {
        $(impl $trait for &mut Content {
            type Ok = ();
            type Error = ContentError;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), ContentError> {
                self.text(name);
                value.serialize(&mut **self)
            }

            fn end(self) -> Result<(), ContentError> {
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
        self.content.head(tag::MAP, self.count);
        self.content.feed(&self.sum.to_le_bytes());
        Ok(())
    }
}
