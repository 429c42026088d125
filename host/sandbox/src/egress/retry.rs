//! Whether a request is sent again, and when. Decided from its arguments, so that the rules can be tested.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::{Duration, SystemTime};

use chrono::DateTime;
use http::StatusCode;
use http::header::{HeaderMap, RETRY_AFTER};

/// When and how often a request is repeated.
#[derive(Clone, Copy, Debug)]
pub(super) struct Backoff {
    /// Attempts in all.
    pub(super) attempts: u32,
    /// The longest wait before the second attempt; doubles with each further one.
    pub(super) base: Duration,
    /// The longest wait of all. A server that wants more gets no further attempt, so it is never asked too early.
    pub(super) longest: Duration,
}

impl Backoff {
    pub(super) fn new(attempts: u32) -> Self {
        Self { attempts: attempts.max(1), base: Duration::from_millis(500), longest: Duration::from_secs(120) }
    }

    /// How long to wait before attempt `attempt + 1`, or `None` when `attempt` was the last one. `random` lies in
    /// `[0, 1)`: full jitter keeps many hosts from coming back at the same moment.
    pub(super) fn wait(&self, attempt: u32, told: Option<Duration>, random: f64) -> Option<Duration> {
        if attempt >= self.attempts {
            return None;
        }
        let ceiling = self.base.saturating_mul(1_u32.checked_shl(attempt - 1).unwrap_or(u32::MAX)).min(self.longest);
        let jittered = ceiling.mul_f64(random.clamp(0.0, 1.0));
        match told {
            Some(told) if told > self.longest => None,
            Some(told) => Some((told + jittered).min(self.longest)),
            None => Some(jittered),
        }
    }
}

/// Whether the server may answer the same request otherwise.
pub(super) fn is_passing(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504)
}

/// Whether the server says that it has too much to do.
pub(super) fn is_overload(status: StatusCode) -> bool {
    matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT)
}

/// What the server says about when to come back: seconds or an HTTP date.
pub(super) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let date: SystemTime = DateTime::parse_from_rfc2822(text).ok()?.into();
    Some(date.duration_since(now).unwrap_or_default())
}

/// A random number in `[0, 1)`.
pub(super) fn random() -> f64 {
    // The keys of a hasher are the random numbers that std has.
    let bits = RandomState::new().build_hasher().finish() >> 11;
    bits as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: Backoff = Backoff { attempts: 4, base: Duration::from_secs(1), longest: Duration::from_secs(10) };

    #[test]
    fn waits_double_and_jitter_down_to_nothing() {
        let ceilings: Vec<_> = (1..=4).map(|attempt| BACKOFF.wait(attempt, None, 1.0)).collect();
        let seconds = |s| Some(Duration::from_secs(s));
        assert_eq!(ceilings, [seconds(1), seconds(2), seconds(4), None]);
        assert_eq!(BACKOFF.wait(3, None, 0.0), Some(Duration::ZERO));
        assert_eq!(BACKOFF.wait(2, None, 0.5), seconds(1));
    }

    #[test]
    fn a_wait_never_exceeds_the_longest_however_many_attempts() {
        let many = Backoff { attempts: 1_000, ..BACKOFF };
        assert_eq!(many.wait(999, None, 1.0), Some(Duration::from_secs(10)));
    }

    #[test]
    fn a_server_is_never_asked_before_the_time_it_named() {
        assert!(BACKOFF.wait(1, Some(Duration::from_secs(7)), 0.0).unwrap() >= Duration::from_secs(7));
        assert_eq!(BACKOFF.wait(1, Some(Duration::from_secs(11)), 0.0), None);
    }

    #[test]
    fn one_attempt_means_no_retry() {
        assert_eq!(Backoff::new(1).wait(1, None, 1.0), None);
        assert_eq!(Backoff::new(0).wait(1, Some(Duration::ZERO), 1.0), None);
    }

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date() {
        let after = |text: &str| {
            let headers: HeaderMap = [(RETRY_AFTER, text.parse().unwrap())].into_iter().collect();
            retry_after(&headers, SystemTime::UNIX_EPOCH + Duration::from_secs(1_445_412_480))
        };
        assert_eq!(after("120"), Some(Duration::from_secs(120)));
        assert_eq!(after("Wed, 21 Oct 2015 07:28:05 GMT"), Some(Duration::from_secs(5)));
        assert_eq!(after("Wed, 21 Oct 2015 07:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(after("99999999999999999999999"), Some(Duration::from_secs(u64::MAX)));
        for nonsense in ["", "-1", "soon", "1.5"] {
            assert_eq!(after(nonsense), None, "{nonsense}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), SystemTime::now()), None);
    }

    #[test]
    fn what_the_caller_did_wrong_is_never_repeated() {
        for status in [400, 401, 403, 404, 405, 409, 413, 501] {
            assert!(!is_passing(StatusCode::from_u16(status).unwrap()), "{status}");
        }
        for status in [408, 429, 500, 502, 503, 504] {
            assert!(is_passing(StatusCode::from_u16(status).unwrap()), "{status}");
        }
    }

    #[test]
    fn random_numbers_lie_in_range_and_differ() {
        let numbers: Vec<f64> = (0..100).map(|_| random()).collect();
        assert!(numbers.iter().all(|number| (0.0..1.0).contains(number)));
        assert!(numbers.iter().any(|number| *number != numbers.first().copied().unwrap()));
    }
}
