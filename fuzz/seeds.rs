//! Writes what each target begins with: makes a folder for each in that of `COPYTAX_SEEDS`. It is a
//! target itself, because the code that it is linked with is watched, too.
#![no_main]

use std::path::Path;
use std::{env, fs, io};

libfuzzer_sys::fuzz_target!(init: write().expect("seeds can be written"), |_data: &[u8]| {});

fn write() -> io::Result<()> {
    let folder = env::var_os("COPYTAX_SEEDS");
    let folder = folder.ok_or_else(|| io::Error::other("COPYTAX_SEEDS names no folder"))?;
    for target in copytax::fuzzing::TARGETS {
        let seeds = Path::new(&folder).join(target.name);
        fs::create_dir_all(&seeds)?;
        for (number, seed) in (target.seeds)().into_iter().enumerate() {
            fs::write(seeds.join(number.to_string()), seed)?;
        }
    }
    Ok(())
}
