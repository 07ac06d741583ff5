//! Compiles `proto/` with protox (no protoc on the machine) to Rust and to a descriptor set.

use std::path::{Path, PathBuf};

use anyhow::Context;
use prost::Message;
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
    tonic_prost_build::configure()
        .generate_default_stubs(true)
        .compile_fds(FileDescriptorSet::decode(encoded.as_slice())?)?;
    Ok(())
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
