//! The workload: carries one case out and writes down what it did.

use std::path::Path;
use std::process::ExitCode;

use crate::case::{CASES, Outcome, Stop};
use crate::mounts;

/// Command name of the worker, by which its flows are told from those of programs that it starts.
pub(crate) const NAME: &str = "sharing-worker";
/// The file that the outcome is left in.
pub(crate) const OUTCOME: &str = "outcome.json";

/// `--worker CASE FOLDER`
pub(crate) fn main(case: &str, folder: &Path) -> ExitCode {
    let name = std::ffi::CString::new(NAME).expect("no zero in it");
    // SAFETY: a call on memory that lives as long as it runs.
    unsafe { libc::prctl(libc::PR_SET_NAME, name.as_ptr()) };
    let (_, run) = CASES
        .iter()
        .find(|(name, _)| *name == case)
        .expect("one of the cases");
    let outcome = match mounts::own_namespace()
        .map_err(Stop::from)
        .and_then(|()| run(folder))
    {
        Ok(routes) => Outcome::Done(routes),
        Err(Stop::Unavailable(what)) => Outcome::Unavailable(what),
        Err(Stop::Missing(what)) => Outcome::Missing(what),
        Err(Stop::Failed(error)) => {
            eprintln!("{case}: {error}");
            return ExitCode::FAILURE;
        }
    };
    let text = serde_json::to_vec(&outcome).expect("plain data");
    std::fs::write(folder.join(OUTCOME), text).expect("the folder can be written to");
    ExitCode::SUCCESS
}
