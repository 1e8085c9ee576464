//! Any bytes as a sequence of messages: what can be read is written as the very same bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tenter::net::message::{FromClient, FromWorker, ToClient, ToWorker};
use tenter::net::wire::{Cursor, Message, Writer};

fn read<M: Message>(bytes: &[u8]) {
    let mut cursor = Cursor::new(bytes);
    while cursor.remaining() > 0 {
        let before = cursor.remaining();
        let Ok(message) = M::decode(&mut cursor) else {
            return;
        };
        let used = &bytes[bytes.len() - before..bytes.len() - cursor.remaining()];
        let mut writer = Writer::default();
        message.encode(&mut writer);
        // A large payload would be written out of line.
        assert!(writer.bytes() == used || !writer.tails().is_empty());
    }
}

fuzz_target!(|bytes: &[u8]| {
    read::<FromClient>(bytes);
    read::<ToClient>(bytes);
    read::<FromWorker>(bytes);
    read::<ToWorker>(bytes);
});
