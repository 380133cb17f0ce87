//! Libraries of Kafka, from a Python package that carries them for Flink.

use std::path::PathBuf;

use anyhow::Result;

use super::apt::Apt;
use super::{State, Step, pip};
use crate::workspace;

/// The package; what it has of Kafka is 3.9.1.
const PACKAGE: &str = "shigawire-apache-flink-libraries==2.0.0.post1";

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
        match Self::directory() {
            Ok(folder) if folder.join("pyflink/lib/kafka-clients.jar").exists() => {
                State::Have("testbed/kafka".to_owned())
            }
            Ok(_) => State::Missing("not in the testbed".to_owned()),
            Err(error) => State::Missing(format!("{error:#}")),
        }
    }

    fn provide(&self, apt: &mut Apt) -> Result<()> {
        pip::install(apt, &Self::directory()?, &["--no-deps", PACKAGE])
    }
}
