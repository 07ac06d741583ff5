//! `google.protobuf.Value` as the bytes that it has on the wire.

use prost::DecodeError;
use prost::bytes::{Buf, BufMut, Bytes};
use prost::encoding::{
    DecodeContext, WireType, bytes, encode_key, encode_varint, fixed32, fixed64, skip_field, uint64,
};

/// A `google.protobuf.Value` that stays as it came: any JSON, of any size, in one piece of memory.
/// Nothing says that its fields make sense until somebody reads them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Value {
    wire: Vec<u8>,
}

impl Value {
    /// Of these bytes.
    pub fn from_wire(wire: Vec<u8>) -> Value {
        Value { wire }
    }

    /// The bytes.
    pub fn wire(&self) -> &[u8] {
        &self.wire
    }
}

impl prost::Message for Value {
    fn encode_raw(&self, buf: &mut impl BufMut) {
        buf.put_slice(&self.wire);
    }

    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buf: &mut impl Buf,
        ctx: DecodeContext,
    ) -> Result<(), DecodeError> {
        match wire_type {
            WireType::Varint => {
                let mut value = 0;
                uint64::merge(wire_type, &mut value, buf, ctx)?;
                encode_key(tag, wire_type, &mut self.wire);
                encode_varint(value, &mut self.wire);
            }
            WireType::SixtyFourBit => {
                let mut value = 0;
                fixed64::merge(wire_type, &mut value, buf, ctx)?;
                fixed64::encode(tag, &value, &mut self.wire);
            }
            WireType::ThirtyTwoBit => {
                let mut value = 0;
                fixed32::merge(wire_type, &mut value, buf, ctx)?;
                fixed32::encode(tag, &value, &mut self.wire);
            }
            WireType::LengthDelimited => {
                let mut value = Bytes::new();
                bytes::merge(wire_type, &mut value, buf, ctx)?;
                // Usually it is all that there is. Of many, each would be one more copy of those before.
                if self.wire.is_empty() {
                    self.wire.reserve_exact(value.len() + 16);
                }
                bytes::encode(tag, &value, &mut self.wire);
            }
            // No field of it is a group.
            WireType::StartGroup | WireType::EndGroup => skip_field(wire_type, tag, buf, ctx)?,
        }
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        self.wire.len()
    }

    fn clear(&mut self) {
        self.wire.clear();
    }
}
