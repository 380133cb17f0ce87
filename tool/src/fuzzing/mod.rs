//! What fuzzing feeds: the readers of what others wrote, each as a function of bytes that may not panic,
//! hang, or take much memory, whatever these are.
//!
//! `fuzz/` has a program for each, which builds with `--cfg fuzzing`; the tests give each its seeds and
//! what little changes make of them.

mod kernel;
mod program;
mod recording;
pub(crate) mod reports;
mod rules;

/// A reader.
pub struct Target {
    /// Its name, which the program that fuzzes it has.
    pub name: &'static str,
    /// Reads.
    pub run: fn(&[u8]),
    /// Good input, to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// All of them.
pub const TARGETS: &[Target] = &[
    Target {
        name: "recording",
        run: recording::file,
        seeds: recording::files,
    },
    Target {
        name: "rows",
        run: recording::rows,
        seeds: recording::changes,
    },
    Target {
        name: "series",
        run: recording::series,
        seeds: recording::serieses,
    },
    Target {
        name: "policy",
        run: rules::policy,
        seeds: rules::policies,
    },
    Target {
        name: "rule",
        run: rules::rule,
        seeds: rules::rules,
    },
    Target {
        name: "sample",
        run: kernel::sample,
        seeds: kernel::samples,
    },
    Target {
        name: "entry",
        run: kernel::entry,
        seeds: kernel::entries,
    },
    Target {
        name: "gopclntab",
        run: program::go_table,
        seeds: program::go_tables,
    },
    Target {
        name: "elf",
        run: program::elf,
        seeds: program::elves,
    },
];

/// Feeds the target of a name.
///
/// # Panics
///
/// If there is none, or its reader has a bug.
pub fn run(name: &str, data: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    (target.expect("a target of this name").run)(data);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Times that each seed is changed.
    const CHANGES: usize = 40;

    #[test]
    fn each_target_takes_its_seeds_and_what_changes_make_of_them() {
        let mut random = fastrand::Rng::with_seed(1);
        for target in TARGETS {
            let seeds = (target.seeds)();
            assert!(!seeds.is_empty(), "{}", target.name);
            for seed in seeds {
                (target.run)(&seed);
                for _ in 0..CHANGES {
                    let mut changed = seed.clone();
                    changed.truncate(random.usize(changed.len() / 2..=changed.len()));
                    for _ in 0..random.usize(0..4).min(changed.len()) {
                        let at = random.usize(..changed.len());
                        changed[at] = random.u8(..);
                    }
                    (target.run)(&changed);
                }
            }
            (target.run)(&[]);
        }
    }

    #[test]
    fn each_target_has_a_program() {
        let manifest = include_str!("../../../fuzz/Cargo.toml");
        for target in TARGETS {
            let name = format!("name = \"{}\"", target.name);
            assert!(manifest.contains(&name), "{}", target.name);
        }
    }
}
