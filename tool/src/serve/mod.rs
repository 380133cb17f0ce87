//! What is counted, over HTTP: metrics for Prometheus, the report as JSON, and flame graphs; and what is pushed to
//! other servers.

mod access;
mod answers;
mod names;
mod push;
mod state;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;

pub(crate) use access::Token;
pub(crate) use names::Namer;
pub(crate) use push::{Endpoint, EndpointError, PushSettings, Pushing, Tallies};
pub(crate) use state::{Latest, Made};

/// How long a client may take for the head of a request, and an answer after the end.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where a certificate and its key are, in PEM.
#[derive(Debug, Clone)]
pub(crate) struct TlsFiles {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

/// A server at work, on a thread of its own.
pub(crate) struct Server {
    handle: Handle<SocketAddr>,
    thread: thread::JoinHandle<io::Result<()>>,
}

impl Server {
    /// Answers from now on.
    ///
    /// # Errors
    ///
    /// Those of reading the certificate, and of the system.
    pub(crate) fn start(
        listener: TcpListener,
        tls: Option<&TlsFiles>,
        token: Option<Token>,
        latest: Arc<Latest>,
    ) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let config = tls.map(|files| {
            runtime.block_on(RustlsConfig::from_pem_file(&files.certificate, &files.key))
        });
        let config = config.transpose()?;
        let handle = Handle::new();
        let router = answers::router(latest, token).into_make_service();
        let stopper = handle.clone();
        let serve = async move {
            match config {
                Some(config) => {
                    let server = axum_server::from_tcp_rustls(listener, config)?;
                    let server = server.handle(stopper).first_request_timeout(PATIENCE);
                    server.serve(router).await
                }
                None => {
                    let server = axum_server::from_tcp(listener)?;
                    let server = server.handle(stopper).first_request_timeout(PATIENCE);
                    server.serve(router).await
                }
            }
        };
        let thread = thread::Builder::new()
            .name("http".to_owned())
            .spawn(move || runtime.block_on(serve))?;
        Ok(Self { handle, thread })
    }

    /// Answers what was asked, and ends.
    ///
    /// # Errors
    ///
    /// What the server has ended with.
    pub(crate) fn stop(self) -> io::Result<()> {
        self.handle.graceful_shutdown(Some(PATIENCE));
        self.thread
            .join()
            .map_err(|_| io::Error::other("the server panicked"))?
    }
}
