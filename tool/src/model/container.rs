//! What a container is called.

/// Names that Kubernetes has given. They come from its users and are untrusted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContainerName {
    /// Namespace of the pod.
    pub namespace: String,
    /// Name of the pod.
    pub pod: String,
    /// Name of the container in the pod; empty for the one that holds the pod's namespaces.
    pub container: String,
}
