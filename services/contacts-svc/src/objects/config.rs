//! `[contacts.files]`.

use serde::{Deserialize, Serialize};
use svc_core::secret::Secret;

/// Where the bytes of files are, and how many of them there may be.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct FilesConfig {
    /// A bucket, `s3://bucket/prefix`, or a directory, `file:///var/lib/keyward/files`. Default: `files` in `data_dir`.
    /// Replicas share it.
    pub url: Option<String>,
    /// Where a service is that speaks S3, e.g. `https://s3.example.com`. Default: that of AWS in the region.
    pub endpoint: Option<String>,
    /// The region of the bucket.
    pub region: String,
    /// Who asks. Without it, and without a secret, what AWS says of the machine: its environment, its pod or its role.
    pub access_key_id: Option<String>,
    /// The secret of it.
    pub secret_access_key: Option<Secret>,
    /// The name of the bucket stands in the host, as AWS has it, and not in the path, as others do.
    pub virtual_hosted: bool,
    /// The endpoint may be `http://` though it is not on this machine: bytes and signatures cross the network in the
    /// clear.
    pub allow_http: bool,
    /// How long the store may take for each step, 1 to 300 seconds.
    pub timeout_seconds: u64,
    /// The largest file, in bytes. At most 2,147,483,647. Over HTTP `edge.max_upload_bytes` bounds it, too.
    pub max_bytes: i32,
    /// How many files may come in at once. Each takes up to 10 MiB of memory on its way to S3, and 1 MiB to a disk.
    pub max_uploads: usize,
}

impl Default for FilesConfig {
    fn default() -> FilesConfig {
        FilesConfig {
            url: None,
            endpoint: None,
            region: "us-east-1".to_owned(),
            access_key_id: None,
            secret_access_key: None,
            virtual_hosted: false,
            allow_http: false,
            timeout_seconds: 30,
            max_bytes: 100 * 1024 * 1024,
            max_uploads: 64,
        }
    }
}
