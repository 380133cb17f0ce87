//! The calibration file: what was measured of this machine, kept for later audits.

use std::collections::BTreeMap;
use std::env;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::PathBuf;

use rustix::process::geteuid;
use serde::{Deserialize, Serialize};

use crate::model::{BreakEven, Calibration, Host, TransferCost};

/// The name and version of the format.
const SCHEMA: &str = "copytax.calibration/1";

/// Where root keeps it, as the state of a service (systemd's `StateDirectory=`).
const OF_ROOT: &str = "/var/lib/copytax";

/// Below a user's folder for state.
const OF_USER: &str = "copytax";

const FILE: &str = "calibration.json";

/// Far more than a calibration is.
const LARGEST: u64 = 64 << 10;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    schema: String,
    time: String,
    kernel: String,
    arch: String,
    cpus: u32,
    hostname: String,
    processor: Option<String>,
    sendfile: Option<Entry>,
    splice: Option<Entry>,
    zerocopy: Option<Entry>,
    send_zc: Option<Entry>,
    costs: BTreeMap<String, Vec<CostEntry>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    bytes: Option<u64>,
    low: Option<u64>,
    high: Option<u64>,
    smallest: u64,
    largest: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CostEntry {
    bytes: u64,
    cpu_ns: u64,
    interval_ns: Option<(u64, u64)>,
}

/// Where the calibration is: in the folder for state that the environment names; else root's is the
/// machine's, and others' in their home (XDG Base Directory Specification 0.8). `None` where there is
/// no such folder.
#[must_use]
pub fn calibration_file() -> Option<PathBuf> {
    let absolute = |name| {
        let folder = env::var_os(name).map(PathBuf::from);
        folder.filter(|folder| folder.is_absolute())
    };
    let folder = if let Some(state) = absolute("XDG_STATE_HOME") {
        state.join(OF_USER)
    } else if geteuid().is_root() {
        PathBuf::from(OF_ROOT)
    } else {
        absolute("HOME")?.join(".local/state").join(OF_USER)
    };
    Some(folder.join(FILE))
}

/// The calibration that is kept; `None` where there is none.
///
/// # Errors
///
/// A file that cannot be read, or is none of this format; with its path.
pub fn load_calibration() -> io::Result<Option<Calibration>> {
    let Some(path) = calibration_file() else {
        return Ok(None);
    };
    let read = || -> io::Result<Option<Calibration>> {
        let file = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let mut text = String::new();
        file.take(LARGEST).read_to_string(&mut text)?;
        parse(&text).map(Some)
    };
    read().map_err(|error| {
        let path = path.display();
        io::Error::new(error.kind(), format!("the calibration {path}: {error}"))
    })
}

/// Makes sure that there is the folder that the file belongs in; gives the file and what to write to it.
///
/// # Errors
///
/// No folder for state, or one that cannot be made.
pub fn prepare_calibration(calibration: &Calibration) -> io::Result<(PathBuf, String)> {
    let path = calibration_file();
    let path = path.ok_or_else(|| io::Error::other("neither XDG_STATE_HOME nor HOME is set"))?;
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    Ok((path, write(calibration)?))
}

fn write(calibration: &Calibration) -> io::Result<String> {
    let host = calibration.host.clone();
    let document = Document {
        schema: SCHEMA.to_owned(),
        time: humantime::format_rfc3339_seconds(calibration.time).to_string(),
        kernel: host.kernel,
        arch: host.arch,
        cpus: host.cpus,
        hostname: host.hostname,
        processor: calibration.processor.clone(),
        sendfile: calibration.sendfile.map(Entry::from),
        splice: calibration.splice.map(Entry::from),
        zerocopy: calibration.zerocopy.map(Entry::from),
        send_zc: calibration.send_zc.map(Entry::from),
        costs: each(calibration.costs.clone()),
    };
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}

fn parse(text: &str) -> io::Result<Calibration> {
    let document: Document = serde_json::from_str(text)?;
    if document.schema != SCHEMA {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("its schema is not {SCHEMA}"),
        ));
    }
    let time = humantime::parse_rfc3339(&document.time);
    Ok(Calibration {
        host: Host {
            kernel: document.kernel,
            arch: document.arch,
            cpus: document.cpus,
            hostname: document.hostname,
        },
        processor: document.processor,
        time: time.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?,
        sendfile: document.sendfile.map(BreakEven::from),
        splice: document.splice.map(BreakEven::from),
        zerocopy: document.zerocopy.map(BreakEven::from),
        send_zc: document.send_zc.map(BreakEven::from),
        costs: each(document.costs),
    })
}

impl From<TransferCost> for CostEntry {
    fn from(cost: TransferCost) -> Self {
        Self {
            bytes: cost.bytes,
            cpu_ns: cost.cpu_ns,
            interval_ns: cost.interval_ns,
        }
    }
}

impl From<CostEntry> for TransferCost {
    fn from(entry: CostEntry) -> Self {
        Self {
            bytes: entry.bytes,
            cpu_ns: entry.cpu_ns,
            interval_ns: entry.interval_ns,
        }
    }
}

/// The costs of each path, as the other kind has them.
fn each<From, To: std::convert::From<From>>(
    costs: BTreeMap<String, Vec<From>>,
) -> BTreeMap<String, Vec<To>> {
    let costs = costs.into_iter();
    costs
        .map(|(path, costs)| (path, costs.into_iter().map(To::from).collect()))
        .collect()
}

impl From<BreakEven> for Entry {
    fn from(found: BreakEven) -> Self {
        Self {
            bytes: found.bytes,
            low: found.low,
            high: found.high,
            smallest: found.smallest,
            largest: found.largest,
        }
    }
}

impl From<Entry> for BreakEven {
    fn from(entry: Entry) -> Self {
        Self {
            bytes: entry.bytes,
            low: entry.low,
            high: entry.high,
            smallest: entry.smallest,
            largest: entry.largest,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    fn calibration() -> Calibration {
        let found = BreakEven {
            bytes: Some(9_000),
            low: Some(8_000),
            high: None,
            smallest: 1024,
            largest: 1 << 20,
        };
        Calibration {
            host: Host {
                kernel: "6.18.0".to_owned(),
                arch: "x86_64".to_owned(),
                cpus: 2,
                hostname: "h".to_owned(),
            },
            processor: None,
            time: SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000),
            sendfile: Some(found),
            splice: Some(found),
            zerocopy: None,
            send_zc: Some(found),
            costs: [(
                "sendfile".to_owned(),
                vec![TransferCost {
                    bytes: 1024,
                    cpu_ns: 2_500,
                    interval_ns: Some((2_400, 2_600)),
                }],
            )]
            .into(),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let text = write(&calibration()).expect("it is JSON");
        assert_eq!(parse(&text).expect("it is whole"), calibration());
    }

    #[test]
    fn other_files_are_refused() {
        let text = write(&calibration()).expect("it is JSON");
        for wrong in [
            String::new(),
            "{}".to_owned(),
            text.replace("calibration/1", "calibration/2"),
            text.replace("1024", "-1"),
            text.replace("\"time\": \"2", "\"time\": \"x"),
            text.replace("\"cpus\"", "\"cores\""),
            text[..text.len() / 2].to_owned(),
        ] {
            assert!(parse(&wrong).is_err(), "{wrong}");
        }
    }
}
