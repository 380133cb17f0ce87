//! The mapping at an address, without the lock of the mappings.
//!
//! The kernel itself finds mappings so when a page is missing (`lock_vma_under_rcu` of `mm/memory.c` in
//! 6.4, of `mm/mmap_lock.c` in 6.18), in the maple tree that holds them since 6.1. Programs run under
//! RCU, too: no node that they can reach is freed before they end. A node that is replaced meanwhile says
//! so, and a mapping that changes meanwhile is told by its fields, which are compared afterwards.

use core::{cell::Cell, ffi::c_void};

use aya_ebpf::{helpers::generated::bpf_probe_read_kernel, macros::map, maps::PerCpuArray};

use super::Mapping;
use crate::{
    kernel::{Task, copy, load, untyped},
    layout::layout,
    opaque,
    sample::masked,
};

/// Words of a `maple_node`: its parent, then pivots, then slots.
const WORDS: usize = 32;
/// `MAPLE_NODE_MASK`, `include/linux/maple_tree.h`: nodes are aligned to this; below are type and flags.
const NODE_MASK: u64 = 255;
/// `MAPLE_NODE_TYPE_SHIFT` and `MAPLE_NODE_TYPE_MASK`
const TYPE_SHIFT: u64 = 3;
const TYPE_MASK: u64 = 15;
/// `enum maple_type`, as `tool/src/probe/layout/maple.rs` has checked.
const LEAF: u64 = 1;
const RANGE: u64 = 2;
const ALLOCATION_RANGE: u64 = 3;

/// Word of the first pivot.
const PIVOTS: u64 = 1;
/// Words of the first slot and of `maple_metadata`, and the number of pivots, in `maple_range_64`, which
/// a leaf is as well, and in `maple_arange_64`.
const RANGE_SLOTS: u64 = 16;
const RANGE_META: u64 = 31;
const RANGE_PIVOTS: u64 = 15;
const ALLOCATION_SLOTS: u64 = 10;
const ALLOCATION_META: u64 = 30;

/// `MT_FLAGS_USE_RCU`: nodes are freed under RCU. Not so in 6.1 before 6.1.24, and while a process ends.
const USES_RCU: u32 = 2;

/// Deepest tree that is walked: with four slots a node and six a leaf at least (`mt_min_slots`), it holds
/// far more than the 65,530 mappings that `vm.max_map_count` allows.
const HEIGHT: u32 = 12;
/// Walks, of some hundred nanoseconds each, until the mapping counts as not to be found. One that
/// another thread splits or merges is not what it seems only for as long as that stores a few words.
const TRIES: u32 = 16;

/// A node, copied, and what is wanted of it.
#[repr(C)]
struct Node {
    words: [Cell<u64>; WORDS],
    /// The encoded pointer to it; then to what is below it.
    entry: Cell<u64>,
    /// The last address of what is below it.
    last: Cell<u64>,
    /// The slot that covers the address that is looked for.
    slot: Cell<u64>,
}

// SAFETY: each CPU has its own, and handlers do not interrupt each other.
unsafe impl Sync for Node {}

#[map]
static NODE: PerCpuArray<Node> = PerCpuArray::with_max_entries(1, 0);

/// Whether the mapping at the address that `mapping` has was found, and is in it.
#[inline(always)]
pub(super) fn find(mapping: &Mapping) -> bool {
    if layout!(mm_mt_root) == 0 {
        return false;
    }
    for _ in 0..TRIES {
        if mapping_find_once(mapping.address.get()) != 0 {
            return true;
        }
    }
    false
}

/// One walk down the tree; not 0 where it found the mapping at `address`.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn mapping_find_once(address: u64) -> u64 {
    let Some(mapping) = super::mapping() else {
        return 0;
    };
    let memory = Task::current().pointer(layout!(task_mm));
    let flags: u32 = load(memory, layout!(mm_mt_flags));
    if flags & USES_RCU == 0 {
        return 0;
    }
    let vma = walk(load(memory, layout!(mm_mt_root)), address);
    // Nodes and entries of other kinds than pointers to mappings have bits set here (`xa_is_internal`,
    // `include/linux/xarray.h`).
    if vma == 0 || vma & 3 != 0 {
        return 0;
    }
    mapping.area.copy(vma);
    mapping.conclude();
    u64::from(mapping.area.is_still(vma, untyped(memory as u64), address))
}

/// The entry at `address`, or 0 if that was not to be found.
#[inline(always)]
fn walk(root: u64, address: u64) -> u64 {
    let Some(node) = node() else {
        return 0;
    };
    opaque::set(&node.entry, root);
    opaque::set(&node.last, u64::MAX);
    for _ in 0..HEIGHT {
        let kind = (opaque::get(&node.entry) >> TYPE_SHIFT) & TYPE_MASK;
        if node_descend(kind, address) == 0 {
            return 0;
        }
        if kind == LEAF {
            return opaque::get(&node.entry);
        }
    }
    0
}

#[inline(always)]
fn node() -> Option<&'static Node> {
    // SAFETY: the element belongs to this CPU, where handlers do not interrupt each other.
    NODE.get_ptr(0).map(|node| unsafe { &*node })
}

/// Goes from the node at `entry`, which is of this kind, to what is below it at `address`; 0 where the
/// node is none, or is not in the tree any more. As `mtree_range_walk` of `lib/maple_tree.c` (the same in
/// 6.1 and 6.18).
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn node_descend(kind: u64, address: u64) -> u64 {
    let Some(node) = node() else {
        return 0;
    };
    let at = opaque::get(&node.entry) & !NODE_MASK;
    if !node.copy(at) {
        return 0;
    }
    let (slots, end) = match kind {
        LEAF | RANGE => (RANGE_SLOTS, node.range_end()),
        ALLOCATION_RANGE => (ALLOCATION_SLOTS, node.end(ALLOCATION_META)),
        _ => return 0,
    };
    let pivots = slots - PIVOTS;
    if end > pivots {
        return 0;
    }
    node.search(end, address);
    let slot = opaque::get(&node.slot);
    if slot < end {
        opaque::set(&node.last, node.word(PIVOTS + slot));
    }
    opaque::set(&node.entry, node.word(slots + slot));
    // Nodes that were replaced are their own parents (`ma_dead_node`), and may have lost the rest.
    u64::from(copy::<u64>(at) & !NODE_MASK != at)
}

impl Node {
    /// Copies the node at an address of the kernel.
    #[inline(always)]
    fn copy(&self, at: u64) -> bool {
        // SAFETY: the words are as long as that; the helper handles faults.
        let failed = unsafe {
            bpf_probe_read_kernel(
                self.words.as_ptr().cast_mut().cast(),
                size_of::<[u64; WORDS]>() as u32,
                at as *const c_void,
            )
        };
        failed == 0
    }

    #[inline(always)]
    fn word(&self, index: u64) -> u64 {
        opaque::get(&self.words[masked::<{ WORDS as u64 - 1 }>(index)])
    }

    /// `maple_metadata.end`
    #[inline(always)]
    fn end(&self, meta: u64) -> u64 {
        self.word(meta) & 0xff
    }

    /// The last slot in use of a `maple_range_64`: its metadata is in the last slot, unless that is in use
    /// (`ma_data_end`).
    #[inline(always)]
    fn range_end(&self) -> u64 {
        match self.word(RANGE_PIVOTS) {
            0 => self.end(RANGE_META),
            last if last == opaque::get(&self.last) => RANGE_PIVOTS - 1,
            _ => RANGE_PIVOTS,
        }
    }

    /// Finds the first slot whose pivot, the last address that it covers, is not below `address`; that of
    /// the slot at `end` is the node's own.
    #[inline(always)]
    fn search(&self, end: u64, address: u64) {
        opaque::set(&self.slot, 0);
        for _ in 0..RANGE_PIVOTS {
            let slot = opaque::get(&self.slot);
            if slot >= end || self.word(PIVOTS + slot) >= address {
                return;
            }
            opaque::set(&self.slot, slot + 1);
        }
    }
}
