//! Random messages of random descriptors: what we write and read is what prost-reflect reads and writes.

mod descriptors;
mod messages;

use proptest::prelude::*;
use prost::Message;
use prost_reflect::{DynamicMessage, MessageDescriptor};

use self::messages::Messages;
use crate::fuzzing::Codec;
use crate::routes::Dialect;

/// How many descriptor sets there are for each dialect, and how many messages of each: 100,000 in all.
const DESCRIPTORS: u32 = 100;
const MESSAGES: u32 = 500;

/// Numbers that look random (SplitMix64): all of a case follows from its seed.
pub(super) struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// Once in so many times.
    fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    fn pick<'t, T>(&mut self, all: &'t [T]) -> &'t T {
        &all[self.below(all.len())]
    }
}

fn decoded(descriptor: &MessageDescriptor, wire: &[u8]) -> DynamicMessage {
    DynamicMessage::decode(descriptor.clone(), wire).unwrap()
}

fn deserialized(descriptor: &MessageDescriptor, json: &str) -> Result<DynamicMessage, String> {
    let mut json = serde_json::Deserializer::from_str(json);
    DynamicMessage::deserialize(descriptor.clone(), &mut json).map_err(|e| e.to_string())
}

proptest! {
    // What fails is repeated by its seed; a smaller seed is no smaller case.
    #![proptest_config(ProptestConfig {
        cases: DESCRIPTORS, max_shrink_iters: 0, failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn protobufs_own_json_is_that_of_prost_reflect(seed in any::<u64>()) {
        let mut random = Random(seed);
        let (pool, root) = descriptors::make(&mut random, Dialect::Proto3);
        let codec = Codec::of(&pool, root.full_name(), Dialect::Proto3).unwrap();
        for _ in 0..MESSAGES {
            let message = Messages::new(&pool, Dialect::Proto3).make(&root, &mut random);
            let theirs = serde_json::to_string(&message).unwrap();
            let ours = codec.to_json(&message.encode_to_vec());
            let ours = ours.ok_or_else(|| TestCaseError::fail(format!("not written: {theirs}")))?;
            let again = deserialized(&root, &ours);
            prop_assert!(again.as_ref() == Ok(&message), "ours:   {ours}\ntheirs: {theirs}\n{:?}", again.err());
            for json in [&theirs, &ours] {
                let wire = codec.to_wire(json.as_bytes());
                let wire = wire.map_err(|e| TestCaseError::fail(format!("not read: {json}: {e}")))?;
                let again = decoded(&root, &wire);
                let text = |message| serde_json::to_string::<DynamicMessage>(message);
                prop_assert!(again == message, "{json} is read as {:?}, which is {theirs}", text(&again));
            }
        }
    }

    #[test]
    fn the_contracts_json_comes_back(seed in any::<u64>()) {
        let mut random = Random(seed);
        let (pool, root) = descriptors::make(&mut random, Dialect::Contract);
        let codec = Codec::of(&pool, root.full_name(), Dialect::Contract).unwrap();
        for _ in 0..MESSAGES {
            let message = Messages::new(&pool, Dialect::Contract).make(&root, &mut random);
            let ours = codec.to_json(&message.encode_to_vec());
            let ours = ours.ok_or_else(|| TestCaseError::fail("not written"))?;
            // Whatever it holds, every field is there.
            let json: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&ours).unwrap();
            prop_assert!(root.fields().all(|field| json.contains_key(field.json_name())), "{ours}");
            let wire = codec.to_wire(ours.as_bytes());
            let wire = wire.map_err(|e| TestCaseError::fail(format!("not read: {ours}: {e}")))?;
            prop_assert!(decoded(&root, &wire) == message, "read otherwise: {ours}");
        }
    }
}
