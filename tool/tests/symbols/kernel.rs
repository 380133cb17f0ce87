//! Code of the kernel, and the code that it gives to processes.

use anyhow::{Context, Result, ensure};
use copytax::model::Language;
use copytax::stack::symbols::Symbolizer;
use object::{Object, ObjectSymbol};

use crate::support::prerequisites;

#[test]
fn functions_of_the_kernel_have_their_names() -> Result<()> {
    if prerequisites::or_skip(prerequisites::root())?.is_none() {
        return Ok(());
    }
    let symbols = std::fs::read_to_string("/proc/kallsyms")?;
    let address_of = |name: &str| {
        let line = symbols
            .lines()
            .find(|line| line.ends_with(&format!(" {name}")));
        let address = line.and_then(|line| line.split(' ').next());
        address.and_then(|address| u64::from_str_radix(address, 16).ok())
    };
    let mut symbolizer = Symbolizer::default();
    for name in ["vfs_read", "rep_movs_alternative", "__x64_sys_read"] {
        let address = address_of(name).with_context(|| name.to_owned())?;
        let frame = symbolizer.kernel(address + 1);
        // The addresses are hidden where the kernel is told to.
        let expected = (address != 0).then_some(name);
        assert_eq!(frame.function.as_deref(), expected);
        assert_eq!(frame.module.as_deref(), Some("[kernel]"));
        assert_eq!(frame.language, Language::Kernel);
    }
    assert_eq!(symbolizer.kernel(0x1000).function, None);
    assert_eq!(symbolizer.kernel(u64::MAX).function, None);
    Ok(())
}

#[test]
fn functions_of_the_vdso_have_their_names() -> Result<()> {
    let memory = std::fs::read("/proc/self/maps")?;
    let maps = String::from_utf8(memory)?;
    let line = maps.lines().find(|line| line.ends_with("[vdso]"));
    let (start, rest) = line
        .and_then(|line| line.split_once('-'))
        .context("no vdso")?;
    let end = rest.split(' ').next().context("no end")?;
    let (start, end) = (
        u64::from_str_radix(start, 16)?,
        u64::from_str_radix(end, 16)?,
    );
    let mut image = vec![0; (end - start) as usize];
    let own = std::fs::File::open("/proc/self/mem")?;
    std::os::unix::fs::FileExt::read_exact_at(&own, &mut image, start)?;

    let object = object::File::parse(&*image)?;
    let mut symbolizer = Symbolizer::default();
    let mut named = 0;
    for symbol in object.dynamic_symbols() {
        if symbol.kind() != object::SymbolKind::Text || symbol.size() == 0 {
            continue;
        }
        let last = symbol.address() + symbol.size() - 1;
        let frames = symbolizer.vdso(last);
        let name = frames[0].function.as_deref().context("no name")?;
        // Each has two names.
        ensure!(
            symbol.name()?.trim_start_matches("__vdso_") == name.trim_start_matches("__vdso_"),
            "{name} for {}",
            symbol.name()?
        );
        assert_eq!(frames[0].module.as_deref(), Some("[vdso]"));
        named += 1;
    }
    ensure!(named > 2, "{named}");
    Ok(())
}
