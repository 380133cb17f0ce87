//! Names with `*` in them.

use serde::Deserialize;

const LONGEST: usize = 256;

/// A name in which each `*` stands for any run of characters, an empty one too. Since `*` stands for
/// itself as well, Go's `net.(*TCPConn).readFrom` is written as it is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Glob(String);

impl Glob {
    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it stands for `name`.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        let (pattern, name) = (self.0.as_bytes(), name.as_bytes());
        let (mut at, mut seen) = (0, 0);
        // Where to go on if what comes after the last `*` turns out not to match.
        let mut again = None;
        while seen < name.len() {
            match pattern.get(at) {
                Some(b'*') => {
                    at += 1;
                    again = Some((at, seen));
                }
                Some(&byte) if byte == name[seen] => {
                    at += 1;
                    seen += 1;
                }
                _ => {
                    let Some((after, from)) = again else {
                        return false;
                    };
                    at = after;
                    seen = from + 1;
                    again = Some((after, seen));
                }
            }
        }
        pattern[at..].iter().all(|&byte| byte == b'*')
    }
}

impl TryFrom<String> for Glob {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.is_empty() {
            return Err("a name is empty".to_owned());
        }
        if text.len() > LONGEST {
            return Err(format!("a name is longer than {LONGEST} bytes"));
        }
        if text.chars().any(char::is_control) {
            return Err("a name has a control character".to_owned());
        }
        Ok(Self(text))
    }
}

#[cfg(test)]
mod tests {
    use super::Glob;
    use proptest::prelude::{any, proptest};
    use proptest::prop_assert;

    fn matches(pattern: &str, name: &str) -> bool {
        let glob = Glob::try_from(pattern.to_owned()).expect("a good pattern");
        glob.matches(name)
    }

    #[test]
    fn names() {
        for (pattern, name) in [
            ("io.Copy", "io.Copy"),
            ("io.*", "io.Copy"),
            ("*", ""),
            ("*", "x"),
            ("a*b*c", "abc"),
            ("a*b*c", "aXbYbZc"),
            ("*Buffer", "io.copyBuffer"),
            ("net.(*TCPConn).readFrom", "net.(*TCPConn).readFrom"),
            ("*é*", "café."),
        ] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("io.Copy", "io.CopyN"),
            ("io.Copy", "myio.Copy"),
            ("io.*", "bio.Copy"),
            ("a*b*c", "acb"),
            ("a*b", "abc"),
            ("net.(*TCPConn).readFrom", "net.(*TCPConn).ReadFrom"),
        ] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }

    proptest! {
        #[test]
        fn a_name_is_found_wherever_it_is(before in any::<String>(), name in "[a-z.*]{1,9}",
                                          after in any::<String>()) {
            let whole = [before.as_str(), &name, &after].concat();
            let inner = format!("*{name}*");
            prop_assert!(matches(&inner, &whole));
            prop_assert!(matches("**", &whole));
        }

        #[test]
        fn any_pattern_ends(pattern in "[ab*]{1,12}", name in "[ab]{0,200}") {
            let _ = matches(&pattern, &name);
        }
    }
}
