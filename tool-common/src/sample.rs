//! Samples of call sites and of CPU time: one record of the ring buffer each.
//!
//! A record is a [`SampleHeader`], then `user_frames` and `kernel_frames` addresses (`u64`, innermost
//! first), then `stack_len` bytes of the user stack from `stack_pointer` on.

use crate::decode::tagged;
use crate::{Abi, ProcessKey};

tagged! {
    /// What a sample tells.
    SampleKind("sample kind") {
        /// Bytes of a read were chosen: the stack of the reader.
        Read = 1 => "read",
        /// One of them was written unmodified: the stack of the writer. It has the byte's id.
        Bounce = 2 => "bounce",
        /// Some byte that moved by a zero-copy call was chosen: the stack of the caller.
        ZeroCopy = 3 => "zero_copy",
        /// Some other written byte was chosen: mapped, transformed or generated.
        Other = 4 => "other",
        /// What a CPU did at a tick of the clock.
        Cpu = 5 => "cpu",
    }
}

/// Addresses of a stack that are recorded at most, by frame pointers (`PERF_MAX_STACK_DEPTH` of
/// `include/uapi/linux/perf_event.h`).
pub const SAMPLE_FRAMES: usize = 127;

/// Bytes of the user stack that are recorded at most.
pub const SAMPLE_STACK: usize = 32 * 1024;

/// Bytes of [`FileFacts::path`].
pub const SAMPLE_PATH: usize = 512;

/// Flag of a sample: the thread has a user stack, and its registers are valid.
pub const SAMPLE_USER: u16 = 1;
/// Flag of a sample: the user stack goes on behind what was recorded of it.
pub const SAMPLE_STACK_CUT: u16 = 2;

/// An open file as it was when the sample was taken.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileFacts {
    /// Inode number, 0 where there is no file.
    pub inode: u64,
    /// `super_block.s_dev`: major number above 20 bits of minor number (`include/linux/kdev_t.h`).
    pub device: u32,
    /// `mount.mnt_id` of the mount that it was opened in, as in `/proc/PID/mountinfo`; 0 where that is
    /// not known.
    pub mount: u32,
    /// [`crate::EndpointKind`]
    pub kind: u8,
    /// Explicit padding.
    pub padding: u8,
    /// `sock_common.skc_family` of a socket, else 0.
    pub family: u16,
    /// Own port of an internet socket, host order.
    pub local_port: u16,
    /// The peer's port, host order; 0 where it has none.
    pub peer_port: u16,
    /// Bytes used of `path`.
    pub path_len: u16,
    /// 1 where there are names in front of those of `path`, else 0.
    pub path_cut: u16,
    /// Explicit padding.
    pub padding_end: u32,
    /// Own address: 4 bytes (`AF_INET`) or 16 (`AF_INET6`), network order.
    pub local: [u8; 16],
    /// The peer's address, likewise.
    pub peer: [u8; 16],
    /// Names from the file up to the root of its mount, each ended by NUL.
    pub path: [u8; SAMPLE_PATH],
}

/// The part of a sample whose size is fixed.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SampleHeader {
    /// As in [`ProcessKey`].
    pub start_time_ns: u64,
    /// As in [`ProcessKey`].
    pub tgid: u32,
    /// Thread, in the initial pid namespace.
    pub tid: u32,
    /// Nanoseconds since boot.
    pub time_ns: u64,
    /// Joins a read and the write of its byte; else 0. Of a read: the first of `stands_for` ids.
    pub id: u64,
    /// Bytes of the run that the chosen byte is one of.
    pub bytes: u64,
    /// Bytes of it that the write of the chosen byte wrote; `bytes` of other kinds.
    pub spent: u64,
    /// Bytes that the call moved in all, 0 where that was not known.
    pub call_bytes: u64,
    /// Mean number of bytes between chosen ones, when this one was chosen. Of the clock:
    /// nanoseconds between ticks.
    pub interval: u64,
    /// Bytes of the transfer so far, 0 where that is not known.
    pub transfer: u64,
    /// Registers of the thread in user mode.
    pub instruction_pointer: u64,
    /// As above.
    pub stack_pointer: u64,
    /// As above.
    pub frame_pointer: u64,
    /// Number of the system call in progress; -1 where there is none. Of [`SampleKind::Cpu`] only.
    pub syscall: i32,
    /// Bytes of the stack that follow the addresses.
    pub stack_len: u32,
    /// Addresses of the user stack, by frame pointers.
    pub user_frames: u16,
    /// Addresses of the kernel stack.
    pub kernel_frames: u16,
    /// `SAMPLE_*`
    pub flags: u16,
    /// [`SampleKind`]
    pub kind: u8,
    /// [`crate::Call`], 0 where there is none.
    pub call: u8,
    /// [`crate::EndpointKind`]
    pub source: u8,
    /// [`crate::EndpointKind`]
    pub sink: u8,
    /// [`crate::Class`], 0 where that is not known yet.
    pub class: u8,
    /// [`crate::Sharing`]
    pub sharing: u8,
    /// Chosen bytes that it stands for. Of a read: all of the call's. Else, where there was room for one
    /// only, that was kept by lot.
    pub stands_for: u32,
    /// What bytes came from.
    pub source_file: FileFacts,
    /// What bytes went to.
    pub sink_file: FileFacts,
}

const _: () = {
    assert!(size_of::<FileFacts>() == 64 + SAMPLE_PATH && align_of::<FileFacts>() == 8);
    assert!(size_of::<SampleHeader>() == 120 + 2 * size_of::<FileFacts>());
    assert!(align_of::<SampleHeader>() == 8);
};

/// How call sites are sampled; a read-only global.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SamplingConfig {
    /// Mean number of read bytes between chosen ones; 0: none are chosen.
    pub read_interval: u64,
    /// The same of bytes that move by zero-copy calls.
    pub zero_copy_interval: u64,
    /// The same of other written bytes.
    pub other_interval: u64,
    /// Samples of each of these a second and CPU, beyond which the interval is widened; 0: nothing is
    /// sampled.
    pub samples_per_second: u32,
    /// Whether kernel stacks are recorded with call sites, 0 or 1.
    pub kernel_stacks: u32,
    /// Bytes of the user stack that are recorded, at most [`SAMPLE_STACK`].
    pub stack_bytes: u32,
    /// Nanoseconds between ticks of the clock.
    pub cpu_interval_ns: u32,
}

impl SamplingConfig {
    /// Nothing is sampled.
    pub const OFF: Self = Self {
        read_interval: 0,
        zero_copy_interval: 0,
        other_interval: 0,
        samples_per_second: 0,
        kernel_stacks: 0,
        stack_bytes: 0,
        cpu_interval_ns: 0,
    };
}

const _: () = assert!(size_of::<SamplingConfig>() == 40 && align_of::<SamplingConfig>() == 8);

impl SampleHeader {
    /// The process of the sample.
    #[must_use]
    pub const fn process(&self) -> ProcessKey {
        ProcessKey {
            start_time_ns: self.start_time_ns,
            tgid: self.tgid,
            padding: 0,
        }
    }
}

// SAFETY: repr(C), integers only, sizes above equal the sums of the fields.
unsafe impl Abi for FileFacts {}
// SAFETY: as above.
unsafe impl Abi for SampleHeader {}
// SAFETY: as above.
unsafe impl Abi for SamplingConfig {}
