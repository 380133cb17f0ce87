//! Decoding of map keys and values: lengths are checked, tags are checked, nothing is transmuted.

use core::fmt;

/// A type of the kernel ABI: any byte pattern of the right length is a valid value.
///
/// # Safety
///
/// Implementors are `repr(C)`, consist of integers only and have no implicit padding.
pub unsafe trait Abi: Copy {
    /// Reads a value from exactly `size_of::<Self>()` bytes, at any alignment.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when `bytes` is shorter or longer than the type.
    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        if bytes.len() != size_of::<Self>() {
            return Err(DecodeError {
                expected: size_of::<Self>(),
                found: bytes.len(),
            });
        }
        // SAFETY: the length was checked, the read is unaligned, and by the trait's contract every
        // byte pattern is a value of the type.
        Ok(unsafe { bytes.as_ptr().cast::<Self>().read_unaligned() })
    }
}

/// A record whose length is not that of its type: the halves do not fit together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodeError {
    /// Bytes that the type has.
    pub expected: usize,
    /// Bytes that were given.
    pub found: usize,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a kernel record has {} bytes instead of {}",
            self.found, self.expected
        )
    }
}

impl core::error::Error for DecodeError {}

/// A discriminant that no variant has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownTag {
    /// The enumeration that was decoded.
    pub what: &'static str,
    /// The value found.
    pub tag: u8,
}

impl fmt::Display for UnknownTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the kernel half sent {} {}, which is none",
            self.what, self.tag
        )
    }
}

impl core::error::Error for UnknownTag {}

/// Declares a `repr(u8)` enumeration with its `TryFrom<u8>`, the list of its variants and the
/// name that reports use.
macro_rules! tagged {
    (
        $(#[$meta:meta])*
        $name:ident ($what:literal) {
            $($(#[$vmeta:meta])* $variant:ident = $value:literal => $text:literal,)+
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum $name {
            $($(#[$vmeta])* $variant = $value,)+
        }

        impl $name {
            /// All variants, in the order of their tags.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name that reports and JSON use.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }

        impl TryFrom<u8> for $name {
            type Error = $crate::UnknownTag;

            fn try_from(tag: u8) -> Result<Self, Self::Error> {
                match tag {
                    $($value => Ok(Self::$variant),)+
                    _ => Err($crate::UnknownTag { what: $what, tag }),
                }
            }
        }
    };
}
pub(crate) use tagged;

#[cfg(test)]
mod tests {
    use super::{Abi, DecodeError};
    use crate::{Call, Class, EndpointKind, FlowKey, LossCounter, SampleKind, Sharing};

    #[test]
    fn wrong_lengths_are_refused() {
        for found in [0, 1, size_of::<FlowKey>() - 1, size_of::<FlowKey>() + 1] {
            let bytes = [0u8; 64];
            assert_eq!(
                FlowKey::decode(&bytes[..found]),
                Err(DecodeError {
                    expected: size_of::<FlowKey>(),
                    found
                })
            );
        }
    }

    #[test]
    fn unaligned_bytes_decode() {
        let mut bytes = [0u8; size_of::<FlowKey>() + 1];
        bytes[1..9].copy_from_slice(&7u64.to_ne_bytes());
        bytes[9..13].copy_from_slice(&42u32.to_ne_bytes());
        let key = FlowKey::decode(&bytes[1..]).expect("right length");
        assert_eq!((key.start_time_ns, key.tgid), (7, 42));
    }

    #[test]
    fn every_tag_decodes_to_itself_and_no_other_does() {
        fn check<T: TryFrom<u8> + Copy + PartialEq + core::fmt::Debug>(
            all: &[T],
            tag: impl Fn(T) -> u8,
        ) {
            for value in 0..=u8::MAX {
                let known = all.iter().copied().find(|variant| tag(*variant) == value);
                assert_eq!(T::try_from(value).ok(), known);
            }
        }
        check(Call::ALL, |v| v as u8);
        check(Class::ALL, |v| v as u8);
        check(Sharing::ALL, |v| v as u8);
        check(EndpointKind::ALL, |v| v as u8);
        check(LossCounter::ALL, |v| v as u8);
        check(SampleKind::ALL, |v| v as u8);
    }
}
