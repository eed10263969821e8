//! Counts, odd sizes, bits.
