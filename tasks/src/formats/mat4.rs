//! MAT files of version 4: for each matrix a header of five 32-bit words, its name, its numbers column by column.

use super::array::{Array, Class, ElementType};
use crate::Error;

const FIX: &str = "copy or download it again";

/// A file that holds one matrix.
#[derive(Debug)]
pub struct Mat4<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its numbers, (rows, columns).
    pub matrix: Array<'a>,
}

impl<'a> Mat4<'a> {
    /// Reads all of `bytes`: one real matrix of numbers, little-endian, and nothing after it.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        let short = |what: &str| Error::cut_short(format!("{what} of a MAT file of version 4"));
        let (header, rest) = bytes.split_first_chunk::<20>().ok_or_else(|| short("the header"))?;
        let word = |i: usize| i32::from_le_bytes([0, 1, 2, 3].map(|b| header[4 * i + b]));
        let kind = word(0);
        // Thousands: byte order; tens: element type; ones: numbers, text or sparse.
        let (class, size) = match kind {
            0 => (Class::Float, 8),
            10 => (Class::Float, 4),
            20 => (Class::Int, 4),
            30 => (Class::Int, 2),
            40 => (Class::UInt, 2),
            50 => (Class::UInt, 1),
            _ => {
                let what = format!("is not a MAT file of version 4 with a little-endian matrix (type {kind})");
                return Err(Error::invalid(what, "give the task's own files"));
            }
        };
        if word(3) != 0 {
            return Err(Error::invalid("holds a matrix of complex numbers", "give the task's own files"));
        }
        let count = |i: usize| usize::try_from(word(i)).ok();
        let (Some(rows), Some(columns), Some(named)) = (count(1), count(2), count(4).filter(|&n| n > 0)) else {
            let what = format!("has a header with negative sizes ({} x {}, name {})", word(1), word(2), word(4));
            return Err(Error::invalid(what, FIX));
        };
        let (name, data) = rest.split_at_checked(named).ok_or_else(|| short("the name"))?;
        let name = name.split(|&b| b == 0).next().unwrap_or_default();
        let name = std::str::from_utf8(name).ok().filter(|n| n.is_ascii());
        let name = name.ok_or_else(|| Error::invalid("holds a matrix whose name is no text", FIX))?;
        let want = super::array::extent(&[rows, columns], size).map(|(_, bytes)| bytes);
        match want {
            Some(n) if n < data.len() => {
                return Err(Error::invalid(format!("has {} bytes after the matrix's end", data.len() - n), FIX));
            }
            Some(n) if n == data.len() => {}
            _ => return Err(short(&format!("a matrix of {rows} x {columns}"))),
        }
        let element = ElementType { class, size, big_endian: false };
        Ok(Self { name, matrix: Array::new(element, vec![rows, columns], true, data)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(words: [i32; 5], name: &[u8], data: &[u8]) -> Vec<u8> {
        [&words.map(i32::to_le_bytes).concat(), name, data].concat()
    }

    #[test]
    fn numbers_lie_column_by_column() {
        let data: Vec<u8> = [1i16, -2, 3, 4, 5, -6].iter().flat_map(|v| v.to_le_bytes()).collect();
        let bytes = file([30, 2, 3, 0, 4], b"val\0", &data);
        let m = Mat4::parse(&bytes).unwrap();
        assert_eq!((m.name, m.matrix.shape()), ("val", &[2, 3][..]));
        assert_eq!([0, 1, 2, 3, 4, 5].map(|i| m.matrix.integer(i).unwrap()), [1, 3, 5, -2, 4, -6]);
        for (kind, size) in [(0, 8), (10, 4), (20, 4), (40, 2), (50, 1)] {
            let bytes = file([kind, 1, 1, 0, 2], b"x\0", &vec![0; size]);
            assert_eq!(Mat4::parse(&bytes).unwrap().matrix.number(0), Some(0.0));
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        let ok = [30, 1, 2, 0, 4];
        for (bytes, want) in [
            (vec![], "cut short: the header"),
            (file(ok, b"va", &[]), "cut short: the name"),
            (file(ok, b"val\0", &[0; 3]), "cut short: a matrix of 1 x 2"),
            (file(ok, b"val\0", &[0; 5]), "has 1 bytes after the matrix's end"),
            (file([30, i32::MAX, i32::MAX, 0, 4], b"val\0", &[0; 4]), "cut short: a matrix of 2147483647 x 2147483647"),
            (file([30, -1, 2, 0, 4], b"val\0", &[0; 4]), "negative sizes (-1 x 2, name 4)"),
            (file([30, 1, 2, 1, 4], b"val\0", &[0; 4]), "complex numbers"),
            (file([30, 1, 2, 0, 4], b"\xff\xfe\0\0", &[0; 4]), "whose name is no text"),
            (file([1030, 1, 2, 0, 4], b"val\0", &[0; 4]), "little-endian matrix (type 1030)"),
            (b"MATLAB 5.0 MAT-file, Platform: x".to_vec(), "is not a MAT file of version 4"),
        ] {
            let got = Mat4::parse(&bytes).unwrap_err().to_string();
            assert!(got.contains(want), "{got} / {want}");
        }
    }
}
