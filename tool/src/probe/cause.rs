//! The kernel's refusals in words, with what would mend them.

use std::error::Error;
use std::io;

use crate::host::privileges::{Capability, Privileges};

/// The most that is told of a refusal: a verifier may say megabytes.
const LONGEST: usize = 600;

/// An error with its causes, and with advice where there is some.
pub(super) fn cause(error: &(dyn Error + 'static)) -> String {
    let text = shortened(&chain(error));
    match errno(error).and_then(|errno| advice(errno, &Privileges::of_self())) {
        Some(advice) => format!("{text}; {advice}"),
        None => text,
    }
}

fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

/// Without an empty verifier's log, and without the middle of a long one: the reason is at its end.
fn shortened(text: &str) -> String {
    let text = text.trim_end();
    let text = text.strip_suffix(". Verifier output:").unwrap_or(text);
    let characters: Vec<char> = text.chars().collect();
    if characters.len() <= LONGEST {
        return text.to_owned();
    }
    let (start, end) = (LONGEST / 3, characters.len() - LONGEST * 2 / 3);
    let part = |part: &[char]| part.iter().collect::<String>();
    format!(
        "{} [..] {}",
        part(&characters[..start]),
        part(&characters[end..])
    )
}

/// The system's error among the causes.
fn errno(error: &(dyn Error + 'static)) -> Option<i32> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(io) = error.downcast_ref::<io::Error>() {
            return io.raw_os_error();
        }
        next = error.source();
    }
    None
}

/// What to do about an error of a BPF call.
fn advice(errno: i32, privileges: &Privileges) -> Option<&'static str> {
    let has = |capability| privileges.has(capability);
    match errno {
        libc::EPERM
            if has(Capability::SysAdmin) || (has(Capability::Bpf) && has(Capability::Perfmon)) =>
        {
            Some(
                "the privileges of this process do not reach: a user namespace, a container's \
                 seccomp filter or a security module stands in the way",
            )
        }
        libc::EPERM => Some("this takes root, or CAP_BPF and CAP_PERFMON: run it with sudo"),
        libc::ENOSYS => Some("the kernel has no bpf(2), or a seccomp filter hides it"),
        libc::EMFILE => Some("raise the limit of open files: `ulimit -n 1024`"),
        libc::ENFILE => Some("the machine's files are used up: raise the sysctl fs.file-max"),
        libc::ENOMEM => Some("there is not enough memory, or its cgroup is at its limit"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_log_is_not_told() {
        assert_eq!(
            shortened("refused (os error 1). Verifier output: "),
            "refused (os error 1)"
        );
        let long = format!(
            "refused. Verifier output: {}the reason\n",
            "x".repeat(1 << 20)
        );
        let short = shortened(&long);
        assert!(short.starts_with("refused. Verifier output: xx"));
        assert!(short.ends_with("xthe reason") && short.len() < 2 * LONGEST);
    }

    #[test]
    fn advice_knows_what_the_process_may_do() {
        let with = |effective: &[Capability]| Privileges {
            euid: 0,
            effective: effective.to_vec(),
        };
        let nobody = advice(libc::EPERM, &with(&[Capability::Bpf])).expect("advice");
        assert!(nobody.contains("sudo"), "{nobody}");
        let root = advice(libc::EPERM, &with(&[Capability::SysAdmin])).expect("advice");
        assert!(root.contains("seccomp"), "{root}");
        assert_eq!(advice(libc::EINVAL, &with(&[])), None);
    }

    #[test]
    fn the_system_s_error_is_found_among_the_causes() {
        let io = io::Error::from_raw_os_error(libc::EMFILE);
        let error = Wrapped(io);
        assert_eq!(errno(&error), Some(libc::EMFILE));
        assert!(cause(&error).contains("ulimit"), "{}", cause(&error));
    }

    #[derive(Debug, thiserror::Error)]
    #[error("cannot do it")]
    struct Wrapped(#[source] io::Error);
}
