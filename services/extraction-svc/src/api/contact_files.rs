//! The files of contacts, which are contacts-svc's: read there for a caller who may read them.

use std::time::Duration;

use keyward_proto::contacts::v1 as pb;
use keyward_proto::contacts::v1::file_source_service_client::FileSourceServiceClient;
use keyward_proto::contacts::v1::read_file_response::Part;
use svc_core::error::{Error, Reason};
use svc_core::principal::{self, Principal};
use svc_runtime::grpc::status;
use svc_runtime::peers::Peers;
use tonic::{Request, Status, Streaming};

use crate::domain::Partition;

/// What a key needs for it.
const READ: &str = "contacts:read";
/// The longest that a file takes: as long as an upload may.
const TIME: Duration = Duration::from_secs(600);

/// Where files of contacts are read.
#[derive(Clone, Debug)]
pub(crate) struct ContactFiles {
    peers: Peers,
}

/// A file that is being read.
pub(crate) struct ContactFile {
    pub(crate) name: String,
    pub(crate) content_type: String,
    content: Streaming<pb::ReadFileResponse>,
}

impl ContactFiles {
    /// The service that has them.
    pub(crate) const SERVICE: &str = "contacts";

    pub(crate) fn new(peers: Peers) -> ContactFiles {
        ContactFiles { peers }
    }

    /// A file of one of the agent's contacts. The principal says whose it may be and whether it may be read; a file of
    /// another agent is not found.
    pub(crate) async fn open(
        &self,
        principal: &Principal,
        partition: &Partition,
        id: &str,
    ) -> Result<ContactFile, Status> {
        // Every member may read.
        if !principal.may(READ) && principal.role.is_none() {
            return Err(status::of(principal::lacks(&[READ.to_owned()])));
        }
        let peer = self.peers.named(Self::SERVICE).ok_or_else(|| {
            tracing::error!(
                "files of contacts cannot be read: contacts-svc is not known, or no secret is shared"
            );
            status::of(Error::unavailable())
        })?;
        let mut request = Request::new(pb::ReadFileRequest {
            organization_id: partition.organization_id.clone(),
            agent_id: partition.agent_id.clone(),
            file_id: id.to_owned(),
        });
        request.set_timeout(TIME);
        peer.credential.authenticate(&mut request);
        let mut client = FileSourceServiceClient::new(peer.upstream);
        let mut content = client.read_file(request).await.map_err(refused)?.into_inner();
        match content.message().await.map_err(refused)?.and_then(|first| first.part) {
            Some(Part::File(file)) => {
                Ok(ContactFile { name: file.file_name, content_type: file.content_type, content })
            }
            _ => Err(status::of(Error::internal())),
        }
    }
}

impl ContactFile {
    /// The next bytes; `None` after the last.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Vec<u8>>, Status> {
        match self.content.message().await.map_err(refused)?.map(|next| next.part) {
            None => Ok(None),
            Some(Some(Part::Chunk(chunk))) => Ok(Some(chunk)),
            Some(_) => Err(status::of(Error::internal())),
        }
    }
}

/// What the caller is told: that there is no such file, or that it cannot be read now.
fn refused(refusal: Status) -> Status {
    let reason = status::reason(&refusal);
    match reason {
        Reason::NotFound => status::of(Error::not_found("Contact file")),
        Reason::DeadlineExceeded => status::of(Error::deadline_exceeded()),
        _ => {
            tracing::warn!(reason = reason.code(), "a file of a contact is not read");
            status::of(Error::unavailable())
        }
    }
}
