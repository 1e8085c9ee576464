//! How values are written: by their fields, in order.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::cursor::Cursor;
use super::error::WireError;
use super::writer::Writer;

/// What stands in a frame of messages.
pub trait Message: Sized + Send + 'static {
    /// Writes it, as at least one byte.
    fn encode(&self, to: &mut Writer);

    /// Reads one.
    ///
    /// # Errors
    /// If the bytes are none.
    fn decode(from: &mut Cursor<'_>) -> Result<Self, WireError>;
}

/// A part of a message. Written as at least one byte, on which the check of a list's length relies.
pub trait Field: Sized {
    /// Writes it.
    fn put(&self, to: &mut Writer);

    /// Reads one.
    ///
    /// # Errors
    /// If the bytes are none.
    fn get(from: &mut Cursor<'_>) -> Result<Self, WireError>;
}

impl Field for u8 {
    fn put(&self, to: &mut Writer) {
        to.u8(*self);
    }

    fn get(from: &mut Cursor<'_>) -> Result<Self, WireError> {
        from.u8("a byte")
    }
}

impl Field for u16 {
    fn put(&self, to: &mut Writer) {
        to.varint(u64::from(*self));
    }

    fn get(from: &mut Cursor<'_>) -> Result<Self, WireError> {
        let found = from.varint("a number")?;
        Self::try_from(found).map_err(|_| WireError::TooLong {
            what: "a number of 16 bits",
            found,
            limit: u64::from(Self::MAX),
        })
    }
}

impl Field for u32 {
    fn put(&self, to: &mut Writer) {
        to.varint(u64::from(*self));
    }

    fn get(from: &mut Cursor<'_>) -> Result<Self, WireError> {
        from.varint_u32("a number of 32 bits")
    }
}

impl Field for u64 {
    fn put(&self, to: &mut Writer) {
        to.varint(*self);
    }

    fn get(from: &mut Cursor<'_>) -> Result<Self, WireError> {
        from.varint("a number")
    }
}

/// Small numbers of either sign take one byte.
impl Field for i32 {
    fn put(&self, to: &mut Writer) {
        to.varint(u64::from(((self << 1) ^ (self >> 31)) as u32));
    }

    fn get(from: &mut Cursor<'_>) -> Result<Self, WireError> {
        let folded = from.varint_u32("a number of 32 bits")?;
        Ok((folded >> 1) as Self ^ -((folded & 1) as Self))
    }
}

impl Field for bool {
    fn put(&self, to: &mut Writer) {
        to.u8(u8::from(*self));
    }

    fn get(from: &mut Cursor<'_>) -> Result<Self, WireError> {
        match from.u8("a yes or no")? {
            0 => Ok(false),
            1 => Ok(true),
            found => Err(WireError::Unknown {
                what: "yes or no",
                found: u64::from(found),
            }),
        }
    }
}

/// To the nanosecond, up to 584 years.
impl Field for Duration {
    fn put(&self, to: &mut Writer) {
        to.varint(u64::try_from(self.as_nanos()).unwrap_or(u64::MAX));
    }

    fn get(from: &mut Cursor<'_>) -> Result<Self, WireError> {
        from.varint("a duration").map(Self::from_nanos)
    }
}

impl Field for String {
    fn put(&self, to: &mut Writer) {
        to.text(self);
    }

    fn get(from: &mut Cursor<'_>) -> Result<Self, WireError> {
        from.text("a text").map(Self::from)
    }
}

impl Field for Bytes {
    fn put(&self, to: &mut Writer) {
        to.payload(self);
    }

    fn get(from: &mut Cursor<'_>) -> Result<Self, WireError> {
        from.payload()
    }
}

impl<T: Field> Field for Option<T> {
    fn put(&self, to: &mut Writer) {
        self.is_some().put(to);
        if let Some(value) = self {
            value.put(to);
        }
    }

    fn get(from: &mut Cursor<'_>) -> Result<Self, WireError> {
        bool::get(from)?.then(|| T::get(from)).transpose()
    }
}

impl<T: Field> Field for Vec<T> {
    fn put(&self, to: &mut Writer) {
        to.varint(self.len() as u64);
        self.iter().for_each(|value| value.put(to));
    }

    fn get(from: &mut Cursor<'_>) -> Result<Self, WireError> {
        let count = from.count(size_of::<T>(), "a list")?;
        let mut list = Self::with_capacity(count);
        for _ in 0..count {
            list.push(T::get(from)?);
        }
        Ok(list)
    }
}

impl<A: Field, B: Field> Field for (A, B) {
    fn put(&self, to: &mut Writer) {
        self.0.put(to);
        self.1.put(to);
    }

    fn get(from: &mut Cursor<'_>) -> Result<Self, WireError> {
        Ok((A::get(from)?, B::get(from)?))
    }
}

impl<A: Field, B: Field, C: Field> Field for (A, B, C) {
    fn put(&self, to: &mut Writer) {
        self.0.put(to);
        self.1.put(to);
        self.2.put(to);
    }

    fn get(from: &mut Cursor<'_>) -> Result<Self, WireError> {
        Ok((A::get(from)?, B::get(from)?, C::get(from)?))
    }
}

impl<T: Field> Field for Box<T> {
    fn put(&self, to: &mut Writer) {
        (**self).put(to);
    }

    fn get(from: &mut Cursor<'_>) -> Result<Self, WireError> {
        T::get(from).map(Self::new)
    }
}

impl<T: Field> Field for Arc<T> {
    fn put(&self, to: &mut Writer) {
        (**self).put(to);
    }

    fn get(from: &mut Cursor<'_>) -> Result<Self, WireError> {
        T::get(from).map(Self::new)
    }
}

/// Writes a struct as its fields, in the order given.
macro_rules! record {
    ($name:ident ( $($item:ident),+ $(,)? )) => {
        impl $crate::net::wire::Field for $name {
            fn put(&self, to: &mut $crate::net::wire::Writer) {
                let Self($($item),+) = self;
                $($crate::net::wire::Field::put($item, to);)+
            }

            fn get(
                from: &mut $crate::net::wire::Cursor<'_>,
            ) -> Result<Self, $crate::net::wire::WireError> {
                $(let $item = $crate::net::wire::Field::get(from)?;)+
                Ok(Self($($item),+))
            }
        }
    };
    ($name:ident { $($field:ident),+ $(,)? }) => {
        impl $crate::net::wire::Field for $name {
            fn put(&self, to: &mut $crate::net::wire::Writer) {
                let Self { $($field),+ } = self;
                $($crate::net::wire::Field::put($field, to);)+
            }

            fn get(
                from: &mut $crate::net::wire::Cursor<'_>,
            ) -> Result<Self, $crate::net::wire::WireError> {
                Ok(Self { $($field: $crate::net::wire::Field::get(from)?),+ })
            }
        }
    };
}

/// Writes an enum as the number of its variant, then that variant's fields. Numbers stay what they are for ever.
macro_rules! choice {
    ($name:ident, $what:literal, {
        $($number:literal => $variant:ident
            $({ $($field:ident),+ $(,)? })?
            $(( $($item:ident),+ ))?
        ),+ $(,)?
    }) => {
        impl $crate::net::wire::Field for $name {
            fn put(&self, to: &mut $crate::net::wire::Writer) {
                match self {
                    $(Self::$variant $({ $($field),+ })? $(( $($item),+ ))? => {
                        to.u8($number);
                        $($($crate::net::wire::Field::put($field, to);)+)?
                        $($($crate::net::wire::Field::put($item, to);)+)?
                    })+
                }
            }

            fn get(
                from: &mut $crate::net::wire::Cursor<'_>,
            ) -> Result<Self, $crate::net::wire::WireError> {
                match from.u8($what)? {
                    $($number => {
                        $($(let $field = $crate::net::wire::Field::get(from)?;)+)?
                        $($(let $item = $crate::net::wire::Field::get(from)?;)+)?
                        Ok(Self::$variant $({ $($field),+ })? $(( $($item),+ ))?)
                    })+
                    found => Err($crate::net::wire::WireError::Unknown {
                        what: $what,
                        found: u64::from(found),
                    }),
                }
            }
        }
    };
}

/// Lets these be sent in frames of messages.
macro_rules! messages {
    ($($name:ident),+ $(,)?) => {$(
        impl $crate::net::wire::Message for $name {
            fn encode(&self, to: &mut $crate::net::wire::Writer) {
                $crate::net::wire::Field::put(self, to);
            }

            fn decode(
                from: &mut $crate::net::wire::Cursor<'_>,
            ) -> Result<Self, $crate::net::wire::WireError> {
                $crate::net::wire::Field::get(from)
            }
        }
    )+};
}

pub(in crate::net) use {choice, messages, record};
