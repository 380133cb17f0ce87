//! Colours of boxes: dark text can be read on all of them, in a light and a dark page alike.

use inferno::flamegraph::color::Color;

use crate::analysis::Role;
use crate::model::SiteKind;
use crate::report::graph::LabelKind;

const KERNEL: u32 = 0x00aa_b8c8;
const COPY: u32 = 0x00ff_e14d;
const UNKNOWN: u32 = 0x00bb_bbbb;
const PROCESS: u32 = 0x00e4_e4e4;
const MARKER: u32 = 0x00d3_d9e2;

/// Orange: application, library, runtime.
const BOUNCED: [u32; 3] = [0x00f5_8549, 0x00fa_ad7d, 0x00fd_d5ba];
/// Teal, that those who see no red can tell from it.
const ZERO_COPY: [u32; 3] = [0x004f_b3ab, 0x0089_cdc7, 0x00c4_e6e3];
/// Violet.
const OTHER: [u32; 3] = [0x00a3_99d6, 0x00bf_b8e3, 0x00dc_d8f1];

const MORE: u32 = 0x00ef_5a4c;
const LESS: u32 = 0x0056_9fe0;
const SAME: u32 = 0x00ec_ecec;

/// The colour of a box that holds bytes of this kind; of CPU time it is `None`.
pub(in crate::report) fn of_box(kind: LabelKind, bytes: Option<SiteKind>) -> Color {
    let shades = match bytes {
        Some(SiteKind::Bounced) | None => BOUNCED,
        Some(SiteKind::ZeroCopy) => ZERO_COPY,
        Some(SiteKind::Other) => OTHER,
    };
    color(match kind {
        LabelKind::Process => PROCESS,
        LabelKind::Marker => MARKER,
        LabelKind::Site(_) | LabelKind::Frame(Role::Application) => shades[0],
        LabelKind::Frame(Role::Library) => shades[1],
        LabelKind::Frame(Role::Runtime) => shades[2],
        LabelKind::Frame(Role::Kernel) => KERNEL,
        LabelKind::Frame(Role::Copy) => COPY,
        LabelKind::Frame(Role::Unknown) => UNKNOWN,
    })
}

/// The colour of a change, from -1, all gone, to 1, all new.
pub(super) fn of_change(change: f64) -> Color {
    let end = color(if change < 0.0 { LESS } else { MORE });
    let start = color(SAME);
    // A small change is to be seen, too.
    let part = change.abs().min(1.0).sqrt();
    Color {
        r: between(start.r, end.r, part),
        g: between(start.g, end.g, part),
        b: between(start.b, end.b, part),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between two bytes"
)]
fn between(start: u8, end: u8, part: f64) -> u8 {
    let (start, end) = (f64::from(start), f64::from(end));
    (start + (end - start) * part).round() as u8
}

fn color(rgb: u32) -> Color {
    let [_, r, g, b] = rgb.to_be_bytes();
    Color { r, g, b }
}

/// As CSS has it.
pub(in crate::report) fn css(color: Color) -> String {
    format!("#{:02x}{:02x}{:02x}", color.r, color.g, color.b)
}
