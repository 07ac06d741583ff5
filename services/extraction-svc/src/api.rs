//! The gRPC side. Nothing is built yet: every RPC answers UNIMPLEMENTED by tonic's default stubs.

use keyward_proto::extraction::v1::extraction_service_server::ExtractionService;

/// `keyward.extraction.v1.ExtractionService`.
pub(crate) struct ExtractionApi;

#[tonic::async_trait]
impl ExtractionService for ExtractionApi {}
