//! Where the kernel half finds what tells whether bytes are shared.

use std::fs;

use copytax_common::{OverlayFile, SharingLayout};

use crate::probe::btf::Btf;

/// Bits of a byte.
const BYTE: u32 = 8;

/// Offsets from the BTF of the kernel and, for what is not in it, of loaded modules. What nothing
/// describes stays 0.
pub(crate) fn layout(btf: &Btf<'_>) -> SharingLayout {
    let at = |structure, member| bits_in(btf, structure, member).map_or(0, |bits| bits / BYTE);
    let (overlay_file, ovl_file_realfile, ovl_file_upperfile) = overlay(btf);
    let in_tls = |member| of_module(btf, "tls", "tls_context", member).unwrap_or(0);
    let (tx_conf, zerocopy) = (in_tls("tx_conf"), in_tls("zerocopy_sendfile"));
    SharingLayout {
        id_file_operations: btf.structure("file_operations").unwrap_or(0),
        operations_splice_read: at("file_operations", "splice_read"),
        operations_remap_file_range: at("file_operations", "remap_file_range"),
        operations_copy_file_range: at("file_operations", "copy_file_range"),
        file_operations: at("file", "f_op"),
        file_flags: at("file", "f_flags"),
        inode_flags: at("inode", "i_flags"),
        super_magic: at("super_block", "s_magic"),
        sock_route_caps: at("sock", "sk_route_caps"),
        id_inet_connection_sock: btf.structure("inet_connection_sock").unwrap_or(0),
        icsk_ulp_ops: at("inet_connection_sock", "icsk_ulp_ops"),
        icsk_ulp_data: at("inet_connection_sock", "icsk_ulp_data"),
        ulp_ops_name: at("tcp_ulp_ops", "name"),
        fuse_file_open_flags: of_module(btf, "fuse", "fuse_file", "open_flags")
            .map_or(0, |bits| bits / BYTE),
        tls_tx_conf: tx_conf / BYTE,
        tls_tx_conf_shift: tx_conf % BYTE,
        tls_zerocopy: zerocopy / BYTE,
        tls_zerocopy_shift: zerocopy % BYTE,
        overlay_file: overlay_file as u32,
        ovl_file_realfile,
        ovl_file_upperfile,
        padding: 0,
    }
}

fn bits_in(btf: &Btf<'_>, structure: &str, member: &str) -> Option<u32> {
    btf.bit_offset(btf.structure(structure)?, member)
}

/// Bit offset in a structure that the kernel or one of its modules describes.
fn of_module(btf: &Btf<'_>, module: &str, structure: &str, member: &str) -> Option<u32> {
    if btf.structure(structure).is_some() {
        return bits_in(btf, structure, member);
    }
    let bytes = fs::read(format!("/sys/kernel/btf/{module}")).ok()?;
    let own = Btf::parse_module(&bytes, btf).ok()?;
    bits_in(&own, structure, member)
}

/// What `private_data` of an overlay file points to, and where the files are in it.
fn overlay(btf: &Btf<'_>) -> (OverlayFile, u32, u32) {
    let at = |member| of_module(btf, "overlay", "ovl_file", member).map(|bits| bits / BYTE);
    if let (Some(real), Some(upper)) = (at("realfile"), at("upperfile")) {
        return (OverlayFile::OvlFile, real, upper);
    }
    // Kernels that have overlayfs but not this structure keep the file itself.
    if of_module(btf, "overlay", "ovl_fs", "config").is_some() {
        return (OverlayFile::RealFile, 0, 0);
    }
    (OverlayFile::Unknown, 0, 0)
}
