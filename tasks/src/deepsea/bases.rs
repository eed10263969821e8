//! Rows of numbers as bases: one-hot, unknown, or nothing that can be read.

/// The channels of a position.
pub(super) const CHANNELS: usize = 4;

/// Checks one-hot bytes, several positions one after the other; gives the first position that is none.
pub(super) fn odd_position(bytes: &[u8]) -> Option<usize> {
    let (positions, rest) = bytes.as_chunks::<CHANNELS>();
    assert!(rest.is_empty(), "whole positions");
    let good = |p: &[u8; CHANNELS]| matches!(u32::from_le_bytes(*p), 0 | 1 | 0x100 | 0x1_0000 | 0x100_0000);
    positions.iter().position(|p| !good(p))
}

/// What a position holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Position {
    /// One base, the one of this channel.
    Base(usize),
    /// Unknown, written as zeros.
    Zeros,
    /// Unknown, written as quarters.
    Quarters,
}

impl Position {
    /// From its four numbers; `None` if they are no base.
    pub(super) fn of(v: [f64; CHANNELS]) -> Option<Self> {
        if v == [0.25; CHANNELS] {
            return Some(Self::Quarters);
        }
        let mut found = Self::Zeros;
        for (channel, &v) in v.iter().enumerate() {
            match (v == 1.0, found) {
                (true, Self::Zeros) => found = Self::Base(channel),
                (false, _) if v == 0.0 => (),
                _ => return None,
            }
        }
        Some(found)
    }

    /// As it is stored.
    pub(super) fn one_hot(self) -> [u8; CHANNELS] {
        let mut out = [0; CHANNELS];
        if let Self::Base(channel) = self {
            out[channel] = 1;
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_told_apart() {
        assert_eq!(Position::of([0.0, 0.0, 1.0, 0.0]), Some(Position::Base(2)));
        assert_eq!(Position::of([0.0, -0.0, 0.0, 0.0]), Some(Position::Zeros));
        assert_eq!(Position::of([0.25; 4]), Some(Position::Quarters));
        for odd in [[0.5, 0.5, 0.0, 0.0], [1.0, 0.0, 1.0, 0.0], [2.0, 0.0, 0.0, 0.0], [f64::NAN, 0.0, 0.0, 1.0]] {
            assert_eq!(Position::of(odd), None, "{odd:?}");
        }
        assert_eq!(Position::Base(3).one_hot(), [0, 0, 0, 1]);
        assert_eq!(Position::Quarters.one_hot(), [0; 4]);
        assert_eq!(odd_position(&[0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0]), None);
        assert_eq!(odd_position(&[0, 0, 0, 1, 1, 1, 0, 0]), Some(1));
        assert_eq!(odd_position(&[0, 2, 0, 0]), Some(0));
    }
}
