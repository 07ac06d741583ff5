//! The command line.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use auth_svc::setup::SetupRequest;
use clap::{Args, Parser, Subcommand, ValueEnum};
use svc_core::settings::{self, Sources};
use svc_core::telemetry;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::output;
use crate::run::{self, Part};
use crate::settings::{Settings, to_toml};
use crate::setup::{self, Failure};

/// The exit code of `setup` when an organization exists.
const ALREADY_SET_UP: u8 = 3;

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
        #[arg(value_enum)]
        part: Option<Part>,
    },
    /// Make the first organization with its owner, an agent, an API key and an owner's token, and print
    /// them once. Exits with 3 when an organization exists
    Setup(Setup),
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

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For people
    Text,
    /// One JSON object alone
    Json,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Check the settings and print all of them as TOML, secrets hidden
    Check,
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
        Command::Setup(request) => set_up(&cli.from, request),
        Command::Config { command: ConfigCommand::Check } => check(&cli.from),
    };
    outcome.unwrap_or_else(|error| {
        output::failure(&error);
        ExitCode::FAILURE
    })
}

fn load(from: &From) -> anyhow::Result<Settings> {
    let environment = std::env::vars_os();
    let environment = environment.filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)));
    let sources =
        Sources { file: from.config.clone(), environment: environment.collect(), flags: from.set.clone() };
    let settings: Settings = settings::load(&sources)?;
    settings.check()?;
    Ok(settings)
}

fn check(from: &From) -> anyhow::Result<ExitCode> {
    output::text(&to_toml(&load(from)?)?)?;
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
    match setup::run(&settings, &run::environment(&settings)?, &request).await {
        Ok(made) => {
            match asked.output {
                Output::Json => output::setup_as_json(&made),
                Output::Text => output::setup_for_people(&made, &settings.edge.listen),
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

#[tokio::main]
async fn serve(from: &From, part: Option<Part>) -> anyhow::Result<ExitCode> {
    let settings = load(from)?;
    let name = part.map_or("keyward".to_owned(), |part| format!("keyward-{}", part.name()));
    let telemetry = telemetry::start(&settings.telemetry, &name)?;
    let shutdown = CancellationToken::new();
    stop_on_signals(shutdown.clone())?;
    let served = run_until_stopped(&settings, part, shutdown).await;
    // Last, so that it holds what the drain did. Exporting blocks.
    tokio::task::spawn_blocking(move || telemetry.shutdown()).await?;
    served?;
    Ok(ExitCode::SUCCESS)
}

async fn run_until_stopped(
    settings: &Settings,
    part: Option<Part>,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let environment = run::environment(settings)?;
    let running = match part {
        None => run::all(settings, &environment, shutdown).await?,
        Some(part) => run::one(part, settings, &environment, shutdown).await?,
    };
    Ok(running.done.await??)
}

/// The first SIGTERM or SIGINT lets what is in flight end; the second ends the process at once.
fn stop_on_signals(shutdown: CancellationToken) -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut next = async move || {
        tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        }
    };
    tokio::spawn(async move {
        let first = next().await;
        tracing::info!(signal = first, "stopping: requests in flight may end");
        shutdown.cancel();
        let second = next().await;
        tracing::warn!(signal = second, "stopping at once");
        std::process::exit(1);
    });
    Ok(())
}
