//! What a developer of copytax runs.
fn main() {}
