//! A codec that leaves messages as they are: nothing is encoded twice.

use bytes::{Buf, BufMut, Bytes};
use tonic::Status;
use tonic::codec::{BufferSettings, Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

/// The first buffer of a message, in bytes. tonic's 8 KiB would be allocated for each.
const BUFFER: usize = 1024;
/// When a body is handed on, in bytes. tonic's own value.
const YIELD_AT: usize = 32 * 1024;

/// Messages that are there.
#[derive(Debug)]
pub struct Raw;

/// Messages that may fail to come. Then the call fails: its service never takes what it has for all of it.
#[derive(Debug)]
pub struct RawOrFailed;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Raw;
    type Decoder = Raw;

    fn encoder(&mut self) -> Raw {
        Raw
    }

    fn decoder(&mut self) -> Raw {
        Raw
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, message: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.reserve(message.len());
        buffer.put(message);
        Ok(())
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::new(BUFFER, YIELD_AT)
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::new(BUFFER, YIELD_AT)
    }
}

impl Codec for RawOrFailed {
    type Encode = Result<Bytes, Status>;
    type Decode = Bytes;
    type Encoder = RawOrFailed;
    type Decoder = Raw;

    fn encoder(&mut self) -> RawOrFailed {
        RawOrFailed
    }

    fn decoder(&mut self) -> Raw {
        Raw
    }
}

impl Encoder for RawOrFailed {
    type Item = Result<Bytes, Status>;
    type Error = Status;

    fn encode(&mut self, message: Result<Bytes, Status>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        Raw.encode(message?, buffer)
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::new(BUFFER, YIELD_AT)
    }
}
