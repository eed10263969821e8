//! A pickle as data: what Python objects a file holds, without running anything it asks for.
//!
//! A pickle is a program for a stack machine that may call any function of Python. This reader knows the opcodes of
//! protocols 0 to 4 and the handful of functions by which NumPy's arrays are written; those it imitates, every other is
//! refused by name. Objects live in one flat list and refer to each other by number, so shared and even cyclic ones are
//! harmless, nothing recurses, and bytes are not copied out of the file.

mod calls;
mod machine;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::sync::Arc;

use super::array::{Array, Class, ElementType, extent};
use crate::Error;

type Id = u32;

/// Bytes in the file, or made by a conversion that the file asks for.
#[derive(Debug, Clone)]
enum Buffer<'a> {
    File(&'a [u8]),
    Made(Arc<[u8]>),
}

impl Buffer<'_> {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::File(b) => b,
            Self::Made(b) => b,
        }
    }
}

/// Functions and classes that are imitated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Global {
    Reconstruct,
    NdArray,
    Dtype,
    Scalar,
    Encode,
    OrderedDict,
}

impl Global {
    fn named(module: &str, name: &str) -> Option<Self> {
        Some(match (module, name) {
            ("numpy.core.multiarray" | "numpy._core.multiarray", "_reconstruct") => Self::Reconstruct,
            ("numpy.core.multiarray" | "numpy._core.multiarray", "scalar") => Self::Scalar,
            ("numpy", "ndarray") => Self::NdArray,
            ("numpy", "dtype") => Self::Dtype,
            ("_codecs", "encode") => Self::Encode,
            ("collections", "OrderedDict") => Self::OrderedDict,
            _ => return None,
        })
    }
}

#[derive(Debug, Clone)]
enum Content<'a> {
    Bytes(Buffer<'a>),
    /// The list that holds the elements.
    Objects(Id),
}

#[derive(Debug, Clone)]
enum Node<'a> {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Bytes(Buffer<'a>),
    Text(Cow<'a, str>),
    List(Vec<Id>),
    Tuple(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    Global(Global),
    Dtype(ElementType),
    /// `_reconstruct` made it, its state comes later.
    Blank,
    Array {
        element: ElementType,
        shape: Vec<usize>,
        fortran: bool,
        content: Content<'a>,
    },
}

impl Node<'_> {
    fn what(&self) -> &'static str {
        match self {
            Node::None => "None",
            Node::Bool(_) => "a boolean",
            Node::Int(_) => "an integer",
            Node::Float(_) => "a float",
            Node::Bytes(_) => "bytes",
            Node::Text(_) => "a string",
            Node::List(_) => "a list",
            Node::Tuple(_) => "a tuple",
            Node::Dict(_) => "a dict",
            Node::Global(_) => "a function",
            Node::Dtype(_) => "an element type",
            Node::Blank => "an array without content",
            Node::Array { .. } => "an array",
        }
    }
}

/// A parsed pickle.
#[derive(Debug)]
pub struct Pickle<'a> {
    nodes: Vec<Node<'a>>,
    root: Id,
}

impl<'a> Pickle<'a> {
    /// Reads all of `bytes`: one pickle and nothing after it.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        let (pickle, used) = Self::parse_prefix(bytes)?;
        match bytes.len() - used {
            0 => Ok(pickle),
            n => Err(Error::invalid(format!("has {n} bytes after the pickle's end"), "copy or download it again")),
        }
    }

    /// Reads one pickle at the beginning of `bytes` and says where it ends.
    pub fn parse_prefix(bytes: &'a [u8]) -> Result<(Self, usize), Error> {
        machine::run(bytes)
    }

    /// The object that was pickled.
    pub fn root(&self) -> Object<'_> {
        Object { pickle: self, id: self.root }
    }
}

/// An object of a pickle.
#[derive(Debug, Clone, Copy)]
pub struct Object<'p> {
    pickle: &'p Pickle<'p>,
    id: Id,
}

impl<'p> Object<'p> {
    fn node(self) -> &'p Node<'p> {
        &self.pickle.nodes[self.id as usize]
    }

    fn other(self, id: Id) -> Self {
        Self { id, ..self }
    }

    /// What it is, with an article.
    pub fn what(self) -> &'static str {
        self.node().what()
    }

    /// An integer or a boolean.
    pub fn integer(self) -> Option<i64> {
        match self.node() {
            Node::Int(i) => Some(*i),
            Node::Bool(b) => Some(i64::from(*b)),
            _ => None,
        }
    }

    /// A number.
    pub fn number(self) -> Option<f64> {
        match self.node() {
            Node::Float(x) => Some(*x),
            _ => self.integer().map(|i| i as f64),
        }
    }

    /// A string, or a Python 2 string (bytes) that is UTF-8.
    pub fn text(self) -> Option<&'p str> {
        match self.node() {
            Node::Text(t) => Some(t),
            Node::Bytes(b) => std::str::from_utf8(b.bytes()).ok(),
            _ => None,
        }
    }

    /// Bytes, or a Python 2 string.
    pub fn bytes(self) -> Option<&'p [u8]> {
        match self.node() {
            Node::Bytes(b) => Some(b.bytes()),
            _ => None,
        }
    }

    /// Elements of a list, a tuple or an array of objects, in row-major order.
    pub fn items(self) -> Option<impl ExactSizeIterator<Item = Self> + 'p> {
        let ids = match self.node() {
            Node::List(ids) | Node::Tuple(ids) => ids,
            Node::Array { shape, content: Content::Objects(list), fortran, .. } => {
                let Node::List(ids) = self.other(*list).node() else { return None };
                // The list is a shared object of the file and may have grown since; only vectors may lie in Fortran order.
                let count = extent(shape, 1).map(|(n, _)| n);
                if count != Some(ids.len()) || (*fortran && shape.len() > 1) {
                    return None;
                }
                ids
            }
            _ => return None,
        };
        Some(ids.iter().map(move |&id| self.other(id)))
    }

    /// The value of a key of a dict; of two equal keys the later counts, as in Python.
    pub fn get(self, key: &str) -> Option<Self> {
        let Node::Dict(pairs) = self.node() else { return None };
        pairs.iter().rev().find(|(k, _)| self.other(*k).text() == Some(key)).map(|&(_, v)| self.other(v))
    }

    /// A dict's keys that are text, in the file's order.
    pub fn keys(self) -> Option<impl Iterator<Item = &'p str>> {
        let Node::Dict(pairs) = self.node() else { return None };
        Some(pairs.iter().filter_map(move |&(k, _)| self.other(k).text()))
    }

    /// The only element of an array of objects without dimensions, as `numpy.save` writes a dict.
    pub fn only(self) -> Option<Self> {
        let Node::Array { shape, .. } = self.node() else { return None };
        self.items().filter(|_| shape.is_empty())?.next()
    }

    /// Type and shape of an array, of objects too.
    pub fn array_type(self) -> Option<(ElementType, &'p [usize])> {
        match self.node() {
            Node::Array { element, shape, .. } => Some((*element, shape)),
            _ => None,
        }
    }

    /// An array of numbers or text.
    pub fn array(self) -> Option<Array<'p>> {
        match self.node() {
            Node::Array { element, shape, fortran, content: Content::Bytes(data) } => {
                Array::new(*element, shape.clone(), *fortran, data.bytes()).ok()
            }
            _ => None,
        }
    }
}
