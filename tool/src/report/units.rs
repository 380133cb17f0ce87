//! Numbers for people.

use std::time::Duration;

const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

/// Bytes in binary units, such as `512.0 MiB`; at most 10 columns. What would round to 1024.0 of a
/// unit is 1.0 of the next.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
pub fn bytes(bytes: u64) -> String {
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut size = bytes as f64 / 1024.0;
    let mut unit = 0;
    while size >= 1023.95 && unit + 1 < UNITS.len() {
        size /= 1024.0;
        unit += 1;
    }
    format!("{size:.1} {}", UNITS[unit])
}

/// A hit rate in percent, `-` where there is none. 100.0% and 0.0% are exact: what is only close
/// to them says so.
pub(crate) fn hit_rate(rate: Option<f64>) -> String {
    rate.map_or_else(|| "-".to_owned(), percent)
}

/// A share of 1 in percent; what is not quite all or nothing is not shown as such.
pub(super) fn percent(share: f64) -> String {
    match share {
        share if share < 1.0 && share > 0.9994 => ">99.9%".to_owned(),
        share if share > 0.0 && share < 0.001 => "<0.1%".to_owned(),
        share => format!("{:.1}%", share * 100.0),
    }
}

/// CPU time in relation to the time that went by: cores, and half the width of their interval, with as
/// many digits as that leaves.
pub(super) fn cores(cores: f64, margin: f64) -> String {
    let decimals = match margin.abs() {
        size if size >= 1.0 => 0,
        size if size >= 0.1 => 1,
        size if size >= 0.01 => 2,
        _ => 3,
    };
    format!("{cores:.decimals$} ±{margin:.decimals$} cores")
}

/// A number with a comma at every thousand.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A number and its noun, such as `1 call` and `2 calls`.
#[must_use]
pub fn counted(number: u64, one: &str, many: &str) -> String {
    let noun = if number == 1 { one } else { many };
    format!("{} {noun}", count(number))
}

/// A duration in the two units that matter, such as `10 s`, `1.5 s` and `2m 5s`.
pub(crate) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds < 1.0 {
        return format!("{} ms", duration.as_millis());
    }
    if seconds < 60.0 {
        let text = format!("{seconds:.1}");
        return format!("{} s", text.strip_suffix(".0").unwrap_or(&text));
    }
    humantime::format_duration(Duration::from_secs(duration.as_secs())).to_string()
}

/// A time after the window's start, such as `0.012 s`.
#[expect(clippy::cast_precision_loss, reason = "three decimals are shown")]
pub(super) fn offset(nanoseconds: u64) -> String {
    format!("{:.3} s", nanoseconds as f64 / 1e9)
}

#[cfg(test)]
mod tests {
    use super::{bytes, cores, count, counted, duration, hit_rate, offset};
    use std::time::Duration;

    #[test]
    fn sizes() {
        for (size, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1536, "1.5 KiB"),
            (1023 * 1024, "1023.0 KiB"),
            (1024 * 1024 - 1, "1.0 MiB"),
            (512 << 20, "512.0 MiB"),
            (u64::MAX, "16.0 EiB"),
        ] {
            assert_eq!(bytes(size), text);
            assert!(text.len() <= 10);
        }
    }

    #[test]
    fn hit_rates_do_not_round_to_the_ends() {
        for (rate, text) in [
            (None, "-"),
            (Some(0.0), "0.0%"),
            (Some(1e-9), "<0.1%"),
            (Some(0.001), "0.1%"),
            (Some(2.0 / 3.0), "66.7%"),
            (Some(0.9994), "99.9%"),
            (Some(0.999_999), ">99.9%"),
            (Some(1.0), "100.0%"),
        ] {
            assert_eq!(hit_rate(rate), text);
        }
    }

    #[test]
    fn counts_are_grouped() {
        assert_eq!(count(999), "999");
        assert_eq!(count(16_384), "16,384");
        assert_eq!(count(u64::MAX), "18,446,744,073,709,551,615");
        assert_eq!(counted(1, "call", "calls"), "1 call");
        assert_eq!(counted(0, "call", "calls"), "0 calls");
    }

    #[test]
    fn offsets() {
        assert_eq!(offset(0), "0.000 s");
        assert_eq!(offset(12_345_678), "0.012 s");
        assert_eq!(offset(3_600_000_000_000), "3600.000 s");
    }

    #[test]
    fn durations() {
        for (nanoseconds, text) in [
            (0, "0 ms"),
            (250_000_000, "250 ms"),
            (1_500_000_000, "1.5 s"),
            (10_000_000_000, "10 s"),
            (59_960_000_000, "60 s"),
            (125_000_000_000, "2m 5s"),
        ] {
            assert_eq!(duration(Duration::from_nanos(nanoseconds)), text);
        }
    }

    #[test]
    fn cores_have_the_digits_that_are_known() {
        for (value, margin, text) in [
            (12.34, 1.5, "12 ±2 cores"),
            (1.234, 0.123, "1.2 ±0.1 cores"),
            (0.6651, 0.0437, "0.67 ±0.04 cores"),
            (-0.0123, 0.0004, "-0.012 ±0.000 cores"),
        ] {
            assert_eq!(cores(value, margin), text);
        }
    }
}
