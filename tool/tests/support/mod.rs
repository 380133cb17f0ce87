//! What tests share that watch real programs with the real tool.

pub(crate) mod audit;
pub(crate) mod certificate;
pub(crate) mod children;
pub(crate) mod ethtool;
pub(crate) mod golang;
pub(crate) mod http;
pub(crate) mod mounted;
pub(crate) mod patience;
pub(crate) mod ports;
pub(crate) mod prerequisites;
pub(crate) mod report;
pub(crate) mod strace;
