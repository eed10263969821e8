//! A `.npy` of numbers, read as it comes: for arrays larger than memory.

use std::io::{self, Read};

use super::{Array, Class, ElementType, Error, FIX, extent, head, width};

/// Most bytes of a header; NumPy writes 128, and more only for structures.
const MOST_HEADER: usize = 64 << 10;

/// The elements of an array in row-major order.
pub struct Stream<R> {
    from: R,
    element: ElementType,
    shape: Vec<usize>,
    /// Elements not read yet.
    left: usize,
    buffer: Vec<u8>,
}

impl<R: Read> Stream<R> {
    /// Reads the header.
    pub fn open(mut from: R) -> Result<Self, Error> {
        let mut start = [0; 8];
        from.read_exact(&mut start).map_err(|e| damaged("the .npy header", &e))?;
        let Some([major, _]) = start.strip_prefix(b"\x93NUMPY") else {
            return Err(Error::invalid("is not a .npy file (it does not begin with \\x93NUMPY)", FIX));
        };
        let (mut length, wide) = ([0; 4], width(*major)?);
        from.read_exact(&mut length[..wide]).map_err(|e| damaged("the .npy header", &e))?;
        let length = u32::from_le_bytes(length) as usize;
        if length > MOST_HEADER {
            return Err(Error::invalid(format!("the .npy header has {length} bytes"), FIX));
        }
        let mut header = vec![0; length];
        from.read_exact(&mut header).map_err(|e| damaged("the .npy header", &e))?;
        let (element, fortran, shape) = head(*major, &header)?;
        if fortran && shape.len() > 1 {
            return Err(Error::invalid("is in Fortran order", "save it in C order (numpy.ascontiguousarray)"));
        }
        if element.class == Class::Object {
            return Err(Error::invalid("holds Python objects, not numbers", FIX));
        }
        let (left, _) = extent(&shape, element.size)
            .ok_or_else(|| Error::invalid(format!("an array of shape {shape:?} cannot be"), FIX))?;
        Ok(Self { from, element, shape, left, buffer: Vec::new() })
    }

    /// Type of the elements.
    pub fn element(&self) -> ElementType {
        self.element
    }

    /// Shape of the whole array.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The next `n` elements, as they lie in the file; hold them no longer than to the next call.
    ///
    /// # Panics
    /// If fewer are left.
    pub fn bytes(&mut self, n: usize) -> Result<&[u8], Error> {
        assert!(n <= self.left, "{n} elements of {} that are left", self.left);
        self.buffer.resize(n * self.element.size, 0);
        self.from.read_exact(&mut self.buffer).map_err(|e| damaged("the array", &e))?;
        self.left -= n;
        Ok(&self.buffer)
    }

    /// The next `n` elements.
    ///
    /// # Panics
    /// If fewer are left.
    pub fn next(&mut self, n: usize) -> Result<Array<'_>, Error> {
        let element = self.element;
        Array::new(element, vec![n], false, self.bytes(n)?)
    }

    /// To be called after the last element: checks that the file ends here, and whole.
    ///
    /// # Panics
    /// If elements are left.
    pub fn finish(mut self) -> Result<(), Error> {
        assert_eq!(self.left, 0, "finish() before the last element");
        match self.from.read(&mut [0]) {
            Ok(0) => Ok(()),
            Ok(_) => Err(Error::invalid("has bytes after the array's end", "copy or download it again")),
            Err(e) => Err(damaged("the array", &e)),
        }
    }
}

fn damaged(what: &str, e: &io::Error) -> Error {
    if e.kind() == io::ErrorKind::UnexpectedEof {
        return Error::cut_short(format!("{what} does not end"));
    }
    Error::invalid(format!("{what} is damaged ({e})"), "copy or download the file again")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn npy(descr: &str, order: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        let header = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}\n");
        let mut b = b"\x93NUMPY\x01\x00".to_vec();
        b.extend((header.len() as u16).to_le_bytes());
        b.extend(header.as_bytes());
        b.extend(data);
        b
    }

    #[test]
    fn elements_come_in_turn() {
        let data: Vec<u8> = [1.5f32, -2.0, 0.25].iter().flat_map(|v| v.to_be_bytes()).collect();
        let file = npy(">f4", "False", "(3,)", &data);
        let mut s = Stream::open(&file[..]).unwrap();
        assert_eq!((s.shape(), s.element().size), (&[3][..], 4));
        assert_eq!(s.next(2).unwrap().number(1), Some(-2.0));
        assert_eq!(s.next(1).unwrap().number(0), Some(0.25));
        s.finish().unwrap();
    }

    #[test]
    fn what_is_wrong_is_said() {
        let read = |bytes: &[u8]| -> Result<(), Error> {
            let mut s = Stream::open(bytes)?;
            s.bytes(s.left)?;
            s.finish()
        };
        let good = npy("|u1", "False", "(2, 2)", &[0; 4]);
        read(&good).unwrap();
        for (bytes, want) in [
            (good[..5].to_vec(), "cut short: the .npy header"),
            (good[..30].to_vec(), "cut short: the .npy header"),
            (good[..good.len() - 1].to_vec(), "cut short: the array"),
            ([&good[..], &[0]].concat(), "bytes after the array's end"),
            (b"PK\x03\x04 and more".to_vec(), "is not a .npy file"),
            (npy("|u1", "True", "(2, 2)", &[0; 4]), "Fortran order"),
            (npy("|O", "False", "(2, 2)", &[0; 4]), "Python objects"),
            (npy("<f8", "False", "(18446744073709551615, 9)", &[0; 4]), "cannot be"),
        ] {
            let got = read(&bytes).unwrap_err().to_string();
            assert!(got.contains(want), "{got} / {want}");
        }
    }
}
