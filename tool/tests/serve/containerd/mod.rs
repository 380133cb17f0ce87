//! Debian's containerd, with pods as the kubelet would run them.

mod messages;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use axum::http::uri::PathAndQuery;
use prost::Message;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tonic::client::Grpc;
use tonic::transport::{Channel, Endpoint};
use tonic_prost::ProstCodec;

use crate::support::patience::until;
use crate::support::prerequisites;
use messages::{
    Anything, Capability, ContainerConfig, ContainerMetadata, ContainerSecurityContext,
    CreateContainerRequest, CreateContainerResponse, ImageSpec, LinuxContainerConfig,
    LinuxPodSandboxConfig, Mount, NODE, NamespaceOption, PodSandboxConfig, PodSandboxMetadata,
    PodSandboxRequest, RunPodSandboxRequest, RunPodSandboxResponse, SandboxSecurityContext,
    StartContainerRequest,
};

/// The only image: nothing but a program that waits, for pods; containers run what is mounted from the host.
const IMAGE: &str = "docker.io/local/wait:1";

/// That program.
const WAIT: &str = "#include <unistd.h>\nint main(void) { for (;;) pause(); }\n";

/// What the programs of the host need.
const HOST: [&str; 4] = ["/usr", "/bin", "/lib", "/lib64"];

/// A running containerd, apart from any other of the machine.
pub(crate) struct Containerd {
    daemon: Child,
    folder: TempDir,
    runtime: Runtime,
    channel: Channel,
    pods: Vec<String>,
}

/// A pod with one container.
pub(crate) struct Pod {
    pub(crate) namespace: &'static str,
    pub(crate) name: &'static str,
    pub(crate) uid: &'static str,
    pub(crate) container: &'static str,
    pub(crate) command: Vec<String>,
    /// Path in the container and on the host; read-only, as all of it.
    pub(crate) mounts: Vec<(String, String)>,
    pub(crate) host_pid: bool,
    pub(crate) add: Vec<String>,
    pub(crate) drop: Vec<String>,
}

impl Containerd {
    /// Starts it, with its image; `None` where it cannot be.
    pub(crate) fn start() -> Result<Option<Self>> {
        let there = prerequisites::root()
            .and_then(|()| prerequisites::program("runc"))
            .and_then(|_| prerequisites::program("ctr"))
            .and_then(|_| prerequisites::program("containerd"));
        let Some(program) = prerequisites::or_skip(there)? else {
            return Ok(None);
        };
        let folder = TempDir::new()?;
        let at = |name: &str| folder.path().join(name);
        let configuration = format!(
            "version = 2\nroot = {root:?}\nstate = {state:?}\n[grpc]\naddress = {socket:?}\n\
             [plugins.\"io.containerd.grpc.v1.cri\"]\nsandbox_image = \"{IMAGE}\"\n\
             restrict_oom_score_adj = true\n",
            root = at("root"),
            state = at("state"),
            socket = at("socket"),
        );
        fs::write(at("config.toml"), configuration)?;
        let daemon = Command::new(program)
            .arg("--config")
            .arg(at("config.toml"))
            .stdout(Stdio::null())
            .stderr(fs::File::create(at("log"))?)
            .spawn()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let endpoint = Endpoint::from_shared(format!("unix://{}", at("socket").display()))?;
        let channel = runtime.block_on(async { endpoint.connect_lazy() });
        let containerd = Self {
            daemon,
            folder,
            runtime,
            channel,
            pods: Vec::new(),
        };
        until("containerd to answer", || {
            let asked: Result<Anything> = containerd.ask("Version", Anything {});
            Ok(asked.is_ok().then_some(()))
        })?;
        containerd.import()?;
        Ok(Some(containerd))
    }

    /// Its socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    /// What a container has written, as the runtime logs it.
    pub(crate) fn log(&self, pod: &Pod) -> Result<String> {
        Ok(fs::read_to_string(
            self.folder.path().join(pod.name).join("log"),
        )?)
    }

    /// Runs a pod in the network of the host.
    pub(crate) fn run(&mut self, pod: &Pod) -> Result<()> {
        let logs = self.folder.path().join(pod.name);
        fs::create_dir(&logs)?;
        let namespaces = NamespaceOption {
            network: NODE,
            pid: if pod.host_pid { NODE } else { 0 },
        };
        let sandbox = PodSandboxConfig {
            metadata: Some(PodSandboxMetadata {
                name: pod.name.to_owned(),
                uid: pod.uid.to_owned(),
                namespace: pod.namespace.to_owned(),
            }),
            log_directory: logs.display().to_string(),
            linux: Some(LinuxPodSandboxConfig {
                cgroup_parent: format!("/kubepods/besteffort/pod{}", pod.uid),
                security_context: Some(SandboxSecurityContext {
                    namespace_options: Some(namespaces),
                }),
            }),
        };
        let run = RunPodSandboxRequest {
            config: Some(sandbox.clone()),
        };
        let sandbox_id = self
            .ask::<_, RunPodSandboxResponse>("RunPodSandbox", run)?
            .pod_sandbox_id;
        self.pods.push(sandbox_id.clone());
        let create = CreateContainerRequest {
            pod_sandbox_id: sandbox_id,
            config: Some(config(pod, namespaces)),
            sandbox_config: Some(sandbox),
        };
        let created: CreateContainerResponse = self.ask("CreateContainer", create)?;
        let start = StartContainerRequest {
            container_id: created.container_id,
        };
        let _: Anything = self.ask("StartContainer", start)?;
        Ok(())
    }

    fn import(&self) -> Result<()> {
        let tree = self.folder.path().join("image");
        fs::create_dir(&tree)?;
        image(&tree)?;
        let output = Command::new(prerequisites::program("ctr")?)
            .arg("--address")
            .arg(self.socket())
            .args(["--namespace", "k8s.io", "images", "import"])
            .arg(tree.join("image.tar"))
            .output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{said}");
        Ok(())
    }

    fn ask<Question, Answer>(&self, method: &str, question: Question) -> Result<Answer>
    where
        Question: Message + Send + 'static,
        Answer: Message + Default + Send + 'static,
    {
        let path = PathAndQuery::try_from(format!("/runtime.v1.RuntimeService/{method}"))?;
        let codec: ProstCodec<Question, Answer> = ProstCodec::default();
        let asked = self.runtime.block_on(async {
            let mut client = Grpc::new(self.channel.clone());
            client.ready().await?;
            let mut question = tonic::Request::new(question);
            question.set_timeout(Duration::from_secs(60));
            Ok::<_, anyhow::Error>(client.unary(question, path, codec).await?)
        });
        Ok(asked.with_context(|| method.to_owned())?.into_inner())
    }
}

impl Drop for Containerd {
    fn drop(&mut self) {
        // What fails here leaves a process behind, and says so nowhere: the test has its result.
        for id in &self.pods {
            for method in ["StopPodSandbox", "RemovePodSandbox"] {
                let pod = PodSandboxRequest {
                    pod_sandbox_id: id.clone(),
                };
                let _: Result<Anything> = self.ask(method, pod);
            }
        }
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

fn config(pod: &Pod, namespaces: NamespaceOption) -> ContainerConfig {
    let host = HOST.map(|path| (path.to_owned(), path.to_owned()));
    let mounts = host.iter().chain(&pod.mounts);
    ContainerConfig {
        metadata: Some(ContainerMetadata {
            name: pod.container.to_owned(),
        }),
        image: Some(ImageSpec {
            image: IMAGE.to_owned(),
        }),
        command: pod.command.clone(),
        mounts: mounts
            .map(|(container, host)| Mount {
                container_path: container.clone(),
                host_path: host.clone(),
                readonly: true,
            })
            .collect(),
        log_path: "log".to_owned(),
        linux: Some(LinuxContainerConfig {
            security_context: Some(ContainerSecurityContext {
                capabilities: Some(Capability {
                    add_capabilities: pod.add.clone(),
                    drop_capabilities: pod.drop.clone(),
                }),
                namespace_options: Some(namespaces),
                readonly_rootfs: true,
                no_new_privs: true,
            }),
        }),
    }
}

/// Makes an image, as `docker save` writes it, in a folder.
fn image(folder: &Path) -> Result<()> {
    let script = r#"
set -e
cc -static -O1 -x c -o wait -
mkdir -p root/usr root/bin root/lib root/lib64 root/proc root/sys root/dev root/etc root/run root/work
mv wait root/wait
tar -C root -cf layer.tar .
sum=$(sha256sum layer.tar | cut -d' ' -f1)
echo '{"architecture":"amd64","os":"linux","config":{"Entrypoint":["/wait"]},"rootfs":{"type":"layers","diff_ids":["sha256:'$sum'"]}}' > config.json
echo '[{"Config":"config.json","RepoTags":["'"$1"'"],"Layers":["layer.tar"]}]' > manifest.json
tar -cf image.tar manifest.json config.json layer.tar
"#;
    let mut shell = Command::new("sh")
        .args(["-c", script, "sh", IMAGE])
        .current_dir(folder)
        .stdin(Stdio::piped())
        .spawn()?;
    let mut input = shell.stdin.take().context("stdin is piped")?;
    std::io::Write::write_all(&mut input, WAIT.as_bytes())?;
    drop(input);
    ensure!(shell.wait()?.success(), "the image cannot be made");
    Ok(())
}
