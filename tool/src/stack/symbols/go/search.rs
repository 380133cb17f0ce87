//! Looking through what a program has loaded.

use std::fs::File;

use super::super::bytes;
use super::super::image::Image;

/// Bytes that are looked through at a time, and in all of a segment.
const PIECE: usize = 1 << 20;
const LIMIT: u64 = 1 << 29;
/// Segments that are looked through: linkers make up to five.
const SEGMENTS: usize = 8;
/// What is looked for is as long as a pointer, and lies as pointers do.
const POINTER: usize = 8;

/// Something that was found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) address: u64,
    /// Where it is in the file.
    pub(super) offset: u64,
    /// Bytes from there to the end of its segment.
    pub(super) rest: u64,
}

/// Places where eight aligned bytes are what is wanted.
pub(super) fn places<'image>(
    file: &'image File,
    image: &'image Image,
    is_wanted: impl Fn(&[u8]) -> bool + Copy + 'image,
) -> impl Iterator<Item = Place> + 'image {
    let segments = image.segments().iter();
    segments
        // Data come last.
        .rev()
        .filter(|segment| segment.is_loaded())
        .take(SEGMENTS)
        .flat_map(move |segment| {
            let size = segment.size.min(LIMIT);
            (0..size).step_by(PIECE).flat_map(move |start| {
                let length = (size - start).min(PIECE as u64);
                let offset = segment.offset.checked_add(start);
                let piece = offset.and_then(|offset| bytes::range(file, offset, length, PIECE));
                let found = found_in(&piece.unwrap_or_default(), is_wanted);
                found.into_iter().filter_map(move |at| {
                    let into = start + at;
                    Some(Place {
                        address: segment.address.checked_add(into)?,
                        offset: segment.offset.checked_add(into)?,
                        rest: segment.size - into,
                    })
                })
            })
        })
}

fn found_in(piece: &[u8], is_wanted: impl Fn(&[u8]) -> bool) -> Vec<u64> {
    (0..)
        .step_by(POINTER)
        .zip(piece.chunks_exact(POINTER))
        .filter(|(_, bytes)| is_wanted(bytes))
        .map(|(at, _)| at)
        .collect()
}
