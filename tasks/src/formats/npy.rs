//! `.npy`, versions 1 to 3: a header written as a Python dict, then the array's bytes or, for objects, a pickle.

mod stream;

pub use stream::Stream;

use super::array::{Array, Class, ElementType, extent};
use super::pickle::Pickle;
use crate::Error;

/// What a `.npy` holds.
#[derive(Debug)]
pub enum Npy<'a> {
    /// Numbers or text.
    Array(Array<'a>),
    /// Python objects: the root is an array of them.
    Objects(Pickle<'a>),
}

const FIX: &str = "give the task's own .npy file";

impl<'a> Npy<'a> {
    /// Reads all of `bytes`.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        let Some(rest) = bytes.strip_prefix(b"\x93NUMPY") else {
            return Err(if bytes.is_empty() {
                Error::invalid("the file is empty", "copy or download it again")
            } else {
                Error::invalid("is not a .npy file (it does not begin with \\x93NUMPY)", FIX)
            });
        };
        let short = || Error::cut_short("the .npy header does not end");
        let major = *rest.first().ok_or_else(short)?;
        let wide = width(major)?;
        let mut length = [0; 4];
        length[..wide].copy_from_slice(rest.get(2..2 + wide).ok_or_else(short)?);
        let rest = &rest[2 + wide..];
        let (header, data) = rest.split_at_checked(u32::from_le_bytes(length) as usize).ok_or_else(short)?;
        let (element, fortran, shape) = head(major, header)?;
        if element.class == Class::Object {
            return Ok(Self::Objects(Pickle::parse(data)?));
        }
        let want = extent(&shape, element.size).map(|(_, bytes)| bytes);
        match want {
            Some(n) if n == data.len() => Ok(Self::Array(Array::new(element, shape, fortran, data)?)),
            Some(n) if n < data.len() => {
                let more = data.len() - n;
                Err(Error::invalid(format!("has {more} bytes after the array's end"), "copy or download it again"))
            }
            _ => Err(Error::cut_short(format!(
                "an array of shape {shape:?} of {} does not fit into {} bytes",
                element.name(),
                data.len()
            ))),
        }
    }
}

/// Bytes of the header's length in a file of this version.
fn width(major: u8) -> Result<usize, Error> {
    match major {
        1 => Ok(2),
        2 | 3 => Ok(4),
        v => Err(Error::invalid(format!("is .npy of version {v}, 1 to 3 are known"), FIX)),
    }
}

/// Element type, order and shape that a header states.
fn head(major: u8, header: &[u8]) -> Result<(ElementType, bool, Vec<usize>), Error> {
    let utf8 = std::str::from_utf8(header).ok().filter(|_| major == 3 || header.is_ascii());
    let (element, fortran, shape) = utf8.and_then(header_fields).ok_or_else(|| {
        let shown = String::from_utf8_lossy(&header[..header.len().min(80)]).into_owned();
        Error::invalid(format!("the .npy header {shown:?} is not understood"), FIX)
    })?;
    Ok((ElementType::parse(&element)?, fortran, shape))
}

/// `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }` as (descr, order, shape).
fn header_fields(text: &str) -> Option<(String, bool, Vec<usize>)> {
    let mut rest = text.trim().strip_prefix('{')?;
    let (mut descr, mut order, mut shape) = (None, None, None);
    loop {
        rest = rest.trim_start();
        if let Some(end) = rest.strip_prefix('}') {
            return end.trim().is_empty().then_some((descr?, order?, shape?));
        }
        let (key, after) = quoted(rest)?;
        rest = after.trim_start().strip_prefix(':')?.trim_start();
        match key {
            "descr" => {
                let (value, after) = quoted(rest)?;
                descr = Some(value.to_owned());
                rest = after;
            }
            "fortran_order" => {
                let yes = rest.strip_prefix("True");
                order = Some(yes.is_some());
                rest = yes.or_else(|| rest.strip_prefix("False"))?;
            }
            "shape" => {
                let (inside, after) = rest.strip_prefix('(')?.split_once(')')?;
                let sizes = inside.split(',').map(str::trim).filter(|s| !s.is_empty());
                // Python 2 writes long sizes as 3L.
                let sizes: Option<Vec<usize>> = sizes.map(|s| s.trim_end_matches('L').parse().ok()).collect();
                shape = Some(sizes.filter(|s| s.len() <= 32)?);
                rest = after;
            }
            _ => return None,
        }
        rest = rest.trim_start();
        rest = rest.strip_prefix(',').unwrap_or(rest);
    }
}

fn quoted(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    text[1..].split_once(quote)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn npy(version: u8, header: &str, data: &[u8]) -> Vec<u8> {
        let mut b = b"\x93NUMPY".to_vec();
        b.extend([version, 0]);
        match version {
            1 => b.extend((header.len() as u16).to_le_bytes()),
            _ => b.extend((header.len() as u32).to_le_bytes()),
        }
        b.extend(header.as_bytes());
        b.extend(data);
        b
    }

    #[test]
    fn three_versions_and_both_orders() {
        let data: Vec<u8> = [1.5f32, -2.0, 0.25, 7.0, 8.0, 9.0].iter().flat_map(|x| x.to_be_bytes()).collect();
        for version in 1..=3 {
            for (fortran, second) in [("False", -2.0), ("True", 0.25)] {
                let h = format!("{{'descr': '>f4', 'fortran_order': {fortran}, 'shape': (2, 3L), }}   \n");
                let bytes = npy(version, &h, &data);
                let Npy::Array(a) = Npy::parse(&bytes).unwrap() else { panic!("numbers") };
                assert_eq!((a.shape(), a.number(0), a.number(1)), (&[2, 3][..], Some(1.5), Some(second)));
            }
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        let good = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n";
        let of = |h: &str, n: usize| npy(1, h, &vec![0; n]);
        for (bytes, want) in [
            (vec![], "the file is empty"),
            (b"PK\x03\x04".to_vec(), "is not a .npy file"),
            (b"\x93NUMPY".to_vec(), "cut short: the .npy header"),
            (b"\x93NUMPY\x01\x00\xff\xff{".to_vec(), "cut short: the .npy header"),
            (npy(9, good, &[]), "version 9"),
            (of(good, 7), "cut short: an array of shape [2] of f4 does not fit into 7 bytes"),
            (of(good, 9), "has 1 bytes after the array's end"),
            (of("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}", 8), "is not understood"),
            (of("{'descr': '<f4', 'shape': (2,)}", 8), "is not understood"),
            (of("{'descr': '<c8', 'fortran_order': False, 'shape': (1,)}", 8), "elements of type '<c8'"),
            (
                of("{'descr': '<f4', 'fortran_order': False, 'shape': (18446744073709551615, 9)}", 8),
                "cut short: an array of shape [18446744073709551615, 9]",
            ),
        ] {
            let got = Npy::parse(&bytes).unwrap_err().to_string();
            assert!(got.contains(want), "{got} / {want}");
        }
    }
}
