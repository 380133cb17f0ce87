//! Connections between two network namespaces.

use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::mpsc;
use std::thread;

use crate::case::Stop;
use crate::ethtool;
use crate::mounts::run;
use crate::pairs::Sink;

const NEAR: &str = "veth-near";
const FAR: &str = "veth-far";
const FAR_ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);

/// Moves this thread to a new network namespace.
fn own_network() -> io::Result<()> {
    // SAFETY: no memory is involved.
    if unsafe { libc::unshare(libc::CLONE_NEWNET) } == 0 {
        return Ok(());
    }
    Err(io::Error::last_os_error())
}

fn ip(words: &str) -> Result<(), Stop> {
    run(Command::new("ip").args(words.split(' '))).map(drop)
}

/// A pair of devices, this end of it in the namespace of this process.
pub(crate) struct Veth {
    /// Gives the other end of the next connection.
    accepted: mpsc::Receiver<TcpStream>,
    port: u16,
}

impl Veth {
    /// Makes it.
    pub(crate) fn new() -> Result<Self, Stop> {
        own_network()?;
        let (send_thread, far_thread) = mpsc::channel();
        let (send_moved, moved) = mpsc::channel();
        let (send_port, port) = mpsc::channel();
        let (send_accepted, accepted) = mpsc::channel();
        // It keeps its namespace, and is done when this process is.
        thread::spawn(move || -> Result<(), Stop> {
            own_network()?;
            // SAFETY: no preconditions.
            let thread = unsafe { libc::gettid() };
            let _ = send_thread.send(thread);
            let _ = moved.recv();
            ip(&format!("address add {FAR_ADDRESS}/24 dev {FAR}"))?;
            ip(&format!("link set {FAR} up"))?;
            let listener = TcpListener::bind((FAR_ADDRESS, 0))?;
            let _ = send_port.send(listener.local_addr()?.port());
            while send_accepted.send(listener.accept()?.0).is_ok() {}
            Ok(())
        });
        let gone = |_| Stop::Failed("the other end of the pair has failed".to_owned());
        let far_thread = far_thread.recv().map_err(gone)?;
        ip(&format!(
            "link add {NEAR} type veth peer name {FAR} netns {far_thread}"
        ))?;
        ip(&format!("address add 192.0.2.1/24 dev {NEAR}"))?;
        ip(&format!("link set {NEAR} up"))?;
        let _ = send_moved.send(());
        let port = port.recv().map_err(gone)?;
        Ok(Self { accepted, port })
    }

    /// A connection from this end to the other.
    pub(crate) fn connect(&self) -> Result<Sink, Stop> {
        let near = TcpStream::connect((FAR_ADDRESS, self.port))?;
        let far = self.accepted.recv();
        let far = far.map_err(|_| Stop::Failed("nobody accepts".to_owned()))?;
        Ok(Sink::of_tcp(near, far))
    }

    /// What `ethtool -K veth-near sg off` does.
    pub(crate) fn without_scatter_gather(&self) -> io::Result<()> {
        ethtool::set_scatter_gather(NEAR, false)
    }
}
