//! What the machine's console says about the tests.

use anyhow::{Result, bail};

/// Begins each line of process 1 (`tool/tests/vm/main.rs`).
const INIT: &str = "copytax-vm: ";
/// Begins its last one.
const RESULT: &str = "copytax-vm: result: ";
/// And ends it, if all is well.
const PASSED: &str = "passed";

/// What the kernel says when it is broken.
const BROKEN: [&str; 5] = [
    "Kernel panic",
    "------------[ cut here ]",
    "BUG: ",
    "Oops: ",
    "general protection fault",
];

/// Whether all tests passed, and the kernel is well.
pub(super) fn verdict(console: &str) -> Result<()> {
    if let Some(line) = console
        .lines()
        .find(|line| BROKEN.iter().any(|words| line.contains(words)))
    {
        bail!("the kernel complained: {}", line.trim());
    }
    let result = console
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix(RESULT));
    match result.map(str::trim_end) {
        None => bail!("the machine ended without a result"),
        Some(PASSED) => Ok(()),
        Some(other) => bail!("{other}"),
    }
}

/// What was said from the start of process 1 on.
pub(super) fn of_tests(console: &str) -> &str {
    let begin = console.find(INIT).unwrap_or(0);
    console[begin..].trim_end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_result_is_a_pass() {
        assert!(verdict("[ 0.1] booting\r\ncopytax-vm: result: passed\r\n").is_ok());
        for console in [
            "",
            "copytax-vm: /truth: exit status: 0\r\n",
            "copytax-vm: result: failed: 1 of 2 programs\r\n",
            "copytax-vm: result: pas",
            "said copytax-vm: result: passed",
            "[ 3.2] Kernel panic - not syncing\r\ncopytax-vm: result: passed\r\n",
        ] {
            assert!(verdict(console).is_err(), "{console:?}");
        }
    }

    #[test]
    fn what_the_tests_said_begins_with_process_1() {
        let console = "[ 0.1] booting\r\ncopytax-vm: /init\r\ntest a ... ok\r\n\r\n";
        assert_eq!(of_tests(console), "copytax-vm: /init\r\ntest a ... ok");
        assert_eq!(of_tests("nothing"), "nothing");
    }
}
