//! What the kernel takes of the kernel half, as root.

use copytax::model::Engine;
use copytax::probe::{Sampling, Session};
use copytax_common::{Filter, FilterMode, SAMPLE_STACK, SamplingConfig};

fn nobody() -> Filter {
    Filter {
        mode: FilterMode::Pids as u32,
        ..Filter::all(std::process::id())
    }
}

/// The loader does without `bpf_rdonly_cast` where the programs are refused with it, and says so to
/// nobody: all counts stay right, and all calls become slower.
#[test]
fn what_the_kernel_has_is_used() {
    let symbols = std::fs::read_to_string("/proc/kallsyms").expect("the kernel's symbols");
    let has_rdonly_cast = symbols
        .lines()
        .any(|symbol| symbol.split_whitespace().nth(2) == Some("bpf_rdonly_cast"));
    for engine in [Engine::Raw, Engine::Tracepoint] {
        let session = Session::load(engine, &nobody(), &Sampling::OFF);
        let session = session.expect("a loaded kernel half");
        assert_eq!(session.has_rdonly_cast(), has_rdonly_cast, "{engine:?}");
    }
}

/// It also does without samples, with a sentence.
#[test]
fn samples_are_taken() {
    let sampling = Sampling {
        calls: SamplingConfig {
            read_interval: 1 << 20,
            zero_copy_interval: 1 << 20,
            other_interval: 1 << 20,
            samples_per_second: 100,
            stack_bytes: SAMPLE_STACK as u32,
            ..SamplingConfig::OFF
        },
        cpu: true,
    };
    for engine in [Engine::Raw, Engine::Tracepoint] {
        let session = Session::load(engine, &nobody(), &sampling);
        let mut session = session.expect("a loaded kernel half");
        assert_eq!(session.without_sampling(), None, "{engine:?}");
        assert!(session.take_samples().is_some(), "{engine:?}");
        eprintln!("{:?}", session.load_times());
    }
}
