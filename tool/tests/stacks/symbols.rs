//! Names of functions, to say what is expected.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Result;
use object::{Object, ObjectSymbol, SymbolKind};

/// Functions of a program by their addresses.
pub(crate) struct Symbols(BTreeMap<u64, String>);

impl Symbols {
    /// Reads its symbol table.
    pub(crate) fn read(program: &Path) -> Result<Self> {
        let bytes = fs::read(program)?;
        let file = object::File::parse(&*bytes)?;
        let symbols = file
            .symbols()
            // Assembly may not say what its symbols are.
            .filter(|symbol| matches!(symbol.kind(), SymbolKind::Text | SymbolKind::Unknown))
            .filter(|symbol| symbol.is_definition() || symbol.kind() == SymbolKind::Unknown);
        let symbols = symbols.map(|symbol| Ok((symbol.address(), symbol.name()?.to_owned())));
        symbols.collect::<Result<_>>().map(Self)
    }

    /// The function that an address is in.
    pub(crate) fn name(&self, address: u64) -> &str {
        let symbol = self.0.range(..=address).next_back();
        symbol.map_or("", |(_, name)| name)
    }
}
