//! A receiver of traces: what an OpenTelemetry collector would get.

use std::net::SocketAddr;
use std::sync::Arc;

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::trace::v1::Span;
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Identity, Server, ServerTlsConfig};
use tonic::{Request, Response, Status};

/// Keeps every span that is exported to it.
#[derive(Clone, Default)]
pub struct SpanReceiver {
    spans: Arc<Mutex<Vec<Span>>>,
}

impl SpanReceiver {
    /// Starts on a free port.
    pub async fn start() -> (SpanReceiver, SocketAddr) {
        SpanReceiver::serve(Server::builder()).await
    }

    /// Starts on a free port with TLS, and gives the certificate, of `localhost`, that it shows.
    pub async fn start_with_tls() -> (SpanReceiver, SocketAddr, String) {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let tls = ServerTlsConfig::new().identity(Identity::from_pem(&certificate, key));
        let (receiver, address) = SpanReceiver::serve(Server::builder().tls_config(tls).unwrap()).await;
        (receiver, address, certificate)
    }

    async fn serve(mut server: Server) -> (SpanReceiver, SocketAddr) {
        let receiver = SpanReceiver::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = server.add_service(TraceServiceServer::new(receiver.clone()));
        tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
        (receiver, address)
    }

    /// All spans, with everything that they say.
    pub fn all(&self) -> Vec<Span> {
        self.spans.lock().clone()
    }

    /// The spans of one trace, given in hex.
    pub fn of_trace(&self, trace: &str) -> Vec<Span> {
        let spans = self.spans.lock();
        spans.iter().filter(|span| svc_core::ids::hex(&span.trace_id) == trace).cloned().collect()
    }
}

#[tonic::async_trait]
impl TraceService for SpanReceiver {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let resources = request.into_inner().resource_spans.into_iter();
        let spans = resources.flat_map(|r| r.scope_spans).flat_map(|s| s.spans);
        self.spans.lock().extend(spans);
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}
