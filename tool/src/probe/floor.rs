//! The least that any program on the exit of system calls costs.

use aya::programs::BtfTracePoint;
use aya::programs::tp_btf::BtfTracePointLink;
use aya::{Ebpf, EbpfLoader};

use crate::probe::btf::Btf;
use crate::probe::cause::cause;
use crate::probe::program::{not_attached, program, refused};
use crate::probe::sampling::Sampling;
use crate::probe::{ProbeError, layout, object};

/// Name in the object.
const PROGRAM: &str = "floor";
/// The tracepoint of the raw engine.
const TRACEPOINT: &str = "sys_exit";

/// The kernel half's empty program, loaded: what a benchmark compares the others with.
pub struct Floor {
    ebpf: Ebpf,
    link: Option<BtfTracePointLink>,
}

impl Floor {
    /// Loads the program. It is not attached yet.
    ///
    /// # Errors
    ///
    /// Whatever the kernel refuses, in its own words.
    pub fn load() -> Result<Self, ProbeError> {
        let bytes = layout::read_btf()?;
        let types = layout::for_tracepoints(&Btf::parse(&bytes)?, &[TRACEPOINT])?;
        let mut loader = EbpfLoader::new();
        Sampling::OFF.tell(loader.btf(None));
        let mut ebpf = loader
            .load(object::OBJECT)
            .map_err(|error| ProbeError::Load(cause(&error)))?;
        let empty: &mut BtfTracePoint = program(&mut ebpf, PROGRAM)?;
        empty
            .load(TRACEPOINT, &types)
            .map_err(|error| refused(PROGRAM, &error))?;
        Ok(Self { ebpf, link: None })
    }

    /// Attaches it to the exit of every system call.
    ///
    /// # Errors
    ///
    /// Whatever the kernel refuses, in its own words.
    pub fn attach(&mut self) -> Result<(), ProbeError> {
        let empty: &mut BtfTracePoint = program(&mut self.ebpf, PROGRAM)?;
        let link = empty.attach().and_then(|id| empty.take_link(id));
        self.link = Some(link.map_err(|error| not_attached(PROGRAM, &error))?);
        Ok(())
    }

    /// Takes it off again.
    pub fn detach(&mut self) {
        self.link = None;
    }
}
