//! The generated parts of documents.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use anyhow::{Context, Result};
use copytax::host::kernel;

/// Replaces the part between `<!-- name: begin -->` and `<!-- name: end -->` of a file in `docs`.
pub(crate) fn replace_part(document: &str, name: &str, content: &str) -> Result<()> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let path = docs.join(document);
    let text = fs::read_to_string(&path).with_context(|| document.to_owned())?;
    let (begin, end) = (
        format!("<!-- {name}: begin -->\n"),
        format!("<!-- {name}: end -->"),
    );
    let missing = || format!("{document} has no marks for {name}");
    let (before, rest) = text.split_once(&begin).with_context(missing)?;
    let (_, after) = rest.split_once(&end).with_context(missing)?;
    fs::write(path, format!("{before}{begin}\n{content}\n{end}{after}"))?;
    Ok(())
}

/// Where, when and with what command figures were taken.
pub(crate) fn provenance(command: &str) -> String {
    let host = kernel::host();
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processors
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown processor", |(_, model)| model.trim());
    let virtual_machine = processors
        .lines()
        .any(|line| line.starts_with("flags") && line.split(' ').any(|flag| flag == "hypervisor"));
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let date = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    format!(
        "{model}, {cpus} {}CPUs, Linux {}, {}. Command: `{command}`.\n",
        if virtual_machine { "virtual " } else { "" },
        host.kernel,
        &date[..10],
    )
}
