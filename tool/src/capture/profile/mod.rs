//! Call sites and CPU time of the window: samples are unwound as they come, and named at its end.

mod collector;
mod file_names;
mod naming;
mod reads;
mod stacks;
mod sums;

use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::io::Errno;

use collector::Collector;
use copytax_common::{SAMPLE_STACK, SamplingConfig};
pub(super) use naming::Namer;

use crate::capture::settings::Profiling;
use crate::model::{Profile, SiteKind};
use crate::probe::{CPU_HERTZ, SampleReader, Sampling};

/// What the kernel half is told to sample.
pub(super) fn sampling(profiling: Option<&Profiling>) -> Sampling {
    profiling.map_or(Sampling::OFF, |profiling| Sampling {
        calls: SamplingConfig {
            read_interval: profiling.interval,
            zero_copy_interval: profiling.interval,
            other_interval: profiling.interval,
            samples_per_second: profiling.samples_per_second,
            kernel_stacks: u32::from(profiling.kernel_stacks),
            stack_bytes: SAMPLE_STACK as u32,
            cpu_interval_ns: 1_000_000_000 / CPU_HERTZ,
        },
        cpu: profiling.cpu,
    })
}

/// A thread that takes samples out of the kernel's buffer.
pub(super) struct Profiler {
    thread: JoinHandle<io::Result<()>>,
    stop: OwnedFd,
    view: ProfileView,
}

/// What the samples say, also while more of them come.
#[derive(Clone)]
pub(super) struct ProfileView(Arc<Mutex<Collector>>);

impl ProfileView {
    /// What was added up so far; `dropped` samples were lost in the kernel. Naming takes as long as
    /// it takes, and does not hold up the samples. `namer` serves one view only.
    pub(super) fn profile(&self, namer: &mut Namer, dropped: u64) -> Profile {
        // A thread that has panicked with it ends the capture.
        let collector = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let unfinished = collector.look(namer.count());
        drop(collector);
        unfinished.finish(namer, dropped)
    }
}

impl Profiler {
    /// Begins to read what is sampled.
    pub(super) fn start(reader: SampleReader, profiling: &Profiling) -> io::Result<Self> {
        let first_interval = [profiling.interval; SiteKind::ALL.len()];
        let stop = eventfd(0, EventfdFlags::CLOEXEC)?;
        let stopped = stop.try_clone()?;
        let collector = Arc::new(Mutex::new(Collector::new(first_interval)));
        let view = ProfileView(Arc::clone(&collector));
        let thread = thread::Builder::new()
            .name("samples".to_owned())
            .spawn(move || read(reader, &stopped, &collector))?;
        Ok(Self { thread, stop, view })
    }

    /// To be asked from another thread.
    pub(super) fn view(&self) -> ProfileView {
        self.view.clone()
    }

    /// Reads what is left, and gives all that was read. Nothing may be attached any more.
    pub(super) fn finish(self) -> io::Result<ProfileView> {
        rustix::io::write(&self.stop, &1_u64.to_ne_bytes())?;
        let read = self.thread.join();
        read.map_err(|_| io::Error::other("the reader of samples panicked"))??;
        Ok(self.view)
    }
}

/// Reads samples until `stop` is readable, and then those that are left.
fn read(mut reader: SampleReader, stop: &OwnedFd, collector: &Mutex<Collector>) -> io::Result<()> {
    loop {
        let mut ready = [
            PollFd::new(&reader, PollFlags::IN),
            PollFd::new(stop, PollFlags::IN),
        ];
        match poll(&mut ready, None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let is_last = !ready[1].revents().is_empty();
        let mut collector = collector.lock().unwrap_or_else(PoisonError::into_inner);
        reader.read(|sample| collector.add(sample));
        if is_last {
            collector.lose(reader.undecodable());
            return Ok(());
        }
    }
}
