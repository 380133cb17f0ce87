//! Offsets of tracepoint fields, from tracefs.

use std::fs;
use std::path::Path;

use crate::probe::ProbeError;

/// Where tracefs is mounted: its own mount point, else the one inside debugfs.
const ROOTS: [&str; 2] = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];

/// Byte offset of `field` in the record of tracepoint `category`/`name`.
///
/// # Errors
///
/// [`ProbeError::Tracefs`] where tracefs is not mounted, or has no such field.
pub(crate) fn field_offset(category: &str, name: &str, field: &str) -> Result<u32, ProbeError> {
    let format = ROOTS
        .iter()
        .find_map(|root| {
            let path = Path::new(root).join("events").join(category).join(name);
            fs::read_to_string(path.join("format")).ok()
        })
        .ok_or_else(|| {
            ProbeError::Tracefs(format!(
                "tracepoint {category}:{name} is not to be seen: tracefs is not mounted or not \
                 readable; mount it with: mount -t tracefs tracefs /sys/kernel/tracing"
            ))
        })?;
    parse_offset(&format, field).ok_or_else(|| {
        ProbeError::Tracefs(format!("tracepoint {category}:{name} has no field {field}"))
    })
}

/// Finds a line such as `field:pid_t child_pid; offset:44; size:4; signed:1;`.
fn parse_offset(format: &str, field: &str) -> Option<u32> {
    format.lines().find_map(|line| {
        let mut parts = line.trim().split(';').map(str::trim);
        let declaration = parts.next()?.strip_prefix("field:")?;
        let name = declaration.rsplit([' ', '*']).next()?;
        if name.split('[').next()? != field {
            return None;
        }
        parts.find_map(|part| part.strip_prefix("offset:")?.parse().ok())
    })
}

#[cfg(test)]
mod tests {
    use super::parse_offset;

    const FORMAT: &str = "name: sched_process_exec\nID: 309\nformat:\n\
        \tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n\n\
        \tfield:__data_loc char[] filename;\toffset:8;\tsize:4;\tsigned:0;\n\
        \tfield:char comm[16];\toffset:20;\tsize:16;\tsigned:0;\n\
        \tfield:pid_t pid;\toffset:12;\tsize:4;\tsigned:1;\n";

    #[test]
    fn fields_are_found_by_their_whole_name() {
        assert_eq!(parse_offset(FORMAT, "filename"), Some(8));
        assert_eq!(parse_offset(FORMAT, "pid"), Some(12));
        assert_eq!(parse_offset(FORMAT, "comm"), Some(20));
        assert_eq!(parse_offset(FORMAT, "id"), None);
    }
}
