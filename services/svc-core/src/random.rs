//! Randomness, passed in.

use std::cell::RefCell;

/// Where random bytes come from.
pub trait Random: Send + Sync + 'static {
    /// Fills the buffer with random bytes.
    fn fill(&self, bytes: &mut [u8]);
}

/// The operating system's cryptographic generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the operating system")]
    #[expect(
        clippy::expect_used,
        reason = "without randomness no secret can be made: stopping is the only answer"
    )]
    fn fill(&self, bytes: &mut [u8]) {
        aws_lc_rs::rand::fill(bytes).expect("the operating system's random generator works");
    }
}

/// How many bytes a thread asks the operating system for at once: enough for some hundred ids.
const BUFFER: usize = 4_096;

thread_local! {
    static UNUSED: RefCell<Unused> = const { RefCell::new(Unused { bytes: [0; BUFFER], left: 0 }) };
}

/// Random bytes of a thread that nobody was given yet, the last of the buffer.
struct Unused {
    bytes: [u8; BUFFER],
    left: usize,
}

/// The operating system's generator, asked for many bytes at a time. What is not given out yet lies in memory, so it is
/// for what is no secret, such as the ids of requests.
#[derive(Clone, Copy, Debug, Default)]
pub struct BufferedRandom;

impl Random for BufferedRandom {
    fn fill(&self, bytes: &mut [u8]) {
        if bytes.len() > BUFFER {
            return SystemRandom.fill(bytes);
        }
        UNUSED.with_borrow_mut(|unused| {
            if unused.left < bytes.len() {
                SystemRandom.fill(&mut unused.bytes);
                unused.left = BUFFER;
            }
            let start = BUFFER - unused.left;
            bytes.copy_from_slice(&unused.bytes[start..start + bytes.len()]);
            unused.left -= bytes.len();
        });
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_bytes_are_given_out_twice() {
        let mut seen = HashSet::new();
        // Over the end of several buffers, and with a length that does not divide them.
        for _ in 0..BUFFER {
            let mut bytes = [0; 12];
            BufferedRandom.fill(&mut bytes);
            assert!(seen.insert(bytes));
        }
        for length in [0, 1, BUFFER - 1, BUFFER, BUFFER + 1] {
            let mut bytes = vec![0; length];
            BufferedRandom.fill(&mut bytes);
            assert!(length < 16 || bytes.iter().any(|byte| *byte != 0), "{length}");
        }
    }
}
