//! What a client sends on an HTTP/2 connection, frame by frame: what each costs, and whether a head is
//! under way. Only the nine bytes in front of each frame are looked at (RFC 9113, 4.1); nothing is copied.

use super::PREFACE;

/// The size of what stands in front of each frame.
const FRAME_HEADER: usize = 9;

/// Types of frames (RFC 9113, 6). Any other is a frame that costs.
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const CONTINUATION: u8 = 9;

/// Flags of frames. In SETTINGS the first one says that ours were taken.
const END_STREAM: u8 = 0x1;
const ACK: u8 = 0x1;
const END_HEADERS: u8 = 0x4;
const PADDED: u8 = 0x8;

/// What a head costs before it has become a request.
pub(super) const HEAD_COST: i32 = 8;
/// What a frame costs that moves no request on.
const CONTROL_COST: i32 = 1;
/// As many bytes of SETTINGS cost as much as a frame: ten settings, each of which may touch every stream.
const SETTINGS_BYTES: usize = 60;

/// Reads frames.
#[derive(Debug)]
pub(super) struct Frames {
    /// What is left of the preface, which is no frame.
    preface: usize,
    header: [u8; FRAME_HEADER],
    /// How much of `header` is there.
    have: usize,
    /// What is left of the frame's payload.
    left: usize,
    kind: u8,
    flags: u8,
    /// The first frame was SETTINGS. It must be (RFC 9113, 3.4).
    settings_begun: bool,
    settings_ended: bool,
    in_head: bool,
    last_stream: u32,
}

/// What was read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Cost {
    /// What it costs.
    pub(super) tokens: i32,
    /// A head began.
    pub(super) head_began: bool,
}

/// The first frame was not SETTINGS.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NoSettings;

impl Frames {
    /// A connection that begins with its preface.
    pub(super) fn new() -> Frames {
        Frames {
            preface: PREFACE.len(),
            header: [0; FRAME_HEADER],
            have: 0,
            left: 0,
            kind: 0,
            flags: 0,
            settings_begun: false,
            settings_ended: false,
            in_head: false,
            last_stream: 0,
        }
    }

    /// Whether the client owes us the rest of a head, or of what a connection begins with.
    pub(super) fn in_head(&self) -> bool {
        self.in_head || !self.settings_ended
    }

    /// The newest stream of the client.
    pub(super) fn last_stream(&self) -> u32 {
        self.last_stream
    }

    /// The next bytes, however they are cut.
    pub(super) fn read(&mut self, mut bytes: &[u8]) -> Result<Cost, NoSettings> {
        let mut cost = Cost::default();
        let skipped = self.preface.min(bytes.len());
        self.preface -= skipped;
        bytes = &bytes[skipped..];
        loop {
            let skipped = self.left.min(bytes.len());
            self.left -= skipped;
            bytes = &bytes[skipped..];
            if bytes.is_empty() {
                break;
            }
            let taken = (FRAME_HEADER - self.have).min(bytes.len());
            self.header[self.have..self.have + taken].copy_from_slice(&bytes[..taken]);
            self.have += taken;
            bytes = &bytes[taken..];
            if self.have < FRAME_HEADER {
                break;
            }
            self.have = 0;
            self.begin(&mut cost)?;
        }
        self.end();
        Ok(cost)
    }

    /// A frame begins, so the one before has ended.
    fn begin(&mut self, cost: &mut Cost) -> Result<(), NoSettings> {
        self.end();
        let [a, b, c, kind, flags, s0, s1, s2, s3] = self.header;
        let length = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
        (self.left, self.kind, self.flags) = (length, kind, flags);
        if !self.settings_begun && (kind != SETTINGS || flags & ACK != 0) {
            return Err(NoSettings);
        }
        self.settings_begun = true;
        cost.tokens += match kind {
            // Data is what a body is made of. Without any, or with what may be padding only, it moves nothing on.
            DATA if length > 0 && flags & PADDED == 0 => 0,
            DATA if length == 0 && flags & END_STREAM != 0 => 0,
            HEADERS => {
                let stream = u32::from_be_bytes([s0 & 0x7f, s1, s2, s3]);
                self.last_stream = self.last_stream.max(stream);
                self.in_head = true;
                cost.head_began = true;
                HEAD_COST
            }
            SETTINGS => CONTROL_COST + (length / SETTINGS_BYTES) as i32,
            _ => CONTROL_COST,
        };
        Ok(())
    }

    /// Notes the end of a frame, if all of it is there.
    fn end(&mut self) {
        if self.left > 0 {
            return;
        }
        match self.kind {
            HEADERS | CONTINUATION if self.flags & END_HEADERS != 0 => self.in_head = false,
            SETTINGS if self.settings_begun => self.settings_ended = true,
            _ => {}
        }
    }
}

/// A GOAWAY frame (RFC 9113, 6.8).
pub(super) fn goaway(last_stream: u32, code: u32) -> [u8; FRAME_HEADER + 8] {
    const LENGTH: u8 = 8;
    const GOAWAY: u8 = 7;
    let ([a, b, c, d], [e, f, g, h]) = (last_stream.to_be_bytes(), code.to_be_bytes());
    [0, 0, LENGTH, GOAWAY, 0, 0, 0, 0, 0, a, b, c, d, e, f, g, h]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frame(kind: u8, flags: u8, stream: u32, length: usize) -> Vec<u8> {
        let mut bytes = (length as u32).to_be_bytes()[1..].to_vec();
        bytes.extend([kind, flags]);
        bytes.extend(stream.to_be_bytes());
        bytes.resize(FRAME_HEADER + length, 0xff);
        bytes
    }

    fn begun() -> Frames {
        let mut frames = Frames::new();
        let opening = [PREFACE.to_vec(), frame(SETTINGS, 0, 0, 18)].concat();
        assert_eq!(frames.read(&opening).unwrap().tokens, CONTROL_COST);
        assert!(!frames.in_head());
        frames
    }

    #[test]
    fn what_each_frame_costs() {
        for (what, bytes, tokens) in [
            ("data", frame(DATA, 0, 1, 10), 0),
            ("the end of a body", frame(DATA, END_STREAM, 1, 0), 0),
            ("no data", frame(DATA, 0, 1, 0), 1),
            ("padding", frame(DATA, PADDED, 1, 200), 1),
            ("head", frame(HEADERS, END_HEADERS, 1, 30), HEAD_COST),
            ("PRIORITY", frame(2, 0, 1, 5), 1),
            ("RST_STREAM", frame(3, 0, 1, 4), 1),
            ("SETTINGS", frame(SETTINGS, 0, 0, 6), 1),
            ("many settings", frame(SETTINGS, 0, 0, 16_380), 274),
            ("PING", frame(6, 0, 0, 8), 1),
            ("PING answered", frame(6, ACK, 0, 8), 1),
            ("WINDOW_UPDATE", frame(8, 0, 0, 4), 1),
            ("CONTINUATION", frame(CONTINUATION, 0, 1, 0), 1),
            ("unknown", frame(0xbe, 0, 0, 3), 1),
        ] {
            assert_eq!(begun().read(&bytes).unwrap().tokens, tokens, "{what}");
        }
    }

    #[test]
    fn what_does_not_begin_with_settings_is_malformed() {
        for first in [frame(6, 0, 0, 8), frame(HEADERS, END_HEADERS, 1, 3), frame(SETTINGS, ACK, 0, 0)] {
            let mut frames = Frames::new();
            assert_eq!(frames.read(&[PREFACE.to_vec(), first].concat()), Err(NoSettings));
        }
    }

    #[test]
    fn a_head_is_under_way_until_its_last_byte() {
        let mut frames = Frames::new();
        assert!(frames.in_head(), "the preface and SETTINGS are owed");
        frames.read(PREFACE).unwrap();
        let settings = frame(SETTINGS, 0, 0, 6);
        frames.read(&settings[..14]).unwrap();
        assert!(frames.in_head());
        frames.read(&settings[14..]).unwrap();
        assert!(!frames.in_head());

        assert!(frames.read(&frame(HEADERS, 0, 5, 4)).unwrap().head_began);
        assert!(frames.in_head(), "CONTINUATION is owed");
        let last = frame(CONTINUATION, END_HEADERS, 5, 4);
        frames.read(&last[..12]).unwrap();
        assert!(frames.in_head());
        assert!(!frames.read(&last[12..]).unwrap().head_began);
        assert!(!frames.in_head());
        assert_eq!(frames.last_stream(), 5);
    }

    proptest! {
        /// However the bytes are cut, they are the same frames.
        #[test]
        fn cuts_change_nothing(
            kinds in prop::collection::vec((0_u8..12, any::<u8>(), 0_usize..40), 1..20),
            cuts in prop::collection::vec(0_usize..30, 1..40),
        ) {
            let mut bytes = [PREFACE.to_vec(), frame(SETTINGS, 0, 0, 6)].concat();
            for (kind, flags, length) in kinds {
                bytes.extend(frame(kind, flags, 3, length));
            }
            let mut whole = Frames::new();
            let expected = whole.read(&bytes).unwrap().tokens;
            let (mut cut, mut tokens, mut rest) = (Frames::new(), 0, &bytes[..]);
            for at in cuts {
                let (piece, after) = rest.split_at(at.min(rest.len()));
                tokens += cut.read(piece).unwrap().tokens;
                rest = after;
            }
            tokens += cut.read(rest).unwrap().tokens;
            prop_assert_eq!(tokens, expected);
            prop_assert_eq!(cut.in_head(), whole.in_head());
        }
    }
}
