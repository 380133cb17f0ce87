//! What was found out about addresses of code, to be found again at once.

/// A cache of fixed size: an entry takes the place of another one, if need be.
#[derive(Debug)]
pub(super) struct Cache<T> {
    entries: Box<[Option<(Key, T)>]>,
}

/// A module's number, and an address in it.
type Key = (u32, u64);

impl<T: Copy> Cache<T> {
    /// Entries; a power of two. A busy server has some hundred addresses on its stacks.
    const ENTRIES: usize = 1 << 13;

    /// An empty cache.
    pub(super) fn new() -> Self {
        Self {
            entries: vec![None; Self::ENTRIES].into(),
        }
    }

    /// What is known of an address.
    pub(super) fn get(&self, module: u32, address: u64) -> Option<T> {
        let key = (module, address);
        self.entries[place(key)]
            .as_ref()
            .filter(|(known, _)| *known == key)
            .map(|(_, value)| *value)
    }

    /// Remembers what was found out.
    pub(super) fn put(&mut self, module: u32, address: u64, value: T) {
        let key = (module, address);
        self.entries[place(key)] = Some((key, value));
    }
}

/// Where an address belongs: the upper bits of a product that all bits of the key have a part in.
fn place((module, address): Key) -> usize {
    let mixed = (address ^ u64::from(module) << 48).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> (64 - 13)) as usize
}
