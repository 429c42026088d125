//! Chance that repeats: everything generated follows from these functions of a seed.

use super::clock::SECOND;

/// A good hash of 64 bits (the finaliser of SplitMix64).
pub(crate) fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A hash as a number in `[0, 1)`.
pub(crate) fn unit(hash: u64) -> f64 {
    (hash >> 11) as f64 / (1_u64 << 53) as f64
}

/// A slow swing between 10 and 90, as plant values go.
pub(crate) fn wave(seed: u64, ticks: i64) -> f32 {
    let period = 600.0 + (seed & 0xFFF) as f32;
    let second = (ticks.div_euclid(SECOND) % 1_000_000) as f32;
    50.0 + 40.0 * (second / period).sin()
}
