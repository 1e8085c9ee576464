//! Every message survives its encoding.

use std::fmt::Debug;

use proptest::prelude::*;
use tenter::net::message::{FromClient, FromWorker, ToClient, ToWorker};
use tenter::net::wire::{Cursor, Field, Limits, Message, Packer, Unpacker, WireError, Writer};

use crate::any::{Draw, Variants};
use crate::support::{packed, received};

fn every_variant_survives<M: Message + Variants + Debug + PartialEq>(seed: u64) {
    let mut draw = Draw::new(seed);
    let sent: Vec<M> = (0..M::COUNT).map(|n| M::nth(n, &mut draw)).collect();
    let mut unpacker = Unpacker::new(Limits::default());
    unpacker.feed(&packed(&sent));
    assert_eq!(received::<M>(&mut unpacker), Ok(sent));
    assert!(unpacker.is_between_frames());
}

proptest! {
    #[test]
    fn every_message_survives_its_encoding(seed in any::<u64>()) {
        every_variant_survives::<FromClient>(seed);
        every_variant_survives::<ToClient>(seed);
        every_variant_survives::<FromWorker>(seed);
        every_variant_survives::<ToWorker>(seed);
    }

    #[test]
    fn every_number_has_one_encoding(number in any::<u64>(), bits in 0..64, signed in any::<i32>()) {
        let number: u64 = number >> bits;
        let mut writer = Writer::default();
        number.put(&mut writer);
        signed.put(&mut writer);
        let mut cursor = Cursor::new(writer.bytes());
        prop_assert_eq!(u64::get(&mut cursor), Ok(number));
        prop_assert_eq!(i32::get(&mut cursor), Ok(signed));
        prop_assert_eq!(cursor.finish("two numbers"), Ok(()));
    }

    #[test]
    fn what_decodes_from_random_bytes_encodes_to_the_same(bytes in prop::collection::vec(any::<u8>(), 1..200)) {
        let mut cursor = Cursor::new(&bytes);
        if let Ok(message) = FromWorker::decode(&mut cursor) {
            let used = bytes.len() - cursor.remaining();
            let mut writer = Writer::default();
            message.encode(&mut writer);
            prop_assert_eq!(writer.bytes(), &bytes[..used]);
        }
    }
}

#[test]
fn a_no_op_task_needs_few_bytes() {
    use bytes::Bytes;
    use tenter::net::message::{Done, Finished, Run, Submit, TaskId, Ticket};
    let run = Run {
        task: TaskId {
            slot: 123_456,
            generation: 3,
        },
        attempt: 1,
    };
    let size = |message: &dyn Fn(&mut Packer) -> Result<(), WireError>| {
        let mut packer = Packer::default();
        message(&mut packer).unwrap();
        let first = packer.bytes();
        message(&mut packer).unwrap();
        packer.bytes() - first
    };
    let submit = FromClient::Submit(Submit {
        ticket: Ticket(123_456),
        kind: 1,
        key: None,
        args: Bytes::new(),
        inputs: Vec::new(),
        mentions: Vec::new(),
    });
    let done = FromWorker::Done(Done {
        run,
        result: Finished::Inline(Bytes::from_static(b"1")),
        mentions: Vec::new(),
        run_us: 1,
        lay_us: 100,
    });
    assert!(size(&|packer| packer.push(&submit)) <= 16);
    assert!(size(&|packer| packer.push(&done)) <= 16);
}
