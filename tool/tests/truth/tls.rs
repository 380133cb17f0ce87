//! Records of TLS, as RFC 8446 has them.

/// Bytes of a header.
pub(crate) const HEADER: usize = 5;
/// `application_data`
pub(crate) const APPLICATION_DATA: u8 = 23;

/// Whether `bytes` begin with a record of application data that is all of them, or that another record
/// follows.
pub(crate) fn is_record(bytes: &[u8]) -> bool {
    match header(bytes) {
        Some((APPLICATION_DATA, length)) => {
            let rest = bytes.get(HEADER + length..);
            rest.is_some_and(|rest| rest.is_empty() || header(rest).is_some())
        }
        _ => false,
    }
}

/// Type and length of a record.
fn header(bytes: &[u8]) -> Option<(u8, usize)> {
    let &[kind, 3, minor, high, low] = bytes.first_chunk()? else {
        return None;
    };
    let length = usize::from(high) << 8 | usize::from(low);
    let is_header = (20..=24).contains(&kind)
        && (1..=4).contains(&minor)
        && (1..=16_384 + 2_048).contains(&length);
    is_header.then_some((kind, length))
}
