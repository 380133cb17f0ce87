//! Who may ask.

use std::fs;
use std::process::Command;

use anyhow::Result;
use rustix::process::Signal;
use tempfile::TempDir;

use crate::serving::Serving;
use crate::support::{certificate, prerequisites};

#[test]
fn a_token_is_asked_for_over_tls() -> Result<()> {
    let there = prerequisites::root()
        .and_then(|()| prerequisites::program("curl"))
        .and_then(|_| prerequisites::program("openssl"));
    let Some(openssl) = prerequisites::or_skip(there)? else {
        return Ok(());
    };
    let folder = TempDir::new()?;
    certificate::make(&openssl, folder.path())?;
    fs::write(folder.path().join("token"), "secret\n")?;
    let path = |name: &str| folder.path().join(name).display().to_string();
    let serving = Serving::start(&[
        "--pid",
        &std::process::id().to_string(),
        "--no-stacks",
        "--tls-certificate",
        &path("certificate"),
        "--tls-key",
        &path("key"),
        "--token-file",
        &path("token"),
    ])?;
    assert!(serving.origin.starts_with("https://"), "{}", serving.origin);
    for (header, status) in [
        ("Authorization: Bearer secret", 200),
        ("Authorization: Bearer wrong", 401),
        ("X: y", 401),
    ] {
        for path in ["/metrics", "/report.json", "/"] {
            let (came, _) = serving.get(&["-k", "-H", header], path)?;
            assert_eq!(came, status, "{header} {path}");
        }
    }
    serving.end(Signal::TERM)?;
    Ok(())
}

#[test]
fn open_doors_are_refused() -> Result<()> {
    let folder = TempDir::new()?;
    let empty = folder.path().join("token");
    fs::write(&empty, " \n")?;
    let empty = empty.display().to_string();
    for (arguments, reason) in [
        (&["--listen=0.0.0.0:0"][..], "say --insecure"),
        (&["--listen=[::]:0"], "say --insecure"),
        (
            &["--listen=0.0.0.0:0", "--token-file", &empty],
            "say --insecure",
        ),
        (&["--token-file", &empty], "it is to have the token"),
        (&["--token-file", "/nowhere"], "cannot read /nowhere"),
        (&["--tls-key", "x"], "--tls-certificate"),
        (
            &["--tls-key=/nowhere", "--tls-certificate=/nowhere"],
            "cannot serve",
        ),
        (&["--interval=1ms"], "the shortest step is 100ms"),
        (&["--listen=nonsense"], "invalid socket address"),
        (
            &["--listen=192.0.2.1:9", "--insecure"],
            "cannot listen on 192.0.2.1:9",
        ),
        (
            &["--otlp=localhost:4317"],
            "--otlp: `localhost:4317` is not",
        ),
        (
            &["--otlp=http://a", "--otlp-header=x"],
            "--otlp: `x` is not a header",
        ),
        (&["--otlp-header=x=y"], "--otlp <URL>"),
        (&["--pprof-push=/ingest"], "--pprof-push: `/ingest` is not"),
        (
            &["--pprof-push=http://a", "--no-stacks"],
            "cannot be used with",
        ),
        (&["--", "true"], "serve watches what runs"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_copytax"))
            .arg("serve")
            .args(arguments)
            .output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(reason), "{arguments:?}: {said}");
    }
    Ok(())
}
