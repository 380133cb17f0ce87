//! What the kernel takes of the kernel half, as root.

use copytax::model::Engine;
use copytax::probe::Session;
use copytax_common::{Filter, FilterMode};

/// The loader does without `bpf_rdonly_cast` where the programs are refused with it, and says so to
/// nobody: all counts stay right, and all calls become slower.
#[test]
fn what_the_kernel_has_is_used() {
    let symbols = std::fs::read_to_string("/proc/kallsyms").expect("the kernel's symbols");
    let has_rdonly_cast = symbols
        .lines()
        .any(|symbol| symbol.split_whitespace().nth(2) == Some("bpf_rdonly_cast"));
    let nobody = Filter {
        mode: FilterMode::Pids as u32,
        ..Filter::all(std::process::id())
    };
    for engine in [Engine::Raw, Engine::Tracepoint] {
        let session = Session::load(engine, &nobody).expect("a loaded kernel half");
        assert_eq!(session.has_rdonly_cast(), has_rdonly_cast, "{engine:?}");
    }
}
