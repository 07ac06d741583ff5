//! What targets share: a message of every type, and what must hold of its JSON.

use std::sync::LazyLock;

use edge::fuzzing::Codec;
use edge::routes::Dialect;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use protox::file::{ChainFileResolver, File, FileResolver, GoogleFileResolver};
use serde_json::Value;

const NAME: &str = "acme.v1.All";

struct Source;

impl FileResolver for Source {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        match name {
            "all.proto" => {
                File::from_source(name, include_str!("../../edge/src/transcode/tests/conformance.proto"))
            }
            _ => Err(protox::Error::file_not_found(name)),
        }
    }
}

static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
    let mut resolver = ChainFileResolver::new();
    resolver.add(Source);
    resolver.add(GoogleFileResolver::new());
    let mut compiler = protox::Compiler::with_file_resolver(resolver);
    compiler.include_imports(true).open_file("all.proto").unwrap();
    DescriptorPool::decode(compiler.encode_file_descriptor_set().as_slice()).unwrap()
});

static CODECS: LazyLock<[Codec; 2]> =
    LazyLock::new(|| [Dialect::Contract, Dialect::Proto3].map(|d| Codec::of(&POOL, NAME, d).unwrap()));

/// The JSON of the message.
pub fn codec(dialect: Dialect) -> &'static Codec {
    &CODECS[usize::from(dialect == Dialect::Proto3)]
}

/// The message.
pub fn descriptor() -> MessageDescriptor {
    POOL.get_message_by_name(NAME).unwrap()
}

/// What must hold of the JSON of a message.
pub fn check_json(dialect: Dialect, wire: &[u8], json: &str) {
    let _: Value = serde_json::from_str(json).expect("it is JSON");
    let codec = codec(dialect);
    if dialect == Dialect::Contract {
        return;
    }
    // Messages nest deeper than JSON may. What was read and written once stays as it is: before, a message may hold
    // what JSON does not tell, such as a `NullValue` that is 7.
    let round = |json: &str| codec.to_wire(json.as_bytes()).ok().and_then(|wire| codec.to_json(&wire));
    if let Some(again) = round(json) {
        assert_eq!(round(&again).as_ref(), Some(&again), "{json}");
    }
    // There is JSON that prost-reflect has in another form, and messages of which it has none. Its own JSON is read
    // once, too: a `NullValue` that is 7 is null, and null is no field.
    let read = |json: &str| -> Option<Value> {
        let mut json = serde_json::Deserializer::from_str(json);
        serde_json::to_value(DynamicMessage::deserialize(descriptor(), &mut json).ok()?).ok()
    };
    let theirs = DynamicMessage::decode(descriptor(), wire).ok();
    let theirs = theirs.and_then(|message| serde_json::to_string(&message).ok()).and_then(|json| read(&json));
    if let (Some(ours), Some(theirs)) = (read(json), theirs) {
        assert_eq!(ours, theirs, "{json}");
    }
}
