//! How single values stand on the wire.

use prost::encoding::WireType;

/// How a value stands on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Varint,
    ZigZag,
    Fixed32,
    Fixed64,
    Bytes,
}

impl From<Encoding> for WireType {
    fn from(encoding: Encoding) -> WireType {
        match encoding {
            Encoding::Varint | Encoding::ZigZag => WireType::Varint,
            Encoding::Fixed32 => WireType::ThirtyTwoBit,
            Encoding::Fixed64 => WireType::SixtyFourBit,
            Encoding::Bytes => WireType::LengthDelimited,
        }
    }
}

impl Encoding {
    pub(crate) fn of(kind: &prost_reflect::Kind) -> Encoding {
        use prost_reflect::Kind as K;
        match kind {
            K::Bool | K::Int32 | K::Int64 | K::Uint32 | K::Uint64 | K::Enum(_) => Encoding::Varint,
            K::Sint32 | K::Sint64 => Encoding::ZigZag,
            K::Fixed32 | K::Sfixed32 | K::Float => Encoding::Fixed32,
            K::Fixed64 | K::Sfixed64 | K::Double => Encoding::Fixed64,
            K::String | K::Bytes | K::Message(_) => Encoding::Bytes,
        }
    }
}
