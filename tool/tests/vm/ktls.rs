//! TLS in the kernel: `sendfile` to a socket that encrypts what it is given.

use std::io::{Read as _, Write as _};
use std::mem::size_of;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};
use rustix::fs::{MemfdFlags, ftruncate, memfd_create, sendfile};
use serde_json::Value;

use crate::tool;

/// Bytes that are sent: no multiple of a page or of a record.
const BYTES: u64 = 3_000_017;

/// The argument that makes this program the sender of as many bytes.
const SENDER: &str = "--ktls-sender=";

/// Command name of the sender.
const NAME: &std::ffi::CStr = c"ktls-sender";

/// `include/uapi/linux/tls.h`
const TLS_TX: i32 = 1;
const TLS_1_2_VERSION: u16 = 0x0303;
const TLS_CIPHER_AES_GCM_128: u16 = 51;

/// `struct tls12_crypto_info_aes_gcm_128`
#[repr(C)]
struct CryptoInfo {
    version: u16,
    cipher: u16,
    nonce: [u8; 8],
    key: [u8; 16],
    salt: [u8; 4],
    sequence: [u8; 8],
}

const _: () = assert!(size_of::<CryptoInfo>() == 40);

/// A record's header, and what AES-128-GCM adds to its plain text: nonce and tag (RFC 5288).
const HEADER: usize = 5;
const ADDED: usize = 8 + 16;
/// Content type of a record with data of the application (RFC 5246).
const APPLICATION_DATA: u8 = 23;

/// Whether the kernel has TLS for TCP.
pub(crate) fn is_available() -> bool {
    pair().is_ok_and(|(sender, _)| set_option(&sender, libc::IPPROTO_TCP, libc::TCP_ULP, b"tls"))
}

/// Exactly the bytes of the file are accounted as sent by `sendfile`, whatever encryption adds; and as copied,
/// since what is encrypted in software goes into new pages.
pub(crate) fn check(engine: &str) -> Result<()> {
    let program = std::env::current_exe()?;
    let program = program.to_str().context("a path that is not UTF-8")?;
    let report = tool::report(engine, &[program, &format!("{SENDER}{BYTES}")])?;
    let flow = only_zero_copy_flow(&report)?;
    for (field, expected) in [
        ("mechanism", Value::from("sendfile")),
        ("source", "file".into()),
        ("sink", "tcp".into()),
        ("bytes", BYTES.into()),
        ("sharing", "copied".into()),
        ("sharing_reason", "ktls_software".into()),
        ("lost", false.into()),
    ] {
        ensure!(
            flow[field] == expected,
            "{field} is not {expected}: {flow:#}"
        );
    }
    ensure!(
        report["totals"]["bytes"]["zero_copy"] == BYTES,
        "{report:#}"
    );
    ensure!(report["findings"][0]["rule"] == "K8", "{report:#}");
    Ok(())
}

/// The one flow of the sender that a zero-copy call made.
fn only_zero_copy_flow(report: &Value) -> Result<&Value> {
    let mut flows = report["processes"]
        .as_array()
        .context("no processes")?
        .iter()
        .filter(|process| process["comm"] == NAME.to_string_lossy().as_ref())
        .filter_map(|process| process["flows"].as_array())
        .flatten()
        .filter(|flow| flow["class"] == "zero_copy");
    let flow = flows.next();
    let flow = flow.with_context(|| format!("no zero-copy flow: {report:#}"))?;
    ensure!(flows.next().is_none(), "several flows: {report:#}");
    Ok(flow)
}

/// The bytes to send, if these arguments make this program the sender.
pub(crate) fn as_sender(arguments: &[String]) -> Option<u64> {
    arguments.get(1)?.strip_prefix(SENDER)?.parse().ok()
}

/// Sends a file of so many bytes by `sendfile` over TLS, and fails unless they came as TLS records.
pub(crate) fn sender(bytes: u64) -> ExitCode {
    match send(bytes) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody else tells why.
            let _ = writeln!(std::io::stderr(), "ktls: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn send(bytes: u64) -> Result<()> {
    rustix::thread::set_name(NAME)?;
    let file = memfd_create(c"ktls", MemfdFlags::CLOEXEC)?;
    ftruncate(&file, bytes)?;
    let (sender, mut receiver) = pair()?;
    let reading = std::thread::spawn(move || {
        let mut all = Vec::new();
        receiver.read_to_end(&mut all).map(|_| all)
    });
    encrypt(&sender)?;
    send_all(&sender, &file, bytes)?;
    sender.shutdown(Shutdown::Write)?;
    let received = reading.join().ok().context("the reader panicked")??;
    let came = plain_bytes(&received)?;
    ensure!(came == bytes, "{came} of {bytes} bytes came");
    Ok(())
}

/// A connection over loopback.
fn pair() -> Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let sender = TcpStream::connect(listener.local_addr()?)?;
    Ok((sender, listener.accept()?.0))
}

/// Has the kernel encrypt what is sent, by any key.
fn encrypt(socket: &TcpStream) -> Result<()> {
    let last = std::io::Error::last_os_error;
    if !set_option(socket, libc::IPPROTO_TCP, libc::TCP_ULP, b"tls") {
        return Err(last()).context("TCP_ULP tls");
    }
    let info = CryptoInfo {
        version: TLS_1_2_VERSION,
        cipher: TLS_CIPHER_AES_GCM_128,
        nonce: [1; 8],
        key: [2; 16],
        salt: [3; 4],
        sequence: [0; 8],
    };
    if !set_option(socket, libc::SOL_TLS, TLS_TX, &info) {
        return Err(last()).context("TLS_TX");
    }
    Ok(())
}

/// Sets a socket's option; whether the kernel took it.
fn set_option<T: ?Sized>(socket: &TcpStream, level: i32, option: i32, value: &T) -> bool {
    let length = size_of_val(value) as libc::socklen_t;
    // SAFETY: the value lives as long as the call runs, and has this length.
    unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            option,
            std::ptr::from_ref(value).cast(),
            length,
        ) == 0
    }
}

fn send_all(socket: &TcpStream, file: &OwnedFd, bytes: u64) -> Result<()> {
    let mut left = bytes;
    while left != 0 {
        let sent = sendfile(socket, file, None, usize::try_from(left)?)?;
        ensure!(sent != 0, "sendfile ended {left} bytes early");
        left -= sent as u64;
    }
    Ok(())
}

/// Bytes of plain text that a stream of records holds, as far as their headers tell.
fn plain_bytes(mut stream: &[u8]) -> Result<u64> {
    let mut sum = 0;
    while let Some((header, rest)) = stream.split_first_chunk::<HEADER>() {
        ensure!(header[0] == APPLICATION_DATA, "content type {}", header[0]);
        let length = usize::from(u16::from_be_bytes([header[3], header[4]]));
        let plain = length.checked_sub(ADDED).context("a short record")?;
        sum += plain as u64;
        stream = rest.get(length..).context("half a record")?;
    }
    ensure!(stream.is_empty(), "half a header");
    Ok(sum)
}
