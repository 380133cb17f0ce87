//! A process whose stacks are of many kinds.

use std::fs::File;
use std::io::Write;

use anyhow::Result;
use serde_json::{Value, json};

/// Parses and prints documents until it is killed.
pub(crate) fn forever() -> Result<()> {
    let text = nested(12).to_string();
    let mut sink = File::create("/dev/null")?;
    loop {
        let document: Value = serde_json::from_str(&text)?;
        serde_json::to_writer(&mut sink, &document)?;
        sink.flush()?;
    }
}

fn nested(depth: u32) -> Value {
    if depth == 0 {
        json!({ "numbers": [1, 2.5, -3e9], "text": "a\nb" })
    } else {
        json!({ "inner": [nested(depth - 1)], "depth": depth })
    }
}
