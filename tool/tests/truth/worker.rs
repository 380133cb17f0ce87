//! The workload: a process for each seed, and one that it forks at its end.

use std::path::Path;
use std::process::ExitCode;

use crate::endpoints::Endpoints;
use crate::features::Features;
use crate::files::OnDisk;
use crate::memory::Memory;
use crate::truth::Truth;
use crate::world::World;

/// Operations of one process.
const OPERATIONS: usize = 60;
/// Operations of the process that it forks.
const CHILD_OPERATIONS: usize = 10;
/// Bytes of shared memory for the truth of one process.
const SHARED: usize = 1 << 20;

/// Memory that a child leaves its truth in.
struct Shared(*mut u8);

impl Shared {
    fn new() -> Self {
        // SAFETY: a call on descriptors and memory that live as long as it runs.
        let address = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                SHARED,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        assert_ne!(address, libc::MAP_FAILED);
        Self(address.cast())
    }

    fn leave(&self, truth: &Truth) {
        let text = serde_json::to_vec(truth).expect("plain data");
        assert!(text.len() + 8 <= SHARED);
        // SAFETY: a call on descriptors and memory that live as long as it runs.
        unsafe {
            self.0.cast::<u64>().write(text.len() as u64);
            std::ptr::copy_nonoverlapping(text.as_ptr(), self.0.add(8), text.len());
        }
    }

    fn collect(&self) -> Option<Truth> {
        // SAFETY: a call on descriptors and memory that live as long as it runs.
        let text = unsafe {
            let length = self.0.cast::<u64>().replace(0) as usize;
            std::slice::from_raw_parts(self.0.add(8), length)
        };
        (!text.is_empty()).then(|| serde_json::from_slice(text).expect("its own words"))
    }
}

/// `--worker FIRST LAST FILE FEATURES`
pub(crate) fn main(arguments: &[String]) -> ExitCode {
    let number = |index: usize| arguments[index].parse::<u64>().expect("a seed");
    let (parent, child) = (Shared::new(), Shared::new());
    let on_disk = OnDisk::new(Path::new(&arguments[2])).expect("files on disk");
    let features = Features::from_argument(&arguments[3]);
    let mut truths = Vec::new();
    // The allocator reads a file before it gives memory of other threads back.
    // SAFETY: there is no other thread.
    unsafe { libc::mallopt(libc::M_ARENA_MAX, 1) };
    for seed in number(0)..number(1) {
        if !forked(|| run(seed, features, &on_disk, &parent, &child)) {
            return ExitCode::FAILURE;
        }
        truths.extend(parent.collect());
        truths.extend(child.collect());
    }
    let text = serde_json::to_vec(&truths).expect("plain data");
    std::fs::write(&arguments[2], text).expect("the file can be written");
    ExitCode::SUCCESS
}

/// Runs `work` in a forked process; whether it ended well.
fn forked(work: impl FnOnce()) -> bool {
    // SAFETY: a call on descriptors and memory that live as long as it runs.
    unsafe {
        let pid = libc::fork();
        assert!(pid >= 0, "fork failed");
        if pid == 0 {
            work();
            libc::_exit(0);
        }
        let mut status = 0;
        assert_eq!(libc::waitpid(pid, &raw mut status, 0), pid);
        status == 0
    }
}

fn name(name: &str) {
    let name = std::ffi::CString::new(name).expect("no zero in it");
    // SAFETY: a call on descriptors and memory that live as long as it runs.
    unsafe { libc::prctl(libc::PR_SET_NAME, name.as_ptr()) };
}

fn run(seed: u64, features: Features, on_disk: &OnDisk, parent: &Shared, child: &Shared) {
    std::panic::set_hook(Box::new(move |panic| {
        eprintln!("seed {seed}: {panic}");
        std::process::abort();
    }));
    let mut world = World {
        random: fastrand::Rng::with_seed(seed),
        memory: Memory::new(),
        endpoints: Endpoints::new(on_disk).expect("endpoints"),
        truth: Truth {
            name: format!("seed-{seed}"),
            pid: std::process::id(),
            ..Truth::default()
        },
        features,
        ring: None,
        acting: None,
    };
    name(&world.truth.name);
    world.ring_mut();
    for _ in 0..OPERATIONS {
        world.operate();
    }
    parent.leave(&world.truth);
    if world.random.bool() {
        // The child shares the files and has the same memory, but has read nothing itself.
        let ended_well = forked(|| {
            world.truth = Truth {
                name: format!("seed-{seed}-c"),
                pid: std::process::id(),
                ..Truth::default()
            };
            name(&world.truth.name);
            world.memory.forget();
            world.endpoints.renew_lending().expect("sockets");
            // It is the parent's.
            std::mem::forget(world.ring.take());
            world.ring_mut();
            for _ in 0..CHILD_OPERATIONS {
                world.operate();
            }
            child.leave(&world.truth);
        });
        assert!(ended_well, "the forked process failed");
    }
}
