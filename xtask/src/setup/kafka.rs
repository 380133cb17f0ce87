//! Libraries of Kafka, from a Python package that carries them for Flink.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};

use super::apt::Apt;
use super::{State, Step, pip};
use crate::{shell, workspace};

/// The package; what it has of Kafka is 3.9.1.
const PACKAGE: &str = "shigawire-apache-flink-libraries==2.0.0.post1";

/// What the tests take of it, and its SHA-256: the package is not of those who make Kafka.
const JAR: &str = "pyflink/lib/kafka-clients.jar";
const SHA256: &str = "7568b998572d256f0b7bc0afdc1b7a2588b8b08415c62ce314c864a6851ae9d9";

/// The step that provides them, below the testbed.
#[derive(Debug)]
pub(super) struct Kafka;

impl Kafka {
    fn directory() -> Result<PathBuf> {
        Ok(workspace::testbed_dir()?.join("kafka"))
    }
}

impl Step for Kafka {
    fn name(&self) -> String {
        "Kafka for the tests".to_owned()
    }

    fn probe(&self) -> State {
        State::of_testbed("kafka", Self::directory().map(|folder| has_jar(&folder)))
    }

    fn provide(&self, apt: &mut Apt) -> Result<()> {
        let folder = Self::directory()?;
        pip::install(apt, &folder, &["--no-deps", PACKAGE])?;
        ensure!(
            has_jar(&folder),
            "{PACKAGE} has another {JAR} than expected"
        );
        Ok(())
    }
}

/// Whether the folder has the jar, and it is the one that is known.
fn has_jar(folder: &Path) -> bool {
    let jar = folder.join(JAR).display().to_string();
    let sum = shell::output("sha256sum", &["--", &jar]);
    sum.is_some_and(|sum| sum.starts_with(SHA256))
}
