//! MATLAB's files of versions 5 to 7.2: a header of 128 bytes, then elements, each a type, a length and its bytes.
//!
//! Read are numeric arrays, real and dense, of every class and storage type (MATLAB stores doubles that are small integers
//! as such), in either byte order, plain or deflated. Other variables are passed over; a file of them is none the worse.

use std::io::{self, Read};

use flate2::bufread::ZlibDecoder;

use super::array::{Class, ElementType};
use super::matlab::{Numbers, plausible};
use crate::Error;

const FIX: &str = "give the task's own .mat file";
const MATRIX: u32 = 14;
const COMPRESSED: u32 = 15;
/// Bytes converted at once; a multiple of every element's size.
const CHUNK: usize = 64 * 1024;

/// A file, its elements not looked at yet.
#[derive(Debug, Clone, Copy)]
pub struct Mat5<'a> {
    big: bool,
    elements: &'a [u8],
}

/// A variable as its header describes it, its numbers next in `rest`.
struct Variable<'a> {
    name: String,
    class: u8,
    complex: bool,
    dims: Vec<usize>,
    /// Bytes of the file that it has.
    bytes: usize,
    rest: Box<dyn Read + 'a>,
}

impl<'a> Mat5<'a> {
    /// Checks the header.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        let wrong = || Error::invalid("is not a MATLAB file of version 5 or 7.3", FIX);
        let (header, elements) = match bytes.split_at_checked(128) {
            Some(split) => split,
            None if bytes.starts_with(b"MATLAB") => return Err(Error::cut_short("the header does not end")),
            None => return Err(wrong()),
        };
        let big = match &header[124..] {
            [0, 1, b'I', b'M'] => false,
            [1, 0, b'M', b'I'] => true,
            _ => return Err(wrong()),
        };
        Ok(Self { big, elements })
    }

    /// Names of the variables, in the file's order; those that cannot be looked into have none.
    pub fn names(&self) -> Result<Vec<String>, Error> {
        let mut names = Vec::new();
        self.each(|v| {
            names.push(v.name);
            None::<()>
        })?;
        Ok(names.into_iter().filter(|n| !n.is_empty()).collect())
    }

    /// The numbers of a variable; `None` if there is none of this name.
    pub fn numbers(&self, name: &str) -> Result<Option<Reader<'a>>, Error> {
        let found = self.each(|v| (v.name == name).then_some(v))?;
        found.map(|v| Reader::of(v, self.big)).transpose()
    }

    /// Shows the variables to `f`, in the file's order, until it takes one.
    fn each<T>(&self, mut f: impl FnMut(Variable<'a>) -> Option<T>) -> Result<Option<T>, Error> {
        let mut rest = self.elements;
        while !rest.is_empty() {
            let short = |what: &str| Error::cut_short(what);
            let (tag, after) = rest.split_first_chunk::<8>().ok_or_else(|| short("a variable's tag does not end"))?;
            let word = |at: usize| word(self.big, [tag[at], tag[at + 1], tag[at + 2], tag[at + 3]]);
            let (kind, length) = (word(0), word(4) as usize);
            let (content, after) = after.split_at_checked(length).ok_or_else(|| {
                short(&format!("a variable has {length} bytes, the file's last {} are left", after.len()))
            })?;
            rest = after;
            let variable = match kind {
                MATRIX => self.variable(length, Box::new(content)),
                COMPRESSED => {
                    let mut inflated: Box<dyn Read + 'a> = Box::new(ZlibDecoder::new(content));
                    match element(self.big, &mut inflated).map_err(|e| damaged("a variable", &e))? {
                        Element { kind: MATRIX, small: None, .. } => self.variable(length, inflated),
                        _ => continue,
                    }
                }
                _ => continue,
            };
            if let Some(found) = f(variable.map_err(|e| damaged("a variable", &e))?) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Reads a variable's header. What is not laid out as arrays are (an object, a function) gets no name.
    fn variable(&self, bytes: usize, mut rest: Box<dyn Read + 'a>) -> io::Result<Variable<'a>> {
        let big = self.big;
        let odd = |rest| Variable { name: String::new(), class: 0, complex: false, dims: Vec::new(), bytes, rest };
        if bytes == 0 {
            return Ok(odd(rest));
        }
        let flags = short_element(big, &mut rest, 8)?;
        let [a, b, c, d, ..] = flags[..] else { return Ok(odd(rest)) };
        let flags = word(big, [a, b, c, d]);
        let class = flags as u8;
        if !(1..=15).contains(&class) {
            return Ok(odd(rest));
        }
        let dims = short_element(big, &mut rest, 4 * 32)?;
        let dims = dims.chunks_exact(4).map(|d| word(big, [d[0], d[1], d[2], d[3]]) as usize).collect();
        let name = String::from_utf8_lossy(&short_element(big, &mut rest, 256)?).into_owned();
        Ok(Variable { name, class, complex: flags & 0x800 != 0, dims, bytes, rest })
    }
}

fn damaged(what: &str, e: &io::Error) -> Error {
    if e.kind() == io::ErrorKind::UnexpectedEof {
        return Error::cut_short(format!("{what} does not end"));
    }
    Error::invalid(format!("{what} is damaged ({e})"), "copy or download the file again")
}

fn word(big: bool, bytes: [u8; 4]) -> u32 {
    if big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
}

/// A tag: type, length, and the bytes themselves where four were enough.
struct Element {
    kind: u32,
    length: usize,
    small: Option<[u8; 4]>,
}

fn element(big: bool, from: &mut dyn Read) -> io::Result<Element> {
    let (mut first, mut second) = ([0; 4], [0; 4]);
    from.read_exact(&mut first)?;
    from.read_exact(&mut second)?;
    let kind = word(big, first);
    if kind >> 16 == 0 {
        return Ok(Element { kind, length: word(big, second) as usize, small: None });
    }
    let length = (kind >> 16) as usize;
    if length > 4 {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("an element of {length} bytes among four")));
    }
    Ok(Element { kind: kind & 0xffff, length, small: Some(second) })
}

/// An element of at most `most` bytes, and the filling after it.
fn short_element(big: bool, from: &mut dyn Read, most: usize) -> io::Result<Vec<u8>> {
    let e = element(big, from)?;
    if e.length > most {
        let what = format!("{} bytes where at most {most} are meant", e.length);
        return Err(io::Error::new(io::ErrorKind::InvalidData, what));
    }
    if let Some(small) = e.small {
        return Ok(small[..e.length].to_vec());
    }
    let mut bytes = vec![0; e.length.next_multiple_of(8)];
    from.read_exact(&mut bytes)?;
    bytes.truncate(e.length);
    Ok(bytes)
}

/// The numbers of one variable.
pub struct Reader<'a> {
    name: String,
    dims: Vec<usize>,
    element: ElementType,
    /// Numbers not read yet.
    left: usize,
    small: Option<[u8; 4]>,
    rest: Box<dyn Read + 'a>,
    buffer: Vec<u8>,
}

impl<'a> Reader<'a> {
    fn of(mut v: Variable<'a>, big: bool) -> Result<Self, Error> {
        let shown = format!("'{}'", v.name.escape_debug());
        let refuse = |what: String| Error::invalid(what, FIX);
        let kinds = ["cells", "structures", "objects", "text", "sparse numbers"];
        if let Some(kind) = kinds.get(usize::from(v.class) - 1) {
            return Err(refuse(format!("{shown} holds {kind}, not dense numbers")));
        }
        if v.complex {
            return Err(refuse(format!("{shown} holds complex numbers")));
        }
        let count = plausible(&v.name, &v.dims, v.bytes)?;
        let tag = element(big, &mut v.rest).map_err(|e| damaged(&shown, &e))?;
        let (class, size) = match tag.kind {
            1 => (Class::Int, 1),
            2 => (Class::UInt, 1),
            3 => (Class::Int, 2),
            4 => (Class::UInt, 2),
            5 => (Class::Int, 4),
            6 => (Class::UInt, 4),
            7 => (Class::Float, 4),
            9 => (Class::Float, 8),
            12 => (Class::Int, 8),
            13 => (Class::UInt, 8),
            kind => return Err(refuse(format!("{shown} is stored as type {kind}, which is none of numbers"))),
        };
        if count.checked_mul(size) != Some(tag.length) {
            let what = format!("{shown} of dimensions {:?} has {} bytes of {size} each", v.dims, tag.length);
            return Err(Error::invalid(what, "copy or download the file again"));
        }
        Ok(Self {
            name: v.name,
            dims: v.dims,
            element: ElementType { class, size, big_endian: big },
            left: count,
            small: tag.small,
            rest: v.rest,
            buffer: Vec::new(),
        })
    }

    fn damaged(&self, e: &io::Error) -> Error {
        damaged(&format!("'{}'", self.name.escape_debug()), e)
    }
}

impl Numbers for Reader<'_> {
    fn dims(&self) -> &[usize] {
        &self.dims
    }

    fn read(&mut self, out: &mut [f64]) -> Result<(), Error> {
        assert!(out.len() <= self.left, "{} numbers of {} that are left", out.len(), self.left);
        let size = self.element.size;
        for part in out.chunks_mut(CHUNK / size) {
            self.buffer.resize(part.len() * size, 0);
            match &mut self.small {
                Some(bytes) => {
                    let n = self.buffer.len();
                    self.buffer.copy_from_slice(&bytes[..n]);
                    bytes.rotate_left(n);
                }
                None => {
                    let mut buffer = std::mem::take(&mut self.buffer);
                    let read = self.rest.read_exact(&mut buffer);
                    self.buffer = buffer;
                    read.map_err(|e| self.damaged(&e))?;
                }
            }
            let e = self.element;
            convert(e, &self.buffer, part);
            self.left -= part.len();
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Error> {
        assert_eq!(self.left, 0, "finish() before the last number");
        // Reading on to the end is what checks the sum of a deflated variable.
        let (mut filling, mut bytes) = ([0; 256], 0);
        loop {
            match self.rest.read(&mut filling) {
                Ok(0) => return Ok(()),
                Ok(n) => bytes += n,
                Err(e) => return Err(self.damaged(&e)),
            }
            if bytes > 7 {
                let what = format!("'{}' has bytes after its last number", self.name.escape_debug());
                return Err(Error::invalid(what, "copy or download the file again"));
            }
        }
    }
}

/// The numbers in `bytes`, one an element.
fn convert(e: ElementType, bytes: &[u8], out: &mut [f64]) {
    macro_rules! each {
        ($($t:ty)*) => {
            match (e.class, e.size) {
                $((c, s) if c == class_of(stringify!($t)) && s == size_of::<$t>() => {
                    for (b, o) in bytes.chunks_exact(s).zip(out) {
                        let b = b.try_into().expect("chunks of this size");
                        *o = if e.big_endian { <$t>::from_be_bytes(b) } else { <$t>::from_le_bytes(b) } as f64;
                    }
                })*
                _ => unreachable!("Reader::of gives these types only"),
            }
        };
    }
    each!(f64 f32 i8 u8 i16 u16 i32 u32 i64 u64);
}

fn class_of(name: &str) -> Class {
    match name.as_bytes()[0] {
        b'f' => Class::Float,
        b'i' => Class::Int,
        _ => Class::UInt,
    }
}

#[cfg(test)]
pub(crate) mod tests;
