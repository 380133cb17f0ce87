//! Flows as comma-separated values (RFC 4180), a line each, for spreadsheets.

use std::io;

use crate::analysis::diagnosis::egress;
use crate::model::{Audit, Flow, ProcessAudit};
use crate::report::escape::escape;
use crate::report::names;

const HEADER: &str = "pid,start_time,comm,exe,container_id,runtime,process_hit_rate,process_bytes,\
mechanism,source,sink,class,evidence,lost,bytes,calls,errors\r\n";

/// Writes the flows of all processes, in their order.
///
/// # Errors
///
/// Those of `out`.
pub fn write(out: &mut impl io::Write, audit: &Audit) -> io::Result<()> {
    out.write_all(HEADER.as_bytes())?;
    for process in &audit.processes {
        for flow in &process.flows {
            let cells = cells(process, flow);
            write!(out, "{}\r\n", cells.join(","))?;
        }
    }
    Ok(())
}

fn cells(process: &ProcessAudit, flow: &Flow) -> [String; 17] {
    let facts = &process.facts;
    let errors: u64 = flow.errors.values().map(|failures| failures.count).sum();
    let hit_rate = process.hit_rate.map(|rate| rate.to_string());
    let runtime = facts.runtime.as_ref().map(|runtime| runtime.name.name());
    [
        process.id.pid.to_string(),
        process.id.start_time_ns.to_string(),
        text(&facts.comm),
        text(facts.exe.as_deref().unwrap_or_default()),
        text(facts.container_id.as_deref().unwrap_or_default()),
        text(runtime.unwrap_or_default()),
        hit_rate.unwrap_or_default(),
        egress(&process.bytes).to_string(),
        flow.mechanism.name().to_owned(),
        flow.source.name().to_owned(),
        flow.sink.name().to_owned(),
        names::class(flow.class).to_owned(),
        flow.class.name().to_owned(),
        u8::from(flow.lost).to_string(),
        flow.bytes.to_string(),
        flow.calls.to_string(),
        errors.to_string(),
    ]
}

/// A text in quotes. Spreadsheets take what begins with one of some characters for a formula, in quotes
/// or not, and processes choose their names.
fn text(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@']);
    let guard = if is_formula { "'" } else { "" };
    format!("\"{guard}{}\"", escape(text).replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture::{hostile, nginx_off};

    fn written(audit: &Audit) -> String {
        let mut out = Vec::new();
        write(&mut out, audit).expect("memory");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn a_flow_is_a_line() {
        let csv = written(&nginx_off());
        let lines: Vec<_> = csv.split("\r\n").collect();
        let columns = HEADER.split(',').count();
        assert_eq!(lines.len(), 4, "{csv}");
        assert!(
            lines[..3]
                .iter()
                .all(|line| line.split(',').count() == columns)
        );
        assert_eq!(
            lines[1],
            "4711,4711000000000,\"nginx\",\"/usr/bin/nginx\",\"\",\"\",0,536871155,read_write,file,\
             tcp,bounced,same_buffer,1,536870912,16384,0"
        );
    }

    #[test]
    fn names_do_no_harm() {
        let csv = written(&hostile());
        assert!(
            !csv.contains('\u{1b}') && !csv.contains('\u{202e}'),
            "{csv}"
        );
        assert_eq!(text("=cmd|'/c calc'!A1"), "\"'=cmd|'/c calc'!A1\"");
        assert_eq!(text("a\"b,c"), "\"a\"\"b,c\"");
    }
}
