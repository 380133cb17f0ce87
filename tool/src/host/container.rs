//! Container ids, as runtimes write them into cgroup paths.

/// Hexadecimal digits of a full container id.
const ID_DIGITS: usize = 64;

/// Prefixes of systemd scopes of containers. What else ends in an id (a conmon, a mount scope) is
/// not a container.
const SCOPES: [&str; 6] = [
    "docker-",
    "cri-containerd-",
    "crio-",
    "libpod-",
    "nerdctl-",
    "containerd-",
];

/// The id of the container that a cgroup path belongs to: 64 hexadecimal digits of an OCI runtime,
/// or the name of an LXC container.
///
/// The innermost container counts, so that one inside another is told apart from its host.
#[must_use]
pub fn id_of_path(path: &str) -> Option<&str> {
    let mut found = None;
    let mut parent = "";
    for component in path.split('/').filter(|component| !component.is_empty()) {
        if let Some(id) = id_of_component(parent, component) {
            found = Some(id);
        }
        parent = component;
    }
    found
}

/// The id that one directory names, given the name of its parent.
fn id_of_component<'path>(parent: &str, component: &'path str) -> Option<&'path str> {
    if is_id(component) {
        return Some(component);
    }
    if let Some(scope) = component.strip_suffix(".scope") {
        return SCOPES
            .iter()
            .find_map(|prefix| scope.strip_prefix(prefix))
            .filter(|id| is_id(id));
    }
    if let Some(name) = component.strip_prefix("lxc.payload.") {
        return (!name.is_empty()).then_some(name);
    }
    matches!(parent, "lxc" | "lxc.payload").then_some(component)
}

/// Whether this is a full id of an OCI runtime.
fn is_id(text: &str) -> bool {
    text.len() == ID_DIGITS && is_hex(text)
}

/// Whether these are hexadecimal digits, as runtimes write them.
pub(crate) fn is_hex(text: &str) -> bool {
    text.bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[test]
    fn runtimes() {
        for path in [
            format!("/system.slice/docker-{ID}.scope"),
            format!("/docker/{ID}"),
            format!("/kubepods.slice/kubepods-pod1.slice/cri-containerd-{ID}.scope"),
            format!("/kubepods.slice/kubepods-besteffort.slice/crio-{ID}.scope/sub"),
            format!("/machine.slice/libpod-{ID}.scope/container"),
            format!("/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{ID}.scope"),
            format!("/kubepods/burstable/podaf2e/{ID}"),
            format!("/ecs/task/{ID}"),
            format!("/../../docker/{ID}"),
        ] {
            assert_eq!(id_of_path(&path), Some(ID), "{path}");
        }
        assert_eq!(id_of_path("/lxc/web/system.slice"), Some("web"));
        assert_eq!(id_of_path("/lxc.payload.web/init.scope"), Some("web"));
    }

    #[test]
    fn no_containers() {
        for path in [
            "/".to_owned(),
            String::new(),
            "/system.slice/nginx.service".to_owned(),
            format!("/machine.slice/libpod-conmon-{ID}.scope"),
            format!("/system.slice/{}", &ID[1..]),
            format!("/system.slice/docker-{ID}.mount"),
            "/lxc".to_owned(),
        ] {
            assert_eq!(id_of_path(&path), None, "{path}");
        }
    }

    #[test]
    fn innermost_container() {
        let inner = ID.replace('0', "f");
        assert_eq!(
            id_of_path(&format!("/docker/{ID}/docker/{inner}")),
            Some(inner.as_str())
        );
    }
}
