use super::*;

fn containers(ids: &[&str]) -> BTreeMap<String, PathBuf> {
    ids.iter()
        .map(|id| ((*id).to_owned(), Path::new("/c").join(id)))
        .collect()
}

#[test]
fn container_by_id_prefix_and_name() {
    let one = "0123456789abcdef".repeat(4);
    let two = format!("01234567ffff{}", "0".repeat(52));
    let map = containers(&[&one, &two, "web"]);
    let path =
        |id: &str| choose_container(&map, id).map(|path| path.to_string_lossy().into_owned());
    assert_eq!(path(&one), Ok(format!("/c/{one}")));
    assert_eq!(path(&one[..12]), Ok(format!("/c/{one}")));
    assert_eq!(path(&one[..12].to_uppercase()), Ok(format!("/c/{one}")));
    assert_eq!(path("web"), Ok("/c/web".to_owned()));
    assert_eq!(path("we"), Err(CgroupError::NoContainer("we".to_owned())));
    assert_eq!(
        path("0123456"),
        Err(CgroupError::BadContainerId("0123456".to_owned()))
    );
    assert_eq!(
        path("ffffffff"),
        Err(CgroupError::NoContainer("ffffffff".to_owned()))
    );
    assert!(matches!(
        path("01234567"),
        Err(CgroupError::Ambiguous { count: 2, .. })
    ));
    let hostile = path("\u{1b}[31m")
        .expect_err("no such container")
        .to_string();
    assert!(!hostile.contains('\u{1b}'), "{hostile}");
}

#[test]
fn without_a_hierarchy_nothing_is_found() {
    let hierarchy = Hierarchy {
        mount: PathBuf::from("/nonexistent"),
        base: Some(0),
    };
    assert!(matches!(
        hierarchy.cgroup(Path::new("/a")),
        Err(CgroupError::NotFound { .. })
    ));
    assert!(hierarchy.paths().is_empty());
}

#[test]
fn a_plain_directory_is_no_cgroup() {
    let directory = tempfile::tempdir().expect("a directory");
    let hierarchy = Hierarchy {
        mount: directory.path().to_owned(),
        base: Some(0),
    };
    assert!(matches!(
        hierarchy.cgroup(directory.path()),
        Err(CgroupError::NotACgroup { .. })
    ));
    assert!(matches!(
        hierarchy.cgroup(Path::new("/")),
        Err(CgroupError::NotACgroup { .. })
    ));
}

/// Only root may make cgroups; elsewhere the rest of the tests has to do.
#[test]
fn a_real_cgroup_in_each_spelling() {
    let Ok(hierarchy) = Hierarchy::find() else {
        return;
    };
    let name = format!("copytax-test-{}", std::process::id());
    let parent = hierarchy.mount().join(&name);
    let id = "5eed".repeat(16);
    let directory = parent.join(format!("docker-{id}.scope"));
    if std::fs::create_dir_all(directory.join("init.scope")).is_err() {
        return;
    }
    let relative = PathBuf::from(format!("{name}/docker-{id}.scope"));
    let found: Vec<_> = [
        relative.clone(),
        Path::new("/").join(&relative),
        directory.clone(),
    ]
    .iter()
    .map(|path| hierarchy.cgroup(path))
    .collect();
    let by_container = hierarchy.container(&id[..8]);
    let paths = hierarchy.paths();
    for path in [directory.join("init.scope"), directory, parent] {
        std::fs::remove_dir(path).expect("an empty cgroup");
    }

    let first = found[0].as_ref().cloned().expect("a cgroup");
    assert_eq!(first.path, format!("/{}", relative.display()));
    assert_eq!(first.level, 2 + hierarchy.base.expect("a level"));
    assert!(
        found.iter().all(|cgroup| cgroup.as_ref() == Ok(&first)),
        "{found:?}"
    );
    assert_eq!(by_container, Ok(first.clone()));
    assert_eq!(paths.get(&first.id), Some(&first.path));
}

#[test]
fn a_path_outside_of_the_hierarchy() {
    let Ok(hierarchy) = Hierarchy::find() else {
        return;
    };
    for path in ["/nonexistent/cgroup", "nonexistent", "../..", "/tmp"] {
        assert!(hierarchy.cgroup(Path::new(path)).is_err(), "{path}");
    }
    let message = hierarchy
        .cgroup(Path::new("/tmp\u{7}"))
        .expect_err("none")
        .to_string();
    assert!(!message.contains('\u{7}'), "{message}");
}
