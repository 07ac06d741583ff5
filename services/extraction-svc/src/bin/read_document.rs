//! `read-document FILE…` prints each document as a line of JSON, as the readers and the sandbox have it. With
//! `--ocr FOLDER` pictures are read by the better OCR, with `--landlock` bubblewrap is not used.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command for developers")]

use std::fs::File;
use std::process::ExitCode;

use extraction_svc::document::Document;
use extraction_svc::reader::ReadError;
use extraction_svc::sandbox::{Choice, ReaderConfig, Request, Sandbox, worker};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [subcommand, flag, task] = arguments.as_slice()
        && (subcommand.as_str(), flag.as_str()) == ("read-document", "--worker")
    {
        return worker::main(task);
    }
    let (mut config, mut files) = (ReaderConfig::default(), Vec::new());
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--ocr" => config.ocr = arguments.next().map(Into::into),
            "--landlock" => config.sandbox = Choice::Landlock,
            _ => files.push(argument),
        }
    }
    let sandbox = Sandbox::new(config);
    let mut code = ExitCode::SUCCESS;
    for file in files {
        let read = read(&sandbox, &file).await;
        if let Err(error) = &read {
            eprintln!("{file}: {error}");
            code = ExitCode::FAILURE;
        }
        let error = read.as_ref().err().map(ReadError::code);
        println!("{}", serde_json::json!({ "file": file, "error": error, "document": read.ok() }));
    }
    code
}

async fn read(sandbox: &Sandbox, file: &str) -> Result<Document, ReadError> {
    let document = File::open(file).map_err(|error| ReadError::UnreadableDocument(error.to_string()))?;
    sandbox.read(document, &Request { file_name: Some(file.to_owned()), ..Request::default() }, |_| {}).await
}
