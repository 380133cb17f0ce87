//! Envoy: passes a connection on. There is no form that keeps the fast path.

use std::process::{Command, Stdio};

use anyhow::Result;
use tempfile::TempDir;

use crate::content::SIZE;
use crate::form::Bytes::Lost;
use crate::form::Says::Rule;
use crate::form::{Expected, Form, Way, watch};
use crate::support::children::Program;
use crate::support::ports::free_port;
use crate::support::prerequisites;
use crate::{load, upstream};

/// A listener, and the one server behind it.
const CONFIGURATION: &str = r#"
static_resources:
  listeners:
    - address: { socket_address: { address: 127.0.0.1, port_value: LISTENER } }
      filter_chains:
        - filters:
            - name: envoy.filters.network.tcp_proxy
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy
                stat_prefix: proxy
                cluster: upstream
  clusters:
    - name: upstream
      connect_timeout: 120s
      load_assignment:
        cluster_name: upstream
        endpoints:
          - lb_endpoints:
              - endpoint:
                  address: { socket_address: { address: 127.0.0.1, port_value: UPSTREAM } }
"#;

#[test]
fn envoy() -> Result<()> {
    let there = prerequisites::root().and_then(|()| prerequisites::testbed("envoy"));
    let Some(testbed) = prerequisites::or_skip(there)? else {
        return Ok(());
    };
    let port = free_port()?;
    let folder = TempDir::new()?;
    let file = folder.path().join("envoy.yaml");
    let configuration = CONFIGURATION
        .replace("LISTENER", &port.to_string())
        .replace("UPSTREAM", &upstream::raw()?.to_string());
    std::fs::write(&file, configuration)?;
    let mut command = Command::new(testbed.join("envoy/_bin/envoy"));
    command
        .args(["--concurrency", "1", "--use-dynamic-base-id", "-c"])
        .arg(&file)
        .stderr(Stdio::null());
    let program = Program::start_listening(&mut command, port)?;
    let form = Form {
        name: "envoy proxy".to_owned(),
        pid: program.pid(),
        load: Box::new(move || load::drain(port)),
        expected: Expected {
            runtime: ("envoy", ""),
            way: Way("bounced read_write tcp -> tcp", Lost(SIZE), Rule("E1")),
        },
        _program: program,
    };
    watch(&[form]).map(drop)
}
