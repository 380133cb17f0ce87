//! The running kernel's structure offsets, from its BTF.

use std::path::Path;
use std::{fs, io};

use btf_rs::{Btf, Struct, Type};
use copytax_common::KernelLayout;

use crate::probe::ProbeError;

/// What the kernel half needs to know of the running kernel, and what it may use.
///
/// # Errors
///
/// [`ProbeError::Btf`] where the kernel has no BTF, and [`ProbeError::Layout`] where it lacks a
/// structure member.
pub(crate) fn of_running_kernel() -> Result<Kernel, ProbeError> {
    let path = "/sys/kernel/btf/vmlinux";
    let bytes = fs::read(path).map_err(|error| {
        let advice = if !Path::new("/sys/kernel").exists() {
            "; mount /sys: `mount -t sysfs sysfs /sys`"
        } else if error.kind() == io::ErrorKind::NotFound {
            "; boot a kernel built with CONFIG_DEBUG_INFO_BTF=y (most distributions' are)"
        } else {
            ""
        };
        ProbeError::Btf(format!("{error}{advice}"))
    })?;
    let btf = Btf::from_bytes(&bytes).map_err(|error| ProbeError::Btf(error.to_string()))?;
    let at = |structure: &str, member: &str| offset(&btf, structure, member);
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
        files_fdt: at("files_struct", "fdt")?,
        fdt_max_fds: at("fdtable", "max_fds")?,
        fdt_fd: at("fdtable", "fd")?,
        file_inode: at("file", "f_inode")?,
        file_private_data: at("file", "private_data")?,
        file_mode: at("file", "f_mode")?,
        inode_mode: at("inode", "i_mode")?,
        inode_ino: at("inode", "i_ino")?,
        inode_sb: at("inode", "i_sb")?,
        super_dev: at("super_block", "s_dev")?,
        socket_sk: at("socket", "sk")?,
        sock_family: at("sock", "__sk_common")? + at("sock_common", "skc_family")?,
        sock_type: at("sock", "sk_type")?,
        sock_protocol: at("sock", "sk_protocol")?,
        bprm_filename: at("linux_binprm", "filename")?,
        id_list_head: structure(&btf, "list_head")?.0,
        id_file: structure(&btf, "file")?.0,
        id_inode: structure(&btf, "inode")?.0,
        id_socket: structure(&btf, "socket")?.0,
        id_sock: structure(&btf, "sock")?.0,
        id_super_block: structure(&btf, "super_block")?.0,
        fork_child_pid: 0,
        exec_filename: 0,
        has_rdonly_cast: 0,
        has_loop: u32::from(has_function(&btf, "bpf_loop")),
    };
    Ok(Kernel {
        layout,
        rdonly_cast: function_id(&btf, "bpf_rdonly_cast"),
    })
}

/// The running kernel, as its BTF describes it.
pub(crate) struct Kernel {
    /// Offsets; what depends on the engine or on the kernel's version is still 0.
    pub(crate) layout: KernelLayout,
    /// BTF id of `bpf_rdonly_cast`, where the kernel has it.
    pub(crate) rdonly_cast: Option<u32>,
}

fn function_id(btf: &Btf, name: &str) -> Option<u32> {
    let ids = btf.resolve_ids_by_name(name).ok()?;
    ids.into_iter()
        .find(|id| matches!(btf.resolve_type_by_id(*id), Ok(Type::Func(_))))
}

fn has_function(btf: &Btf, name: &str) -> bool {
    function_id(btf, name).is_some()
}

fn structure(btf: &Btf, name: &str) -> Result<(u32, Struct), ProbeError> {
    let missing = || ProbeError::Layout(format!("struct {name}"));
    for id in btf.resolve_ids_by_name(name).map_err(|_| missing())? {
        if let Ok(Type::Struct(found)) = btf.resolve_type_by_id(id) {
            return Ok((id, found));
        }
    }
    Err(missing())
}

/// Byte offset of `member` in `struct name`, also inside anonymous structures and unions.
fn offset(btf: &Btf, name: &str, member: &str) -> Result<u32, ProbeError> {
    let (_, structure) = structure(btf, name)?;
    bit_offset(btf, &structure, member)
        .map(|bits| bits / 8)
        .ok_or_else(|| ProbeError::Layout(format!("struct {name}.{member}")))
}

fn bit_offset(btf: &Btf, structure: &Struct, wanted: &str) -> Option<u32> {
    for member in &structure.members {
        let name = btf.resolve_name(member).unwrap_or_default();
        if name == wanted {
            return Some(member.bit_offset());
        }
        if name.is_empty()
            && let Ok(Type::Struct(inner) | Type::Union(inner)) = btf.resolve_chained_type(member)
            && let Some(bits) = bit_offset(btf, &inner, wanted)
        {
            return Some(member.bit_offset() + bits);
        }
    }
    None
}
