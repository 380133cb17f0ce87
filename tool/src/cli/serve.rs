//! `copytax serve`

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use super::diagnosis::DiagnosisArgs;
use super::engine::EngineArgs;
use super::failure::Failure;
use super::progress::{self, Progress};
use super::push::PushArgs;
use super::samples::StacksArgs;
use super::target::{TargetArgs, refuse_empty_command};
use super::{duration, live};
use crate::capture::{Observation, Settings, Target};
use crate::host::cri::RuntimeSocket;
use crate::serve::{Latest, Namer, Pushing, Server, Tallies, TlsFiles, Token};

/// The port that was agreed on for exporters of `OpenTelemetry`'s Prometheus metrics.
const DEFAULT_ADDRESS: &str = "127.0.0.1:9464";

/// Metrics for Prometheus, the report and flame graphs, over HTTP, until it is ended
///
/// Counters of bytes and calls by group of processes (executable, cgroup, container, pod), way and
/// class at /metrics; the audit since the start at /report.json; /flamegraph.svg; /healthz. Hit rates
/// are for queries: docs/serve.md has rules and alerts. Pushes the same to servers that do not ask.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    target: TargetArgs,
    /// How often sums are taken out of the kernel
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = duration::parse_step)]
    #[arg(help_heading = "Count")]
    interval: Duration,
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    stacks: StacksArgs,
    #[command(flatten)]
    diagnosis: DiagnosisArgs,
    /// Where to listen
    #[arg(long, value_name = "ADDRESS:PORT", default_value = DEFAULT_ADDRESS)]
    #[arg(help_heading = "Serve")]
    listen: SocketAddr,
    /// Groups of processes that are told apart at most; processes of further ones are in exe="other"
    #[arg(
        long,
        value_name = "NUMBER",
        default_value_t = 200,
        help_heading = "Serve"
    )]
    groups: usize,
    /// A file with the token that clients must have (Authorization: Bearer TOKEN)
    #[arg(long, value_name = "FILE", help_heading = "Serve")]
    token_file: Option<PathBuf>,
    /// The certificate to serve HTTPS with, in PEM, with those between it and its root
    #[arg(
        long,
        value_name = "FILE",
        requires = "tls_key",
        help_heading = "Serve"
    )]
    tls_certificate: Option<PathBuf>,
    /// Its private key, in PEM
    #[arg(
        long,
        value_name = "FILE",
        requires = "tls_certificate",
        help_heading = "Serve"
    )]
    tls_key: Option<PathBuf>,
    /// Listen on other than loopback addresses without TLS or without a token
    #[arg(long, help_heading = "Serve")]
    insecure: bool,
    /// The socket of the container runtime (CRI), such as /run/containerd/containerd.sock: asked for
    /// namespace, pod and name of containers, which are then labels
    #[arg(long, value_name = "PATH", help_heading = "Serve")]
    runtime_socket: Option<PathBuf>,
    #[command(flatten)]
    push: PushArgs,
}

impl Args {
    fn settings(&self) -> Settings {
        Settings {
            target: self.target.target(),
            duration: None,
            engine: self.engine.choice(),
            profiling: self.stacks.profiling(false),
        }
    }

    fn tls(&self) -> Option<TlsFiles> {
        Some(TlsFiles {
            certificate: self.tls_certificate.clone()?,
            key: self.tls_key.clone()?,
        })
    }

    fn token(&self) -> Result<Option<Token>, Failure> {
        let Some(path) = &self.token_file else {
            return Ok(None);
        };
        let name = path.display();
        let text = fs::read_to_string(path)
            .map_err(|error| Failure::io(&format!("cannot read {name}"), &error))?;
        match Token::new(&text) {
            Some(token) => Ok(Some(token)),
            None => Err(Failure::usage(format!(
                "{name} is empty: it is to have the token"
            ))),
        }
    }

    /// Who knows the names of containers, if anybody is to be asked. It must be there now, and may be away later.
    fn namer(&self) -> Result<Option<Namer>, Failure> {
        let Some(path) = &self.runtime_socket else {
            return Ok(None);
        };
        let socket = RuntimeSocket::new(path);
        let asked = socket.and_then(|socket| socket.containers().map(|_| socket));
        let doing = format!("cannot ask the container runtime at {}", path.display());
        let socket = asked.map_err(|error| Failure::io(&doing, &error))?;
        Ok(Some(Namer::new(socket)))
    }

    /// Paths and command lines of a machine are not for everyone.
    fn refuse_open_doors(&self) -> Result<(), Failure> {
        let is_safe = self.token_file.is_some() && self.tls_certificate.is_some();
        if self.listen.ip().is_loopback() || is_safe || self.insecure {
            return Ok(());
        }
        Err(Failure::usage(format!(
            "{} can be reached by others: give --token-file and --tls-certificate with --tls-key, \
             listen on 127.0.0.1, or say --insecure",
            self.listen
        )))
    }
}

/// Serves.
pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let settings = args.settings();
    refuse_empty_command(&settings.target)?;
    if matches!(settings.target, Target::Command(_)) {
        return Err(Failure::usage(
            "serve watches what runs; start the command by itself",
        ));
    }
    args.refuse_open_doors()?;
    let token = args.token()?;
    let push = args.push.settings(args.groups)?;
    let namer = args.namer()?;
    let diagnosis = args.diagnosis.load()?;
    let listener = TcpListener::bind(args.listen)
        .map_err(|error| Failure::io(&format!("cannot listen on {}", args.listen), &error))?;
    let address = listener
        .local_addr()
        .map_err(|error| Failure::io("cannot listen", &error))?;
    let latest = Arc::new(Latest::new(
        args.groups,
        Box::new(move |audit, profile| {
            // What to exit with is asked for nothing here.
            diagnosis.add_findings(audit, profile);
        }),
        Tallies::new(&push),
        namer,
    ));
    let server = Server::start(listener, args.tls().as_ref(), token, Arc::clone(&latest))
        .map_err(|error| Failure::io("cannot serve", &error))?;
    let scheme = if args.tls_certificate.is_some() {
        "https"
    } else {
        "http"
    };
    tracing::info!("serving {scheme}://{address}/metrics");
    let pushing =
        Pushing::start(&push, &latest).map_err(|error| Failure::io("cannot push", &error))?;
    let last = Arc::clone(&latest);
    let observation = Observation {
        every: args.interval,
        observer: Box::new(move |snapshot| {
            latest.look(snapshot);
            ControlFlow::Continue(())
        }),
    };
    let progress = Progress::new(move |elapsed| {
        let so_far = progress::so_far(elapsed, None);
        format!("serving {scheme}://{address}/metrics: {so_far}; Ctrl-C ends")
    });
    let status = live::run_with(&settings, Some(observation), progress, move |snapshot| {
        last.look(snapshot);
        Ok(ExitCode::SUCCESS)
    });
    pushing.stop();
    server
        .stop()
        .map_err(|error| Failure::io("the server has failed", &error))?;
    status
}
