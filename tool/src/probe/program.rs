//! A program of the loaded object, and what the kernel says of it.

use std::collections::HashMap;

use aya::Ebpf;
use aya::programs::{Program, ProgramError};

use crate::probe::ProbeError;
use crate::probe::cause::cause;

/// The program of this name and kind.
pub(crate) fn program<'a, P>(ebpf: &'a mut Ebpf, name: &str) -> Result<&'a mut P, ProbeError>
where
    &'a mut P: TryFrom<&'a mut Program, Error = ProgramError>,
{
    of_kind(ebpf.program_mut(name), name)
}

fn of_kind<'a, P>(program: Option<&'a mut Program>, name: &str) -> Result<&'a mut P, ProbeError>
where
    &'a mut P: TryFrom<&'a mut Program, Error = ProgramError>,
{
    program
        .ok_or_else(|| ProbeError::Object(format!("it has no program {name}")))?
        .try_into()
        .map_err(|error| ProbeError::Object(cause(&error)))
}

/// All programs of an object, to be loaded by several threads: each takes its own.
pub(crate) struct Programs<'a>(HashMap<&'a str, &'a mut Program>);

impl<'a> Programs<'a> {
    pub(crate) fn of(ebpf: &'a mut Ebpf) -> Self {
        Self(ebpf.programs_mut().collect())
    }

    /// Those of these names.
    pub(crate) fn split_off(&mut self, names: &[&'static str]) -> Self {
        Self(
            names
                .iter()
                .filter_map(|name| self.0.remove_entry(name))
                .collect(),
        )
    }

    /// The program of this name and kind, once.
    pub(crate) fn take<P>(&mut self, name: &str) -> Result<&'a mut P, ProbeError>
    where
        &'a mut P: TryFrom<&'a mut Program, Error = ProgramError>,
    {
        of_kind(self.0.remove(name), name)
    }
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
