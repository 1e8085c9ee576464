//! The cursor: what is not there is an error, and a few bytes cannot ask for much memory.

use bytes::Bytes;
use tenter::net::wire::{Cursor, Field, WireError};

#[test]
fn a_number_that_is_cut_off_is_an_error() {
    for bytes in [&[][..], &[0x80], &[0xff, 0xff]] {
        assert!(matches!(
            u64::get(&mut Cursor::new(bytes)),
            Err(WireError::Truncated { .. })
        ));
    }
}

#[test]
fn a_number_in_more_bytes_than_it_needs_is_an_error() {
    let eleven = [0xff; 11];
    let more_than_64_bits = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02];
    for bytes in [
        &[0x80, 0x00][..],
        &[0xff, 0x80, 0x00],
        &eleven,
        &more_than_64_bits,
    ] {
        assert!(matches!(
            u64::get(&mut Cursor::new(bytes)),
            Err(WireError::Malformed { .. })
        ));
    }
}

#[test]
fn a_list_is_not_longer_than_what_is_left() {
    let bytes = [0xff, 0xff, 0xff, 0xff, 0x0f, 1, 2, 3];
    let list = Vec::<u8>::get(&mut Cursor::new(&bytes));
    assert!(matches!(list, Err(WireError::Truncated { .. })));
}

#[test]
fn lists_may_not_turn_a_few_bytes_into_much_memory() {
    // Each of 60,000 empty lists takes one byte here and 24 in memory; a list of lists of them, each as long as what is
    // left, would multiply that.
    let mut bytes = vec![0; 60_000];
    bytes[..3].copy_from_slice(&[0xd0, 0xd2, 0x03]);
    let flat = Vec::<Vec<u8>>::get(&mut Cursor::new(&bytes));
    assert_eq!(flat.map(|list| list.len()), Ok(59_728));
    let wide = Vec::<Wide>::get(&mut Cursor::new(&bytes));
    assert!(matches!(wide, Err(WireError::TooLong { .. })), "{wide:?}");
}

#[test]
fn a_text_must_be_utf_8() {
    assert_eq!(
        String::get(&mut Cursor::new(&[1, 0xff])),
        Err(WireError::Malformed {
            what: "a text that is not UTF-8"
        })
    );
}

#[test]
fn a_payload_out_of_line_must_have_come() {
    assert!(matches!(
        Bytes::get(&mut Cursor::new(&[0])),
        Err(WireError::Truncated { .. })
    ));
    let tails = [Bytes::from_static(b"tail")];
    let cursor = Cursor::with_tails(&[], &tails);
    assert!(
        cursor.finish("nothing").is_err(),
        "a payload that nobody asks for"
    );
}

/// Larger in memory than on the wire by far.
#[derive(Debug)]
struct Wide {
    _numbers: [u64; 8],
}

impl Field for Wide {
    fn put(&self, to: &mut tenter::net::wire::Writer) {
        to.u8(0);
    }

    fn get(from: &mut Cursor<'_>) -> Result<Self, WireError> {
        u8::get(from).map(|_| Self { _numbers: [0; 8] })
    }
}
