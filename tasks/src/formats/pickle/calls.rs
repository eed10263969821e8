//! The few calls and states of a pickle that are imitated: how NumPy writes its arrays.

use super::machine::{Machine, Step};
use super::{Array, Buffer, Class, Content, ElementType, Global, Id, Node, extent};
use crate::Error;

/// Most dimensions of an array, as in NumPy.
const MAX_RANK: usize = 32;

impl<'a> Machine<'a> {
    /// Calls a function: imitates the few that are known.
    pub(super) fn reduce(&mut self) -> Step<()> {
        let (args, function) = (self.pop()?, self.pop()?);
        let (&Node::Global(function), Node::Tuple(args)) = (self.node(function), self.node(args)) else {
            return Err(self.bad("calls what is no function"));
        };
        let args: Vec<&Node<'a>> = args.iter().take(4).map(|&id| self.node(id)).collect();
        let made = match (function, &args[..]) {
            (Global::Reconstruct, [Node::Global(Global::NdArray), _, _]) => Node::Blank,
            (Global::Dtype, [Node::Text(name), ..]) => Node::Dtype(ElementType::parse(name)?),
            (Global::Dtype, [Node::Bytes(name), ..]) => {
                Node::Dtype(ElementType::parse(&String::from_utf8_lossy(name.bytes()))?)
            }
            (Global::Scalar, [Node::Dtype(element), Node::Bytes(data)]) => {
                let array = Array::new(*element, Vec::new(), false, data.bytes())?;
                match array.integer(0).map(Node::Int).or_else(|| array.number(0).map(Node::Float)) {
                    Some(n) => n,
                    None => Node::Bytes(data.clone()),
                }
            }
            (Global::Encode, [Node::Text(text), Node::Text(encoding), ..])
                if matches!(&**encoding, "latin1" | "latin-1" | "iso-8859-1") =>
            {
                let bytes: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
                let bytes = bytes.ok_or_else(|| self.bad("a string is not Latin-1"))?;
                self.spend(bytes.len())?;
                Node::Bytes(Buffer::Made(bytes.into()))
            }
            (Global::OrderedDict, []) => Node::Dict(Vec::new()),
            (Global::OrderedDict, [Node::List(items)]) => {
                let mut pairs = Vec::new();
                for &item in items {
                    match self.node(item) {
                        Node::List(p) | Node::Tuple(p) if p.len() == 2 => pairs.push((p[0], p[1])),
                        _ => return Err(self.bad("an ordered dict is not made of pairs")),
                    }
                }
                self.spend(8 * pairs.len())?;
                Node::Dict(pairs)
            }
            _ => return Err(self.bad(&format!("calls {function:?} with arguments that NumPy does not write"))),
        };
        self.push(made)
    }

    /// Gives the object on top its state: an array its content, an element type its byte order.
    pub(super) fn build(&mut self) -> Step<()> {
        let state = self.pop()?;
        let object = self.top()?;
        let Node::Tuple(state) = self.node(state) else {
            return Err(self.bad("an object's state is no tuple"));
        };
        let state: Vec<Id> = state.iter().take(9).copied().collect();
        let made = match self.node(object) {
            Node::Dtype(element) => self.byte_order(*element, &state)?,
            Node::Blank => self.array(&state)?,
            _ => return Err(self.bad("gives a state to what has none")),
        };
        self.nodes[object as usize] = made;
        Ok(())
    }

    /// State of an element type: (version, order, sub-array, names, fields, size, alignment, flags).
    fn byte_order(&self, element: ElementType, state: &[Id]) -> Step<Node<'a>> {
        let state: Vec<&Node<'a>> = state.iter().map(|&id| self.node(id)).collect();
        let [Node::Int(_), order, Node::None, Node::None, Node::None, ..] = &state[..] else {
            return Err(Error::invalid("holds an array of records", "save its columns as arrays of numbers"));
        };
        let order = match order {
            Node::Text(t) => t.as_bytes(),
            Node::Bytes(b) => b.bytes(),
            _ => &[],
        };
        let big_endian = match order {
            b">" => true,
            b"<" | b"|" | b"=" => false,
            _ => return Err(self.bad("a byte order is not known")),
        };
        // The sizes of S and U stand in the state as well; they are read from the name, as the others are.
        Ok(Node::Dtype(ElementType { big_endian, ..element }))
    }

    /// State of an array: (version, shape, element type, Fortran order, content); the version is missing in old files.
    fn array(&mut self, state: &[Id]) -> Step<Node<'a>> {
        let state = if state.len() == 5 { &state[1..] } else { state };
        let &[shape, element, fortran, content] = state else {
            return Err(self.bad("an array's state has another length"));
        };
        let (Node::Tuple(sizes), &Node::Dtype(element)) = (self.node(shape), self.node(element)) else {
            return Err(self.bad("an array's state has no shape or type"));
        };
        if sizes.len() > MAX_RANK {
            return Err(self.bad("an array has more than 32 dimensions"));
        }
        let size = |&id: &Id| match self.node(id) {
            Node::Int(n) => usize::try_from(*n).ok(),
            _ => None,
        };
        let shape: Option<Vec<usize>> = sizes.iter().map(size).collect();
        let shape = shape.ok_or_else(|| self.bad("an array's size is no size"))?;
        let fortran = match self.node(fortran) {
            Node::Bool(b) => *b,
            Node::Int(i) => *i != 0,
            _ => return Err(self.bad("an array's order is no boolean")),
        };
        let (count, bytes) = extent(&shape, element.size).ok_or_else(|| self.bad("an array's size is absurd"))?;
        let content = match self.node(content) {
            Node::Bytes(data) if element.class != Class::Object && data.bytes().len() == bytes => {
                Content::Bytes(data.clone())
            }
            Node::List(items) if element.class == Class::Object && items.len() == count => Content::Objects(content),
            other => {
                let (held, name) = (other.what(), element.name());
                return Err(self.bad(&format!("an array of shape {shape:?} of {name} is given {held} of another size")));
            }
        };
        self.spend(8 * shape.len())?;
        Ok(Node::Array { element, shape, fortran, content })
    }
}

pub(super) fn known(module: &str, name: &str) -> Step<Global> {
    Global::named(module, name).ok_or_else(|| foreign(module, name))
}

pub(super) fn foreign(module: &str, name: &str) -> Error {
    // Names come from the file: keep them to one short, printable line.
    let full: String = format!("{module}.{name}").chars().take(120).flat_map(char::escape_debug).collect();
    Machine::malicious(format!("the pickle asks for '{full}', which no dataset needs"))
}
