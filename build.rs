//! Compiles `proto/` with protox (no protoc on the machine) to Rust and to a descriptor set.

use std::path::{Path, PathBuf};

use anyhow::Context;
use prost::Message;
use prost_build::{Service, ServiceGenerator};
use tonic_prost_build::FileDescriptorSet;

fn main() -> anyhow::Result<()> {
    println!("cargo::rerun-if-changed=proto");
    let root = Path::new("proto");
    let mut files = Vec::new();
    collect(root, &mut files)?;
    files.sort();

    let mut compiler = protox::Compiler::new([root])?;
    compiler.include_source_info(true).include_imports(true).open_files(&files)?;

    // From protox's own encoding: `prost_types` would drop the custom options.
    let encoded = compiler.encode_file_descriptor_set();
    let out = PathBuf::from(std::env::var_os("OUT_DIR").context("cargo sets OUT_DIR")?);
    std::fs::write(out.join("keyward.binpb"), &encoded)?;

    // Default stubs: an RPC that has no code yet answers UNIMPLEMENTED.
    let tonic = tonic_prost_build::configure().generate_default_stubs(true).service_generator();
    prost_build::Config::new()
        .service_generator(Box::new(WithDispatch(tonic)))
        // A tree of messages would take fifty times the memory of its JSON.
        .extern_path(".google.protobuf.Value", "crate::value::Value")
        // Messages within messages, which are handed on as they are.
        .bytes([".keyward.internal", ".keyward.contacts.v1.UploadFileRequest"])
        .compile_fds(FileDescriptorSet::decode(encoded.as_slice())?)?;
    Ok(())
}

/// tonic's client and server of each service, and beside them its dispatch by bytes (`proto/dispatch.rs`).
struct WithDispatch(Box<dyn ServiceGenerator>);

impl ServiceGenerator for WithDispatch {
    fn generate(&mut self, service: Service, code: &mut String) {
        dispatch(&service, code);
        self.0.generate(service, code);
    }

    fn finalize(&mut self, code: &mut String) {
        self.0.finalize(code);
    }

    fn finalize_package(&mut self, package: &str, code: &mut String) {
        self.0.finalize_package(package, code);
    }
}

fn dispatch(service: &Service, code: &mut String) {
    let Service { name, package, proto_name, methods, .. } = service;
    // As tonic names its own.
    let module = snake_case(name);
    let unary = methods.iter().filter(|method| !method.client_streaming && !method.server_streaming);
    let unary = unary.map(|method| {
        let (path, rust) = (format!("/{package}.{proto_name}/{}", method.proto_name), &method.name);
        let input = &method.input_type;
        format!(
            "Method::unary({path:?}, &self.0, |handler, request: tonic::Request<super::{input}>| async move {{
                <T as {name}>::{rust}(&handler, request).await
            }}),"
        )
    });
    let unary: String = unary.collect();
    code.push_str(&format!(
        "
/// How `{name}` is reached by the bytes of its messages.
pub mod {module}_dispatch {{
    use std::sync::Arc;

    use super::{module}_server::{{{name}, {name}Server}};
    use crate::dispatch::{{Dispatch, Method}};

    /// A handler of `{name}`, over HTTP/2 and by bytes.
    #[derive(Debug)]
    pub struct {name}Dispatch<T>(Arc<T>);

    impl<T> {name}Dispatch<T> {{
        pub fn new(handler: T) -> Self {{
            Self::from_arc(Arc::new(handler))
        }}

        pub fn from_arc(handler: Arc<T>) -> Self {{
            Self(handler)
        }}
    }}

    impl<T: {name}> Dispatch for {name}Dispatch<T> {{
        fn add_to(&self, routes: tonic::service::Routes) -> tonic::service::Routes {{
            routes.add_service({name}Server::from_arc(self.0.clone()))
        }}

        fn methods(&self) -> Vec<Method> {{
            vec![{unary}]
        }}
    }}
}}
"
    ));
}

fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for (at, letter) in name.char_indices() {
        if letter.is_ascii_uppercase() && at > 0 {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(dir).with_context(|| format!("read {}", dir.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|e| e == "proto") {
            files.push(path);
        }
    }
    Ok(())
}
