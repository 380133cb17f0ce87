//! What the code says of bytes between two kinds of endpoints.

use copytax::analysis::{Direction, NoPath, route};
use copytax::model::EndpointKind;

use crate::kinds::{grouped, words};
use crate::{code, markdown};

fn all() -> impl Iterator<Item = EndpointKind> {
    EndpointKind::ALL.iter().copied()
}

/// A table of sources and sinks, those with equal cells together. Kinds whose cells are all `none`
/// are left out.
fn table(cell: impl Fn(EndpointKind, EndpointKind) -> Option<String>) -> String {
    let row = |source: EndpointKind| all().map(|sink| cell(source, sink)).collect::<Vec<_>>();
    let column = |sink: EndpointKind| all().map(|source| cell(source, sink)).collect::<Vec<_>>();
    let is_used = |cells: &Vec<Option<String>>| cells.iter().any(Option::is_some);
    let mut sources = grouped(all(), row);
    sources.retain(|(_, cells)| is_used(cells));
    let mut sinks = grouped(all(), column);
    sinks.retain(|(_, cells)| is_used(cells));

    let mut header = vec![r"source \ sink".to_owned()];
    header.extend(sinks.iter().map(|(kinds, _)| words(kinds)));
    let mut text = format!(
        "| {} |\n|{}\n",
        header.join(" | "),
        " --- |".repeat(header.len())
    );
    for (kinds, _) in &sources {
        let mut row = vec![words(kinds)];
        row.extend(sinks.iter().map(|(sinks, _)| {
            let text = cell(kinds[0], sinks[0]);
            text.unwrap_or_else(|| "none".to_owned())
        }));
        text += &format!("| {} |\n", row.join(" | "));
    }
    text
}

/// The calls that avoid a bounce.
pub(crate) fn kernel_paths() -> String {
    table(|source, sink| {
        let path = route(source, sink).kernel_path.ok()?;
        Some(code(path.name()))
    })
}

/// What relays are for.
pub(crate) fn directions() -> String {
    table(|source, sink| {
        route(source, sink)
            .direction
            .map(|direction| code(Direction::name(direction)))
    })
}

/// Why there are no such calls, by the kind that is in the way.
pub(crate) fn reasons() -> String {
    let in_the_way = |reason: NoPath, other: EndpointKind, as_source: bool| {
        let kinds: Vec<EndpointKind> = all()
            .filter(|&kind| {
                let (source, sink) = if as_source {
                    (kind, other)
                } else {
                    (other, kind)
                };
                route(source, sink).kernel_path == Err(reason)
            })
            .collect();
        if kinds.is_empty() {
            "-".to_owned()
        } else {
            words(&kinds)
        }
    };
    let rows = NoPath::ALL.iter().map(|&reason| {
        [
            code(reason.name()),
            in_the_way(reason, EndpointKind::File, true),
            in_the_way(reason, EndpointKind::File, false),
        ]
    });
    markdown(["reason", "as a source", "as a sink"], rows)
}
