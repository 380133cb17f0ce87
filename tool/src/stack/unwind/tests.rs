use proptest::prelude::*;

use super::*;
use crate::host::processes;

const NS_PER_TICK: u64 = 10_000_000;

fn this_process() -> ProcessId {
    let pid = std::process::id();
    let (ticks, _) = processes::facts(pid).expect("this process lives");
    ProcessId {
        pid,
        start_time_ns: ticks * NS_PER_TICK,
    }
}

fn stack(instruction_pointer: u64, memory: Vec<u8>) -> UserStack {
    UserStack {
        instruction_pointer,
        stack_pointer: 0x7000_0000_0000,
        frame_pointer: 0x7000_0000_0010,
        by_frame_pointers: vec![instruction_pointer],
        memory,
        is_cut: false,
    }
}

#[test]
fn code_that_is_not_mapped() {
    let unwound = Unwinder::new().unwind(this_process(), &stack(8, vec![0; 64]));
    assert_eq!(unwound.end, StackEnd::Broken);
    let location = Location {
        module: None,
        address: 8,
        is_return_address: false,
    };
    assert_eq!(unwound.locations, [location]);
}

#[test]
fn process_that_is_gone() {
    let process = ProcessId {
        pid: std::process::id(),
        start_time_ns: 0,
    };
    let ip = process_that_is_gone as *const () as u64;
    let unwound = Unwinder::new().unwind(process, &stack(ip, vec![0; 64]));
    assert_eq!(unwound.end, StackEnd::Broken);
    assert_eq!(unwound.locations.len(), 1);
    assert_eq!(unwound.locations[0].module, None);
}

#[test]
fn function_without_memory_of_its_stack() {
    let ip = function_without_memory_of_its_stack as *const () as u64;
    let mut unwinder = Unwinder::new();
    let mut stack = stack(ip, Vec::new());
    assert_eq!(
        unwinder.unwind(this_process(), &stack).end,
        StackEnd::Broken
    );
    stack.is_cut = true;
    let unwound = unwinder.unwind(this_process(), &stack);
    assert_eq!(unwound.end, StackEnd::Cut);
    let module = unwound.locations[0].module.as_ref().expect("a module");
    let exe = std::env::current_exe().expect("a path");
    assert_eq!(Some(&**module.name()), exe.to_str());
    assert_eq!(module.kind(), ModuleKind::File);
    assert!(!module.is_go());
    assert!(module.is_elf() && module.file().is_some());
    // Virtual addresses of this program begin at 0.
    let base = ip - unwound.locations[0].address;
    assert_eq!(base % 4096, 0);
}

/// Words that are likely to lead on.
fn word() -> impl Strategy<Value = u64> {
    let code = this_process as *const () as u64;
    let library = libc::read as *const () as u64;
    prop_oneof![
        any::<u64>(),
        (0_u64..0x10000).prop_map(move |offset| code.wrapping_add(offset)),
        (0_u64..0x10000).prop_map(move |offset| library.wrapping_add(offset)),
        (0_u64..0x200).prop_map(|offset| 0x7000_0000_0000 + offset),
        Just(0),
    ]
}

proptest! {
    #[test]
    fn any_stack_is_taken(
        ip in word(),
        frame_pointer in word(),
        words in prop::collection::vec(word(), 0..64),
        by_frame_pointers in prop::collection::vec(word(), 0..10),
        cut in 0_usize..8,
    ) {
        let mut memory: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        memory.truncate(memory.len().saturating_sub(cut));
        let mut stack = stack(ip, memory);
        stack.frame_pointer = frame_pointer;
        stack.by_frame_pointers = by_frame_pointers;
        stack.is_cut = cut > 0;
        let unwound = Unwinder::new().unwind(this_process(), &stack);
        prop_assert!((1..=FRAME_LIMIT).contains(&unwound.locations.len()));
    }
}
