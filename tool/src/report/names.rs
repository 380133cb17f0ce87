//! Names that text and JSON share.

use std::fmt::Write as _;
use std::time::SystemTime;

use nix::errno::Errno;
use nix::sys::signal::Signal;

use crate::model::{Class, Engine, Finding, Mechanism, Sharing, Verdict};

impl Mechanism {
    /// The name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sendfile => "sendfile",
            Self::Splice => "splice",
            Self::Tee => "tee",
            Self::Vmsplice => "vmsplice",
            Self::CopyFileRange => "copy_file_range",
            Self::MsgZerocopy => "msg_zerocopy",
            Self::UringSendZc => "uring_send_zc",
            Self::UringSplice => "uring_splice",
            Self::UringTee => "uring_tee",
            Self::ReadWrite => "read_write",
            Self::MmapWrite => "mmap_write",
        }
    }
}

impl Engine {
    /// The name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Tracepoint => "tracepoint",
        }
    }
}

/// The class of a flow's bytes; both evidences of a bounce are one class.
pub(super) const fn class(class: Class) -> &'static str {
    match class {
        Class::ZeroCopy | Class::ByReference => "zero_copy",
        Class::Staged => "staged",
        Class::SameBuffer | Class::SameContent => "bounced",
        Class::Mapped => "mapped",
        Class::SameSize | Class::TlsRecord => "transformed",
        Class::Generated => "generated",
        Class::Unknown | Class::Ingest => "unknown",
    }
}

/// Why the kernel copied what a zero-copy call moved, in a few words.
pub(super) fn copied(sharing: Sharing) -> String {
    match sharing {
        Sharing::DirectIo => "O_DIRECT or DAX source",
        Sharing::CopySpliceRead => "the source is read into new pages",
        Sharing::FuseDirectIo => "FUSE source with direct I/O",
        Sharing::PageCacheWrite => "into the sink's page cache",
        Sharing::NoScatterGather => "the device takes no scattered pages",
        Sharing::KtlsSoftware => "kernel TLS encrypts in software",
        Sharing::KtlsDevice => "kernel TLS without TLS_TX_ZEROCOPY_RO",
        Sharing::CompletedCopied => "so its completion says",
        other => return other.name().replace('_', " "),
    }
    .to_owned()
}

/// What a finding is about, in a few words.
pub(super) fn title(finding: &Finding) -> String {
    match &finding.title {
        Some(title) => title.to_string(),
        None => format!(
            "{} to {} through read and write",
            finding.source.name(),
            finding.sink.name()
        ),
    }
}

/// What to do about a finding; nothing where its transfers are too small for that.
pub(super) fn fix(finding: &Finding) -> Option<&str> {
    let fix = finding.fix.as_deref();
    fix.filter(|_| finding.verdict != Verdict::TooSmall)
}

/// The name of an errno, `E999` where it has none. 512 and up never leave the kernel: the first
/// four restart a call that a signal interrupted.
pub(crate) fn errno(errno: u16) -> String {
    let kernel_only = match errno {
        512 => "ERESTARTSYS",
        513 => "ERESTARTNOINTR",
        514 => "ERESTARTNOHAND",
        516 => "ERESTART_RESTARTBLOCK",
        524 => "ENOTSUPP",
        529 => "EIOCBQUEUED",
        _ => "",
    };
    if !kernel_only.is_empty() {
        return kernel_only.to_owned();
    }
    match Errno::from_raw(i32::from(errno)) {
        Errno::UnknownErrno => format!("E{errno}"),
        known => format!("{known:?}"),
    }
}

/// Why an errno is nothing to worry about, where it is.
pub(super) fn harmless(errno: u16) -> Option<&'static str> {
    match (errno, Errno::from_raw(i32::from(errno))) {
        (_, Errno::EAGAIN) => Some("not ready: normal"),
        (_, Errno::EINTR) | (512..=514 | 516, _) => Some("interrupted by a signal"),
        _ => None,
    }
}

/// The name of a signal, its number where it has none.
pub(super) fn signal(signal: i32) -> String {
    Signal::try_from(signal).map_or_else(|_| signal.to_string(), |known| known.as_str().to_owned())
}

/// A time in UTC as RFC 3339 has it. Times that it has no form for are the nearest that it has.
pub(super) fn rfc3339(time: SystemTime) -> String {
    let time = time.max(SystemTime::UNIX_EPOCH);
    let mut text = String::new();
    if write!(text, "{}", humantime::format_rfc3339_millis(time)).is_err() {
        return "9999-12-31T23:59:59.999Z".to_owned();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{errno, rfc3339, signal};
    use std::time::{Duration, SystemTime};

    #[test]
    fn errors_have_their_names() {
        for (number, name) in [
            (22, "EINVAL"),
            (11, "EAGAIN"),
            (512, "ERESTARTSYS"),
            (516, "ERESTART_RESTARTBLOCK"),
            (999, "E999"),
            (0, "E0"),
            (u16::MAX, "E65535"),
        ] {
            assert_eq!(errno(number), name);
        }
    }

    #[test]
    fn signals_have_their_names() {
        assert_eq!(signal(9), "SIGKILL");
        assert_eq!(signal(40), "40");
    }

    #[test]
    fn times_out_of_range_do_not_panic() {
        let epoch = SystemTime::UNIX_EPOCH;
        let second = Duration::from_secs(1);
        assert_eq!(rfc3339(epoch - second), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(epoch + second), "1970-01-01T00:00:01.000Z");
        let far = epoch + Duration::from_secs(1 << 40);
        assert_eq!(rfc3339(far), "9999-12-31T23:59:59.999Z");
    }
}
