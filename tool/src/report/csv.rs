//! Flows, or services of a fleet, as comma-separated values (RFC 4180), a line each, for spreadsheets.

use std::io;

use crate::analysis::diagnosis::egress;
use crate::analysis::fleet::{Fleet, Service};
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

const FLEET_HEADER: &str = "service,hosts,processes,egress,lost,lost_per_second,hit_rate,share,\
zero_copy,staged,bounced,mapped,transformed,generated,unknown,kernel_copied\r\n";

/// Writes the services of a fleet, in their order.
///
/// # Errors
///
/// Those of `out`.
pub fn write_fleet(out: &mut impl io::Write, fleet: &Fleet) -> io::Result<()> {
    out.write_all(FLEET_HEADER.as_bytes())?;
    for service in &fleet.services {
        write!(out, "{}\r\n", service_cells(service).join(","))?;
    }
    Ok(())
}

fn service_cells(service: &Service) -> [String; 16] {
    let sum = &service.sum;
    let bytes = &sum.bytes;
    let number = |number: Option<f64>| number.map_or_else(String::new, |number| number.to_string());
    [
        text(&service.name),
        sum.hosts.to_string(),
        sum.processes.to_string(),
        sum.egress().to_string(),
        bytes.lost.to_string(),
        number(sum.lost_per_second),
        number(sum.hit_rate()),
        number(service.share),
        bytes.zero_copy.to_string(),
        bytes.staged.to_string(),
        bytes.bounced.to_string(),
        bytes.mapped.to_string(),
        bytes.transformed.to_string(),
        bytes.generated.to_string(),
        bytes.unknown.to_string(),
        bytes.kernel_copied.to_string(),
    ]
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
