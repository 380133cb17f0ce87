//! Durations, as people write them.

use std::time::Duration;

use crate::capture::Target;

/// Longest duration: what is longer was a slip.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// How long a window lasts where nothing says otherwise.
const DEFAULT: Duration = Duration::from_secs(10);

/// Shortest step: looking more often would cost more than what is looked at.
const SHORTEST_STEP: Duration = Duration::from_millis(100);

/// How long a window of a target lasts: as given, or that of a command until it has ended.
pub(crate) fn of_window(given: Option<Duration>, target: &Target) -> Option<Duration> {
    given.or(match target {
        Target::Command(_) => None,
        _ => Some(DEFAULT),
    })
}

/// Reads `500ms`, `10s`, `2m`, `1h`, or seconds without a unit.
///
/// # Errors
///
/// One sentence of what is wrong with it.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let trimmed = text.trim();
    if trimmed.starts_with('-') {
        return Err("a duration cannot be negative".to_owned());
    }
    let number_only = !trimmed.is_empty() && trimmed.bytes().all(|byte| byte.is_ascii_digit());
    let with_unit = if number_only {
        format!("{trimmed}s")
    } else {
        trimmed.to_owned()
    };
    let duration = match humantime::parse_duration(&with_unit) {
        Ok(duration) => duration,
        Err(humantime::DurationError::NumberOverflow) => return Err(too_long()),
        Err(_) => return Err("write it like 500ms, 10s, 2m or 1h".to_owned()),
    };
    if duration.is_zero() {
        Err("a duration must be longer than 0".to_owned())
    } else if duration > LONGEST {
        Err(too_long())
    } else {
        Ok(duration)
    }
}

/// Reads the length of a step, as [`parse`] does.
///
/// # Errors
///
/// One sentence of what is wrong with it.
pub(crate) fn parse_step(text: &str) -> Result<Duration, String> {
    let step = parse(text)?;
    if step < SHORTEST_STEP {
        let shortest = humantime::format_duration(SHORTEST_STEP);
        return Err(format!("the shortest step is {shortest}"));
    }
    Ok(step)
}

fn too_long() -> String {
    format!(
        "the longest duration is {}",
        humantime::format_duration(LONGEST)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, milliseconds) in [
            ("10s", 10_000),
            ("500ms", 500),
            ("2m", 120_000),
            ("1h", 3_600_000),
            ("10", 10_000),
            ("1m 30s", 90_000),
            ("7d", 7 * 86_400_000),
            (" 5s ", 5_000),
        ] {
            assert_eq!(
                parse(text),
                Ok(Duration::from_millis(milliseconds)),
                "{text}"
            );
        }
    }

    #[test]
    fn steps() {
        assert_eq!(parse_step("250ms"), Ok(Duration::from_millis(250)));
        assert!(parse_step("50ms").is_err());
    }

    #[test]
    fn no_durations() {
        let error = |text: &str| parse(text).expect_err(text);
        for text in ["0", "0s", "0ms", "0h 0m"] {
            assert_eq!(error(text), "a duration must be longer than 0");
        }
        for text in ["-1", "-5s"] {
            assert_eq!(error(text), "a duration cannot be negative");
        }
        for text in [
            "", " ", "10x", "s", "ten", "1e9", "10 s s", "\u{661}s", "+5", "NaN", "inf",
        ] {
            assert_eq!(error(text), "write it like 500ms, 10s, 2m or 1h", "{text}");
        }
        for text in [
            "8d",
            "1y",
            "10M",
            "99999999999999999999",
            "18446744073709551615s",
        ] {
            assert_eq!(error(text), "the longest duration is 7days", "{text}");
        }
    }
}
