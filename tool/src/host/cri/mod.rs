//! Names of containers, from the runtime that runs them: containerd, CRI-O and others that serve Kubernetes' CRI.

mod messages;

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::time::Duration;

use http::uri::PathAndQuery;
use prost::Message;
use tokio::runtime::{Builder, Runtime};
use tonic::client::Grpc;
use tonic::transport::{Channel, Endpoint};
use tonic_prost::ProstCodec;

use crate::model::ContainerName;
use messages::{Everything, ListContainersResponse, ListPodSandboxResponse, PodSandboxMetadata};

/// How long the runtime may take for an answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Largest answer, bytes: as much as the kubelet takes (`maxMsgSize`, `pkg/kubelet/cri/remote`, Kubernetes 1.31).
const LARGEST: usize = 16 << 20;

/// The socket of a container runtime.
#[derive(Debug)]
pub struct RuntimeSocket {
    runtime: Runtime,
    channel: Channel,
}

impl RuntimeSocket {
    /// The one at `path`. It is connected to when something is asked.
    ///
    /// # Errors
    ///
    /// Those of the system, and of a path that is none.
    pub fn new(path: &Path) -> io::Result<Self> {
        let path = std::path::absolute(path)?;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let endpoint = Endpoint::from_shared(format!("unix://{}", path.display()));
        let endpoint = endpoint.map_err(io::Error::other)?;
        // A channel spawns a task.
        let guard = runtime.enter();
        let channel = endpoint
            .connect_timeout(PATIENCE)
            .timeout(PATIENCE)
            .connect_lazy();
        drop(guard);
        Ok(Self { runtime, channel })
    }

    /// Names of all containers, by id; also of those that hold the namespaces of pods.
    ///
    /// # Errors
    ///
    /// What the runtime says, or why it cannot be asked.
    pub fn containers(&self) -> io::Result<HashMap<String, ContainerName>> {
        let asked = self.runtime.block_on(async {
            let pods = self.ask::<ListPodSandboxResponse>("ListPodSandbox").await?;
            let containers = self.ask::<ListContainersResponse>("ListContainers").await?;
            Ok((pods, containers))
        });
        let (pods, containers) =
            asked.map_err(|status: tonic::Status| io::Error::other(reason(&status)))?;
        Ok(named(pods, containers))
    }

    async fn ask<Answer>(&self, method: &str) -> Result<Answer, tonic::Status>
    where
        Answer: Message + Default + Send + 'static,
    {
        let mut client = Grpc::new(self.channel.clone()).max_decoding_message_size(LARGEST);
        let ready = client.ready().await;
        ready.map_err(|error| tonic::Status::from_error(error.into()))?;
        let path = format!("/runtime.v1.RuntimeService/{method}");
        let path = PathAndQuery::try_from(path)
            .map_err(|error| tonic::Status::internal(error.to_string()))?;
        let codec: ProstCodec<Everything, Answer> = ProstCodec::default();
        let request = tonic::Request::new(Everything {});
        Ok(client.unary(request, path, codec).await?.into_inner())
    }
}

/// What has failed, with what lies below it.
fn reason(status: &tonic::Status) -> String {
    let mut reason = status.message().to_owned();
    let mut below = std::error::Error::source(status);
    while let Some(error) = below {
        reason = format!("{reason}: {error}");
        below = error.source();
    }
    reason
}

fn named(
    pods: ListPodSandboxResponse,
    containers: ListContainersResponse,
) -> HashMap<String, ContainerName> {
    let of_pod = |metadata: Option<PodSandboxMetadata>| {
        let metadata = metadata.unwrap_or_default();
        ContainerName {
            namespace: metadata.namespace,
            pod: metadata.name,
            container: String::new(),
        }
    };
    let pods = pods.items.into_iter();
    let mut names: HashMap<_, _> = pods.map(|pod| (pod.id, of_pod(pod.metadata))).collect();
    for container in containers.containers {
        let pod = names.get(&container.pod_sandbox_id).cloned();
        let name = ContainerName {
            container: container.metadata.unwrap_or_default().name,
            ..pod.unwrap_or_default()
        };
        names.insert(container.id, name);
    }
    names
}
