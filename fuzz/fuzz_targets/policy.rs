#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| copytax::fuzzing::run("policy", data));
