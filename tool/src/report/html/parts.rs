//! What several parts of the page are made of.

use maud::{Markup, html};

use crate::model::{ByteClasses, Class, Flow};
use crate::report::text::flows::is_copied;
use crate::report::units;

/// What became of bytes, as colours tell it apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fate {
    ZeroCopy,
    KernelCopied,
    Lost,
    Bounced,
    Mapped,
    Transformed,
    Generated,
    Unknown,
}

impl Fate {
    /// In the order in which they are stacked and listed.
    pub(super) const ALL: [Self; 8] = [
        Self::ZeroCopy,
        Self::KernelCopied,
        Self::Lost,
        Self::Bounced,
        Self::Mapped,
        Self::Transformed,
        Self::Generated,
        Self::Unknown,
    ];

    /// That of the bytes of a flow; `None` of those that count again when they are delivered.
    pub(super) fn of(flow: &Flow) -> Option<Self> {
        Some(match flow.class {
            _ if flow.lost => Self::Lost,
            Class::Staged => return None,
            Class::ZeroCopy | Class::ByReference if is_copied(flow) => Self::KernelCopied,
            Class::ZeroCopy | Class::ByReference => Self::ZeroCopy,
            Class::SameBuffer | Class::SameContent => Self::Bounced,
            Class::Mapped => Self::Mapped,
            Class::SameSize | Class::TlsRecord => Self::Transformed,
            Class::Generated => Self::Generated,
            Class::Unknown | Class::Ingest => Self::Unknown,
        })
    }

    /// How many of these bytes there are, each byte in one fate only.
    pub(super) const fn bytes(self, classes: &ByteClasses) -> u64 {
        match self {
            Self::ZeroCopy => classes.zero_copy.saturating_sub(classes.kernel_copied),
            Self::KernelCopied => classes.kernel_copied,
            Self::Lost => classes.lost,
            Self::Bounced => classes.bounced.saturating_sub(classes.lost),
            Self::Mapped => classes.mapped,
            Self::Transformed => classes.transformed,
            Self::Generated => classes.generated,
            Self::Unknown => classes.unknown,
        }
    }

    /// In words.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::ZeroCopy => "zero-copy",
            Self::KernelCopied => "zero-copy call, copied by the kernel",
            Self::Lost => "lost",
            Self::Bounced => "bounced, no kernel path",
            Self::Mapped => "mapped",
            Self::Transformed => "transformed",
            Self::Generated => "generated",
            Self::Unknown => "unknown",
        }
    }

    /// The class of elements that have its colour.
    pub(super) const fn css(self) -> &'static str {
        match self {
            Self::ZeroCopy => "f-zero-copy",
            Self::KernelCopied => "f-kernel-copied",
            Self::Lost => "f-lost",
            Self::Bounced => "f-bounced",
            Self::Mapped => "f-mapped",
            Self::Transformed => "f-transformed",
            Self::Generated => "f-generated",
            Self::Unknown => "f-unknown",
        }
    }
}

/// A legend of these.
pub(super) fn legend(fates: impl IntoIterator<Item = Fate>) -> Markup {
    html! {
        ul.legend aria-label="Colours" {
            @for fate in fates {
                li { (swatch(fate)) (fate.name()) }
            }
        }
    }
}

/// A dot of its colour.
pub(super) fn swatch(fate: Fate) -> Markup {
    html! {
        svg.swatch viewBox="0 0 10 10" aria-hidden="true" { rect class=(fate.css()) width="10" height="10" {} }
    }
}

/// A table that may be wider than the screen: it is scrolled on its own, by keys, too.
pub(super) fn wide(label: &str, content: &Markup) -> Markup {
    html! { div.wide role="region" aria-label=(label) tabindex="0" { (content) } }
}

/// A cell with a number of bytes, which can be sorted by.
pub(super) fn bytes_cell(bytes: u64) -> Markup {
    html! {
        td.n data-v=(bytes) { @if bytes == 0 { span.none { "–" } } @else { (units::bytes(bytes)) } }
    }
}

/// Words that colours and columns are named by.
pub(super) fn definitions() -> Markup {
    html! {
        footer {
            p { "Made by copytax " (env!("CARGO_PKG_VERSION")) ". This page loads nothing and sends nothing." }
        }
    }
}
