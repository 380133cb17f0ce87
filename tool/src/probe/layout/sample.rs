//! What samples tell of files and threads, from the running kernel's BTF.

use copytax_common::SampleLayout;

use super::offset;
use crate::probe::ProbeError;
use crate::probe::btf::Btf;

/// Where samples find it.
///
/// # Errors
///
/// Where the kernel lacks something that they cannot do without.
pub(crate) fn of_kernel(btf: &Btf<'_>) -> Result<SampleLayout, ProbeError> {
    let at = |structure: &str, member: &str| offset(btf, structure, member);
    let in_sock = |member: &str| -> Result<u32, ProbeError> {
        Ok(at("sock", "__sk_common")? + at("sock_common", member)?)
    };
    let path = at("file", "f_path")?;
    let name = at("dentry", "d_name")? + at("qstr", "name")?;
    Ok(SampleLayout {
        task_flags: at("task_struct", "flags")?,
        file_path_dentry: path + at("path", "dentry")?,
        file_path_mnt: path + at("path", "mnt")?,
        vfsmount_root: at("vfsmount", "mnt_root")?,
        vfsmount_to_id: mount_id(btf).unwrap_or(0),
        dentry_name: name,
        dentry_parent: at("dentry", "d_parent")?,
        sock_num: in_sock("skc_num")?,
        sock_dport: in_sock("skc_dport")?,
        sock_rcv_saddr: in_sock("skc_rcv_saddr")?,
        sock_daddr: in_sock("skc_daddr")?,
        // Kernels without IPv6 have no such addresses.
        sock_v6_rcv_saddr: in_sock("skc_v6_rcv_saddr").unwrap_or(0),
        sock_v6_daddr: in_sock("skc_v6_daddr").unwrap_or(0),
    })
}

/// From a `vfsmount` to the id of its `mount` (`real_mount` of `fs/mount.h`).
fn mount_id(btf: &Btf<'_>) -> Result<u32, ProbeError> {
    let (part, id) = (
        offset(btf, "mount", "mnt")?,
        offset(btf, "mount", "mnt_id")?,
    );
    id.checked_sub(part)
        .ok_or_else(|| ProbeError::Layout("mnt_id behind mnt".to_owned()))
}
