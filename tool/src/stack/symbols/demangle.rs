//! Names as they are in the source.

use std::fmt::{self, Write};

/// Longest name that is believed. Types in a mangled name can refer to one another so that a few
/// hundred bytes stand for more than fits into memory.
const LONGEST: usize = 8 << 10;

/// The name of a function from that of its symbol; `None` if it has none of a sane length.
pub(super) fn readable(symbol: &str) -> Option<String> {
    if symbol.is_empty() || symbol.len() > LONGEST {
        return None;
    }
    let name = rust(symbol).or_else(|| cpp(symbol));
    Some(name.unwrap_or_else(|| public(symbol).to_owned()))
}

fn rust(symbol: &str) -> Option<String> {
    let name = rustc_demangle::try_demangle(symbol).ok()?;
    let mut text = Bounded::default();
    // Without the hash at the end.
    write!(text, "{name:#}").ok()?;
    Some(text.0)
}

fn cpp(symbol: &str) -> Option<String> {
    let name = cpp_demangle::Symbol::new(symbol).ok()?;
    let mut text = Bounded::default();
    name.structured_demangle(&mut text, &cpp_demangle::DemangleOptions::new())
        .ok()?;
    Some(text.0)
}

/// The name that a function is called by: glibc has another for its own use of each of its own
/// (`include/libc-symbols.h`).
fn public(symbol: &str) -> &str {
    symbol.strip_prefix("__GI_").map_or(symbol, |symbol| {
        symbol.strip_prefix("__libc_").unwrap_or(symbol)
    })
}

/// A text that does not become too long.
#[derive(Default)]
struct Bounded(String);

impl Write for Bounded {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        if self.0.len() + more.len() > LONGEST {
            return Err(fmt::Error);
        }
        self.0.push_str(more);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::readable;

    #[test]
    fn names_are_those_of_the_source() {
        for (symbol, name) in [
            ("ngx_output_chain", "ngx_output_chain"),
            ("__GI___libc_read", "read"),
            ("__GI_sendfile64", "sendfile64"),
            ("_ZN3net4ReadEi", "net::Read(int)"),
            (
                "_ZN3std2io4copy12generic_copy17h0123456789abcdefE",
                "std::io::copy::generic_copy",
            ),
            ("_ZNK", "_ZNK"),
        ] {
            assert_eq!(readable(symbol).as_deref(), Some(name));
        }
        assert_eq!(readable(""), None);
    }

    #[test]
    fn names_that_would_fill_all_memory_stay_as_they_are() {
        let few = nested(3);
        let name = readable(&few).expect("a name");
        assert_eq!(name.matches("int").count(), 2 + 4 + 8 + 16, "{name}");
        let many = nested(40);
        assert_eq!(readable(&many), Some(many));
    }

    /// A function of types of which each is a pair of the one before.
    fn nested(pairs: u32) -> String {
        let mut symbol = "_Z1f1PIiiE".to_owned();
        for pair in 0..pairs {
            // The template and each of its types have a number of their own.
            let before = match pair {
                0 => "0".to_owned(),
                _ => base36(pair),
            };
            write!(symbol, "S_IS{before}_S{before}_E").expect("a string can be written to");
        }
        symbol
    }

    fn base36(number: u32) -> String {
        let digit = |digit| {
            char::from_digit(digit, 36)
                .expect("a digit")
                .to_ascii_uppercase()
        };
        let high = (number >= 36).then(|| digit(number / 36));
        high.into_iter().chain([digit(number % 36)]).collect()
    }
}
