//! The maple tree of the mappings of a process (`include/linux/maple_tree.h`), from BTF.

use super::offset;
use crate::probe::btf::Btf;

/// What the kernel half takes for granted of a node (`tool-ebpf/src/mapping/tree.rs`).
const MEMBERS: [(&str, &str, u32); 7] = [
    ("maple_range_64", "parent", 0),
    ("maple_range_64", "pivot", 8),
    ("maple_range_64", "slot", 128),
    ("maple_range_64", "meta", 248),
    ("maple_arange_64", "pivot", 8),
    ("maple_arange_64", "slot", 80),
    ("maple_arange_64", "meta", 240),
];
const TYPES: [(&str, u32); 3] = [
    ("maple_leaf_64", 1),
    ("maple_range_64", 2),
    ("maple_arange_64", 3),
];

/// Offsets in `mm_struct`, in bytes. 0: nothing is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Mappings {
    /// Of the root of the tree.
    pub(super) root: u32,
    /// Of its flags.
    pub(super) flags: u32,
}

/// Where the tree is; `None` where the kernel has none (before 6.1), or one of nodes that the kernel half
/// does not know.
pub(super) fn of_mappings(btf: &Btf<'_>) -> Option<Mappings> {
    let at = |structure: &str, member: &str| offset(btf, structure, member).ok();
    let is_known = MEMBERS
        .iter()
        .all(|(structure, member, expected)| at(structure, member) == Some(*expected))
        && TYPES
            .iter()
            .all(|(name, expected)| btf.enumerator("maple_type", name) == Some(*expected));
    let tree = at("mm_struct", "mm_mt").filter(|_| is_known)?;
    Some(Mappings {
        root: tree + at("maple_tree", "ma_root")?,
        flags: tree + at("maple_tree", "ma_flags")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::layout::read_btf;

    #[test]
    fn the_running_kernel_has_the_tree_that_is_known() {
        let Ok(bytes) = read_btf() else {
            eprintln!("skipped: the kernel has no BTF");
            return;
        };
        let btf = Btf::parse(&bytes).expect("its BTF is sound");
        if btf.structure("maple_tree").is_none() {
            eprintln!("skipped: the kernel has no maple tree");
            return;
        }
        let mappings = of_mappings(&btf).expect("nodes as in 6.1");
        assert!(mappings.root != 0 && mappings.flags != 0 && mappings.root != mappings.flags);
    }
}
