//! All modules, so that processes share those that they have in common.

use std::collections::HashMap;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::sync::{Arc, Weak};

use super::{Module, ModuleKind, open};
use crate::stack::maps::Mapping;

/// What makes two opened files the same. While a file is open, no other one gets its inode number.
type FileKey = (u64, u64, u64, i64, i64);

/// The modules of all processes. A module stays as long as something refers to it.
#[derive(Debug, Default)]
pub(in crate::stack) struct Modules {
    files: HashMap<FileKey, Weak<Module>>,
    /// There is one for each ABI that the kernel offers, but a process can write into its own.
    vdsos: Vec<(Vec<u8>, Weak<Module>)>,
}

impl Modules {
    /// The module of a mapping that belongs to the process of a `/proc/PID` directory.
    pub(in crate::stack) fn of_mapping(
        &mut self,
        process: &OwnedFd,
        mapping: &Mapping,
    ) -> Arc<Module> {
        if mapping.name == b"[vdso]" {
            return self.vdso(process, mapping);
        }
        let name = open::name_in_root(process, mapping);
        let name = String::from_utf8_lossy(&name).into();
        let Some(file) = open::mapped(process, mapping) else {
            return Arc::new(Module::new(ModuleKind::File, name, None));
        };
        let Some(key) = key(&file) else {
            return Arc::new(Module::new(ModuleKind::File, name, Some(file)));
        };
        if let Some(module) = self.files.get(&key).and_then(Weak::upgrade) {
            return module;
        }
        self.files.retain(|_, module| module.strong_count() > 0);
        let module = Arc::new(Module::new(ModuleKind::File, name, Some(file)));
        self.files.insert(key, Arc::downgrade(&module));
        module
    }

    fn vdso(&mut self, process: &OwnedFd, mapping: &Mapping) -> Arc<Module> {
        let name = Arc::from("[vdso]");
        let Some((file, image)) = open::vdso(process, mapping) else {
            return Arc::new(Module::new(ModuleKind::Vdso, name, None));
        };
        let known = self.vdsos.iter().find(|(known, _)| *known == image);
        if let Some(module) = known.and_then(|(_, module)| module.upgrade()) {
            return module;
        }
        self.vdsos.retain(|(_, module)| module.strong_count() > 0);
        let module = Arc::new(Module::new(ModuleKind::Vdso, name, Some(file)));
        self.vdsos.push((image, Arc::downgrade(&module)));
        module
    }
}

fn key(file: &File) -> Option<FileKey> {
    let facts = file.metadata().ok()?;
    Some((
        facts.dev(),
        facts.ino(),
        facts.size(),
        facts.mtime(),
        facts.mtime_nsec(),
    ))
}
