//! Who makes the bytes of a flow bounce.

use std::io;

use crate::analysis::{Culprit, CulpritShare, Place, culprits, frame_name, role};
use crate::model::{CallSite, Frame, Language};
use crate::report::escape::{escape, truncate_middle};
use crate::report::graph::place;
use crate::report::text::layout::{Page, wrap};
use crate::report::units;

/// Culprits shown of a flow, and the share that one must have.
const SHOWN: usize = 3;
const LEAST_SHARE: f64 = 0.02;

/// Callers shown of a culprit.
const CALLERS: usize = 6;

const INDENT: usize = 4;
const STACK_INDENT: usize = 6;

/// Writes the culprits of `sites`, the call sites of one flow, with their share of its samples and a
/// short stack; nothing where nothing was sampled.
pub(super) fn write(out: &mut impl io::Write, page: &Page, sites: &[&CallSite]) -> io::Result<()> {
    let shares = culprits(sites.iter().copied());
    let (shown, others): (Vec<_>, Vec<_>) = shares
        .iter()
        .enumerate()
        .partition(|(rank, group)| *rank < SHOWN && (*rank == 0 || group.share >= LEAST_SHARE));
    for (_, group) in shown {
        writeln!(out, "{}", headline(page, group))?;
        if let Some(culprit) = &group.culprit
            && let Some(stack) = stack(page, culprit)
        {
            writeln!(out, "{}{stack}", " ".repeat(STACK_INDENT))?;
        }
    }
    if !others.is_empty() {
        let share: f64 = others.iter().map(|(_, group)| group.share).sum();
        let counted = units::counted(others.len() as u64, "other place", "other places");
        writeln!(
            out,
            "{}and {counted} {}",
            " ".repeat(INDENT),
            percent(share)
        )?;
    }
    Ok(())
}

/// Such as `read by main.justReader.Read (main.go:18) 97% ±2%`.
fn headline(page: &Page, group: &CulpritShare<'_>) -> String {
    let mut items = Vec::new();
    if let Some(culprit) = &group.culprit {
        items.extend(named(page, verb(culprit.place), culprit.frame));
        if let Some(through) = culprit.through {
            items.extend(named(page, "through", through));
        }
    } else {
        items.push("by code that is not known".to_owned());
    }
    items.push(format!(
        "{} ±{}",
        percent(group.share),
        percent(group.margin)
    ));
    let text = wrap(&items, " ", INDENT, STACK_INDENT, page.width);
    format!("{}{text}", " ".repeat(INDENT))
}

/// A function and its place, as items that stay together where they can.
fn named(page: &Page, verb: &str, frame: &Frame) -> Vec<String> {
    let room = page.width.saturating_sub(STACK_INDENT);
    let name = escape(&frame_name(frame));
    let name = truncate_middle(&name, room.saturating_sub(verb.len() + 1));
    let mut items = vec![format!("{verb} {name}")];
    items.extend(place(frame).map(|place| truncate_middle(&format!("({place})"), room)));
    items
}

const fn verb(place: Place) -> &'static str {
    match place {
        Place::ReadWrapper | Place::Caller => "read by",
        Place::WriteWrapper | Place::Writer => "written by",
    }
}

/// The callers up to the first of the program outside of the runtime, `<` between them.
fn stack(page: &Page, culprit: &Culprit<'_>) -> Option<String> {
    let (shown, is_all) = callers(culprit);
    let last = shown.len().checked_sub(1)?;
    let room = page.width.saturating_sub(STACK_INDENT + 4);
    let items: Vec<String> = shown
        .iter()
        .enumerate()
        .map(|(index, frame)| {
            let mut name = escape(&frame_name(frame));
            if let Some(place) = place(frame).filter(|_| !role(frame).is_told()) {
                name += &format!(" ({place})");
            }
            let name = truncate_middle(&name, room);
            match (index == last, is_all) {
                (false, _) => format!("{name} <"),
                (true, false) => format!("{name} < …"),
                (true, true) => name,
            }
        })
        .collect();
    Some(wrap(&items, " ", STACK_INDENT, STACK_INDENT, page.width))
}

/// Of a wrapper the runtime's frames around it and who called them; of others the next few. And
/// whether those are all.
fn callers<'a>(culprit: &Culprit<'a>) -> (Vec<&'a Frame>, bool) {
    // Between the functions of a program that is interpreted stands the interpreter.
    let is_interpreted = culprit.frame.language == Language::Jit;
    let callers: Vec<&Frame> = culprit
        .callers
        .iter()
        .filter(|frame| {
            !(is_interpreted && frame.language == Language::Native && role(frame).is_told())
        })
        .collect();
    let program = callers.iter().position(|frame| !role(frame).is_told());
    let count = match (culprit.place, program) {
        (Place::ReadWrapper | Place::WriteWrapper, Some(index)) => (index + 1).min(2 * CALLERS),
        _ => CALLERS,
    };
    let is_all = callers.len() <= count;
    (callers.into_iter().take(count).collect(), is_all)
}

/// A share without decimals; what is not quite all or nothing is not shown as such.
fn percent(share: f64) -> String {
    match share * 100.0 {
        percent if percent > 0.0 && percent < 0.5 => "<1%".to_owned(),
        percent if percent > 99.5 && percent < 100.0 => ">99%".to_owned(),
        percent => format!("{percent:.0}%"),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use proptest::prelude::proptest;
    use proptest::prop_assert;

    use super::write;
    use crate::model::{CallSite, SiteKind};
    use crate::report::escape::{is_unsafe, width};
    use crate::report::fixture::profile::{self, Fixture};
    use crate::report::text::layout::Page;

    fn text(fixture: &Fixture, pid: Option<u32>, columns: usize) -> String {
        let sites = fixture.profile.call_sites.iter();
        let sites: Vec<&CallSite> = sites
            .filter(|site| site.kind == SiteKind::Bounced)
            .filter(|site| pid.is_none_or(|pid| site.process.pid == pid))
            .collect();
        let mut out = Vec::new();
        write(&mut out, &Page::new(columns, false), &sites).expect("a vector takes everything");
        String::from_utf8(out).expect("text")
    }

    fn check(pid: u32, columns: usize, expected: &Expect) {
        // Without a line in front that is not indented, the indentation of the expected would be lost.
        let text = text(&profile::machine(), Some(pid), columns);
        expected.assert_eq(&format!("flow\n{text}"));
    }

    #[test]
    fn go() {
        check(
            81_234,
            80,
            &expect![[r#"
                flow
                    read by main.justReader.Read (main.go:18) 98% ±1%
                      io.copyBuffer < io.Copy < net.genericReadFrom < net.(*TCPConn).readFrom <
                      net.(*TCPConn).ReadFrom < io.copyBuffer < io.Copy <
                      main.serve (main.go:40) < …
                    read by main.serve (main.go:40) through io.(*SectionReader).Read (io.go:550)
                      2% ±1%
                      main.main.gowrap1 (main.go:31) < runtime.goexit
            "#]],
        );
        check(
            81_234,
            40,
            &expect![[r#"
                flow
                    read by main.justReader.Read
                      (main.go:18) 98% ±1%
                      io.copyBuffer < io.Copy <
                      net.genericReadFrom <
                      net.(*TCPConn).readFrom <
                      net.(*TCPConn).ReadFrom <
                      io.copyBuffer < io.Copy <
                      main.serve (main.go:40) < …
                    read by main.serve (main.go:40)
                      through io.(*SectionReader).Read
                      (io.go:550) 2% ±1%
                      main.main.gowrap1 (main.go:31) <
                      runtime.goexit
            "#]],
        );
    }

    #[test]
    fn servers_in_c() {
        check(
            4711,
            80,
            &expect![[r#"
                flow
                    read by ngx_read_file 100% ±1%
                      ngx_output_chain_copy_buf < ngx_output_chain < ngx_http_copy_filter <
                      ngx_http_output_filter < ngx_http_static_handler <
                      ngx_http_core_content_phase < …
            "#]],
        );
    }

    #[test]
    fn python() {
        check(
            977,
            80,
            &expect![[r#"
                flow
                    read by Throttled.read (app.py) 100% ±2%
                      copyfileobj < do_GET (app.py) < …
            "#]],
        );
    }

    #[test]
    fn node() {
        check(
            2042,
            80,
            &expect![[r#"
                flow
                    written by LazyCompile:*send /srv/site/node_modules/send/index.js:700:9
                      100% ±3%
                      LazyCompile:~handler /srv/site/app.js:12:17 < Builtin:JSEntry
            "#]],
        );
    }

    #[test]
    fn rust_in_a_narrow_terminal() {
        check(
            90_001,
            60,
            &expect![[r#"
                flow
                    read by <rusty::Metered<R> as std::io::Read>::read
                      (metered.rs:33) 100% ±5%
                      std::io::copy::stack_buff…td::net::tcp::TcpStream> <
                      std::io::copy::generic_co…td::net::tcp::TcpStream> <
                      rusty::serve (main.rs:51) < …
            "#]],
        );
    }

    #[test]
    fn nobody() {
        check(
            99,
            80,
            &expect![[r#"
                flow
                    by code that is not known 100% ±33%
            "#]],
        );
        check(
            5,
            80,
            &expect![[r#"
            flow
        "#]],
        );
    }

    proptest! {
        #[test]
        fn no_name_breaks_a_line(fixture in profile::any(), columns in 40..120usize) {
            for line in text(&fixture, None, columns).lines() {
                prop_assert!(width(line) <= columns, "{line:?} is too wide");
                prop_assert!(!line.chars().any(is_unsafe), "{line:?}");
            }
        }
    }
}
