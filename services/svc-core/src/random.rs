//! Randomness, passed in.

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
