//! Functions of the kernel, from `/proc/kallsyms`.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};

/// Longest line that is looked at; names of the kernel have up to 512 bytes.
const LONGEST: u64 = 1 << 10;
/// Most symbols that are kept: a kernel with many modules has about 250,000.
const MOST: usize = 1 << 20;
/// Size of a page. `symbols__fixup_end` of perf (tools/perf/util/symbol.c, 6.12) gives the last symbol
/// of a part of the kernel the rest of its page and one more.
const PAGE: u64 = 4096;

/// Code of the running kernel and its modules. Some 4 MiB for 100,000 functions.
#[derive(Debug, Default)]
pub(super) struct Kernel {
    /// By address; of several at one address the first, as in the kernel's own traces.
    symbols: Vec<Symbol>,
    names: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
struct Symbol {
    address: u64,
    name: u32,
    length: u16,
    /// The module that it belongs to, by the order in which they come; 0 is the kernel itself.
    module: u16,
}

impl Kernel {
    /// Reads all of them: a tenth of a second, since the kernel prints them for this.
    pub(super) fn read() -> Self {
        match File::open("/proc/kallsyms").and_then(Self::parse) {
            Ok(kernel) => kernel,
            Err(error) => {
                tracing::debug!("/proc/kallsyms cannot be read: {error}");
                Self::default()
            }
        }
    }

    /// Parses lines such as `ffffffff81234560 t ext4_file_read_iter\t[ext4]`. Data are kept too, where
    /// functions end in front of them.
    fn parse(symbols: impl Read) -> io::Result<Self> {
        let mut lines = BufReader::with_capacity(64 << 10, symbols);
        let mut kernel = Self::default();
        let mut line = Vec::new();
        let mut modules: Vec<Vec<u8>> = vec![Vec::new()];
        while kernel.symbols.len() < MOST {
            line.clear();
            if (&mut lines).take(LONGEST).read_until(b'\n', &mut line)? == 0 {
                break;
            }
            if let Some((address, name, module)) = fields(&line) {
                // Modules come one after the other.
                if modules.last().is_none_or(|last| last != module) {
                    modules.push(module.to_vec());
                }
                kernel.add(address, name, modules.len() - 1);
            }
        }
        // Stable: the first of those at one address stays the first.
        kernel.symbols.sort_by_key(|symbol| symbol.address);
        kernel.symbols.dedup_by_key(|symbol| symbol.address);
        kernel.symbols.shrink_to_fit();
        Ok(kernel)
    }

    fn add(&mut self, address: u64, name: &[u8], module: usize) {
        let symbol = u32::try_from(self.names.len())
            .ok()
            .zip(u16::try_from(name.len()).ok())
            .zip(u16::try_from(module).ok())
            .map(|((at, length), module)| Symbol {
                address,
                name: at,
                length,
                module,
            });
        if let Some(symbol) = symbol {
            self.symbols.push(symbol);
            self.names.extend_from_slice(name);
        }
    }

    /// The function that an address is in; `None` where there is none, or where the kernel hides
    /// addresses (`kernel.kptr_restrict`).
    pub(super) fn function(&self, address: u64) -> Option<&str> {
        let behind = self
            .symbols
            .partition_point(|symbol| symbol.address <= address);
        let symbol = self.symbols.get(behind.checked_sub(1)?)?;
        // Sizes are not told, so each goes to the next; but a module does not go on to the next one.
        let next = self.symbols.get(behind);
        if next.is_none_or(|next| next.module != symbol.module) {
            let end = symbol.address.checked_next_multiple_of(PAGE)?;
            if address >= end.saturating_add(PAGE) {
                return None;
            }
        }
        let at = usize::try_from(symbol.name).ok()?;
        let name = self.names.get(at..at + usize::from(symbol.length))?;
        std::str::from_utf8(name).ok()
    }
}

/// Address, name and module of a line; `None` of a hidden address, and of one that is none.
fn fields(line: &[u8]) -> Option<(u64, &[u8], &[u8])> {
    let line = line.strip_suffix(b"\n")?;
    let end = line.iter().position(|byte| *byte == b' ')?;
    let address = std::str::from_utf8(&line[..end]).ok()?;
    let address = u64::from_str_radix(address, 16).ok()?;
    let kind = *line.get(end + 1)?;
    let symbol = line.get(end + 3..)?;
    let mut parts = symbol.splitn(2, |byte| *byte == b'\t');
    let name = parts.next()?;
    // Absolute ones are numbers, such as offsets of variables of each CPU.
    let is_code_or_data = !kind.eq_ignore_ascii_case(&b'a');
    (address != 0 && is_code_or_data && !name.is_empty())
        .then(|| (address, name, parts.next().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::Kernel;

    const SYMBOLS: &str = "0000000000000000 A fixed_percpu_data\n\
        ffffffff81000010 T first\n\
        ffffffff81000010 T alias\n\
        ffffffff81000100 t second\n\
        ffffffff81002000 D data\n\
        ffffffffc0002000 t later\t[two]\n\
        ffffffffc0001000 t inner\t[one]\n";

    fn function(address: u64) -> Option<String> {
        let kernel = Kernel::parse(SYMBOLS.as_bytes()).expect("memory can be read");
        kernel.function(address).map(str::to_owned)
    }

    #[test]
    fn functions_go_to_the_next() {
        assert_eq!(function(0xffff_ffff_8100_000f), None);
        assert_eq!(function(0xffff_ffff_8100_0010).as_deref(), Some("first"));
        assert_eq!(function(0xffff_ffff_8100_00ff).as_deref(), Some("first"));
        assert_eq!(function(0xffff_ffff_8100_0100).as_deref(), Some("second"));
        assert_eq!(function(0xffff_ffff_8100_1fff).as_deref(), Some("second"));
    }

    #[test]
    fn the_last_of_a_part_does_not_reach_into_the_next_part() {
        assert_eq!(function(0xffff_ffff_8100_2fff).as_deref(), Some("data"));
        assert_eq!(function(0xffff_ffff_8100_3000), None);
        assert_eq!(function(0xffff_ffff_c000_1fff).as_deref(), Some("inner"));
        assert_eq!(function(0xffff_ffff_c000_2001).as_deref(), Some("later"));
        assert_eq!(function(0xffff_ffff_c000_4000), None);
        assert_eq!(function(u64::MAX), None);
    }

    #[test]
    fn hidden_addresses_and_nonsense_name_nothing() {
        let text = "0000000000000000 T hidden\nffffffff81000000\n\nzz T x\nffffffff81000000 T \n1 ";
        let kernel = Kernel::parse(text.as_bytes()).expect("memory can be read");
        assert_eq!(kernel.function(u64::MAX), None);
        assert_eq!(kernel.function(0), None);
    }

    #[test]
    fn the_running_kernel_has_a_system_call() {
        let kernel = Kernel::read();
        let bytes = kernel.names.len() + kernel.symbols.len() * size_of_val(&kernel.symbols[..1]);
        assert!(bytes < 15 << 20, "{bytes}");
        for symbol in &kernel.symbols {
            assert!(kernel.function(symbol.address).is_some());
        }
    }
}
