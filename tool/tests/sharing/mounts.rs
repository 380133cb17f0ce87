//! File systems of a namespace's own.

use std::ffi::CString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::case::Stop;

/// Bytes of an image, most of them a hole: xfs wants 300 MiB.
const IMAGE: u64 = 512 << 20;

/// Leaves the mounts of everyone else; those made from here on go with the process.
pub(crate) fn own_namespace() -> io::Result<()> {
    // SAFETY: no memory is involved.
    check(unsafe { libc::unshare(libc::CLONE_NEWNS) })?;
    mount(
        "none",
        Path::new("/"),
        "",
        libc::MS_REC | libc::MS_PRIVATE,
        "",
    )
}

fn check(result: i32) -> io::Result<()> {
    if result == 0 {
        return Ok(());
    }
    Err(io::Error::last_os_error())
}

/// Mounts a file system.
pub(crate) fn mount(
    source: &str,
    target: &Path,
    kind: &str,
    flags: libc::c_ulong,
    options: &str,
) -> io::Result<()> {
    let target = CString::new(target.as_os_str().as_encoded_bytes())?;
    let [source, kind, options] = [source, kind, options].map(CString::new);
    let (source, kind, options) = (source?, kind?, options?);
    // SAFETY: a call on memory that lives as long as it runs.
    check(unsafe {
        libc::mount(
            source.as_ptr(),
            target.as_ptr(),
            kind.as_ptr(),
            flags,
            options.as_ptr().cast(),
        )
    })
}

/// Unmounts a file system, as soon as nobody uses it.
pub(crate) fn unmount(point: &Path) -> io::Result<()> {
    let point = CString::new(point.as_os_str().as_encoded_bytes())?;
    // SAFETY: a call on memory that lives as long as it runs.
    check(unsafe { libc::umount2(point.as_ptr(), libc::MNT_DETACH) })
}

/// Whether the kernel has a file system.
pub(crate) fn known(kind: &str) -> Result<(), Stop> {
    let all = std::fs::read_to_string("/proc/filesystems")?;
    if all
        .lines()
        .any(|line| line.rsplit('\t').next() == Some(kind))
    {
        return Ok(());
    }
    Err(Stop::Unavailable(format!("this kernel has no {kind}")))
}

fn made(folder: &Path, name: &str) -> io::Result<PathBuf> {
    let path = folder.join(name);
    std::fs::create_dir(&path)?;
    Ok(path)
}

/// A new tmpfs.
pub(crate) fn tmpfs(folder: &Path) -> Result<PathBuf, Stop> {
    let point = made(folder, "tmpfs")?;
    mount("none", &point, "tmpfs", 0, "")?;
    Ok(point)
}

/// A new file system on a loop device.
pub(crate) fn on_loop(kind: &str, folder: &Path) -> Result<PathBuf, Stop> {
    known(kind)?;
    let image = folder.join("image");
    std::fs::File::create(&image)?.set_len(IMAGE)?;
    run(Command::new(format!("mkfs.{kind}")).arg("-q").arg(&image))?;
    let device = loop_device(&image)?;
    let point = made(folder, kind)?;
    mount(&device.0, &point, kind, 0, "")?;
    Ok(point)
}

/// A loop device; it goes when it is used no more.
pub(crate) struct LoopDevice(pub(crate) String);

impl Drop for LoopDevice {
    fn drop(&mut self) {
        // What is still mounted keeps it until then.
        let _ = run(Command::new("losetup").arg("-d").arg(&self.0));
    }
}

/// A device with the bytes of `image`.
pub(crate) fn loop_device(image: &Path) -> Result<LoopDevice, Stop> {
    if !Path::new("/dev/loop-control").exists() {
        return Err(Stop::Unavailable("there are no loop devices".to_owned()));
    }
    let device = run(Command::new("losetup").args(["-f", "--show"]).arg(image))?;
    Ok(LoopDevice(device.trim().to_owned()))
}

/// An overlay, and the folder below it that its files lie in.
pub(crate) fn overlay(folder: &Path) -> Result<(PathBuf, PathBuf), Stop> {
    known("overlay")?;
    let base = tmpfs(folder)?;
    let [lower, upper, work, merged] = ["lower", "upper", "work", "merged"];
    let (lower, upper) = (made(&base, lower)?, made(&base, upper)?);
    let (work, merged) = (made(&base, work)?, made(&base, merged)?);
    let options = format!(
        "lowerdir={},upperdir={},workdir={}",
        lower.display(),
        upper.display(),
        work.display()
    );
    mount("none", &merged, "overlay", 0, &options)?;
    Ok((merged, lower))
}

/// Runs a program to its end, and gives back what it printed.
pub(crate) fn run(command: &mut Command) -> Result<String, Stop> {
    let output = command.output().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            let name = command.get_program().to_string_lossy();
            Stop::Missing(format!(
                "{name} is not installed; run `cargo xtask setup --tests`"
            ))
        }
        _ => Stop::from(error),
    })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Stop::Failed(format!("{command:?}: {said}")))
}
