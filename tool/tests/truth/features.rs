//! What io_uring of the running kernel can do. Operations of what it lacks are left out; a kernel that
//! is new enough to have it must have it.

use copytax::host::kernel::Version;
use io_uring::squeue::Entry;
use io_uring::{IoUring, opcode, types};

use crate::uring::REPORT_USAGE;

/// What came after the rest of io_uring that the operations use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Features {
    /// Receives that fill several buffers at once.
    pub(crate) bundles: bool,
    /// Notifications that tell whether bytes were copied.
    pub(crate) reports: bool,
}

impl Features {
    /// What the running kernel has; says what it lacks.
    ///
    /// # Errors
    ///
    /// Where it refuses what it should have.
    pub(crate) fn of_kernel() -> Result<Self, String> {
        let bundle = opcode::RecvMultiBundle::new(NO_FILE, 0).build();
        let report = opcode::SendZc::new(NO_FILE, std::ptr::null(), 0);
        let report = report.zc_flags(REPORT_USAGE).build();
        Ok(Self {
            bundles: has("IORING_RECVSEND_BUNDLE", Version::new(6, 10), &bundle)?,
            reports: has("IORING_SEND_ZC_REPORT_USAGE", Version::new(6, 2), &report)?,
        })
    }

    /// As an argument of a worker.
    pub(crate) fn to_argument(self) -> String {
        format!("{}{}", u8::from(self.bundles), u8::from(self.reports))
    }

    /// What [`Self::to_argument`] gave.
    pub(crate) fn from_argument(argument: &str) -> Self {
        let has = |index| argument.as_bytes()[index] == b'1';
        Self {
            bundles: has(0),
            reports: has(1),
        }
    }
}

const NO_FILE: types::Fd = types::Fd(-1);

/// Whether the kernel knows all that `request` asks for. The request has no file: what is not known is
/// told before that is missed.
fn has(name: &str, since: Version, request: &Entry) -> Result<bool, String> {
    let result = refusal(request).map_err(|error| format!("{name}: {error}"))?;
    if result != -libc::EINVAL {
        return Ok(true);
    }
    let release = rustix::system::uname()
        .release()
        .to_string_lossy()
        .into_owned();
    if Version::of_release(&release) >= Some(since) {
        return Err(format!("Linux {release} refuses {name}"));
    }
    eprintln!("left out: {name}, which Linux {release} lacks (since {since})");
    Ok(false)
}

fn refusal(request: &Entry) -> std::io::Result<i32> {
    let mut ring = IoUring::new(2)?;
    // SAFETY: the request points to nothing.
    unsafe { ring.submission().push(request) }.expect("there is room");
    ring.submit_and_wait(1)?;
    let completion = ring.completion().next();
    Ok(completion.expect("it has come").result())
}
