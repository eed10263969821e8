//! Sequences out of MATLAB's order: number (sequence, channel, position) of (N, 4, L) lies at n + N (b + 4 t), so that a
//! sequence is scattered over all of the array. One pass takes the wanted ones out, a byte a position; blocks of positions
//! are turned in memory and put in a nameless file, whose blocks are then read side by side.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use super::bases::CHANNELS;
use crate::error::grouped;
use crate::formats::Mapped;
use crate::formats::matlab::Numbers;
use crate::store::SplitWriter;
use crate::{Error, ErrorKind};

/// Positions turned at once.
const BLOCK: usize = 64;
/// Numbers read at once.
const PIECE: usize = 64 * 1_024;
/// The bits of a position where all four channels are quarters; a one sets bit `channel`, a quarter bit `4 + channel`.
const QUARTERS: u8 = 0xf0;

/// Calls `f` with the place in `rows`, and the number there, of each of `rows` (rising) in the next `items` numbers.
pub(super) fn column(
    numbers: &mut dyn Numbers,
    items: usize,
    rows: &[usize],
    mut f: impl FnMut(usize, f64) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut piece = vec![0.0; items.min(PIECE)];
    let (mut first, mut next) = (0, 0);
    while first < items {
        let now = (items - first).min(PIECE);
        numbers.read(&mut piece[..now])?;
        while let Some(row) = rows.get(next).filter(|r| **r < first + now) {
            f(next, piece[row - first])?;
            next += 1;
        }
        first += now;
    }
    Ok(())
}

/// Sequences taken out, on disk.
pub(super) struct Turned {
    map: Mapped,
    rows: usize,
    length: usize,
    /// Unknown bases that were written as quarters.
    pub quarters: u64,
}

impl Turned {
    /// Takes the sequences `rows` (rising) out of `numbers` of dimensions (`items`, 4, `length`), by way of a nameless file in
    /// `folder`; `each` hears of every position. In memory are `BLOCK` bytes a sequence.
    pub fn take(
        numbers: &mut dyn Numbers,
        [items, length]: [usize; 2],
        rows: &[usize],
        folder: &Path,
        mut each: impl FnMut(usize),
    ) -> Result<Self, Error> {
        let file = tempfile::tempfile_in(folder).map_err(|e| Error::io(folder, "create a file in", &e))?;
        let mut to = BufWriter::with_capacity(1 << 20, &file);
        let mut put = |block: &[u8]| to.write_all(block).map_err(|e| Error::io(folder, "write to", &e));
        let (mut position, mut quarters) = (vec![0u8; rows.len()], 0);
        let mut block = vec![0; rows.len() * BLOCK.min(length)];
        for t in 0..length {
            each(t);
            let odd = |row: usize| {
                let (t, n) = (grouped(t as u64), grouped(rows[row] as u64));
                let what = format!("position {t} of sequence {n} is no base: neither one-hot nor unknown");
                Error::new(ErrorKind::Invalid, what, "copy or download the file again")
            };
            position.fill(0);
            for channel in 0..CHANNELS {
                column(numbers, items, rows, |row, v| {
                    position[row] |= match v {
                        0.0 => 0,
                        1.0 => 1 << channel,
                        0.25 => 1 << (CHANNELS + channel),
                        _ => return Err(odd(row)),
                    };
                    Ok(())
                })?;
            }
            let wide = BLOCK.min(length - t / BLOCK * BLOCK);
            let block = &mut block[..rows.len() * wide];
            for (row, (bits, to)) in position.iter().zip(block.iter_mut().skip(t % BLOCK).step_by(wide)).enumerate() {
                *to = match bits {
                    &QUARTERS => 0,
                    0 | 1 | 2 | 4 | 8 => *bits,
                    _ => return Err(odd(row)),
                };
                quarters += u64::from(*bits == QUARTERS);
            }
            if t % BLOCK == wide - 1 {
                put(block)?;
            }
        }
        numbers.finish()?;
        to.flush().map_err(|e| Error::io(folder, "write to", &e))?;
        drop(to);
        Self::map(&file, folder, rows.len(), length, quarters)
    }

    fn map(file: &File, folder: &Path, rows: usize, length: usize, quarters: u64) -> Result<Self, Error> {
        Ok(Self { map: Mapped::of(file, folder)?, rows, length, quarters })
    }

    /// Writes them one after the other, one-hot `[length, 4]` each.
    pub fn write(&self, split: &mut SplitWriter) -> Result<(), Error> {
        let mut hot = vec![0u8; self.length * CHANNELS];
        for row in 0..self.rows {
            for (b, hot) in hot.chunks_mut(BLOCK * CHANNELS).enumerate() {
                let wide = hot.len() / CHANNELS;
                let codes = &self.map[self.rows * b * BLOCK + row * wide..][..wide];
                for (hot, bits) in hot.as_chunks_mut::<CHANNELS>().0.iter_mut().zip(codes) {
                    *hot = std::array::from_fn(|channel| bits >> channel & 1);
                }
            }
            split.push(&hot)?;
        }
        Ok(())
    }
}
