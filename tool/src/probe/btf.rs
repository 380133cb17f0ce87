//! The few things that are asked of the kernel's BTF, found without an index of all of it.
//!
//! A kernel describes more than 100,000 types. Copying and indexing them takes longer than loading
//! every program; one pass that remembers where each type lies takes a few milliseconds.
//!
//! The format: `Documentation/bpf/btf.rst` of the kernel.

use crate::probe::ProbeError;

/// `struct btf_header`: its magic number, in the byte order of the machine.
const MAGIC: u16 = 0xeb9f;
/// `struct btf_header`: its only version.
const VERSION: u8 = 1;
/// `struct btf_header`: its size.
const HEADER_SIZE: u32 = 24;
/// `struct btf_type`: name, info, and size or type.
const TYPE_SIZE: usize = 12;
/// `struct btf_member`: name, type, offset.
const MEMBER_SIZE: usize = 12;
/// `struct btf_enum`: name, value.
const ENUMERATOR_SIZE: usize = 8;

const KIND_INT: u32 = 1;
const KIND_PTR: u32 = 2;
const KIND_ARRAY: u32 = 3;
const KIND_STRUCT: u32 = 4;
const KIND_UNION: u32 = 5;
const KIND_ENUM: u32 = 6;
const KIND_FWD: u32 = 7;
const KIND_TYPEDEF: u32 = 8;
const KIND_VOLATILE: u32 = 9;
const KIND_CONST: u32 = 10;
const KIND_RESTRICT: u32 = 11;
const KIND_FUNC: u32 = 12;
const KIND_FUNC_PROTO: u32 = 13;
const KIND_VAR: u32 = 14;
const KIND_DATASEC: u32 = 15;
const KIND_FLOAT: u32 = 16;
const KIND_DECL_TAG: u32 = 17;
const KIND_TYPE_TAG: u32 = 18;
const KIND_ENUM64: u32 = 19;

/// Modifiers and anonymous types that are followed before a chain counts as endless.
const MAX_DEPTH: u32 = 32;

/// The kernel's types.
pub(crate) struct Btf<'a> {
    /// The section of types.
    types: &'a [u8],
    /// The section of strings.
    strings: &'a [u8],
    /// The strings that a module's offsets begin with: the kernel's.
    base_strings: &'a [u8],
    /// Types that a module's ids begin with: the kernel's.
    base_types: u32,
    /// Where the type with id `base_types` + i + 1 begins in `types`.
    offsets: Vec<u32>,
    /// Ids of the structures.
    structures: Vec<u32>,
    /// Ids of the enumerations of 32 bits.
    enumerations: Vec<u32>,
    /// Ids of the functions.
    functions: Vec<u32>,
    /// Ids of the type names.
    names: Vec<u32>,
}

/// One type.
#[derive(Clone, Copy)]
struct Type {
    kind: u32,
    /// Where it begins.
    offset: usize,
    name: u32,
    members: u32,
    /// Whether the upper bits of a member's offset are the size of a bitfield.
    kind_flag: bool,
    /// The type that a modifier is about, or the size of a structure.
    target: u32,
}

impl<'a> Btf<'a> {
    /// Goes over `bytes` once.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, ProbeError> {
        Self::parse_above(bytes, &[], 0)
    }

    /// The types of a module, which go on where those of the `kernel` end. Only its own can be
    /// asked for.
    pub(crate) fn parse_module(bytes: &'a [u8], kernel: &Btf<'a>) -> Result<Self, ProbeError> {
        Self::parse_above(bytes, kernel.strings, kernel.offsets.len() as u32)
    }

    fn parse_above(
        bytes: &'a [u8],
        base_strings: &'a [u8],
        base_types: u32,
    ) -> Result<Self, ProbeError> {
        let word = |at| word(bytes, at).ok_or_else(|| damaged("its header is cut off"));
        let magic = bytes.first_chunk().map(|two| u16::from_ne_bytes(*two));
        if magic != Some(MAGIC) {
            return Err(damaged("it has no BTF header"));
        }
        let header = word(4)?;
        let section = |start: u32, length: u32| {
            let start = header as usize + start as usize;
            bytes
                .get(start..start + length as usize)
                .ok_or_else(|| damaged("a section is cut off"))
        };
        let mut btf = Btf {
            types: section(word(8)?, word(12)?)?,
            strings: section(word(16)?, word(20)?)?,
            base_strings,
            base_types,
            offsets: Vec::new(),
            structures: Vec::new(),
            enumerations: Vec::new(),
            functions: Vec::new(),
            names: Vec::new(),
        };
        // Most types are pointers and the like, of just TYPE_SIZE; this is near enough.
        btf.offsets.reserve(btf.types.len() / (2 * TYPE_SIZE));
        btf.scan()?;
        Ok(btf)
    }

    fn scan(&mut self) -> Result<(), ProbeError> {
        let mut offset = 0;
        while offset < self.types.len() {
            let found = self
                .type_at(offset)
                .ok_or_else(|| damaged("a type is cut off"))?;
            self.offsets.push(offset as u32);
            let id = self.base_types + self.offsets.len() as u32;
            match found.kind {
                KIND_STRUCT => self.structures.push(id),
                KIND_ENUM => self.enumerations.push(id),
                KIND_FUNC => self.functions.push(id),
                KIND_TYPEDEF => self.names.push(id),
                _ => {}
            }
            offset += TYPE_SIZE + found.size_of_rest()?;
        }
        Ok(())
    }

    fn type_at(&self, offset: usize) -> Option<Type> {
        let info = word(self.types, offset + 4)?;
        Some(Type {
            kind: info >> 24 & 0x1f,
            offset,
            name: word(self.types, offset)?,
            members: info & 0xffff,
            kind_flag: info >> 31 != 0,
            target: word(self.types, offset + 8)?,
        })
    }

    fn by_id(&self, id: u32) -> Option<Type> {
        let index = id.checked_sub(self.base_types + 1)? as usize;
        self.type_at(*self.offsets.get(index)? as usize)
    }

    fn is_named(&self, name: u32, wanted: &str) -> bool {
        let name = name as usize;
        let own = name.checked_sub(self.base_strings.len());
        own.map_or(self.base_strings.get(name..), |own| self.strings.get(own..))
            .and_then(|rest| rest.strip_prefix(wanted.as_bytes()))
            .is_some_and(|rest| rest.first() == Some(&0))
    }

    fn first_named(&self, ids: &[u32], wanted: &str) -> Option<u32> {
        ids.iter().copied().find(|id| {
            self.by_id(*id)
                .is_some_and(|found| self.is_named(found.name, wanted))
        })
    }

    /// The id of `struct name`.
    pub(crate) fn structure(&self, name: &str) -> Option<u32> {
        self.first_named(&self.structures, name)
    }

    /// Bytes of the structure with this id.
    pub(crate) fn size(&self, structure: u32) -> Option<u32> {
        Some(self.by_id(structure)?.target)
    }

    /// The id of function `name`.
    pub(crate) fn function(&self, name: &str) -> Option<u32> {
        self.first_named(&self.functions, name)
    }

    /// The id of type name `name`.
    pub(crate) fn typedef(&self, name: &str) -> Option<u32> {
        self.first_named(&self.names, name)
    }

    /// How many parameters the function has that type name `name` is a pointer to.
    pub(crate) fn parameters(&self, name: &str) -> Option<u32> {
        let pointer = self.unmodified(self.typedef(name)?)?;
        let function = self.unmodified(pointer.target)?;
        (pointer.kind == KIND_PTR && function.kind == KIND_FUNC_PROTO).then_some(function.members)
    }

    /// The value of `enumerator` in `enum name`.
    pub(crate) fn enumerator(&self, name: &str, enumerator: &str) -> Option<u32> {
        let found = self.by_id(self.first_named(&self.enumerations, name)?)?;
        (0..found.members).find_map(|index| {
            let at = found.offset + TYPE_SIZE + index as usize * ENUMERATOR_SIZE;
            let is_wanted = self.is_named(word(self.types, at)?, enumerator);
            is_wanted.then(|| word(self.types, at + 4)).flatten()
        })
    }

    /// Bit offset of `member` in the structure with this id, also inside anonymous structures and
    /// unions.
    pub(crate) fn bit_offset(&self, structure: u32, member: &str) -> Option<u32> {
        self.bit_offset_in(self.by_id(structure)?, member, MAX_DEPTH)
    }

    fn bit_offset_in(&self, structure: Type, wanted: &str, depth: u32) -> Option<u32> {
        let depth = depth.checked_sub(1)?;
        (0..structure.members).find_map(|index| {
            let at = structure.offset + TYPE_SIZE + index as usize * MEMBER_SIZE;
            let name = word(self.types, at)?;
            let offset = word(self.types, at + 8)?;
            let offset = if structure.kind_flag {
                offset & 0x00ff_ffff
            } else {
                offset
            };
            if self.is_named(name, wanted) {
                return Some(offset);
            }
            if !self.is_named(name, "") {
                return None;
            }
            let inner = self.unmodified(word(self.types, at + 4)?)?;
            if !matches!(inner.kind, KIND_STRUCT | KIND_UNION) {
                return None;
            }
            Some(offset + self.bit_offset_in(inner, wanted, depth)?)
        })
    }

    /// The type behind `const`, `volatile`, names and tags.
    fn unmodified(&self, mut id: u32) -> Option<Type> {
        for _ in 0..MAX_DEPTH {
            let found = self.by_id(id)?;
            match found.kind {
                KIND_TYPEDEF | KIND_VOLATILE | KIND_CONST | KIND_RESTRICT | KIND_TYPE_TAG => {
                    id = found.target;
                }
                _ => return Some(found),
            }
        }
        None
    }
}

impl Type {
    /// Bytes that follow a [`TYPE_SIZE`].
    fn size_of_rest(self) -> Result<usize, ProbeError> {
        let each = match self.kind {
            KIND_PTR | KIND_FWD | KIND_TYPEDEF | KIND_VOLATILE | KIND_CONST | KIND_RESTRICT
            | KIND_FUNC | KIND_FLOAT | KIND_TYPE_TAG => return Ok(0),
            KIND_INT | KIND_VAR | KIND_DECL_TAG => return Ok(4),
            KIND_ARRAY => return Ok(12),
            KIND_ENUM => ENUMERATOR_SIZE,
            KIND_FUNC_PROTO => 8,
            KIND_STRUCT | KIND_UNION => MEMBER_SIZE,
            KIND_DATASEC | KIND_ENUM64 => 12,
            unknown => {
                return Err(damaged(&format!(
                    "it has a type of kind {unknown}, which this copytax does not know"
                )));
            }
        };
        Ok(each * self.members as usize)
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..)?.first_chunk()?;
    Some(u32::from_ne_bytes(*four))
}

fn damaged(what: &str) -> ProbeError {
    ProbeError::Btf(what.to_owned())
}

/// A BTF in which these type names have these ids, and everything else means nothing.
///
/// For a library that reads every type before it finds one.
pub(crate) fn of_typedefs(typedefs: &[(&str, u32)]) -> Vec<u8> {
    let last = typedefs.iter().map(|(_, id)| *id).max().unwrap_or(0);
    // `void *`, for every id.
    let mut types = [0, KIND_PTR << 24, 0].repeat(last as usize);
    let mut strings = vec![0u8];
    for (name, id) in typedefs {
        let at = (*id as usize - 1) * TYPE_SIZE / size_of::<u32>();
        types[at] = strings.len() as u32;
        types[at + 1] = KIND_TYPEDEF << 24;
        strings.extend(name.bytes().chain([0]));
    }
    let size = (types.len() * size_of::<u32>()) as u32;
    let header = [HEADER_SIZE, 0, size, size, strings.len() as u32];
    let mut bytes = Vec::with_capacity((HEADER_SIZE + size) as usize + strings.len());
    bytes.extend(MAGIC.to_ne_bytes());
    bytes.extend([VERSION, 0]);
    bytes.extend(
        header
            .iter()
            .chain(&types)
            .flat_map(|word| word.to_ne_bytes()),
    );
    bytes.extend(strings);
    bytes
}

#[cfg(test)]
mod tests;
