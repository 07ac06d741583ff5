//! What can be called here, for tools that ask before they call (grpc.reflection.v1): the RPCs that clients reach on this
//! port, with the files of their messages. No RPC that is for Keyward alone is among it.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use prost::Message;
use prost_reflect::{DescriptorPool, FileDescriptor, MethodDescriptor, ServiceDescriptor};
use svc_core::error::{Error, Reason};
use svc_core::wire::{Fields, Malformed, Value, Writer};
use tonic::Code;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1::{
    ErrorResponse, ExtensionNumberResponse, ExtensionRequest, FileDescriptorResponse, ListServiceResponse,
    ServerReflectionRequest, ServerReflectionResponse, ServiceResponse,
};

/// The one RPC of reflection.
pub(crate) const PATH: &str = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";

/// `FileDescriptorProto.service` and `.source_code_info`, and `ServiceDescriptorProto.method`.
const SERVICE: u32 = 6;
const SOURCE_CODE_INFO: u32 = 9;
const METHOD: u32 = 2;

/// Answers questions.
pub(crate) struct Reflection {
    pool: DescriptorPool,
    /// The full names of what can be called.
    methods: HashSet<String>,
    /// Sorted.
    services: Vec<String>,
    /// By their names.
    files: HashMap<String, Vec<u8>>,
}

impl Reflection {
    /// Of these RPCs, which are of one pool.
    ///
    /// # Errors
    /// When a descriptor cannot be read.
    pub(crate) fn of(methods: &[MethodDescriptor]) -> Result<Reflection, Malformed> {
        let pool = methods.first().map_or_else(DescriptorPool::new, |method| method.parent_pool().clone());
        let names: HashSet<String> = methods.iter().map(|method| method.full_name().to_owned()).collect();
        let mut services: Vec<String> =
            methods.iter().map(|method| method.parent_service().full_name().to_owned()).collect();
        services.sort_unstable();
        services.dedup();
        let mut files = HashMap::new();
        let mut next: Vec<FileDescriptor> =
            methods.iter().map(|method| method.parent_service().parent_file()).collect();
        while let Some(file) = next.pop() {
            if let Entry::Vacant(place) = files.entry(file.name().to_owned()) {
                place.insert(without_others(&file, &names)?);
                next.extend(file.dependencies());
            }
        }
        Ok(Reflection { pool, methods: names, services, files })
    }

    /// The message that answers this one.
    ///
    /// # Errors
    /// When it is not one of reflection.
    pub(crate) fn answer(&self, message: Bytes) -> Result<Bytes, Error> {
        let asked = ServerReflectionRequest::decode(message).map_err(|_| {
            Error::new(Reason::InvalidArgument, "The message is not one that this RPC takes.")
        })?;
        let answer = match &asked.message_request {
            Some(MessageRequest::ListServices(_)) => Some(self.list()),
            Some(MessageRequest::FileByFilename(name)) => self.file(name),
            Some(MessageRequest::FileContainingSymbol(symbol)) => self.file_of(symbol),
            Some(MessageRequest::FileContainingExtension(extension)) => self.file_of_extension(extension),
            Some(MessageRequest::AllExtensionNumbersOfType(name)) => self.extensions(name),
            None => Some(failed(Code::InvalidArgument, "The question is missing.")),
        };
        let answer = answer.unwrap_or_else(|| failed(Code::NotFound, "There is no such thing here."));
        let answer = ServerReflectionResponse {
            valid_host: asked.host.clone(),
            original_request: Some(asked),
            message_response: Some(answer),
        };
        Ok(answer.encode_to_vec().into())
    }

    fn list(&self) -> MessageResponse {
        let service = self.services.iter().map(|name| ServiceResponse { name: name.clone() }).collect();
        MessageResponse::ListServicesResponse(ListServiceResponse { service })
    }

    fn file(&self, name: &str) -> Option<MessageResponse> {
        let file_descriptor_proto = vec![self.files.get(name)?.clone()];
        Some(MessageResponse::FileDescriptorResponse(FileDescriptorResponse { file_descriptor_proto }))
    }

    fn file_of(&self, symbol: &str) -> Option<MessageResponse> {
        let is_called =
            |service: &ServiceDescriptor| self.services.iter().any(|name| name == service.full_name());
        let pool = &self.pool;
        let file = (pool.get_message_by_name(symbol).map(|message| message.parent_file()))
            .or_else(|| pool.get_enum_by_name(symbol).map(|of| of.parent_file()))
            .or_else(|| pool.get_extension_by_name(symbol).map(|extension| extension.parent_file()))
            .or_else(|| {
                pool.get_service_by_name(symbol).filter(is_called).map(|service| service.parent_file())
            })
            .or_else(|| {
                let (within, name) = symbol.rsplit_once('.')?;
                match self.methods.contains(symbol) {
                    true => pool.get_service_by_name(within).map(|service| service.parent_file()),
                    false => {
                        let message = pool.get_message_by_name(within)?;
                        message.get_field_by_name(name).map(|field| field.parent_message().parent_file())
                    }
                }
            })?;
        self.file(file.name())
    }

    fn file_of_extension(&self, extension: &ExtensionRequest) -> Option<MessageResponse> {
        let message = self.pool.get_message_by_name(&extension.containing_type)?;
        let number = u32::try_from(extension.extension_number).ok()?;
        self.file(message.get_extension(number)?.parent_file().name())
    }

    fn extensions(&self, name: &str) -> Option<MessageResponse> {
        let message = self.pool.get_message_by_name(name)?;
        self.files.get(message.parent_file().name())?;
        let here = message.extensions().filter(|of| self.files.contains_key(of.parent_file().name()));
        let extension_number = here.filter_map(|of| i32::try_from(of.number()).ok()).collect();
        let base_type_name = name.to_owned();
        let numbers = ExtensionNumberResponse { base_type_name, extension_number };
        Some(MessageResponse::AllExtensionNumbersResponse(numbers))
    }
}

fn failed(code: Code, message: &str) -> MessageResponse {
    let error_message = message.to_owned();
    MessageResponse::ErrorResponse(ErrorResponse { error_code: code as i32, error_message })
}

/// The descriptor of a file with no other RPCs than these, annotations and all.
fn without_others(file: &FileDescriptor, methods: &HashSet<String>) -> Result<Vec<u8>, Malformed> {
    let is_called = |method: &MethodDescriptor| methods.contains(method.full_name());
    let is_whole = |service: &ServiceDescriptor| service.methods().all(|method| is_called(&method));
    let whole = file.encode_to_vec();
    if file.services().all(|service| is_whole(&service)) {
        return Ok(whole);
    }
    let (mut out, mut services) = (Writer::with_capacity(whole.len()), file.services());
    for field in Fields::of(&whole) {
        match field? {
            (SERVICE, Value::Bytes(bytes)) => {
                let service = services.next().ok_or(Malformed)?;
                if !service.methods().any(|method| is_called(&method)) {
                    continue;
                }
                let (open, mut own) = (out.open(SERVICE), service.methods());
                for field in Fields::of(bytes) {
                    match field? {
                        (METHOD, _) if !own.next().is_some_and(|method| is_called(&method)) => {}
                        (number, value) => copy(&mut out, number, value),
                    }
                }
                out.close(open);
            }
            // Comments stand by the places of what they are about, which are others now.
            (SOURCE_CODE_INFO, _) => {}
            (number, value) => copy(&mut out, number, value),
        }
    }
    Ok(out.finish())
}

fn copy(out: &mut Writer, number: u32, value: Value<'_>) {
    match value {
        Value::Varint(value) => out.varint_field(number, value),
        Value::Fixed32(value) => out.fixed32_field(number, value),
        Value::Fixed64(value) => out.fixed64_field(number, value),
        Value::Bytes(value) => out.bytes_field(number, value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use svc_core::policy::built_in_descriptors;

    /// All that a client may call of the service that tells of requests, and reads keys.
    fn reflection() -> Reflection {
        let pool = built_in_descriptors().unwrap();
        let methods: Vec<MethodDescriptor> = [
            ("keyward.auth.v1.RequestLogService", "ListApiKeyRequests"),
            ("keyward.auth.v1.ApiKeyService", "GetApiKey"),
        ]
        .into_iter()
        .map(|(service, name)| {
            let service = pool.get_service_by_name(service).unwrap();
            service.methods().find(|method| method.name() == name).unwrap()
        })
        .collect();
        Reflection::of(&methods).unwrap()
    }

    fn ask(asked: MessageRequest) -> MessageResponse {
        let asked = ServerReflectionRequest { host: "here".to_owned(), message_request: Some(asked) };
        let answer = reflection().answer(asked.encode_to_vec().into()).unwrap();
        let answer = ServerReflectionResponse::decode(answer).unwrap();
        assert_eq!((answer.valid_host.as_str(), answer.original_request), ("here", Some(asked)));
        answer.message_response.unwrap()
    }

    fn is_file(answer: MessageResponse) -> bool {
        match answer {
            MessageResponse::FileDescriptorResponse(files) => files.file_descriptor_proto.len() == 1,
            MessageResponse::ErrorResponse(error) => {
                assert_eq!(error.error_code, Code::NotFound as i32);
                false
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_called_here_is_listed() {
        let MessageResponse::ListServicesResponse(list) = ask(MessageRequest::ListServices(String::new()))
        else {
            panic!("no list")
        };
        let names: Vec<&str> = list.service.iter().map(|service| service.name.as_str()).collect();
        assert_eq!(names, ["keyward.auth.v1.ApiKeyService", "keyward.auth.v1.RequestLogService"]);
    }

    #[test]
    fn files_make_a_pool_with_no_other_rpc() {
        let reflection = reflection();
        let mut set = Writer::default();
        reflection.files.values().for_each(|file| set.bytes_field(1, file));
        let pool = DescriptorPool::decode(&*set.finish()).unwrap();
        let mut names: Vec<String> = pool
            .services()
            .flat_map(|s| s.methods().map(|m| m.full_name().to_owned()).collect::<Vec<_>>())
            .collect();
        names.sort();
        assert_eq!(
            names,
            [
                "keyward.auth.v1.ApiKeyService.GetApiKey",
                "keyward.auth.v1.RequestLogService.ListApiKeyRequests"
            ]
        );
        // With its annotations.
        let service = pool.get_service_by_name("keyward.auth.v1.ApiKeyService").unwrap();
        let rule = pool.get_extension_by_name("google.api.http").unwrap();
        assert!(service.methods().next().unwrap().options().has_extension(&rule));
    }

    #[test]
    fn symbols_and_files() {
        for (symbol, is_here) in [
            ("keyward.auth.v1.ApiKeyService", true),
            ("keyward.auth.v1.ApiKeyService.GetApiKey", true),
            ("keyward.auth.v1.ApiKeyService.DeleteApiKey", false),
            ("keyward.auth.v1.GetApiKeyRequest", true),
            ("keyward.auth.v1.GetApiKeyRequest.id", true),
            ("google.api.http", true),
            ("google.protobuf.Timestamp", true),
            ("keyward.auth.v1.AuthorizationService", false),
            ("keyward.internal.v1.CallService", false),
            ("nothing", false),
            ("", false),
        ] {
            assert_eq!(
                is_file(ask(MessageRequest::FileContainingSymbol(symbol.to_owned()))),
                is_here,
                "{symbol}"
            );
        }
        for (name, is_here) in [
            ("keyward/auth/v1/api_key_service.proto", true),
            ("google/api/annotations.proto", true),
            ("keyward/internal/v1/call_service.proto", false),
            ("../secret", false),
        ] {
            assert_eq!(is_file(ask(MessageRequest::FileByFilename(name.to_owned()))), is_here, "{name}");
        }
    }

    #[test]
    fn extensions() {
        let of_method = "google.protobuf.MethodOptions".to_owned();
        let MessageResponse::AllExtensionNumbersResponse(numbers) =
            ask(MessageRequest::AllExtensionNumbersOfType(of_method.clone()))
        else {
            panic!("no numbers")
        };
        // google.api.http.
        assert!(numbers.extension_number.contains(&72_295_728), "{numbers:?}");
        for (extension_number, is_here) in [(72_295_728, true), (1, false), (-1, false)] {
            let extension = ExtensionRequest { containing_type: of_method.clone(), extension_number };
            assert_eq!(is_file(ask(MessageRequest::FileContainingExtension(extension))), is_here);
        }
    }

    #[test]
    fn what_is_no_question_is_refused() {
        let error = reflection().answer(Bytes::from_static(b"\xff")).unwrap_err();
        assert_eq!(error.reason, Reason::InvalidArgument);
        let answer = reflection().answer(Bytes::new()).unwrap();
        let answer = ServerReflectionResponse::decode(answer).unwrap().message_response.unwrap();
        assert!(
            matches!(answer, MessageResponse::ErrorResponse(error) if error.error_code == Code::InvalidArgument as i32)
        );
    }
}
