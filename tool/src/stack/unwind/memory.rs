//! The memory that was copied of a stack.

/// Memory of a process from some address on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Memory<'sample> {
    start: u64,
    bytes: &'sample [u8],
}

impl<'sample> Memory<'sample> {
    /// `bytes` as they were from `start` on.
    pub(super) fn new(start: u64, bytes: &'sample [u8]) -> Self {
        Self { start, bytes }
    }

    /// The word at an address, if all of it was copied.
    pub(super) fn read(self, address: u64) -> Option<u64> {
        let offset = usize::try_from(address.checked_sub(self.start)?).ok()?;
        let bytes = self.bytes.get(offset..)?.first_chunk()?;
        Some(u64::from_le_bytes(*bytes))
    }

    /// The lowest `size` bytes, up to 8, of the word at an address.
    pub(super) fn read_part(self, address: u64, size: u8) -> Option<u64> {
        let offset = usize::try_from(address.checked_sub(self.start)?).ok()?;
        let part = self.bytes.get(offset..)?.get(..usize::from(size))?;
        let mut word = [0; 8];
        word.get_mut(..part.len())?.copy_from_slice(part);
        Some(u64::from_le_bytes(word))
    }

    /// Whether an address is behind what was copied.
    pub(super) fn ends_before(self, address: u64) -> bool {
        address
            .checked_sub(self.start)
            .is_some_and(|offset| offset.saturating_add(8) > self.bytes.len() as u64)
    }

    /// Whether the word at an address was copied.
    pub(super) fn holds(self, address: u64) -> bool {
        self.read(address).is_some()
    }
}
