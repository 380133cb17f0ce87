//! Servers written in C and C++, by what they say of themselves.

use std::ops::ControlFlow;

use super::elf::Elf;
use super::{Found, native, scan, version};
use crate::model::{RuntimeEvidence, RuntimeName};

/// `nginx -v` (`src/core/nginx.c`).
const NGINX: &[u8] = b"nginx version: ";
/// In the log when it starts (`src/server.c`).
const LIGHTTPD: &[u8] = b"server started (lighttpd/";
/// An option of nobody else (`source/server/options_impl.cc`).
const ENVOY: &[u8] = b"hot-restart-version\0";

/// The server that a program is.
///
/// None of those that are told by a text is written in Rust: a Rust program with such a text is one
/// that looks for it, like this one.
pub(super) fn server(elf: &Elf) -> Option<Found> {
    by_symbol(elf).or_else(|| by_constant(elf).filter(|_| !native::is_rust(elf)))
}

/// Those that export symbols to their modules.
fn by_symbol(elf: &Elf) -> Option<Found> {
    let found = |name, version| Some(Found::new(name, version, RuntimeEvidence::Symbol));
    // `include/haproxy/version.h`
    if let Some(symbol) = elf.exported("haproxy_version") {
        let text = symbol.offset.map(|offset| elf.name(offset));
        return found(
            RuntimeName::Haproxy,
            text.and_then(|text| version::numbers(&text)),
        );
    }
    // `include/httpd.h`
    if elf.exported("ap_get_server_banner").is_some() {
        let three = |rest: &[u8]| {
            version::numbers(rest).filter(|version| version.matches('.').count() == 2)
        };
        let version = scan::find(elf, &elf.constants(), b"Apache/", three);
        return found(RuntimeName::Apache, version);
    }
    None
}

fn by_constant(elf: &Elf) -> Option<Found> {
    let mut server = None;
    let needles = [NGINX, LIGHTTPD, ENVOY];
    scan::each(elf, &elf.constants(), &needles, |needle, rest| {
        let (name, version) = match needles[needle] {
            // Those that are made of nginx have a name and a version of their own there.
            NGINX => {
                let version = rest.strip_prefix(b"nginx/");
                (RuntimeName::Nginx, version.and_then(version::numbers))
            }
            LIGHTTPD => (RuntimeName::Lighttpd, version::numbers(rest)),
            // The version is made only when it runs.
            _ => (RuntimeName::Envoy, None),
        };
        server = Some(Found::new(name, version, RuntimeEvidence::Constant));
        ControlFlow::Break(())
    });
    server
}
