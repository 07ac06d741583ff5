//! Calling a service by the bytes of its messages, without HTTP: what `build.rs` generates beside tonic's server of
//! each service. The handler is the same, and is written once.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use prost::Message;
use prost::bytes::Bytes;
use tonic::service::Routes;
use tonic::{Request, Response, Status};

/// The answer to a call.
pub type Answer = Pin<Box<dyn Future<Output = Result<Response<Bytes>, Status>> + Send>>;

/// A method of one message in each direction, with its handler. Cheap to clone.
#[derive(Clone)]
pub struct Method {
    path: &'static str,
    call: Arc<dyn Fn(Request<Bytes>) -> Answer + Send + Sync>,
}

impl std::fmt::Debug for Method {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Method({})", self.path)
    }
}

impl Method {
    /// A method of `handler`. What came with the message, extensions and metadata, is handed on in both directions.
    pub fn unary<T, I, O, F>(
        path: &'static str,
        handler: &Arc<T>,
        call: impl Fn(Arc<T>, Request<I>) -> F + Copy + Send + Sync + 'static,
    ) -> Method
    where
        T: Send + Sync + 'static,
        I: Message + Default,
        O: Message,
        F: Future<Output = Result<Response<O>, Status>> + Send + 'static,
    {
        let handler = handler.clone();
        let call = move |request: Request<Bytes>| -> Answer {
            let (metadata, extensions, message) = request.into_parts();
            let message = match I::decode(message) {
                Ok(message) => message,
                // In the words of tonic's codec.
                Err(error) => {
                    let refused = Status::internal(error.to_string());
                    return Box::pin(std::future::ready(Err(refused)));
                }
            };
            let answer = call(handler.clone(), Request::from_parts(metadata, extensions, message));
            Box::pin(async { Ok(answer.await?.map(|message| Bytes::from(message.encode_to_vec()))) })
        };
        Method { path, call: Arc::new(call) }
    }

    /// `/package.Service/Method`.
    pub fn path(&self) -> &'static str {
        self.path
    }

    /// Calls it. It begins now, and a panic of it may come from here as well as from the answer.
    pub fn call(&self, request: Request<Bytes>) -> Answer {
        (self.call)(request)
    }
}

/// The handler of one gRPC service, as it is reached in both ways.
pub trait Dispatch {
    /// Over HTTP/2, beside others.
    fn add_to(&self, routes: Routes) -> Routes;

    /// By bytes. Methods with streams are not among these.
    fn methods(&self) -> Vec<Method>;
}

/// The gRPC services of a process or a port.
#[derive(Clone, Debug, Default)]
pub struct Services {
    /// Over HTTP/2.
    pub routes: Routes,
    /// By bytes.
    pub methods: Vec<Method>,
}

impl Services {
    /// None yet.
    pub fn new() -> Services {
        Services::default()
    }

    /// With one more.
    #[must_use]
    pub fn add(mut self, service: impl Dispatch) -> Services {
        self.routes = service.add_to(self.routes);
        self.methods.extend(service.methods());
        self
    }
}

/// Services that are reached over HTTP/2 only.
impl From<Routes> for Services {
    fn from(routes: Routes) -> Services {
        Services { routes, methods: Vec::new() }
    }
}
