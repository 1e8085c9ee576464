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
    count: u64,
    sum: u128,
}

/// What a value is, as the lowest byte of the word before it.
mod tag {
    pub(super) const NONE: u64 = 0;
    pub(super) const SOME: u64 = 1;
    pub(super) const UNIT: u64 = 2;
    pub(super) const FALSE: u64 = 3;
    pub(super) const TRUE: u64 = 4;
    pub(super) const CHAR: u64 = 5;
    pub(super) const TEXT: u64 = 6;
    pub(super) const BYTES: u64 = 7;
    pub(super) const SEQUENCE: u64 = 8;
    pub(super) const UNCOUNTED: u64 = 9;
    pub(super) const TUPLE: u64 = 10;
    pub(super) const STRUCT: u64 = 11;
    pub(super) const MAP: u64 = 12;
    pub(super) const VARIANT: u64 = 13;
    /// Of an integer this and its width in bytes.
    pub(super) const SIGNED: u64 = 0x20;
    pub(super) const UNSIGNED: u64 = 0x40;
    pub(super) const FLOAT: u64 = 0x60;
}

impl Content {
    /// What a value is, and a length or the bits of a number.
    #[inline]
    fn head(&mut self, tag: u64, above: u64) {
        self.word(tag | above << 8);
    }

    /// A variant, before what it holds.
    fn variant(&mut self, name: &str) {
        self.head(tag::VARIANT, name.len() as u64);
        self.bytes(name.as_bytes());
    }

    fn long(&mut self, number: u128) {
        self.two_words([number as u64, (number >> 64) as u64]);
    }

    /// A text or bytes.
    fn block(&mut self, tag: u64, bytes: &[u8]) {
        self.head(tag, bytes.len() as u64);
        self.bytes(bytes);
    }
}

/// Numbers of a type, and an unsigned one of their width.
macro_rules! narrow {
    ($($name:ident: $tag:ident $type:ty as $bits:ty),*) => {
        $(#[inline]
        fn $name(self, number: $type) -> Result<(), ContentError> {
            let bits = <$bits>::from_le_bytes(number.to_le_bytes());
            self.head(tag::$tag + size_of::<$type>() as u64, bits.into());
            Ok(())
        })*
    };
}

/// Numbers of a whole word.
macro_rules! wide {
    ($($name:ident: $tag:ident $type:ty),*) => {
        $(#[inline]
        fn $name(self, number: $type) -> Result<(), ContentError> {
            self.two_words([tag::$tag + 8, u64::from_le_bytes(number.to_le_bytes())]);
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

    narrow!(
        serialize_i8: SIGNED i8 as u8, serialize_i16: SIGNED i16 as u16, serialize_i32: SIGNED i32 as u32,
        serialize_u8: UNSIGNED u8 as u8, serialize_u16: UNSIGNED u16 as u16, serialize_u32: UNSIGNED u32 as u32,
        serialize_f32: FLOAT f32 as u32
    );

    wide!(
        serialize_i64: SIGNED i64, serialize_u64: UNSIGNED u64, serialize_f64: FLOAT f64
    );

    fn serialize_i128(self, number: i128) -> Result<(), ContentError> {
        self.word(tag::SIGNED + 16);
        self.long(number.cast_unsigned());
        Ok(())
    }

    fn serialize_u128(self, number: u128) -> Result<(), ContentError> {
        self.word(tag::UNSIGNED + 16);
        self.long(number);
        Ok(())
    }

    fn serialize_bool(self, yes: bool) -> Result<(), ContentError> {
        self.word(if yes { tag::TRUE } else { tag::FALSE });
        Ok(())
    }

    fn serialize_char(self, char: char) -> Result<(), ContentError> {
        self.head(tag::CHAR, char.into());
        Ok(())
    }

    fn serialize_str(self, text: &str) -> Result<(), ContentError> {
        self.block(tag::TEXT, text.as_bytes());
        Ok(())
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<(), ContentError> {
        self.block(tag::BYTES, bytes);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), ContentError> {
        self.word(tag::NONE);
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), ContentError> {
        self.word(tag::SOME);
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), ContentError> {
        self.word(tag::UNIT);
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
            Some(len) => self.head(tag::SEQUENCE, len as u64),
            None => self.word(tag::UNCOUNTED),
        }
        Ok(Sequence {
            content: self,
            counted: len.is_some(),
        })
    }

    fn serialize_tuple(self, len: usize) -> Result<Self, ContentError> {
        self.head(tag::TUPLE, len as u64);
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
            entry: Content::new(self.seed),
            content: self,
            count: 0,
            sum: 0,
        })
    }

    fn serialize_struct(self, _: &'static str, len: usize) -> Result<Self, ContentError> {
        self.head(tag::STRUCT, len as u64);
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
            self.content.word(1);
        }
        value.serialize(&mut *self.content)
    }

    fn end(self) -> Result<(), ContentError> {
        if !self.counted {
            self.content.word(0);
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
        self.entry.restart();
        key.serialize(&mut self.entry)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ContentError> {
        value.serialize(&mut self.entry)?;
        self.sum = self.sum.wrapping_add(self.entry.finish());
        self.count += 1;
        Ok(())
    }

    fn end(self) -> Result<(), ContentError> {
        self.content.head(tag::MAP, self.count);
        self.content.long(self.sum);
        Ok(())
    }
}
