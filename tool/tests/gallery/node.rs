//! Node.js: a stream of a file, piped into a response. There is no form that keeps the fast path.

use std::process::Command;

use anyhow::Result;

use crate::content::{Content, SIZE};
use crate::form::Bytes::Lost;
use crate::form::Says::Rule;
use crate::form::{Way, watch};
use crate::support::prerequisites;
use crate::{SOURCES, load, server};

#[test]
fn node() -> Result<()> {
    let there = prerequisites::root().and_then(|()| prerequisites::program("node"));
    let Some(node) = prerequisites::or_skip(there)? else {
        return Ok(());
    };
    let content = Content::new()?;
    let mut command = Command::new(node);
    command
        .arg(format!("{SOURCES}/node/stream.js"))
        .arg(content.file());
    let form = server::start(
        "stream.js".to_owned(),
        &mut command,
        load::get,
        ("node", ""),
        Way("bounced read_write file -> tcp", Lost(SIZE), Rule("S1")),
    )?;
    watch(&[form]).map(drop)
}
