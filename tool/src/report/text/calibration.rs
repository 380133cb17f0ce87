//! Break-evens, for people.

use std::io;

use crate::analysis::lab::is_clear;
use crate::model::{BreakEven, Calibration};
use crate::report::text::layout::Page;
use crate::report::units;

/// Columns of the name of a path.
const NAME: usize = 12;

/// Writes a line for each path.
///
/// # Errors
///
/// Those of `out`.
pub fn write_calibration(
    out: &mut impl io::Write,
    calibration: &Calibration,
    width: usize,
    color: bool,
) -> io::Result<()> {
    let page = Page::new(width, color);
    for (title, paths) in [
        (
            "Less CPU time than read and write, over loopback TCP, in transfers of:",
            [
                ("sendfile", calibration.sendfile),
                ("splice", calibration.splice),
            ],
        ),
        (
            "Less than write of the same memory:",
            [
                ("MSG_ZEROCOPY", calibration.zerocopy),
                ("SEND_ZC", calibration.send_zc),
            ],
        ),
    ] {
        writeln!(out, "{}", page.bold(&page.paragraph(title)))?;
        for (name, found) in paths {
            let text = found.map_or_else(|| "not measured".to_owned(), |found| phrase(&found));
            let line = format!("{name:<NAME$}  {text}");
            writeln!(out, "{}", page.hanging(&line, NAME + 2))?;
        }
    }
    Ok(())
}

fn phrase(found: &BreakEven) -> String {
    let end = |bytes: Option<u64>| match bytes {
        Some(bytes) if bytes <= found.smallest => format!("at most {}", units::bytes(bytes)),
        Some(bytes) => units::bytes(bytes),
        None => format!("more than {}", units::bytes(found.largest)),
    };
    let (low, high) = (end(found.low), end(found.high));
    match found.bytes {
        _ if !is_clear(found) => format!("no clear break-even (95%: {low} to {high})"),
        None => format!("no size up to {}", units::bytes(found.largest)),
        Some(bytes) if bytes <= found.smallest => {
            let any = format!("any size from {} on", units::bytes(found.smallest));
            if found.high == found.bytes {
                any
            } else {
                format!("{any} (95%: {low} to {high})")
            }
        }
        Some(bytes) => format!("{} and more (95%: {low} to {high})", end(Some(bytes))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_of_what_was_measured_are_told() {
        let found = BreakEven {
            bytes: Some(9 << 10),
            low: Some(8 << 10),
            high: Some(12 << 10),
            smallest: 1 << 10,
            largest: 1 << 20,
        };
        assert_eq!(
            phrase(&found),
            "9.0 KiB and more (95%: 8.0 KiB to 12.0 KiB)"
        );
        let always = BreakEven {
            bytes: Some(1 << 10),
            low: Some(1 << 10),
            high: Some(1 << 10),
            ..found
        };
        assert_eq!(phrase(&always), "any size from 1.0 KiB on");
        let narrow = BreakEven {
            low: found.bytes,
            high: found.bytes,
            ..found
        };
        assert_eq!(
            phrase(&narrow),
            "9.0 KiB and more (95%: 9.0 KiB to 9.0 KiB)"
        );
        let nearly_always = BreakEven {
            high: Some(2 << 10),
            ..always
        };
        assert_eq!(
            phrase(&nearly_always),
            "any size from 1.0 KiB on (95%: at most 1.0 KiB to 2.0 KiB)"
        );
        let unclear = BreakEven {
            low: Some(1 << 10),
            high: None,
            ..found
        };
        assert_eq!(
            phrase(&unclear),
            "no clear break-even (95%: at most 1.0 KiB to more than 1.0 MiB)"
        );
        let never = BreakEven {
            bytes: None,
            low: None,
            ..unclear
        };
        assert_eq!(phrase(&never), "no size up to 1.0 MiB");
    }
}
