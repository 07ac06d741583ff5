//! The settings of extraction-svc.

use serde::{Deserialize, Serialize};
use svc_runtime::grpc::Address;

use crate::llm::LlmConfig;
use crate::sandbox::ReaderConfig;

/// `[extraction]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    /// Where the service listens when it is a process of its own. Default `127.0.0.1:50053`.
    pub listen: Address,
    /// How many documents this process reads at a time. Default 2. Of one organization there are one fewer, unless it
    /// is 1. With 0 it serves only, and `keyward worker extraction` reads.
    pub workers: u8,
    /// How many documents of one organization may wait. Default 10,000.
    pub max_waiting: u32,
    /// For how many days jobs are kept after they ended, with their documents and results. 0: until they are deleted,
    /// which is the default. What was learned from a job goes with it.
    pub retention_days: u32,
    /// For how many days after its end the document of a job is kept, where that is less. 0: as long as the job, which is
    /// the default. The result stays. What was read of a document goes with it, unless somebody has corrected the job:
    /// that is learned from as long as the job is there.
    pub document_retention_days: u32,
    /// How documents are read.
    pub reader: ReaderConfig,
    /// Language models that jobs may ask for, and whose documents may be sent to each. None by default.
    pub llm: Vec<LlmConfig>,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            listen: Address::Tcp("127.0.0.1:50053".to_owned()),
            workers: 2,
            max_waiting: 10_000,
            retention_days: 0,
            document_retention_days: 0,
            reader: ReaderConfig::default(),
            llm: Vec::new(),
        }
    }
}
