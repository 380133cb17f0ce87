//! Sets of endpoint kinds, in few words.

use copytax::model::EndpointKind;

use crate::code;

/// Kinds, grouped by what `fact` says of them; in the order of the kinds.
pub(crate) fn grouped<T: PartialEq>(
    kinds: impl IntoIterator<Item = EndpointKind>,
    fact: impl Fn(EndpointKind) -> T,
) -> Vec<(Vec<EndpointKind>, T)> {
    let mut groups: Vec<(Vec<EndpointKind>, T)> = Vec::new();
    for kind in kinds {
        let fact = fact(kind);
        match groups.iter_mut().find(|(_, found)| *found == fact) {
            Some((kinds, _)) => kinds.push(kind),
            None => groups.push((vec![kind], fact)),
        }
    }
    groups
}

/// What a descriptor can lead to.
fn descriptors() -> impl Iterator<Item = EndpointKind> {
    use EndpointKind::{GiftedMemory, Memory, None};
    let kinds = EndpointKind::ALL.iter().copied();
    kinds.filter(|kind| !matches!(kind, None | Memory | GiftedMemory))
}

/// The names of the kinds; large sets by what they lack.
pub(crate) fn words(kinds: &[EndpointKind]) -> String {
    let (of_descriptors, others): (Vec<EndpointKind>, Vec<EndpointKind>) = kinds
        .iter()
        .partition(|kind| descriptors().any(|known| known == **kind));
    let mut parts = Vec::new();
    let missing: Vec<EndpointKind> = descriptors()
        .filter(|kind| !of_descriptors.contains(kind))
        .collect();
    if missing.is_empty() {
        parts.push("any descriptor".to_owned());
    } else {
        let (named, missing) = (with_sockets(&of_descriptors), with_sockets(&missing));
        if missing.len() + 1 < named.len() {
            parts.push(format!("any descriptor but {}", missing.join(", ")));
        } else {
            parts.extend(named);
        }
    }
    parts.extend(others.iter().map(|kind| code(kind.name())));
    parts.join(", ")
}

/// Names, those of all sockets as one.
fn with_sockets(kinds: &[EndpointKind]) -> Vec<String> {
    let all_sockets = descriptors()
        .filter(|kind| kind.is_socket())
        .all(|kind| kinds.contains(&kind));
    let mut names = Vec::new();
    if all_sockets {
        names.push("any socket".to_owned());
    }
    let named = kinds
        .iter()
        .filter(|kind| !(all_sockets && kind.is_socket()));
    names.extend(named.map(|kind| code(kind.name())));
    names
}
