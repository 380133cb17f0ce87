//! The running kernel's structure offsets, from its BTF.

use std::path::Path;
use std::{fs, io};

use aya::Endianness;
use copytax_common::{KernelLayout, SampleLayout, UringLayout};

use crate::probe::ProbeError;
use crate::probe::btf::{self, Btf};
use crate::probe::sharing;

mod maple;
pub(crate) mod sample;
pub(crate) mod uring;

/// The running kernel's BTF.
///
/// # Errors
///
/// [`ProbeError::Btf`] where the kernel has none.
pub(crate) fn read_btf() -> Result<Vec<u8>, ProbeError> {
    fs::read("/sys/kernel/btf/vmlinux").map_err(|error| {
        let advice = if !Path::new("/sys/kernel").exists() {
            "; mount /sys: `mount -t sysfs sysfs /sys`"
        } else if error.kind() == io::ErrorKind::NotFound {
            "; boot a kernel built with CONFIG_DEBUG_INFO_BTF=y (most distributions' are)"
        } else {
            ""
        };
        ProbeError::Btf(format!("{error}{advice}"))
    })
}

/// As much of the BTF as aya wants, to find the ids of these tracepoints: all of it would cost it
/// 20 MB.
///
/// # Errors
///
/// [`ProbeError::Layout`] where the kernel lacks a tracepoint.
pub(crate) fn for_tracepoints(btf: &Btf<'_>, tracepoints: &[&str]) -> Result<aya::Btf, ProbeError> {
    let names: Vec<String> = tracepoints
        .iter()
        .map(|tracepoint| format!("btf_trace_{tracepoint}"))
        .collect();
    let found: Option<Vec<_>> = names
        .iter()
        .map(|name| Some((name.as_str(), btf.typedef(name)?)))
        .collect();
    let found = found
        .ok_or_else(|| ProbeError::Layout(format!("one of the tracepoints {tracepoints:?}")))?;
    aya::Btf::parse(&btf::of_typedefs(&found), Endianness::default())
        .map_err(|error| ProbeError::Btf(error.to_string()))
}

/// What the kernel half needs to know of the kernel with this BTF, and what it may use.
///
/// # Errors
///
/// [`ProbeError::Layout`] where it lacks a structure member.
pub(crate) fn of_kernel(btf: &Btf<'_>) -> Result<Kernel, ProbeError> {
    let at = |structure: &str, member: &str| offset(btf, structure, member);
    let mappings = maple::of_mappings(btf).unwrap_or_default();
    let layout = KernelLayout {
        task_tgid: at("task_struct", "tgid")?,
        task_pid: at("task_struct", "pid")?,
        task_group_leader: at("task_struct", "group_leader")?,
        task_start_boottime: at("task_struct", "start_boottime")?,
        task_files: at("task_struct", "files")?,
        task_mm: at("task_struct", "mm")?,
        task_comm: at("task_struct", "comm")?,
        task_signal: at("task_struct", "signal")?,
        task_self_exec_id: at("task_struct", "self_exec_id")?,
        task_status: at("task_struct", "thread_info")? + at("thread_info", "status")?,
        signal_live: at("signal_struct", "live")?,
        mm_arg_start: at("mm_struct", "arg_start")?,
        mm_arg_end: at("mm_struct", "arg_end")?,
        mm_exe_file: at("mm_struct", "exe_file")?,
        mm_lock_seq: at("mm_struct", "mm_lock_seq").unwrap_or(0),
        mm_mt_root: mappings.root,
        mm_mt_flags: mappings.flags,
        vma_start: at("vm_area_struct", "vm_start")?,
        vma_end: at("vm_area_struct", "vm_end")?,
        vma_mm: at("vm_area_struct", "vm_mm")?,
        vma_flags: at("vm_area_struct", "vm_flags")?,
        vma_file: at("vm_area_struct", "vm_file")?,
        vma_anon_vma: at("vm_area_struct", "anon_vma")?,
        files_fdt: at("files_struct", "fdt")?,
        fdt_max_fds: at("fdtable", "max_fds")?,
        fdt_fd: at("fdtable", "fd")?,
        file_inode: at("file", "f_inode")?,
        file_private_data: at("file", "private_data")?,
        file_mode: at("file", "f_mode")?,
        inode_mode: at("inode", "i_mode")?,
        inode_ino: at("inode", "i_ino")?,
        inode_flags: at("inode", "i_flags")?,
        inode_sb: at("inode", "i_sb")?,
        super_dev: at("super_block", "s_dev")?,
        socket_sk: at("socket", "sk")?,
        sock_family: at("sock", "__sk_common")? + at("sock_common", "skc_family")?,
        sock_type: at("sock", "sk_type")?,
        sock_protocol: at("sock", "sk_protocol")?,
        sock_flags: at("sock", "__sk_common")? + at("sock_common", "skc_flags")?,
        sock_zckey: at("sock", "sk_zckey")?,
        sock_zerocopy: enumerator(btf, "sock_flags", "SOCK_ZEROCOPY")?,
        bprm_filename: at("linux_binprm", "filename")?,
        id_number: structure(btf, "timespec64")?,
        id_file: structure(btf, "file")?,
        id_inode: structure(btf, "inode")?,
        id_socket: structure(btf, "socket")?,
        id_sock: structure(btf, "sock")?,
        id_super_block: structure(btf, "super_block")?,
        fork_child_pid: 0,
        exec_filename: 0,
        has_rdonly_cast: 0,
        has_loop: u32::from(btf.function("bpf_loop").is_some()),
        has_find_vma: u32::from(btf.function("bpf_find_vma").is_some()),
        sharing: sharing::layout(btf),
        uring: UringLayout::UNKNOWN,
        sample: SampleLayout::UNKNOWN,
    };
    Ok(Kernel {
        layout,
        rdonly_cast: btf.function("bpf_rdonly_cast"),
    })
}

/// The running kernel, as its BTF describes it.
pub(crate) struct Kernel {
    /// Offsets; what depends on the engine or on the kernel's version is still 0, and so are
    /// io_uring and samples.
    pub(crate) layout: KernelLayout,
    /// BTF id of `bpf_rdonly_cast`, where the kernel has it.
    pub(crate) rdonly_cast: Option<u32>,
}

fn structure(btf: &Btf<'_>, name: &str) -> Result<u32, ProbeError> {
    btf.structure(name)
        .ok_or_else(|| ProbeError::Layout(format!("struct {name}")))
}

fn enumerator(btf: &Btf<'_>, enumeration: &str, name: &str) -> Result<u32, ProbeError> {
    btf.enumerator(enumeration, name)
        .ok_or_else(|| ProbeError::Layout(format!("{name} of enum {enumeration}")))
}

/// Byte offset of `member` in `struct name`, also inside anonymous structures and unions.
fn offset(btf: &Btf<'_>, name: &str, member: &str) -> Result<u32, ProbeError> {
    btf.bit_offset(structure(btf, name)?, member)
        .map(|bits| bits / 8)
        .ok_or_else(|| ProbeError::Layout(format!("struct {name}.{member}")))
}
