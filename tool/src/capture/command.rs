//! A command that is started stopped, so that not one of its calls is missed.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::sync::oneshot;

use crate::capture::CaptureError;
use crate::model::CommandOutcome;

/// How long a command that is told to end may take before the report does not wait for it.
const GRACE: Duration = Duration::from_secs(2);

/// A command between fork and exec, or running.
pub(super) struct StoppedCommand {
    words: Vec<OsString>,
    pid: u32,
    gate: Option<io::PipeWriter>,
    ended: oneshot::Receiver<io::Result<ExitStatus>>,
}

impl StoppedCommand {
    /// Forks; the child waits before exec.
    pub(super) fn start(words: &[OsString]) -> Result<Self, CaptureError> {
        let failed = |cause| CaptureError::Command {
            command: words[0].to_string_lossy().into_owned(),
            cause,
        };
        let (gate_out, gate) = io::pipe().map_err(failed)?;
        let (mut pid_out, pid_in) = io::pipe().map_err(failed)?;
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]);
        let (gate_fd, gate_write_fd) = (gate_out.as_raw_fd(), gate.as_raw_fd());
        let pid_fd = pid_in.as_raw_fd();
        // SAFETY: the closure makes system calls only, on descriptors that the thread below keeps
        // open until the child has called exec.
        unsafe {
            command.pre_exec(move || wait_at_gate(pid_fd, gate_fd, gate_write_fd));
        }
        let (done, ended) = oneshot::channel();
        // spawn() returns after exec: it has to wait at the gate in a thread of its own.
        thread::spawn(move || {
            let child = command.spawn();
            drop((gate_out, pid_in));
            // The receiver is gone when the capture has failed.
            let _ = done.send(child.and_then(|mut child| child.wait()));
        });
        let mut pid = [0; 4];
        pid_out.read_exact(&mut pid).map_err(failed)?;
        Ok(Self {
            words: words.to_vec(),
            pid: u32::from_ne_bytes(pid),
            gate: Some(gate),
            ended,
        })
    }

    /// Its process id, before and after exec.
    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    /// Lets it run.
    pub(super) fn release(&mut self) -> Result<(), CaptureError> {
        if let Some(mut gate) = self.gate.take() {
            gate.write_all(&[1]).map_err(|cause| self.failed(cause))?;
        }
        Ok(())
    }

    /// Waits for its end. An error means that it could not be started.
    pub(super) async fn ended(&mut self) -> Result<CommandOutcome, CaptureError> {
        match (&mut self.ended).await {
            Ok(Ok(status)) => Ok(self.outcome(Some(status))),
            Ok(Err(cause)) => Err(self.failed(cause)),
            Err(_) => Err(self.failed(io::Error::other("the thread that runs it has died"))),
        }
    }

    /// Tells it to end, and waits a little.
    pub(super) async fn terminate(&mut self) -> Result<CommandOutcome, CaptureError> {
        if let Some(pid) = Pid::from_raw(self.pid as i32) {
            // It may have ended by itself meanwhile.
            let _ = kill_process(pid, Signal::TERM);
        }
        match tokio::time::timeout(GRACE, self.ended()).await {
            Ok(outcome) => outcome,
            Err(_) => Ok(self.outcome(None)),
        }
    }

    fn outcome(&self, status: Option<ExitStatus>) -> CommandOutcome {
        CommandOutcome {
            command: self
                .words
                .iter()
                .map(|word| word.to_string_lossy().into_owned())
                .collect(),
            pid: self.pid,
            exit_code: status.and_then(|status| status.code()),
            signal: status.and_then(|status| status.signal()),
        }
    }

    fn failed(&self, cause: io::Error) -> CaptureError {
        CaptureError::Command {
            command: self.words[0].to_string_lossy().into_owned(),
            cause,
        }
    }
}

/// In the child: tells the pid, then waits for a byte. The end of the pipe instead means that the
/// capture has failed, or that the tool was killed: then nobody is left to tell an error.
fn wait_at_gate(pid_fd: i32, gate_fd: i32, gate_write_fd: i32) -> io::Result<()> {
    let pid = std::process::id().to_ne_bytes();
    let mut byte = 0u8;
    // SAFETY: the descriptors are those of pipes that the parent keeps open; the buffers are as
    // long as said. The child's own copy of the gate's write end must go, or the end of the pipe
    // would never come.
    unsafe {
        libc::close(gate_write_fd);
        if libc::write(pid_fd, pid.as_ptr().cast(), pid.len()) != pid.len() as isize {
            return Err(io::Error::last_os_error());
        }
        loop {
            match libc::read(gate_fd, (&raw mut byte).cast(), 1) {
                1 => return Ok(()),
                0 => libc::_exit(127),
                _ => {
                    let error = io::Error::last_os_error();
                    if error.kind() != io::ErrorKind::Interrupted {
                        return Err(error);
                    }
                }
            }
        }
    }
}
