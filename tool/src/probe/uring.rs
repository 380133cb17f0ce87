//! The programs that account for io_uring. They are optional: a kernel may have none of it.

use aya::Btf;
use aya::programs::{BtfTracePoint, TracePoint};
use copytax_common::UringLayout;

use crate::model::Engine;
use crate::probe::ProbeError;
use crate::probe::btf::Btf as KernelBtf;
use crate::probe::layout::uring::{COMPLETE, OVERFLOW, of_kernel, submit_tracepoint};
use crate::probe::program::{Programs, refused};

/// io_uring of the running kernel, if it can be accounted.
#[derive(Clone, Copy)]
pub(crate) struct Uring {
    pub(crate) layout: UringLayout,
    /// Programs, by their names in the object, and tracepoints.
    pub(crate) programs: [(&'static str, &'static str); 3],
}

impl Uring {
    /// Looks it up; `None` where the kernel is built without io_uring.
    ///
    /// # Errors
    ///
    /// What the kernel's io_uring lacks.
    pub(crate) fn of_kernel(
        btf: &KernelBtf<'_>,
        engine: Engine,
    ) -> Result<Option<Self>, ProbeError> {
        let Some(submit) = submit_tracepoint(btf) else {
            return Ok(None);
        };
        let programs = match engine {
            Engine::Raw => [
                "uring_complete_raw",
                "uring_submit_raw",
                "uring_overflow_raw",
            ],
            Engine::Tracepoint => [
                "uring_complete_tracepoint",
                "uring_submit_tracepoint",
                "uring_overflow_tracepoint",
            ],
        };
        let [complete, submitted, overflow] = programs;
        Ok(Some(Self {
            layout: of_kernel(btf, engine, submit)?,
            programs: [
                (complete, COMPLETE),
                (submitted, submit),
                (overflow, OVERFLOW),
            ],
        }))
    }

    /// Its programs, by their names.
    pub(crate) fn names(&self) -> [&'static str; 3] {
        self.programs.map(|(name, _)| name)
    }

    /// Loads the programs; `types` are for the raw engine.
    ///
    /// # Errors
    ///
    /// The kernel's words.
    pub(crate) fn load(
        &self,
        programs: &mut Programs<'_>,
        types: Option<&Btf>,
    ) -> Result<(), ProbeError> {
        for (name, tracepoint) in self.programs {
            if let Some(types) = types {
                let raw: &mut BtfTracePoint = programs.take(name)?;
                raw.load(tracepoint, types)
            } else {
                let tracepoint: &mut TracePoint = programs.take(name)?;
                tracepoint.load()
            }
            .map_err(|error| refused(name, &error))?;
        }
        Ok(())
    }
}
