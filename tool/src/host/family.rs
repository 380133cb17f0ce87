//! Which process a thread belongs to, and which processes descend from others.

use std::collections::{HashMap, HashSet};
use std::fs;

/// The process that the thread or process `id` belongs to; `None` where there is none.
#[must_use]
pub fn thread_group(id: u32) -> Option<u32> {
    field(&status(id)?, "Tgid")
}

/// Whether /proc shows processes at all.
#[must_use]
pub fn sees_processes() -> bool {
    thread_group(std::process::id()).is_some()
}

/// All processes that descend from `ancestors`, these left out.
#[must_use]
pub fn descendants(ancestors: &[u32]) -> Vec<u32> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for pid in pids() {
        if let Some(parent) = status(pid).and_then(|status| field(&status, "PPid")) {
            children.entry(parent).or_default().push(pid);
        }
    }
    let mut seen: HashSet<u32> = ancestors.iter().copied().collect();
    let mut queue = ancestors.to_vec();
    let mut found = Vec::new();
    while let Some(pid) = queue.pop() {
        for child in children.get(&pid).into_iter().flatten() {
            if seen.insert(*child) {
                found.push(*child);
                queue.push(*child);
            }
        }
    }
    found
}

fn pids() -> impl Iterator<Item = u32> {
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

fn status(id: u32) -> Option<String> {
    let bytes = fs::read(format!("/proc/{id}/status")).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn field(status: &str, name: &str) -> Option<u32> {
    status
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
        .and_then(|value| value.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use std::process::{self, Command};
    use std::thread;

    use super::{descendants, field, thread_group};

    #[test]
    fn a_hostile_name_is_no_field() {
        let status = "Name:\ta\\nTgid:\t1\nTgid:\t42\nPPid:\t7\n";
        assert_eq!(field(status, "Tgid"), Some(42));
        assert_eq!(field(status, "PPid"), Some(7));
        assert_eq!(field("", "PPid"), None);
    }

    #[test]
    fn a_thread_belongs_to_its_process() {
        let found = thread::spawn(|| {
            let thread = rustix::thread::gettid().as_raw_nonzero().get() as u32;
            (thread, thread_group(thread))
        });
        let (thread, group) = found.join().expect("it does not panic");
        assert_ne!(thread, process::id());
        assert_eq!(group, Some(process::id()));
    }

    #[test]
    fn a_child_descends_from_this_process() {
        let mut child = Command::new("sleep").arg("60").spawn().expect("sleep");
        let found = descendants(&[process::id()]);
        child.kill().expect("it runs");
        child.wait().expect("it ends");
        assert!(found.contains(&child.id()));
        assert!(!found.contains(&process::id()));
    }
}
