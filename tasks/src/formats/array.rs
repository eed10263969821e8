//! An array of NumPy as it lies in a file: element type, byte order, shape, bytes.

use crate::Error;

/// What an element is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// `b1`
    Bool,
    /// `i1` .. `i8`
    Int,
    /// `u1` .. `u8`
    UInt,
    /// `f2`, `f4`, `f8`
    Float,
    /// `S`: bytes, zeros at the end not counted.
    Bytes,
    /// `U`: 4-byte characters.
    Unicode,
    /// `O`: any Python object, which only a pickle can hold.
    Object,
}

/// Element type of an array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ElementType {
    /// What an element is.
    pub class: Class,
    /// Its bytes.
    pub size: usize,
    /// Most significant byte first.
    pub big_endian: bool,
}

impl ElementType {
    /// From NumPy's name: `f4`, `<i8`, `|O`, `>U3`, `O8`.
    pub fn parse(name: &str) -> Result<Self, Error> {
        let refuse = || {
            let known = "b1, i1-i8, u1-u8, f2, f4, f8, S, U and O are read";
            Error::invalid(format!("has elements of type '{name}'"), format!("save it as another type: {known}"))
        };
        let (big_endian, rest) = match name.as_bytes().first() {
            Some(b'>') => (true, &name[1..]),
            Some(b'<' | b'|' | b'=') => (false, &name[1..]),
            _ => (false, name),
        };
        let (letter, digits) = rest.split_at_checked(1).ok_or_else(refuse)?;
        let n: usize = match digits {
            "" if matches!(letter, "O" | "?") => 0,
            d => d.parse().map_err(|_| refuse())?,
        };
        let (class, size) = match (letter, n) {
            ("b", 1) | ("?", 0) => (Class::Bool, 1),
            ("i", 1 | 2 | 4 | 8) => (Class::Int, n),
            ("u", 1 | 2 | 4 | 8) => (Class::UInt, n),
            ("f", 2 | 4 | 8) => (Class::Float, n),
            ("S" | "a", 1..=65_536) => (Class::Bytes, n),
            ("U", 1..=65_536) => (Class::Unicode, 4 * n),
            ("O", _) => (Class::Object, 8),
            _ => return Err(refuse()),
        };
        Ok(Self { class, size, big_endian })
    }

    /// NumPy's name, for messages: `f4`.
    pub fn name(&self) -> String {
        let (letter, n) = match self.class {
            Class::Bool => ("b", self.size),
            Class::Int => ("i", self.size),
            Class::UInt => ("u", self.size),
            Class::Float => ("f", self.size),
            Class::Bytes => ("S", self.size),
            Class::Unicode => ("U", self.size / 4),
            Class::Object => return "O".to_owned(),
        };
        format!("{letter}{n}")
    }
}

/// Number of elements of a shape and their bytes, if that can be counted at all.
pub(crate) fn extent(shape: &[usize], element: usize) -> Option<(usize, usize)> {
    let n = shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d))?;
    Some((n, n.checked_mul(element)?))
}

/// An array in somebody's bytes; never of objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Array<'a> {
    element: ElementType,
    shape: Vec<usize>,
    fortran: bool,
    data: &'a [u8],
}

impl<'a> Array<'a> {
    /// Checks that the bytes are as many as the shape wants.
    pub fn new(element: ElementType, shape: Vec<usize>, fortran: bool, data: &'a [u8]) -> Result<Self, Error> {
        match extent(&shape, element.size) {
            Some((_, bytes)) if bytes == data.len() && element.class != Class::Object => {
                Ok(Self { element, shape, fortran, data })
            }
            _ => Err(Error::invalid(
                format!("an array of shape {shape:?} of {} holds {} bytes", element.name(), data.len()),
                "copy or download the file again",
            )),
        }
    }

    /// Its element type.
    pub fn element(&self) -> ElementType {
        self.element
    }

    /// Its shape.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.data.len() / self.element.size
    }

    /// No elements.
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    /// Where element `flat` (row-major) lies.
    fn place(&self, flat: usize) -> usize {
        if !self.fortran || self.shape.len() < 2 {
            return flat;
        }
        let (mut rest, mut place, mut stride) = (flat, 0, self.len());
        for &d in self.shape.iter().rev() {
            stride /= d;
            place += (rest % d) * stride;
            rest /= d;
        }
        place
    }

    /// Bytes of element `flat` (row-major), at most eight, least significant first.
    fn word(&self, flat: usize) -> u64 {
        let (size, at) = (self.element.size, self.place(flat) * self.element.size);
        let mut w = [0; 8];
        w[..size].copy_from_slice(&self.data[at..at + size]);
        if self.element.big_endian {
            w[..size].reverse();
        }
        u64::from_le_bytes(w)
    }

    /// Element `flat` (row-major) as a number; `None` for text.
    ///
    /// # Panics
    /// If there is no such element.
    pub fn number(&self, flat: usize) -> Option<f64> {
        match (self.element.class, self.element.size) {
            (Class::Float, 2) => Some(half::f16::from_bits(self.word(flat) as u16).to_f64()),
            (Class::Float, 4) => Some(f64::from(f32::from_bits(self.word(flat) as u32))),
            (Class::Float, _) => Some(f64::from_bits(self.word(flat))),
            (Class::UInt, _) => Some(self.word(flat) as f64),
            _ => self.integer(flat).map(|i| i as f64),
        }
    }

    /// Element `flat` (row-major) as an integer; `None` for floats, text, and what i64 cannot hold.
    ///
    /// # Panics
    /// If there is no such element.
    pub fn integer(&self, flat: usize) -> Option<i64> {
        match self.element.class {
            Class::Bool | Class::UInt => i64::try_from(self.word(flat)).ok(),
            Class::Int => {
                let unused = 64 - 8 * self.element.size as u32;
                Some((self.word(flat) << unused) as i64 >> unused)
            }
            _ => None,
        }
    }

    /// Element `flat` (row-major) as text, zeros at the end not counted; `None` for numbers and what is no text.
    ///
    /// # Panics
    /// If there is no such element.
    pub fn text(&self, flat: usize) -> Option<String> {
        let size = self.element.size;
        let bytes = &self.data[self.place(flat) * size..][..size];
        let text = match self.element.class {
            Class::Bytes => std::str::from_utf8(bytes).ok()?.to_owned(),
            Class::Unicode => {
                let (words, _) = bytes.as_chunks::<4>();
                let word =
                    |&b: &[u8; 4]| if self.element.big_endian { u32::from_be_bytes(b) } else { u32::from_le_bytes(b) };
                words.iter().map(|b| char::from_u32(word(b))).collect::<Option<String>>()?
            }
            _ => return None,
        };
        Some(text.trim_end_matches('\0').to_owned())
    }

    /// All elements as they lie, row-major, if they are single unsigned bytes.
    pub fn octets(&self) -> Option<&'a [u8]> {
        let plain =
            self.element.size == 1 && self.element.class == Class::UInt && !(self.fortran && self.shape.len() > 1);
        plain.then_some(self.data)
    }

    /// Numbers `from .. from + out.len()` in row-major order; false if they are none.
    pub fn numbers(&self, from: usize, out: &mut [f64]) -> bool {
        for (i, x) in out.iter_mut().enumerate() {
            match self.number(from + i) {
                Some(v) => *x = v,
                None => return false,
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, data: &[u8]) -> Vec<f64> {
        let e = ElementType::parse(name).unwrap();
        let a = Array::new(e, vec![data.len() / e.size], false, data).unwrap();
        (0..a.len()).map(|i| a.number(i).unwrap()).collect()
    }

    #[test]
    fn every_type_and_byte_order() {
        assert_eq!(read("<f2", &[0x00, 0x3e, 0x00, 0xc0]), [1.5, -2.0]);
        assert_eq!(read(">f4", &(-2.5f32).to_be_bytes()), [-2.5]);
        assert_eq!(read("=f8", &0.1f64.to_le_bytes()), [0.1]);
        assert_eq!(read("|i1", &[255, 127]), [-1.0, 127.0]);
        assert_eq!(read(">i2", &[0xff, 0xfe]), [-2.0]);
        assert_eq!(read("i4", &(-70_000i32).to_le_bytes()), [-70_000.0]);
        assert_eq!(read(">i8", &i64::MIN.to_be_bytes()), [i64::MIN as f64]);
        assert_eq!(read("|u1", &[255]), [255.0]);
        assert_eq!(read("<u8", &u64::MAX.to_le_bytes()), [u64::MAX as f64]);
        assert_eq!(read("?", &[0, 1]), [0.0, 1.0]);
    }

    #[test]
    fn text_of_both_kinds() {
        let of = |name: &str, data: &[u8], i| {
            let e = ElementType::parse(name).unwrap();
            Array::new(e, vec![data.len() / e.size], false, data).unwrap().text(i)
        };
        assert_eq!(of("S2", b"N\0~~", 0).as_deref(), Some("N"));
        assert_eq!(of("S2", b"N\0~~", 1).as_deref(), Some("~~"));
        assert_eq!(of("<U2", &[0xe9, 0, 0, 0, 0, 0, 0, 0], 0).as_deref(), Some("é"));
        assert_eq!(of(">U1", &[0, 0, 0, b'A'], 0).as_deref(), Some("A"));
        assert_eq!((of("<U1", &[0xff; 4], 0), of("S1", &[0xff], 0), of("u1", &[1], 0)), (None, None, None));
    }

    #[test]
    fn fortran_order_is_read_row_by_row() {
        let data: Vec<u8> = (0..24).collect();
        let e = ElementType::parse("u1").unwrap();
        let a = Array::new(e, vec![2, 3, 4], true, &data).unwrap();
        for (i, j, k) in [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 2, 3)] {
            assert_eq!(a.integer((i * 3 + j) * 4 + k), Some((i + 2 * j + 6 * k) as i64));
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let e = ElementType::parse("f8").unwrap();
        let err = Array::new(e, vec![usize::MAX, 3], false, &[0; 8]).unwrap_err().to_string();
        assert!(err.contains("of f8 holds 8 bytes"), "{err}");
        for odd in ["", "c16", "f3", "M8[ns]", "V8", "S", "U99999999", "é4"] {
            let err = ElementType::parse(odd).unwrap_err().to_string();
            assert!(err.contains(&format!("has elements of type '{odd}'")), "{err}");
        }
    }
}
