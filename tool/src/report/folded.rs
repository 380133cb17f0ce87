//! Folded stacks: `process;outer;inner 123`, one line a stack, as flame graph tools read them.

use std::collections::BTreeMap;
use std::io;

use crate::report::graph::{GraphOptions, Sampled, labels, weighted};

/// Writes the stacks that `options` ask for, sorted, outermost function first (innermost where
/// reversed), the name of the process in front; in graphs of all bytes their kind comes next.
///
/// Weights are bytes, calls or nanoseconds, rounded; stacks of less than a half are left out. In
/// names, semicolons are colons, and unsafe characters are spelled out.
///
/// # Errors
///
/// Those of `out`.
pub fn write(
    out: &mut impl io::Write,
    sampled: &Sampled<'_>,
    options: &GraphOptions,
) -> io::Result<()> {
    let mut lines: BTreeMap<String, f64> = BTreeMap::new();
    for stack in weighted(sampled.profile, options) {
        let names: Vec<String> = labels(sampled, &stack, options)
            .into_iter()
            .map(|label| label.text)
            .collect();
        *lines.entry(line(&names)).or_default() += stack.weight.value;
    }
    for (names, weight) in lines {
        let weight = weight.round();
        if weight >= 1.0 {
            writeln!(out, "{names} {weight}")?;
        }
    }
    Ok(())
}

/// Readers take a number at the end for a weight, and a hash in front for a comment: no name of a
/// process or function may pass for one.
fn line(names: &[String]) -> String {
    let mut line = names.join(";");
    if line.starts_with(['#', ' ']) {
        line.insert(0, '_');
    }
    match line.rsplit_once(' ') {
        Some((start, end))
            if end
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'.') =>
        {
            format!("{start}_{end}")
        }
        _ => line,
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect_file;
    use proptest::prelude::proptest;
    use proptest::prop_assert;

    use super::{line, write};
    use crate::report::escape::is_unsafe;
    use crate::report::fixture::profile::{self, Fixture};
    use crate::report::graph::{GraphOptions, Only, Side, Weight, weighted};

    fn folded(fixture: &Fixture, options: &GraphOptions) -> String {
        let mut out = Vec::new();
        write(&mut out, &fixture.sampled(), options).expect("a vector takes everything");
        String::from_utf8(out).expect("folded stacks are UTF-8")
    }

    #[test]
    fn golden() {
        let machine = profile::machine();
        let bounced = GraphOptions::default();
        expect_file!["golden/bounced.folded"].assert_eq(&folded(&machine, &bounced));
        let all = GraphOptions {
            only: Only::All,
            side: Side::Read,
            weight: Weight::Calls,
            reverse: true,
        };
        expect_file!["golden/all-calls-reversed.folded"].assert_eq(&folded(&machine, &all));
        let cpu = GraphOptions {
            weight: Weight::Cpu,
            ..bounced
        };
        expect_file!["golden/cpu.folded"].assert_eq(&folded(&machine, &cpu));
        expect_file!["golden/hostile.folded"].assert_eq(&folded(&profile::hostile(), &bounced));
    }

    #[test]
    fn a_name_is_no_weight_and_no_comment() {
        let names = |names: &[&str]| {
            line(
                &names
                    .iter()
                    .map(|&name| name.to_owned())
                    .collect::<Vec<_>>(),
            )
        };
        assert_eq!(names(&["a", "operator new 17"]), "a;operator new_17");
        assert_eq!(names(&["a b 1.5"]), "a b_1.5");
        assert_eq!(names(&["a", "operator new"]), "a;operator new");
        assert_eq!(names(&["# a", "b"]), "_# a;b");
    }

    proptest! {
        #[test]
        fn lines_parse_back_to_the_total(
            fixture in profile::any(),
            options in profile::any_options(),
        ) {
            let text = folded(&fixture, &options);
            let mut total = 0.0;
            for line in text.lines() {
                prop_assert!(!line.chars().any(is_unsafe), "{line:?}");
                let (names, weight) = line.rsplit_once(' ').expect("a weight");
                prop_assert!(names.split(';').count() >= 1);
                total += weight.parse::<f64>().expect("a number");
            }
            let stacks = weighted(&fixture.profile, &options);
            let expected: f64 = stacks.iter().map(|stack| stack.weight.value).sum();
            #[expect(clippy::cast_precision_loss, reason = "a handful of stacks")]
            let rounding = stacks.len() as f64;
            prop_assert!((total - expected).abs() <= rounding, "{total} of {expected}");
        }
    }
}
