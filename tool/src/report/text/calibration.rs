//! Break-evens, for people.

use std::io;

use crate::model::{BreakEven, Calibration};
use crate::report::text::layout::Page;
use crate::report::units;

/// Columns of the name of a path.
const NAME: usize = 8;

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
    let title = "Takes less CPU time than read and write, over loopback TCP, in transfers of:";
    writeln!(out, "{}", page.bold(&page.paragraph(title)))?;
    for (name, found) in [
        ("sendfile", calibration.sendfile),
        ("splice", calibration.splice),
    ] {
        let text = found.map_or_else(|| "not measured".to_owned(), |found| phrase(&found));
        writeln!(
            out,
            "{}",
            page.hanging(&format!("{name:<NAME$}  {text}"), NAME + 2)
        )?;
    }
    Ok(())
}

fn phrase(found: &BreakEven) -> String {
    let end = |bytes: Option<u64>| match bytes {
        Some(bytes) if bytes <= found.smallest => format!("at most {}", units::bytes(bytes)),
        Some(bytes) => units::bytes(bytes),
        None => format!("more than {}", units::bytes(found.largest)),
    };
    let and_more = if found.bytes.is_some() {
        " and more"
    } else {
        ""
    };
    format!(
        "{}{and_more} (95%: {} to {})",
        end(found.bytes),
        end(found.low),
        end(found.high)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_of_what_was_measured_are_told() {
        let found = BreakEven {
            bytes: Some(9 << 10),
            low: Some(1 << 10),
            high: None,
            smallest: 1 << 10,
            largest: 1 << 20,
        };
        assert_eq!(
            phrase(&found),
            "9.0 KiB and more (95%: at most 1.0 KiB to more than 1.0 MiB)"
        );
        let never = BreakEven {
            bytes: None,
            low: None,
            ..found
        };
        assert_eq!(
            phrase(&never),
            "more than 1.0 MiB (95%: more than 1.0 MiB to more than 1.0 MiB)"
        );
    }
}
