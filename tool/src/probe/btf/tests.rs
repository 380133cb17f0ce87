//! A hand-made BTF, whole and in pieces.

use proptest::prelude::{any, proptest};

use super::{
    Btf, HEADER_SIZE, KIND_ENUM, KIND_FUNC, KIND_INT, KIND_STRUCT, KIND_TYPEDEF, KIND_UNION, MAGIC,
    VERSION, of_typedefs,
};

/// A BTF under construction.
#[derive(Default)]
struct Builder {
    types: Vec<u32>,
    strings: Vec<u8>,
    /// Those of the kernel, where it is the BTF of a module.
    base_strings: Vec<u8>,
}

impl Builder {
    fn new() -> Self {
        Self {
            types: Vec::new(),
            strings: vec![0],
            base_strings: Vec::new(),
        }
    }

    fn string(&mut self, text: &str) -> u32 {
        if text.is_empty() {
            return 0;
        }
        let shared = format!("\0{text}\0").into_bytes();
        let mut known = self.base_strings.windows(shared.len());
        if let Some(at) = known.position(|known| known == shared) {
            return at as u32 + 1;
        }
        let at = (self.base_strings.len() + self.strings.len()) as u32;
        self.strings.extend(text.bytes().chain([0]));
        at
    }

    fn add(&mut self, kind: u32, name: &str, info: u32, target: u32, rest: &[u32]) {
        let name = self.string(name);
        self.types.extend([name, kind << 24 | info, target]);
        self.types.extend(rest);
    }

    fn add_members(&mut self, kind: u32, name: &str, flag: bool, members: &[(&str, u32, u32)]) {
        let rest: Vec<u32> = members
            .iter()
            .flat_map(|(name, target, offset)| [self.string(name), *target, *offset])
            .collect();
        let info = members.len() as u32 | u32::from(flag) << 31;
        self.add(kind, name, info, 0, &rest);
    }

    fn add_enumeration(&mut self, name: &str, values: &[(&str, u32)]) {
        let rest: Vec<u32> = values
            .iter()
            .flat_map(|(name, value)| [self.string(name), *value])
            .collect();
        self.add(KIND_ENUM, name, values.len() as u32, 4, &rest);
    }

    fn build(&self) -> Vec<u8> {
        let types: Vec<u8> = self.types.iter().flat_map(|w| w.to_ne_bytes()).collect();
        let size = types.len() as u32;
        let words = [HEADER_SIZE, 0, size, size, self.strings.len() as u32];
        let mut bytes = MAGIC.to_ne_bytes().to_vec();
        bytes.extend([VERSION, 0]);
        bytes.extend(words.iter().flat_map(|word| word.to_ne_bytes()));
        bytes.extend(types);
        bytes.extend(&self.strings);
        bytes
    }
}

/// An integer, an anonymous union behind a typedef, a structure with both, one with a bitfield, a
/// function, and an enumeration.
fn sample() -> Vec<u8> {
    let mut builder = Builder::new();
    builder.add(KIND_INT, "int", 0, 4, &[32]);
    builder.add_members(KIND_UNION, "", false, &[("left", 1, 0), ("right", 1, 32)]);
    builder.add(KIND_TYPEDEF, "alias", 0, 2, &[]);
    let members = [("first", 1, 0), ("", 3, 64), ("last", 1, 128)];
    builder.add_members(KIND_STRUCT, "thing", false, &members);
    let members = [("bits", 1, 3 << 24 | 8), ("flag", 1, 1 << 24 | 11)];
    builder.add_members(KIND_STRUCT, "things", true, &members);
    builder.add(KIND_FUNC, "thing", 1, 1, &[]);
    builder.add_enumeration("colours", &[("RED", 3), ("REDDER", 18)]);
    builder.build()
}

#[test]
fn members_are_found_by_name() {
    let bytes = sample();
    let btf = Btf::parse(&bytes).expect("the sample is whole");
    let thing = btf.structure("thing").expect("it is there");
    assert_eq!(thing, 4);
    assert_eq!(btf.bit_offset(thing, "first"), Some(0));
    assert_eq!(btf.bit_offset(thing, "right"), Some(96));
    assert_eq!(btf.bit_offset(thing, "last"), Some(128));
    assert_eq!(btf.bit_offset(thing, "las"), None);
    let things = btf.structure("things").expect("it is there");
    assert_eq!(btf.bit_offset(things, "flag"), Some(11));
    assert_eq!(btf.function("thing"), Some(6));
    assert_eq!(btf.function("things"), None);
    assert_eq!(btf.structure("thin"), None);
}

#[test]
fn modules_go_on_where_the_kernel_ends() {
    let kernel = sample();
    let kernel = Btf::parse(&kernel).expect("the sample is whole");
    let mut builder = Builder::new();
    // Its strings have no empty one of their own: "thing" and "bits" are the kernel's.
    builder.strings.clear();
    builder.base_strings = kernel.strings.to_vec();
    let members = [("first", 1, 0), ("bits", 1, 72)];
    builder.add_members(KIND_STRUCT, "of_module", false, &members);
    let bytes = builder.build();
    let module = Btf::parse_module(&bytes, &kernel).expect("it is whole");
    let found = module.structure("of_module").expect("it is there");
    assert_eq!(found, 8);
    assert_eq!(module.bit_offset(found, "bits"), Some(72));
    assert_eq!(module.bit_offset(found, "first"), Some(0));
    assert_eq!(module.structure("thing"), None);
}

#[test]
fn enumerators_are_found_by_name() {
    let bytes = sample();
    let btf = Btf::parse(&bytes).expect("the sample is whole");
    assert_eq!(btf.enumerator("colours", "RED"), Some(3));
    assert_eq!(btf.enumerator("colours", "REDDER"), Some(18));
    assert_eq!(btf.enumerator("colours", "BLUE"), None);
    assert_eq!(btf.enumerator("shapes", "RED"), None);
}

#[test]
fn typedefs_keep_their_ids() {
    let wanted = [("late", 9), ("early", 2)];
    let bytes = of_typedefs(&wanted);
    let ours = Btf::parse(&bytes).expect("it is whole");
    aya::Btf::parse(&bytes, aya::Endianness::default()).expect("aya finds it whole, too");
    for (name, id) in wanted {
        assert_eq!(ours.typedef(name), Some(id));
    }
    assert_eq!(ours.typedef("other"), None);
}

#[test]
fn what_is_cut_off_is_an_error() {
    let bytes = sample();
    for length in 0..bytes.len() {
        assert!(Btf::parse(&bytes[..length]).is_err(), "{length} bytes");
    }
}

proptest! {
    #[test]
    fn no_damage_makes_it_panic(at: proptest::sample::Index, value in any::<u8>()) {
        let mut bytes = sample();
        let at = at.index(bytes.len());
        bytes[at] = value;
        if let Ok(btf) = Btf::parse(&bytes) {
            for name in ["thing", "things"] {
                if let Some(id) = btf.structure(name) {
                    let _ = btf.bit_offset(id, "right");
                }
            }
            let _ = btf.enumerator("colours", "REDDER");
        }
    }
}
