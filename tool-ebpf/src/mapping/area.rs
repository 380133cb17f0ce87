//! What a `vm_area_struct` says of itself.

use core::cell::Cell;

use crate::{
    endpoint::{S_IFMT, S_IFREG},
    kernel::{Task, copy, load, read},
    layout::layout,
    opaque,
    sample::mix,
};

/// `include/linux/mm.h`: the mapping was made with `MAP_SHARED`.
const VM_MAYSHARE: u64 = 0x80;
/// `include/linux/mm.h`: huge pages, also anonymous ones, have a file of their own.
const VM_HUGETLB: u64 = 0x0040_0000;
/// `include/linux/fs.h`: the kernel's own inode, as that of anonymous shared memory
/// (`shmem_zero_setup` of `mm/shmem.c`) and of what has no inode (`alloc_anon_inode` of
/// `fs/libfs.c`).
const S_PRIVATE: u32 = 1 << 9;

/// The fields that tell what a mapping is. Functions that hold it call others, hence the cells.
#[repr(C)]
pub(super) struct Area {
    pub(super) start: Cell<u64>,
    pub(super) end: Cell<u64>,
    /// The `file`, 0 where it is of none.
    file: Cell<u64>,
    flags: Cell<u64>,
    private_pages: Cell<u64>,
}

impl Area {
    /// Takes the fields of a `vm_area_struct` whose type the verifier knows.
    #[inline(always)]
    pub(super) fn load(&self, vma: *const u8) {
        opaque::set(&self.start, load(vma, layout!(vma_start)));
        opaque::set(&self.end, load(vma, layout!(vma_end)));
        opaque::set(&self.file, load(vma, layout!(vma_file)));
        opaque::set(&self.flags, load(vma, layout!(vma_flags)));
        opaque::set(&self.private_pages, load(vma, layout!(vma_anon_vma)));
    }

    /// Takes the fields of what may be a `vm_area_struct`.
    #[inline(always)]
    pub(super) fn copy(&self, vma: u64) {
        opaque::set(&self.start, field(vma, layout!(vma_start)));
        opaque::set(&self.end, field(vma, layout!(vma_end)));
        opaque::set(&self.file, field(vma, layout!(vma_file)));
        opaque::set(&self.flags, field(vma, layout!(vma_flags)));
        opaque::set(&self.private_pages, field(vma, layout!(vma_anon_vma)));
    }

    /// Whether `vma` is a mapping of the `mm_struct` at `memory` with `address` in it, and still the one
    /// that was copied.
    #[inline(always)]
    pub(super) fn is_still(&self, vma: u64, memory: u64, address: u64) -> bool {
        let (start, end) = (opaque::get(&self.start), opaque::get(&self.end));
        start <= address
            && address < end
            && start == field(vma, layout!(vma_start))
            && end == field(vma, layout!(vma_end))
            && opaque::get(&self.file) == field(vma, layout!(vma_file))
            && memory == field(vma, layout!(vma_mm))
    }

    /// The address of its `struct file`, 0 where it is of none.
    #[inline(always)]
    pub(super) fn file(&self) -> u64 {
        opaque::get(&self.file)
    }

    /// Whether the pages of the mapping are those of a file that the process does not run; and the file,
    /// as [`crate::flows::Files::source`].
    ///
    /// A private mapping has pages of its own from the first that was written on: that makes its
    /// `anon_vma` (`anon_vma_prepare` of `mm/rmap.c`), which stays.
    #[inline(always)]
    pub(super) fn mapped_file(&self) -> Option<u32> {
        let (file, flags) = (opaque::get(&self.file), opaque::get(&self.flags));
        let has_own_pages = flags & VM_MAYSHARE == 0 && opaque::get(&self.private_pages) != 0;
        if file == 0 || flags & VM_HUGETLB != 0 || has_own_pages {
            return None;
        }
        let inode: u64 = read(file, layout!(id_file), layout!(file_inode));
        let mode: u16 = read(inode, layout!(id_inode), layout!(inode_mode));
        let inode_flags: u32 = read(inode, layout!(id_inode), layout!(inode_flags));
        if mode & S_IFMT != S_IFREG || inode_flags & S_PRIVATE != 0 || inode == program() {
            return None;
        }
        let number: u64 = read(inode, layout!(id_inode), layout!(inode_ino));
        Some(mix(number) as u32)
    }
}

#[inline(always)]
fn field(vma: u64, offset: u32) -> u64 {
    copy(vma.wrapping_add(u64::from(offset)))
}

/// The inode of the program that the process runs.
#[inline(always)]
fn program() -> u64 {
    let memory = Task::current().pointer(layout!(task_mm));
    let program: u64 = load(memory, layout!(mm_exe_file));
    read(program, layout!(id_file), layout!(file_inode))
}
