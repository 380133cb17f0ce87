//! The network devices of the diagnosis, for people.

use super::text::{INDENT, wrap};
use crate::analysis::doctor::network::{ZeroCopy, zero_copy};
use crate::cli::failure::escape;
use crate::model::{Device, Offloads};

/// Columns of a name: the kernel allows 15, and there may be more of them.
const NAME: usize = 21;

/// A table of the devices; those that are alike, as those of containers are, share a row.
pub(super) fn table(devices: &[Device], width: usize) -> Vec<String> {
    if devices.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![row("sent by", ["SG", "TSO", "sum", "TLS"])];
    for alike in groups(devices) {
        let first = alike[0];
        let mut name = escape(&first.name);
        if alike.len() > 1 {
            name += &format!(" +{}", alike.len() - 1);
        }
        let (zero_copy, why) = zero_copy(first);
        lines.push(row(&name, cells(first.offloads)));
        let text = format!("{}: {why}", words(zero_copy));
        let room = width.saturating_sub(INDENT);
        let text = wrap(&text, room).into_iter();
        lines.extend(text.map(|line| format!("{:INDENT$}{line}", "")));
    }
    lines.extend(wrap(
        "SG: scatter-gather; TSO: segmentation; sum: checksums; TLS: kernel TLS",
        width,
    ));
    lines
}

fn groups(devices: &[Device]) -> Vec<Vec<&Device>> {
    let mut groups: Vec<Vec<&Device>> = Vec::new();
    for device in devices {
        let is_alike = |group: &&mut Vec<&Device>| {
            group[0].offloads == device.offloads && group[0].is_loopback == device.is_loopback
        };
        match groups.iter_mut().find(is_alike) {
            Some(group) => group.push(device),
            None => groups.push(vec![device]),
        }
    }
    groups
}

fn row(name: &str, [sg, tso, sum, tls]: [&str; 4]) -> String {
    format!("{name:NAME$} {sg:3} {tso:3} {sum:3} {tls}")
        .trim_end()
        .to_owned()
}

fn cells(offloads: Option<Offloads>) -> [&'static str; 4] {
    let Some(offloads) = offloads else {
        return ["?"; 4];
    };
    [
        offloads.scatter_gather,
        offloads.tcp_segmentation,
        offloads.tx_checksum,
        offloads.tls_tx,
    ]
    .map(|on| if on { "on" } else { "off" })
}

fn words(zero_copy: ZeroCopy) -> &'static str {
    match zero_copy {
        ZeroCopy::Helps => "zero-copy helps",
        ZeroCopy::HelpsLess => "zero-copy helps less",
        ZeroCopy::Copied => "zero-copy does not help",
        ZeroCopy::Unknown => "whether zero-copy helps is unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(name: &str, scatter_gather: bool) -> Device {
        Device {
            name: name.to_owned(),
            is_loopback: false,
            offloads: Some(Offloads {
                scatter_gather,
                tcp_segmentation: true,
                tx_checksum: true,
                tls_tx: false,
            }),
        }
    }

    #[test]
    fn devices_that_are_alike_share_a_row() {
        let mut devices = vec![device("eth0", true), device("old0", false)];
        devices.extend((0..40).map(|number| device(&format!("veth{number}"), true)));
        let lines = table(&devices, 80);
        let expected = [
            "sent by               SG  TSO sum TLS",
            "eth0 +40              on  on  on  off",
            "      zero-copy helps: a copy is saved; kernel TLS is encrypted by the",
            "      processor.",
            "old0                  off on  on  off",
            "      zero-copy does not help: without scatter-gather the kernel copies what",
            "      sendfile, splice and MSG_ZEROCOPY send.",
            "SG: scatter-gather; TSO: segmentation; sum: checksums; TLS: kernel TLS",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn fits_any_terminal() {
        let mut hostile = device("\u{1b}[2J\u{1b}[2Jx", true);
        hostile.offloads = None;
        for width in [40, 80] {
            for line in table(&[hostile.clone(), device("fifteen_letters", true)], width) {
                assert!(line.chars().count() <= width, "{line}");
                assert!(!line.contains('\u{1b}'));
            }
        }
        assert!(table(&[], 80).is_empty());
    }
}
