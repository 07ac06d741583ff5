//! The command line.

use std::fs::File;
use std::num::NonZero;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use auth_svc::setup::SetupRequest;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use extraction_svc::reader::ReadError;
use extraction_svc::sandbox::{ReaderConfig, Request, Sandbox, worker};
use svc_runtime::settings::{ENV_PREFIX, Sources};
use svc_runtime::telemetry;
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

use crate::audit;
use crate::output;
use crate::run::{self, Part, Running, StartError};
use crate::services::SERVICES;
use crate::settings::{Settings, to_toml};
use crate::setup::{self, Failure};
use crate::signals::Signals;

/// The exit code of `setup` and `setup-link` when an organization exists.
const ALREADY_SET_UP: u8 = 3;
/// The exit code of `audit verify` when an audit log is not as it was written.
const BROKEN: u8 = 5;
/// The exit code of `worker` for a service that has no long work.
const NO_LONG_WORK: u8 = 4;

/// A public REST API in front of gRPC services.
#[derive(Debug, Parser)]
#[command(name = "keyward", version, disable_help_subcommand = true)]
struct Cli {
    /// Where settings come from.
    #[command(flatten)]
    from: From,
    #[command(subcommand)]
    command: Command,
}

/// Where settings come from; later ones win: the file, the environment, `--set`.
#[derive(Args, Debug)]
struct From {
    /// A TOML file of settings. The environment (KEYWARD_EDGE__LISTEN) and --set win over it
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// One setting, e.g. edge.listen=127.0.0.1:9000. May be repeated. Not for secrets: others on the
    /// machine can read arguments
    #[arg(long, global = true, value_name = "NAME=VALUE", value_parser = pair)]
    set: Vec<(String, String)>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve: everything in one process, or one part of it
    Serve {
        /// Only this part
        #[arg(value_parser = part())]
        part: Option<Part>,
    },
    /// Run the work of a service that takes longer than a request, without serving. Exits with 4 when it has
    /// none
    Worker {
        /// Of this service
        #[arg(value_parser = service())]
        service: Service,
    },
    /// Bring the databases of all services up to date, and end. No service may run meanwhile on SQLite
    Migrate,
    /// Make the first organization with its owner, an agent, an API key and an owner's token, and print
    /// them once. Exits with 3 when an organization exists
    Setup(Setup),
    /// Print a link by which a browser sets up an empty installation. It works once, for one hour, and the link
    /// before works no more. Exits with 3 when an organization exists
    SetupLink,
    /// Print a link by which a member chooses a new password. It works once, for one hour, and the link before
    /// works no more
    PasswordLink(PasswordLink),
    /// Work with the audit log
    Audit {
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// Read documents, each in a confined process, and print each as a line of JSON. For whoever works on readers
    #[command(hide = true)]
    ReadDocument(ReadDocument),
    /// Work with the settings
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
}

#[derive(Args, Debug)]
struct Setup {
    /// The name of the organization
    #[arg(long, value_name = "NAME")]
    organization: String,
    /// The email address of its owner
    #[arg(long, value_name = "MAIL")]
    email: String,
    /// The name of its first agent
    #[arg(long, value_name = "NAME")]
    agent: String,
    /// How to print what was made
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

#[derive(Args, Debug)]
struct ReadDocument {
    /// Be that process: confine yourself, and read what the standard input is as this says
    #[arg(long, value_name = "TASK", conflicts_with_all = ["ocr", "files"])]
    worker: Option<String>,
    /// The folder with the models of the better OCR
    #[arg(long, value_name = "FOLDER")]
    ocr: Option<PathBuf>,
    /// What to read
    files: Vec<PathBuf>,
}

#[derive(Args, Debug)]
struct PasswordLink {
    /// The email address of the member
    #[arg(long, value_name = "MAIL")]
    email: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For people
    Text,
    /// One JSON object alone
    Json,
}

#[derive(Debug, Subcommand)]
enum AuditCommand {
    /// Check that every entry is as it was written, and name the first that is not. Exits with 5 when there is
    /// one. May run beside the server
    Verify(Verify),
}

#[derive(Args, Debug)]
struct Verify {
    /// Only the log of this organization
    #[arg(long, value_name = "ID", conflicts_with = "file")]
    organization: Option<String>,
    /// Check this export, and that the database still has what it ends with
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Check the export alone, where there is no database
    #[arg(long, requires = "file")]
    offline: bool,
    /// How to print what was found
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Check the settings and print all of them as TOML, secrets hidden
    Check,
}

/// The name of a service.
#[derive(Clone, Copy, Debug)]
struct Service(&'static str);

fn service() -> impl TypedValueParser<Value = Service> {
    let names = SERVICES.iter().map(|service| PossibleValue::new(service.name).help(service.about));
    PossibleValuesParser::new(names).try_map(|name| match Part::named(SERVICES, &name) {
        Some(Part::Service(name)) => Ok(Service(name)),
        Some(Part::Edge) | None => Err("there is no such service"),
    })
}

fn part() -> impl TypedValueParser<Value = Part> {
    let services = SERVICES.iter().map(|service| PossibleValue::new(service.name).help(service.about));
    let names = services.chain([PossibleValue::new(Part::EDGE).help("The public REST API")]);
    PossibleValuesParser::new(names)
        .try_map(|name| Part::named(SERVICES, &name).ok_or("there is no such part"))
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("must be NAME=VALUE")?;
    Ok((name.trim().to_owned(), value.to_owned()))
}

/// Runs the command that the arguments name. A usage error ends the process with 2.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match &cli.command {
        Command::Serve { part } => serve(&cli.from, *part),
        Command::Worker { service } => work(&cli.from, *service),
        Command::Migrate => migrate(&cli.from),
        Command::Setup(request) => set_up(&cli.from, request),
        Command::SetupLink => setup_link(&cli.from),
        Command::PasswordLink(request) => password_link(&cli.from, request),
        Command::Audit { command: AuditCommand::Verify(asked) } => verify(&cli.from, asked),
        Command::Config { command: ConfigCommand::Check } => check(&cli.from),
        Command::ReadDocument(asked) => read_documents(asked),
    };
    outcome.unwrap_or_else(|error| {
        output::failure(&error);
        ExitCode::FAILURE
    })
}

fn load(from: &From) -> anyhow::Result<Settings> {
    let sources = Sources { file: from.config.clone(), environment: environment()?, flags: from.set.clone() };
    let settings = Settings::load(SERVICES, &sources)?;
    settings.check()?;
    Ok(settings)
}

/// The variables that may be settings. Others may hold what they like.
fn environment() -> anyhow::Result<Vec<(String, String)>> {
    let ours =
        std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(ENV_PREFIX.as_bytes()));
    let text = ours.map(|(name, value)| match (name.into_string(), value.into_string()) {
        (Ok(name), Ok(value)) => Ok((name, value)),
        // The value may be a secret.
        (Ok(name), Err(_)) => Err(anyhow::anyhow!("the variable {name} is not UTF-8")),
        (Err(name), _) => Err(anyhow::anyhow!("the variable {} is not UTF-8", name.display())),
    });
    text.collect()
}

fn check(from: &From) -> anyhow::Result<ExitCode> {
    let settings = load(from)?;
    settings.check_services()?;
    output::text(&to_toml(&settings)?)?;
    Ok(ExitCode::SUCCESS)
}

#[tokio::main(flavor = "current_thread")]
async fn set_up(from: &From, asked: &Setup) -> anyhow::Result<ExitCode> {
    let settings = load(from)?;
    let request = SetupRequest {
        organization: asked.organization.clone(),
        email: asked.email.clone(),
        agent: asked.agent.clone(),
    };
    match setup::run(&settings, &run::environment(&settings), &request).await {
        Ok(made) => {
            match asked.output {
                Output::Json => output::setup_as_json(&made),
                Output::Text => {
                    let page = auth_svc::setup::PASSWORD_PAGE;
                    let password = setup::address(&settings, page, &made.password_link);
                    output::setup_for_people(&made, &settings.edge.listen, &password)
                }
            }
            .context("everything was made, but the secrets could not be printed")?;
            Ok(ExitCode::SUCCESS)
        }
        Err(failure @ Failure::AlreadySetUp) => {
            output::failure(&failure.into());
            Ok(ExitCode::from(ALREADY_SET_UP))
        }
        Err(Failure::Other(error)) => Err(error),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn setup_link(from: &From) -> anyhow::Result<ExitCode> {
    let settings = load(from)?;
    match setup::link(&settings, &run::environment(&settings)).await? {
        Some(link) => {
            output::link(&link).context("the link was made, but could not be printed")?;
            Ok(ExitCode::SUCCESS)
        }
        None => {
            output::failure(&Failure::AlreadySetUp.into());
            Ok(ExitCode::from(ALREADY_SET_UP))
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn password_link(from: &From, asked: &PasswordLink) -> anyhow::Result<ExitCode> {
    let settings = load(from)?;
    let link = setup::password_link(&settings, &run::environment(&settings), &asked.email).await?;
    let link = link.context("no member with this email address can sign in")?;
    output::link(&link).context("the link was made, but could not be printed")?;
    Ok(ExitCode::SUCCESS)
}

/// Prints a link for the setup when a person looks on and the database of auth-svc is this process's. Logs and pipes,
/// which are kept, never get it: for those there is `setup-link`.
async fn show_setup_link(settings: &Settings, part: Option<Part>) {
    let is_here = match part {
        None => settings.edge.upstreams.of(auth_svc::NAME).is_none(),
        Some(part) => part == Part::Service(auth_svc::NAME),
    };
    if !is_here || !output::is_terminal() {
        return;
    }
    // When it fails, so does the start, which says why.
    if let Ok(Some(link)) = setup::link(settings, &run::environment(settings)).await
        && let Err(error) = output::first_run(&link)
    {
        tracing::warn!(%error, "the link for the setup could not be printed: run `keyward setup-link`");
    }
}

#[tokio::main(flavor = "current_thread")]
async fn verify(from: &From, asked: &Verify) -> anyhow::Result<ExitCode> {
    let settings = load(from)?;
    let source = match &asked.file {
        Some(file) => audit::Source::Export { file, offline: asked.offline },
        None => audit::Source::Database { organization: asked.organization.as_deref() },
    };
    let verified = audit::verify(&settings, &run::environment(&settings), source).await?;
    match asked.output {
        Output::Json => output::verified_as_json(&verified)?,
        Output::Text => output::verified_for_people(&verified)?,
    }
    Ok(match verified.iter().all(|log| log.broken.is_none()) {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(BROKEN),
    })
}

#[tokio::main(flavor = "current_thread")]
async fn migrate(from: &From) -> anyhow::Result<ExitCode> {
    let settings = load(from)?;
    let applied = run::migrate(&settings, &run::environment(&settings)).await?;
    output::migrated(&applied)?;
    Ok(ExitCode::SUCCESS)
}

fn read_documents(asked: &ReadDocument) -> anyhow::Result<ExitCode> {
    match &asked.worker {
        Some(task) => Ok(worker::main(task)),
        None => print_documents(asked),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn print_documents(asked: &ReadDocument) -> anyhow::Result<ExitCode> {
    let sandbox = Sandbox::new(ReaderConfig { ocr: asked.ocr.clone(), ..ReaderConfig::default() });
    let mut code = ExitCode::SUCCESS;
    for file in &asked.files {
        let document = File::open(file).with_context(|| file.display().to_string())?;
        let request = Request { file_name: Some(file.display().to_string()), ..Request::default() };
        let read = sandbox.read(document, &request, |_| {}).await;
        if let Err(error) = &read {
            output::failure(&anyhow::anyhow!("{}: {error}", file.display()));
            code = ExitCode::FAILURE;
        }
        let error = read.as_ref().err().map(ReadError::code);
        let line = serde_json::json!({ "file": file, "error": error, "document": read.ok() });
        output::text(&format!("{line}\n"))?;
    }
    Ok(code)
}

fn serve(from: &From, part: Option<Part>) -> anyhow::Result<ExitCode> {
    let signals = Signals::hear()?;
    let settings = load(from)?;
    let name = part.map_or("keyward".to_owned(), |part| format!("keyward-{part}"));
    let threads = match part {
        // What is asked is worked on by runtimes of its own.
        Some(Part::Edge) if settings.edge.runtime_per_thread => NonZero::<usize>::MIN,
        _ => settings.runtime.threads(),
    };
    let served = until_stopped(signals, &settings, &name, async |settings, shutdown| {
        show_setup_link(settings, part).await;
        let environment = run::environment(settings);
        match part {
            None => run::all(settings, &environment, shutdown).await,
            Some(part) => run::one(part, settings, &environment, shutdown).await,
        }
    });
    runtime(threads)?.block_on(served)?;
    Ok(ExitCode::SUCCESS)
}

fn work(from: &From, Service(service): Service) -> anyhow::Result<ExitCode> {
    let signals = Signals::hear()?;
    let settings = load(from)?;
    let name = format!("keyward-{service}-worker");
    let worked = until_stopped(signals, &settings, &name, async |settings, shutdown| {
        run::worker(service, settings, &run::environment(settings), shutdown).await
    });
    match runtime(settings.runtime.threads())?.block_on(worked) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error) if matches!(error.downcast_ref(), Some(StartError::NoLongWork(_))) => {
            output::failure(&error);
            Ok(ExitCode::from(NO_LONG_WORK))
        }
        Err(error) => Err(error),
    }
}

fn runtime(threads: NonZero<usize>) -> anyhow::Result<Runtime> {
    let mut builder = match threads.get() {
        1 => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    let runtime = builder.worker_threads(threads.get()).enable_all().build();
    runtime.context("setting `runtime.threads`: no thread can be started")
}

/// Starts something, with telemetry under this name, and waits until a signal has stopped it.
async fn until_stopped(
    signals: Signals,
    settings: &Settings,
    name: &str,
    start: impl AsyncFnOnce(&Settings, CancellationToken) -> Result<Running, StartError>,
) -> anyhow::Result<()> {
    let telemetry = telemetry::start(&settings.telemetry, name)?;
    let shutdown = CancellationToken::new();
    signals.heed(shutdown.clone());
    let ran = async { Ok(start(settings, shutdown).await?.done.await??) }.await;
    // Last, so that it holds what the drain did. Exporting blocks.
    tokio::task::spawn_blocking(move || telemetry.shutdown()).await?;
    ran
}
