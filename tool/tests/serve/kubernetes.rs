//! The DaemonSet: that Kubernetes takes it, and that a real runtime's container, as it says, gets what an audit outside
//! gets.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tempfile::TempDir;

use crate::containerd::{Containerd, Pod};
use crate::metrics::sum;
use crate::support::audit::Audit;
use crate::support::patience::until;
use crate::support::ports::free_port;
use crate::support::prerequisites;
use crate::support::report::Report;
use crate::traffic::{MOVED, Traffic};
use crate::unit;

const BASE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/kubernetes");

const TOKEN: &str = "Authorization: Bearer of-a-secret";

/// What the schemas of a release of Kubernetes say, and nothing that they do not know.
const VALIDATE: &str = "
import sys, yaml, kubernetes_validate
for document in yaml.safe_load_all(sys.stdin):
    kubernetes_validate.validate(document, sys.argv[1], strict=True)
";

const TO_JSON: &str =
    "import sys, yaml, json; json.dump(list(yaml.safe_load_all(sys.stdin)), sys.stdout)";

#[test]
fn kubernetes_takes_it() -> Result<()> {
    let Some(base) = Base::built()? else {
        return Ok(());
    };
    for release in ["1.31", "1.37"] {
        base.python(VALIDATE, &[release])?;
    }
    let kinds: Vec<_> = base
        .documents()?
        .iter()
        .map(|document| document["kind"].clone())
        .collect();
    assert_eq!(kinds.len(), 4, "{kinds:?}");
    let container = base.container()?;
    let added = texts(&container["securityContext"]["capabilities"]["add"])?;
    let added: BTreeSet<_> = added.iter().map(|name| format!("CAP_{name}")).collect();
    let granted = unit::granted()?.into_iter().map(str::to_owned).collect();
    assert_eq!(added, granted, "those of the unit of systemd");
    Ok(())
}

#[test]
fn its_container_gets_what_an_audit_gets() -> Result<()> {
    let Some(base) = Base::built()? else {
        return Ok(());
    };
    let Some(mut containerd) = Containerd::start()? else {
        return Ok(());
    };
    let Some(traffic) = Traffic::start()? else {
        return Ok(());
    };
    let folder = TempDir::new()?;
    let token = TOKEN.rsplit(' ').next().context("a token")?;
    fs::write(folder.path().join("token"), token)?;
    let port = free_port()?;
    let pod = base.pod(&containerd, folder.path().to_str().context("UTF-8")?, port)?;
    containerd.run(&shop())?;
    containerd.run(&pod)?;
    let get = |path: &str| get(port, path);
    let ready = until("the container to count", || {
        Ok(get("/healthz").is_ok().then_some(()))
    });
    ready.with_context(|| containerd.log(&pod).unwrap_or_default())?;

    let pids = traffic.pids();
    let audit = Audit::of_processes(&pids)?;
    traffic.flow()?;
    let inside = until("the container to have counted all", || {
        let report: Report = serde_json::from_str(&get("/report.json")?)?;
        let has_all = pids.iter().all(|pid| {
            let process = report.process(*pid);
            process.is_ok_and(|process| process.bytes.zero_copy + process.bytes.lost >= MOVED)
        });
        Ok(has_all.then_some(report))
    })?;
    let outside = audit.interrupt()?;
    for pid in pids {
        let (inside, outside) = (inside.process(pid)?, outside.process(pid)?);
        assert_eq!(inside.bytes.zero_copy, outside.bytes.zero_copy);
        assert_eq!(inside.bytes.lost, outside.bytes.lost);
    }
    let (inside, outside) = (unit::told(&inside), unit::told(&outside));
    for pid in pids {
        assert_eq!(inside.get(&pid), outside.get(&pid));
    }

    // The runtime is asked who is who.
    let pod = shop();
    let uid = format!("pod_uid=\"{}\"", pod.uid);
    let labels = [
        "namespace=\"shop\"",
        "pod=\"web-0\"",
        "container_name=\"cat\"",
        &uid,
    ];
    until("the pod to have its name", || {
        let metrics = get("/metrics")?;
        Ok((sum(&metrics, "copytax_written_bytes_total", &labels)? > 0).then_some(()))
    })?;
    Ok(())
}

/// A pod that moves bytes.
fn shop() -> Pod {
    let command = [
        "sh",
        "-c",
        "while :; do cat /bin/cat | cat > /dev/null; done",
    ];
    Pod {
        namespace: "shop",
        name: "web-0",
        uid: "0f7d2b54-1c3e-4b6a-9d8e-2f5a6b7c8d9e",
        container: "cat",
        command: command.map(str::to_owned).to_vec(),
        mounts: Vec::new(),
        host_pid: false,
        add: Vec::new(),
        drop: Vec::new(),
    }
}

/// What `kubectl kustomize` makes of the base.
struct Base(String);

impl Base {
    fn built() -> Result<Option<Self>> {
        let there = prerequisites::testbed("python")
            .and_then(|_| prerequisites::program("python3"))
            .and_then(|_| prerequisites::program("kubectl"));
        let Some(kubectl) = prerequisites::or_skip(there)? else {
            return Ok(None);
        };
        let output = Command::new(kubectl).args(["kustomize", BASE]).output()?;
        ensure!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(Some(Self(String::from_utf8(output.stdout)?)))
    }

    /// What a program of Python makes of it.
    fn python(&self, script: &str, arguments: &[&str]) -> Result<Vec<u8>> {
        let file = tempfile::NamedTempFile::new()?;
        fs::write(file.path(), &self.0)?;
        let output = Command::new(prerequisites::program("python3")?)
            .args(["-c", script])
            .args(arguments)
            .env("PYTHONPATH", prerequisites::testbed("python")?)
            .stdin(Stdio::from(file.reopen()?))
            .output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{arguments:?}: {said}");
        Ok(output.stdout)
    }

    fn documents(&self) -> Result<Vec<Value>> {
        Ok(serde_json::from_slice(&self.python(TO_JSON, &[])?)?)
    }

    /// The specification of the pods.
    fn specification(&self) -> Result<Value> {
        let mut documents = self.documents()?.into_iter();
        let set = documents.find(|document| document["kind"] == "DaemonSet");
        Ok(set.context("a DaemonSet")?["spec"]["template"]["spec"].clone())
    }

    fn container(&self) -> Result<Value> {
        Ok(self.specification()?["containers"][0].clone())
    }

    /// Its pod, as the kubelet would run it: besides that the tool is mounted and not in the image, the network is
    /// the host's, the runtime is asked for names, and looks come more often.
    fn pod(&self, containerd: &Containerd, secret: &str, port: u16) -> Result<Pod> {
        let specification = self.specification()?;
        let container = self.container()?;
        let security = &container["securityContext"];
        assert_eq!(security["readOnlyRootFilesystem"], true);
        assert_eq!(security["allowPrivilegeEscalation"], false);
        let mut command = vec!["/work/copytax".to_owned()];
        for argument in texts(&container["args"])? {
            let is_address = argument.starts_with("--listen=");
            command.push(if is_address {
                format!("--listen=127.0.0.1:{port}")
            } else {
                argument
            });
        }
        command.extend(
            [
                "--runtime-socket=/run/runtime",
                "--interval=200ms",
                "--samples=20000",
            ]
            .map(str::to_owned),
        );
        let mut mounts = vec![
            (
                "/work/copytax".to_owned(),
                env!("CARGO_BIN_EXE_copytax").to_owned(),
            ),
            (
                "/run/runtime".to_owned(),
                containerd.socket().display().to_string(),
            ),
        ];
        let volumes = specification["volumes"].as_array().context("volumes")?;
        for mount in container["volumeMounts"].as_array().context("mounts")? {
            assert_eq!(mount["readOnly"], true, "{mount}");
            let mut volume = volumes
                .iter()
                .filter(|volume| volume["name"] == mount["name"]);
            let volume = volume.next().context("a volume of that name")?;
            let host = volume["hostPath"]["path"].as_str().unwrap_or(secret);
            let path = mount["mountPath"].as_str().context("a path")?;
            mounts.push((path.to_owned(), host.to_owned()));
        }
        Ok(Pod {
            namespace: "copytax",
            name: "copytax-0",
            uid: "5a6b7c8d-1c3e-4b6a-9d8e-0f7d2b542f9e",
            container: "copytax",
            command,
            mounts,
            host_pid: specification["hostPID"] == true,
            add: texts(&security["capabilities"]["add"])?,
            drop: texts(&security["capabilities"]["drop"])?,
        })
    }
}

fn texts(list: &Value) -> Result<Vec<String>> {
    let list = list.as_array().context("a list")?;
    let texts = list
        .iter()
        .map(|text| Ok(text.as_str().context("a text")?.to_owned()));
    texts.collect()
}

fn get(port: u16, path: &str) -> Result<String> {
    let output = Command::new(prerequisites::program("curl")?)
        .args(["-sSf", "--max-time", "60", "-H", TOKEN])
        .arg(format!("http://127.0.0.1:{port}{path}"))
        .output()?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8(output.stdout)?)
}
