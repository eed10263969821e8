//! The stack machine.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::calls::{foreign, known};
use super::{Buffer, Id, Node, Pickle};
use crate::{Error, ErrorKind};

/// Most objects of a pickle; the largest of the originals has some hundred thousand.
const MAX_OBJECTS: usize = 4 << 20;
/// Most open marks: depth of nesting in the containers that need one.
const MAX_MARKS: usize = 1_000;
/// What conversions may make beyond four times the file's own size.
const SPARE_BYTES: usize = 1 << 20;

pub(super) type Step<T> = Result<T, Error>;

pub(super) struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    pub(super) nodes: Vec<Node<'a>>,
    stack: Vec<Id>,
    marks: Vec<usize>,
    memo: BTreeMap<u64, Id>,
    /// Bytes that copies may still take: what keeps a small file from asking for a large memory.
    budget: usize,
}

/// Runs the pickle at the beginning of `bytes`; gives it and its length.
pub(super) fn run(bytes: &[u8]) -> Step<(Pickle<'_>, usize)> {
    let mut m = Machine {
        bytes,
        at: 0,
        nodes: Vec::new(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: BTreeMap::new(),
        budget: bytes.len().saturating_mul(4).saturating_add(SPARE_BYTES),
    };
    if bytes.is_empty() {
        return Err(Error::cut_short("the pickle is empty"));
    }
    while !m.step()? {}
    let root = m.pop()?;
    Ok((Pickle { nodes: m.nodes, root }, m.at))
}

impl<'a> Machine<'a> {
    pub(super) fn bad(&self, what: &str) -> Error {
        let what = format!("is not a sound pickle (byte {}: {what})", self.at);
        Error::invalid(what, "copy or download it again; if it stays so, it is another file than the task's")
    }

    pub(super) fn malicious(what: String) -> Error {
        let fix = "such a file can run any program and may be malicious: get the task's own file from its source";
        Error::new(ErrorKind::Unsafe, what, fix)
    }

    // Reading.

    fn take(&mut self, n: u64) -> Step<&'a [u8]> {
        let left = self.bytes.len() - self.at;
        if n > left as u64 {
            let what = format!("the pickle wants {n} bytes at byte {} where {left} are left", self.at);
            return Err(Error::cut_short(what));
        }
        let (from, to) = (self.at, self.at + n as usize);
        self.at = to;
        Ok(&self.bytes[from..to])
    }

    /// An unsigned number of `n` bytes.
    fn number(&mut self, n: u64) -> Step<u64> {
        let mut w = [0; 8];
        w[..n as usize].copy_from_slice(self.take(n)?);
        Ok(u64::from_le_bytes(w))
    }

    /// A length in `width` bytes, then as many bytes.
    fn counted(&mut self, width: u64) -> Step<&'a [u8]> {
        let n = self.number(width)?;
        self.take(n)
    }

    fn raw_line(&mut self) -> Step<&'a [u8]> {
        let rest = &self.bytes[self.at..];
        let n = rest.iter().position(|&b| b == b'\n');
        let n = n.ok_or_else(|| Error::cut_short("the pickle ends within a line"))?;
        self.at += n + 1;
        Ok(&rest[..n])
    }

    fn line(&mut self) -> Step<&'a str> {
        let line = self.raw_line()?;
        std::str::from_utf8(line).map_err(|_| self.bad("a line is not text"))
    }

    // The stack.

    pub(super) fn push(&mut self, node: Node<'a>) -> Step<()> {
        if self.nodes.len() >= MAX_OBJECTS {
            return Err(self.bad("more than 4,194,304 objects"));
        }
        self.stack.push(self.nodes.len() as Id);
        self.nodes.push(node);
        Ok(())
    }

    pub(super) fn pop(&mut self) -> Step<Id> {
        let floor = self.marks.last().copied().unwrap_or(0);
        if self.stack.len() <= floor {
            return Err(self.bad("takes from an empty stack"));
        }
        self.stack.pop().ok_or_else(|| self.bad("takes from an empty stack"))
    }

    pub(super) fn top(&mut self) -> Step<Id> {
        let id = self.pop()?;
        self.stack.push(id);
        Ok(id)
    }

    fn pop_mark(&mut self) -> Step<Vec<Id>> {
        let mark = self.marks.pop().ok_or_else(|| self.bad("no mark is set"))?;
        Ok(self.stack.split_off(mark))
    }

    pub(super) fn node(&self, id: Id) -> &Node<'a> {
        &self.nodes[id as usize]
    }

    pub(super) fn spend(&mut self, n: usize) -> Step<()> {
        let left = self.budget.checked_sub(n);
        self.budget = left.ok_or_else(|| self.bad("asks for far more memory than its size"))?;
        Ok(())
    }

    fn pairs(&self, ids: &[Id]) -> Step<Vec<(Id, Id)>> {
        if !ids.len().is_multiple_of(2) {
            return Err(self.bad("a key without a value"));
        }
        Ok(ids.chunks_exact(2).map(|p| (p[0], p[1])).collect())
    }

    fn append(&mut self, to: Id, ids: &[Id]) -> Step<()> {
        match &mut self.nodes[to as usize] {
            Node::List(list) => list.extend(ids),
            _ => return Err(self.bad("appends to what is no list")),
        }
        Ok(())
    }

    fn insert(&mut self, to: Id, ids: &[Id]) -> Step<()> {
        let new = self.pairs(ids)?;
        match &mut self.nodes[to as usize] {
            Node::Dict(pairs) => pairs.extend(new),
            _ => return Err(self.bad("sets a key of what is no dict")),
        }
        Ok(())
    }

    fn tuple(&mut self, n: usize) -> Step<()> {
        let mut ids = vec![0; n];
        for id in ids.iter_mut().rev() {
            *id = self.pop()?;
        }
        self.push(Node::Tuple(ids))
    }

    fn text(&mut self, bytes: &'a [u8]) -> Step<()> {
        let text = std::str::from_utf8(bytes).map_err(|_| self.bad("a string is not UTF-8"))?;
        self.push(Node::Text(Cow::Borrowed(text)))
    }

    fn remember(&mut self, key: u64) -> Step<()> {
        let id = self.top()?;
        self.memo.insert(key, id);
        Ok(())
    }

    fn recall(&mut self, key: u64) -> Step<()> {
        let id = self.memo.get(&key).copied().ok_or_else(|| self.bad("refers to what was not kept"))?;
        self.stack.push(id);
        Ok(())
    }

    fn index(&mut self) -> Step<u64> {
        self.line()?.trim().parse().map_err(|_| self.bad("an index is no number"))
    }

    /// One opcode; true at the end.
    fn step(&mut self) -> Step<bool> {
        let op = self.take(1)?[0];
        match op {
            b'.' => return Ok(true),
            0x80 => {
                let version = self.take(1)?[0];
                if version > 4 {
                    let fix = "write it with protocol=4 (the array library's own save does)";
                    return Err(Error::invalid(format!("is a pickle of protocol {version}, 0 to 4 are read"), fix));
                }
            }
            0x95 => {
                let (n, left) = (self.number(8)?, (self.bytes.len() - self.at) as u64);
                if n > left {
                    return Err(Error::cut_short(format!("a frame of the pickle has {n} bytes where {left} are left")));
                }
            }
            b'(' => {
                if self.marks.len() >= MAX_MARKS {
                    return Err(self.bad("nested deeper than 1,000"));
                }
                self.marks.push(self.stack.len());
            }
            b'0' => {
                // Python's POP drops a mark where that is on top.
                if self.marks.last() == Some(&self.stack.len()) {
                    self.marks.pop();
                } else {
                    self.pop()?;
                }
            }
            b'1' => drop(self.pop_mark()?),
            b'2' => {
                let id = self.top()?;
                self.stack.push(id);
            }

            b'N' => self.push(Node::None)?,
            0x88 => self.push(Node::Bool(true))?,
            0x89 => self.push(Node::Bool(false))?,
            b'K' => self.push_unsigned(1)?,
            b'M' => self.push_unsigned(2)?,
            b'J' => {
                let n = self.number(4)? as u32 as i32;
                self.push(Node::Int(n.into()))?;
            }
            b'I' => match self.line()? {
                "00" => self.push(Node::Bool(false))?,
                "01" => self.push(Node::Bool(true))?,
                n => self.push_decimal(n)?,
            },
            b'L' => {
                let n = self.line()?;
                self.push_decimal(n.strip_suffix('L').unwrap_or(n))?;
            }
            0x8a => self.push_long(1)?,
            0x8b => self.push_long(4)?,
            b'F' => {
                let x = self.line()?.trim().parse().map_err(|_| self.bad("a float is no number"))?;
                self.push(Node::Float(x))?;
            }
            b'G' => {
                let x = f64::from_bits(self.number(8)?.swap_bytes());
                self.push(Node::Float(x))?;
            }

            b'U' | b'C' => self.push_bytes(1)?,
            b'T' | b'B' => self.push_bytes(4)?,
            0x8e => self.push_bytes(8)?,
            b'S' => self.push_quoted()?,
            0x8c => {
                let b = self.counted(1)?;
                self.text(b)?;
            }
            b'X' => {
                let b = self.counted(4)?;
                self.text(b)?;
            }
            0x8d => {
                let b = self.counted(8)?;
                self.text(b)?;
            }
            b'V' => self.push_escaped()?,

            b']' => self.push(Node::List(Vec::new()))?,
            b'}' => self.push(Node::Dict(Vec::new()))?,
            b')' => self.push(Node::Tuple(Vec::new()))?,
            b'l' => {
                let ids = self.pop_mark()?;
                self.push(Node::List(ids))?;
            }
            b't' => {
                let ids = self.pop_mark()?;
                self.push(Node::Tuple(ids))?;
            }
            b'd' => {
                let ids = self.pop_mark()?;
                let pairs = self.pairs(&ids)?;
                self.push(Node::Dict(pairs))?;
            }
            0x85..=0x87 => self.tuple(usize::from(op - 0x84))?,
            b'a' => {
                let id = self.pop()?;
                let to = self.top()?;
                self.append(to, &[id])?;
            }
            b'e' => {
                let ids = self.pop_mark()?;
                let to = self.top()?;
                self.append(to, &ids)?;
            }
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                let to = self.top()?;
                self.insert(to, &[key, value])?;
            }
            b'u' => {
                let ids = self.pop_mark()?;
                let to = self.top()?;
                self.insert(to, &ids)?;
            }

            b'p' => {
                let k = self.index()?;
                self.remember(k)?;
            }
            b'q' | b'r' => {
                let k = self.number(if op == b'q' { 1 } else { 4 })?;
                self.remember(k)?;
            }
            0x94 => self.remember(self.memo.len() as u64)?,
            b'g' => {
                let k = self.index()?;
                self.recall(k)?;
            }
            b'h' | b'j' => {
                let k = self.number(if op == b'h' { 1 } else { 4 })?;
                self.recall(k)?;
            }

            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                self.push(Node::Global(known(module, name)?))?;
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let global = match (self.node(module), self.node(name)) {
                    (Node::Text(module), Node::Text(name)) => known(module, name)?,
                    _ => return Err(self.bad("a function's name is no string")),
                };
                self.push(Node::Global(global))?;
            }
            b'R' => self.reduce()?,
            b'b' => self.build()?,

            b'i' => {
                let (module, name) = (self.line()?, self.line()?);
                return Err(foreign(module, name));
            }
            b'o' | 0x81 | 0x92 => {
                return Err(Self::malicious(format!("the pickle makes an object of a class (opcode {op:#04x})")));
            }
            0x82..=0x84 => {
                return Err(Self::malicious("the pickle calls a function by an extension's number".to_owned()));
            }
            b'P' | b'Q' => return Err(self.bad("refers to an object outside the file")),
            _ => return Err(self.bad(&format!("opcode {op:#04x} is not known"))),
        }
        Ok(false)
    }

    fn push_unsigned(&mut self, width: u64) -> Step<()> {
        let n = self.number(width)?;
        self.push(Node::Int(n as i64))
    }

    fn push_decimal(&mut self, text: &str) -> Step<()> {
        let n = text.trim().parse().map_err(|_| self.bad("an integer is no number of 64 bits"))?;
        self.push(Node::Int(n))
    }

    /// Two's complement, as many bytes as a length says; numbers of the originals fit into eight.
    fn push_long(&mut self, width: u64) -> Step<()> {
        let b = self.counted(width)?;
        if b.len() > 8 {
            return Err(self.bad("an integer has more than 64 bits"));
        }
        let sign = if b.last().is_some_and(|&x| x >= 0x80) { 0xff } else { 0 };
        let mut w = [sign; 8];
        w[..b.len()].copy_from_slice(b);
        self.push(Node::Int(i64::from_le_bytes(w)))
    }

    fn push_bytes(&mut self, width: u64) -> Step<()> {
        let b = self.counted(width)?;
        self.push(Node::Bytes(Buffer::File(b)))
    }

    /// A Python 2 string as `repr` writes it.
    fn push_quoted(&mut self) -> Step<()> {
        let line = self.line()?.trim();
        let inside = ['\'', '"'].iter().find_map(|&q| line.strip_prefix(q)?.strip_suffix(q));
        let inside = inside.ok_or_else(|| self.bad("a string has no quotes"))?;
        self.spend(inside.len())?;
        let bytes = unescape(inside, false).ok_or_else(|| self.bad("a string's escape is not known"))?;
        self.push(Node::Bytes(Buffer::Made(bytes.into())))
    }

    /// A line in Latin-1 with `\u` escapes: how protocol 0 writes strings.
    fn push_escaped(&mut self) -> Step<()> {
        let line = self.raw_line()?;
        self.spend(line.len())?;
        let line: String = line.iter().map(|&b| char::from(b)).collect();
        let text = unescape(&line, true).and_then(|b| String::from_utf8(b).ok());
        let text = text.ok_or_else(|| self.bad("a string's escape is not known"))?;
        self.push(Node::Text(Cow::Owned(text)))
    }
}

/// Python's escapes of byte strings (`wide`: of raw Unicode lines, which know `\u` and `\U` alone).
fn unescape(text: &str, wide: bool) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let next = if c == '\\' { rest[1..].chars().next() } else { None };
        let (width, code) = match next {
            Some('x') if !wide => (2, 2),
            Some('u') if wide => (4, 2),
            Some('U') if wide => (8, 2),
            Some(simple) if !wide => {
                out.push(match simple {
                    'n' => b'\n',
                    'r' => b'\r',
                    't' => b'\t',
                    '0' => 0,
                    '\\' | '\'' | '"' => simple as u8,
                    _ => return None,
                });
                rest = &rest[2..];
                continue;
            }
            _ => {
                out.extend(c.encode_utf8(&mut [0; 4]).as_bytes());
                rest = &rest[c.len_utf8()..];
                continue;
            }
        };
        let digits = rest.get(code..code + width).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))?;
        let n = u32::from_str_radix(digits, 16).ok()?;
        if wide {
            out.extend(char::from_u32(n)?.encode_utf8(&mut [0; 4]).as_bytes());
        } else {
            out.push(n as u8);
        }
        rest = &rest[code + width..];
    }
    Some(out)
}
