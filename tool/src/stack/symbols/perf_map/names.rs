//! Names of compiled functions: each runtime puts more into them than the name.

/// What a name says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Name {
    /// The function; `None` where it has no name of its own.
    pub(in super::super) function: Option<String>,
    pub(in super::super) file: Option<String>,
    /// Line of its beginning; the map knows none of those within.
    pub(in super::super) line: Option<u32>,
}

/// What V8 puts in front of the name of JavaScript (`CodeEventLogger::NameBuffer`,
/// src/logging/log.cc): what kind it is, and what it was compiled with (`ComputeMarker`).
const JAVASCRIPT: [&str; 4] = ["JS:", "Function:", "LazyCompile:", "Script:"];
const MARKERS: [char; 4] = ['~', '^', '+', '*'];

impl Name {
    pub(super) fn of(name: &str) -> Self {
        python(name)
            .or_else(|| javascript(name))
            .unwrap_or_else(|| Self {
                function: (!name.is_empty()).then(|| name.to_owned()),
                file: None,
                line: None,
            })
    }
}

/// `py::qualified.name:path` (`perf_map_write_entry`, Python/perf_trampoline.c of Python 3.12).
fn python(name: &str) -> Option<Name> {
    let (function, file) = name.strip_prefix("py::")?.split_once(':')?;
    Some(Name {
        function: (!function.is_empty()).then(|| function.to_owned()),
        file: (!file.is_empty()).then(|| file.to_owned()),
        line: None,
    })
}

/// `JS:*name file:///path:line:column`. Without a place it is left as it is.
fn javascript(name: &str) -> Option<Name> {
    let rest = JAVASCRIPT.iter().find_map(|kind| name.strip_prefix(kind))?;
    let rest = rest.strip_prefix(MARKERS).unwrap_or(rest);
    let (rest, column) = rest.rsplit_once(':')?;
    let (rest, line) = rest.rsplit_once(':')?;
    column.parse::<u32>().ok()?;
    let line = line.parse().ok()?;
    // A name has no space, but a path may.
    let (function, file) = rest.split_once(' ')?;
    let file = file.strip_prefix("file://").unwrap_or(file);
    Some(Name {
        function: (!function.is_empty()).then(|| function.to_owned()),
        file: (!file.is_empty()).then(|| file.to_owned()),
        line: Some(line),
    })
}

#[cfg(test)]
mod tests {
    use super::Name;

    fn parts(name: &str) -> (Option<String>, Option<String>, Option<u32>) {
        let name = Name::of(name);
        (name.function, name.file, name.line)
    }

    fn expected(
        function: &str,
        file: &str,
        line: u32,
    ) -> (Option<String>, Option<String>, Option<u32>) {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        (some(function), some(file), (line != 0).then_some(line))
    }

    #[test]
    fn names_of_python() {
        assert_eq!(
            parts("py::Server.send:/srv/my app/s.py"),
            expected("Server.send", "/srv/my app/s.py", 0)
        );
        assert_eq!(
            parts("py::<module>:/srv/s.py"),
            expected("<module>", "/srv/s.py", 0)
        );
    }

    #[test]
    fn names_of_javascript() {
        assert_eq!(
            parts("JS:*pump file:///srv/app.js:12:20"),
            expected("pump", "/srv/app.js", 12)
        );
        assert_eq!(
            parts("LazyCompile:~onread node:internal/stream_base_commons:166:22"),
            expected("onread", "node:internal/stream_base_commons", 166)
        );
        assert_eq!(parts("JS:^ /srv/a b.js:3:1"), expected("", "/srv/a b.js", 3));
    }

    #[test]
    fn other_names_stay() {
        for name in [
            "Builtin:CallFunction",
            "Interpreter",
            "java.lang.String::length",
            "JS:*odd",
        ] {
            assert_eq!(parts(name), expected(name, "", 0));
        }
    }
}
