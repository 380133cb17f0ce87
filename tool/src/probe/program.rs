//! A program of the loaded object, and what the kernel says of it.

use aya::Ebpf;
use aya::programs::{Program, ProgramError};

use crate::probe::ProbeError;
use crate::probe::cause::cause;

/// The program of this name and kind.
pub(crate) fn program<'a, P>(ebpf: &'a mut Ebpf, name: &str) -> Result<&'a mut P, ProbeError>
where
    &'a mut P: TryFrom<&'a mut Program, Error = ProgramError>,
{
    let program = ebpf
        .program_mut(name)
        .ok_or_else(|| ProbeError::Object(format!("it has no program {name}")))?;
    program
        .try_into()
        .map_err(|error| ProbeError::Object(cause(&error)))
}

/// The verifier or a security policy said no.
pub(crate) fn refused(program: &str, error: &ProgramError) -> ProbeError {
    ProbeError::Program {
        program: program.to_owned(),
        cause: cause(error),
    }
}

/// The tracepoint said no.
pub(crate) fn not_attached(program: &str, error: &ProgramError) -> ProbeError {
    ProbeError::Attach {
        program: program.to_owned(),
        cause: cause(error),
    }
}
