//! The reader's side: `keyward read-document`.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::os::fd::AsFd;
use std::process::ExitCode;

use super::confine::confine;
use crate::reader::{self, Budget, Frame, Output, Task};

/// Reads the document that is the standard input and writes frames to the standard output, confined. `task` is the
/// [`Task`] as JSON.
pub fn main(task: &str) -> ExitCode {
    match serve(task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Whoever has started it says it in the log.
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(task: &str) -> Result<(), String> {
    let task: Task = serde_json::from_str(task).map_err(|error| format!("the task: {error}"))?;
    let document =
        std::io::stdin().as_fd().try_clone_to_owned().map_err(|error| format!("the document: {error}"))?;
    let document = File::from(document);
    let confined = confine(&document, task.ocr.as_deref(), &task.limits)?;
    let budget = Budget::of_process(task.limits.clone());
    let mut sink = BufWriter::with_capacity(64 * 1024, std::io::stdout());
    let mut output = Output::new(&task, &mut sink);
    output.write(&Frame::Ready(confined)).map_err(|error| error.to_string())?;
    #[cfg(feature = "testing")]
    if let Some((port, secret)) = &task.attempts {
        let tried = super::attempts::run(*port, secret, &mut output);
        return tried.map_err(|error| error.to_string());
    }
    if let Err(error) = reader::read(&document, &task, &budget, &mut output) {
        output.write(&Frame::Failed(error)).map_err(|error| error.to_string())?;
    }
    Ok(())
}
