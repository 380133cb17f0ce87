//! Reads a profile back: what it refers to must be there.

use std::io::Read as _;

use flate2::read::GzDecoder;
use prost::Message as _;

use super::proto::Profile;

/// Decodes a compressed profile.
///
/// # Panics
///
/// Where it is none.
pub(super) fn decoded(compressed: &[u8]) -> Profile {
    let mut bytes = Vec::new();
    GzDecoder::new(compressed)
        .read_to_end(&mut bytes)
        .expect("gzip");
    Profile::decode(bytes.as_slice()).expect("a profile")
}

/// Checks what the numbers of a compressed profile refer to.
///
/// # Panics
///
/// Where that is not there.
pub(crate) fn verify(compressed: &[u8]) {
    let profile = decoded(compressed);
    let strings = i64::try_from(profile.string_table.len()).expect("small");
    let is_string = |number: i64| (0..strings).contains(&number);
    assert_eq!(profile.string_table[0], "");
    for (index, function) in (1..).zip(&profile.function) {
        assert_eq!(function.id, index);
        assert!(is_string(function.name) && is_string(function.filename));
    }
    for (index, mapping) in (1..).zip(&profile.mapping) {
        assert_eq!(mapping.id, index);
        assert!(is_string(mapping.filename) && is_string(mapping.build_id));
    }
    for (index, location) in (1..).zip(&profile.location) {
        assert_eq!(location.id, index);
        assert!(location.mapping_id <= profile.mapping.len() as u64);
        assert!(!location.line.is_empty());
        for line in &location.line {
            assert!((1..=profile.function.len() as u64).contains(&line.function_id));
        }
    }
    for sample in &profile.sample {
        assert_eq!(sample.value.len(), profile.sample_type.len());
        for id in &sample.location_id {
            assert!((1..=profile.location.len() as u64).contains(id));
        }
        for label in &sample.label {
            assert!(is_string(label.key) && is_string(label.str));
        }
    }
}
