//! What of the speed mode needs no cuDNN; the rest is in `tests/tests/cudnn.rs`.

use super::*;
use crate::ops::conv::conv::Conv;

#[test]
fn versions_and_modes_read_well() {
    assert_eq!([8907, 90100, 92105].map(|v| Version(v).to_string()), ["8.9.7", "9.1.0", "9.21.5"]);
    for mode in [Mode::Exact, Mode::Speed] {
        assert_eq!(mode.to_string().parse(), Ok(mode));
    }
    assert!("fast".parse::<Mode>().is_err());
}

#[test]
fn plans_are_told_apart_by_every_number() {
    let plain = Conv { padding: [[1, 1], [1, 1]], ..Conv::default() };
    let of = |conv: Conv, x: [usize; 4], w: [usize; 4]| conv.geometry(x.into(), w.into()).unwrap();
    let all = [
        of(plain, [2, 8, 8, 4], [3, 3, 4, 4]),
        of(plain, [3, 8, 8, 4], [3, 3, 4, 4]),
        of(plain, [2, 9, 8, 4], [3, 3, 4, 4]),
        of(plain, [2, 8, 9, 4], [3, 3, 4, 4]),
        of(plain, [2, 8, 8, 4], [3, 3, 4, 8]),
        of(plain, [2, 8, 8, 4], [1, 3, 4, 4]),
        of(Conv { groups: 2, ..plain }, [2, 8, 8, 4], [3, 3, 2, 4]),
        of(Conv { stride: [1, 2], ..plain }, [2, 8, 8, 4], [3, 3, 4, 4]),
        of(Conv { dilation: [2, 1], ..plain }, [2, 8, 8, 4], [3, 3, 4, 4]),
        of(Conv { padding: [[1, 1], [2, 2]], ..plain }, [2, 8, 8, 4], [3, 3, 4, 4]),
        of(Conv { padding: [[1, 0], [1, 1]], ..plain }, [2, 8, 8, 4], [3, 3, 4, 4]),
    ];
    assert_eq!(all.iter().map(key).collect::<std::collections::BTreeSet<Key>>().len(), all.len());
    let suitable: Vec<bool> = all.iter().map(suits).collect();
    assert_eq!(suitable, [[true; 10].as_slice(), &[false]].concat(), "the last pads one side more");
    assert!(!suits(&of(Conv { groups: 4, ..plain }, [2, 8, 8, 4], [3, 3, 1, 4])), "depthwise");
}

#[test]
fn the_first_of_a_table_that_fits_is_chosen() {
    let sizes = |of: [Option<usize>; 2]| {
        choose(&[0, 1], |i: usize, bytes| match of[i] {
            // SAFETY: `choose` passes a place for one size.
            Some(n) => unsafe {
                *bytes = n;
                Status::CUDNN_STATUS_SUCCESS
            },
            None => Status::CUDNN_STATUS_NOT_SUPPORTED,
        })
    };
    assert_eq!(sizes([Some(8), Some(0)]), Some((0, 8)));
    assert_eq!(sizes([None, Some(0)]), Some((1, 0)));
    assert_eq!(sizes([Some(MOST_WORKSPACE + 1), Some(4)]), Some((1, 4)));
    assert_eq!(sizes([None, None]), None);
}
