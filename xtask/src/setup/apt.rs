//! Debian packages.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::shell;

/// Asked by package scripts before they start a service; 101 forbids it.
const POLICY: &str = "/usr/sbin/policy-rc.d";

/// Our policy, recognisable so that one left by an interrupted run is taken away.
const NO_SERVICES: &str =
    "#!/bin/sh\n# cargo xtask setup is installing: start no service\nexit 101\n";

/// The package manager, and what this run knows about its lists.
#[derive(Debug, Default)]
pub(super) struct Apt {
    refreshed: bool,
}

impl Apt {
    /// Installs packages, refreshing the lists once if they lack one or are out of date.
    pub(super) fn install(&mut self, packages: &[&str]) -> Result<()> {
        let names = packages.join(" ");
        if which::which("apt-get").is_err() {
            bail!("this is no Debian: install what its packages {names} hold by hand");
        }
        shell::require_root(&format!(
            "`cargo xtask setup` installs Debian packages ({names}) and"
        ))?;
        let _quiet = NoServices::begin()?;
        let listed = |name: &&str| shell::output("apt-cache", &["show", name]).is_some();
        if !packages.iter().all(listed) {
            self.refresh()?;
        }
        match shell::run(&mut install_command(packages)) {
            Err(_) if !self.refreshed => {
                self.refresh()?;
                shell::run(&mut install_command(packages))
            }
            outcome => outcome,
        }
    }

    /// What the lists say about a package, once they were refreshed if they lack it.
    pub(super) fn show(&mut self, package: &str) -> Result<String> {
        let show = || shell::output("apt-cache", &["show", "--no-all-versions", package]);
        if let Some(found) = show() {
            return Ok(found);
        }
        self.refresh()?;
        show().with_context(|| format!("apt-cache knows no package {package}"))
    }

    /// Downloads a package into a folder, without installing it, and gives the file.
    pub(super) fn download(&mut self, package: &str, into: &Path) -> Result<PathBuf> {
        let command = || {
            // The folder is not the user's that apt would otherwise become.
            let mut command = apt_get(&["download", "-qq", "-o", "APT::Sandbox::User=root"]);
            command.arg(package).current_dir(into);
            command
        };
        if shell::run(&mut command()).is_err() {
            // The lists are out of date: the file is no longer there.
            self.refresh()?;
            shell::run(&mut command())?;
        }
        let mut files = fs::read_dir(into)?;
        let file = files.next().context("apt-get has downloaded nothing")??;
        Ok(file.path())
    }

    fn refresh(&mut self) -> Result<()> {
        if !self.refreshed {
            shell::run(&mut apt_get(&["update", "-qq"]))?;
            self.refreshed = true;
        }
        Ok(())
    }
}

fn install_command(packages: &[&str]) -> Command {
    let mut command = apt_get(&["install", "-qq", "--no-install-recommends"]);
    command.args(packages);
    command
}

fn apt_get(args: &[&str]) -> Command {
    let mut command = Command::new("apt-get");
    command
        .env("DEBIAN_FRONTEND", "noninteractive")
        .args(["-o", "DPkg::Lock::Timeout=300"])
        .args(args);
    command
}

/// While it lives, installing a server does not start it.
struct NoServices {
    ours: bool,
}

impl NoServices {
    fn begin() -> Result<Self> {
        if fs::read_to_string(POLICY).is_ok_and(|policy| policy == NO_SERVICES) {
            fs::remove_file(POLICY)?;
        }
        if Path::new(POLICY).exists() {
            return Ok(Self { ours: false });
        }
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o755)
            .open(POLICY)?
            .write_all(NO_SERVICES.as_bytes())?;
        Ok(Self { ours: true })
    }
}

impl Drop for NoServices {
    fn drop(&mut self) {
        if self.ours
            && let Err(error) = fs::remove_file(POLICY)
        {
            eprintln!("xtask: {POLICY} stays, and forbids services to start: {error}");
        }
    }
}
