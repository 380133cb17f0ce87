//! How TCP finds out how fast it may send.

use std::fs;

/// The congestion control of new connections in this network namespace, such as `cubic` or `bbr`; `None` where
/// the kernel does not tell.
#[must_use]
pub fn congestion_control() -> Option<String> {
    let name = fs::read_to_string("/proc/sys/net/ipv4/tcp_congestion_control").ok()?;
    let name = name.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_one_of_those_that_there_are() {
        let available = fs::read_to_string("/proc/sys/net/ipv4/tcp_available_congestion_control");
        let available = available.expect("Linux has a list");
        let name = congestion_control().expect("TCP has one");
        assert!(
            available.split_whitespace().any(|there| there == name),
            "{name}"
        );
    }
}
