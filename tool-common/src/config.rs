//! Read-only globals that userspace fills in before the kernel half is loaded.

use crate::{Abi, SampleLayout, SharingLayout, UringLayout};

/// Offsets and type ids of the running kernel, from its BTF. Offsets in bytes.
///
/// Field names are `structure_member` of the kernel's source.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each field is the kernel's own name")]
pub struct KernelLayout {
    pub task_tgid: u32,
    pub task_pid: u32,
    pub task_group_leader: u32,
    pub task_start_boottime: u32,
    pub task_files: u32,
    pub task_mm: u32,
    pub task_comm: u32,
    pub task_signal: u32,
    pub task_self_exec_id: u32,
    /// `thread_info.status` inside `task_struct` (x86).
    pub task_status: u32,
    pub signal_live: u32,
    pub mm_arg_start: u32,
    pub mm_arg_end: u32,
    pub mm_exe_file: u32,
    /// 0 where the kernel has no locks of single mappings (before 6.4).
    pub mm_lock_seq: u32,
    /// Offsets of `mm_mt.ma_root` and `mm_mt.ma_flags`, 0 where no maple tree has the mappings (before 6.1).
    pub mm_mt_root: u32,
    pub mm_mt_flags: u32,
    pub vma_start: u32,
    pub vma_end: u32,
    pub vma_mm: u32,
    pub vma_flags: u32,
    pub vma_file: u32,
    pub vma_anon_vma: u32,
    pub files_fdt: u32,
    pub fdt_max_fds: u32,
    pub fdt_fd: u32,
    pub file_inode: u32,
    pub file_private_data: u32,
    pub file_mode: u32,
    pub inode_mode: u32,
    pub inode_ino: u32,
    pub inode_flags: u32,
    pub inode_sb: u32,
    pub super_dev: u32,
    pub socket_sk: u32,
    pub sock_family: u32,
    pub sock_type: u32,
    pub sock_protocol: u32,
    pub sock_flags: u32,
    pub sock_zckey: u32,
    /// Bit of `sock.sk_flags`: `SOCK_ZEROCOPY` of `enum sock_flags`.
    pub sock_zerocopy: u32,
    pub bprm_filename: u32,
    /// Type ids for `bpf_rdonly_cast`, 0 where the kernel has none of it. This one is of a structure that begins with a number of 64 bits.
    pub id_number: u32,
    pub id_file: u32,
    pub id_inode: u32,
    pub id_socket: u32,
    pub id_sock: u32,
    pub id_super_block: u32,
    /// Offset of `child_pid` in the `sched_process_fork` tracepoint's record.
    pub fork_child_pid: u32,
    /// Offset of `filename` (a `__data_loc`) in the `sched_process_exec` tracepoint's record.
    pub exec_filename: u32,
    /// 1 where `bpf_rdonly_cast` may be called (6.2 and later).
    pub has_rdonly_cast: u32,
    /// 1 where `bpf_loop` may be called (5.17 and later).
    pub has_loop: u32,
    /// 1 where `bpf_find_vma` may be called (5.17 and later).
    pub has_find_vma: u32,
    /// What tells whether bytes are shared.
    pub sharing: SharingLayout,
    /// Requests of io_uring.
    pub uring: UringLayout,
    /// What samples tell of files and threads.
    pub sample: SampleLayout,
}

const _: () = assert!(
    size_of::<KernelLayout>()
        == 53 * 4
            + size_of::<SharingLayout>()
            + size_of::<UringLayout>()
            + size_of::<SampleLayout>()
        && align_of::<KernelLayout>() == 4
);

impl KernelLayout {
    /// All zero: nothing is known.
    pub const UNKNOWN: Self = Self {
        task_tgid: 0,
        task_pid: 0,
        task_group_leader: 0,
        task_start_boottime: 0,
        task_files: 0,
        task_mm: 0,
        task_comm: 0,
        task_signal: 0,
        task_self_exec_id: 0,
        task_status: 0,
        signal_live: 0,
        mm_arg_start: 0,
        mm_arg_end: 0,
        mm_exe_file: 0,
        mm_lock_seq: 0,
        mm_mt_root: 0,
        mm_mt_flags: 0,
        vma_start: 0,
        vma_end: 0,
        vma_mm: 0,
        vma_flags: 0,
        vma_file: 0,
        vma_anon_vma: 0,
        files_fdt: 0,
        fdt_max_fds: 0,
        fdt_fd: 0,
        file_inode: 0,
        file_private_data: 0,
        file_mode: 0,
        inode_mode: 0,
        inode_ino: 0,
        inode_flags: 0,
        inode_sb: 0,
        super_dev: 0,
        socket_sk: 0,
        sock_family: 0,
        sock_type: 0,
        sock_protocol: 0,
        sock_flags: 0,
        sock_zckey: 0,
        sock_zerocopy: 0,
        bprm_filename: 0,
        id_number: 0,
        id_file: 0,
        id_inode: 0,
        id_socket: 0,
        id_sock: 0,
        id_super_block: 0,
        fork_child_pid: 0,
        exec_filename: 0,
        has_rdonly_cast: 0,
        has_loop: 0,
        has_find_vma: 0,
        sharing: SharingLayout::UNKNOWN,
        uring: UringLayout::UNKNOWN,
        sample: SampleLayout::UNKNOWN,
    };
}

/// Which processes are accounted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum FilterMode {
    /// The whole machine.
    All = 0,
    /// Processes in the target set.
    Pids = 1,
    /// Processes whose leader has this command name.
    Comm = 2,
    /// Processes in this cgroup of the unified hierarchy or below.
    Cgroup = 3,
}

/// The target, applied in the kernel.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Filter {
    /// Command name, NUL-padded, as two native-endian words.
    pub comm: [u64; 2],
    /// Id of the cgroup.
    pub cgroup_id: u64,
    /// Depth of the cgroup below the root.
    pub cgroup_level: u32,
    /// [`FilterMode`]
    pub mode: u32,
    /// The tool's own process, never accounted.
    pub self_tgid: u32,
    /// Explicit padding.
    pub padding: u32,
}

const _: () = assert!(size_of::<Filter>() == 40 && align_of::<Filter>() == 8);

// SAFETY: repr(C), integers only, the size above equals the sum of the fields.
unsafe impl Abi for KernelLayout {}
// SAFETY: as above.
unsafe impl Abi for Filter {}

impl Filter {
    /// The whole machine, the tool left out.
    #[must_use]
    pub const fn all(self_tgid: u32) -> Self {
        Self {
            comm: [0; 2],
            cgroup_id: 0,
            cgroup_level: 0,
            mode: FilterMode::All as u32,
            self_tgid,
            padding: 0,
        }
    }
}

/// Value in the target set: the process is accounted.
pub const TARGET_ACTIVE: u32 = 1;
/// Value in the target set: children join the set.
pub const TARGET_FOLLOW: u32 = 2;
/// Value in the target set: becomes active at its next `execve`.
pub const TARGET_PENDING: u32 = 4;
