//! The kernel half as built: an ELF object inside this binary.

use object::{Object, ObjectSection, SectionKind};

use crate::probe::ProbeError;

/// The object file. aya parses it in place, which wants alignment.
pub(crate) static OBJECT: &[u8] =
    aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/copytax-ebpf"));

/// The helper number that stands for `bpf_rdonly_cast` in the object (`kernel.rs` of the kernel
/// half): no kernel has it.
const RDONLY_CAST: i32 = 0x00c0_de01;

/// `BPF_JMP | BPF_CALL`
const CALL: u8 = 0x85;
/// `BPF_PSEUDO_KFUNC_CALL`, in the upper half of the register byte: the immediate is the BTF id of
/// a kernel function.
const KERNEL_FUNCTION: u8 = 2 << 4;
/// Bytes of an instruction: opcode, registers, 16-bit offset, 32-bit immediate.
const INSTRUCTION: usize = 8;

/// The object with its calls of `bpf_rdonly_cast` resolved to the kernel function's BTF id.
///
/// aya 0.14 does not resolve kernel functions itself.
pub(crate) fn with_rdonly_cast(id: u32) -> Result<Vec<u8>, ProbeError> {
    let mut bytes = OBJECT.to_vec();
    let file =
        object::File::parse(OBJECT).map_err(|error| ProbeError::Object(error.to_string()))?;
    for section in file.sections().filter(|s| s.kind() == SectionKind::Text) {
        let Some((start, size)) = section.file_range() else {
            continue;
        };
        let text = &mut bytes[start as usize..(start + size) as usize];
        for instruction in text.chunks_exact_mut(INSTRUCTION) {
            if instruction[0] == CALL
                && instruction[1] == 0
                && instruction[4..] == RDONLY_CAST.to_le_bytes()
            {
                instruction[1] = KERNEL_FUNCTION;
                instruction[4..].copy_from_slice(&id.to_le_bytes());
            }
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod stack;
