//! Files written for tests, and what the reader says of odd ones.

use std::io::Write as _;

use super::*;

/// How a variable is written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    /// MATLAB's class: 6 double.
    pub class: u8,
    /// Type of the stored numbers: 9 double.
    pub storage: u32,
    pub big: bool,
    pub deflated: bool,
    pub complex: bool,
}

impl Default for Style {
    fn default() -> Self {
        Self { class: 6, storage: 9, big: false, deflated: false, complex: false }
    }
}

fn put(big: bool, w: u32, out: &mut Vec<u8>) {
    out.extend(if big { w.to_be_bytes() } else { w.to_le_bytes() });
}

/// An element, small if four bytes are enough.
fn put_element(big: bool, kind: u32, bytes: &[u8], out: &mut Vec<u8>) {
    if bytes.len() <= 4 && !bytes.is_empty() {
        put(big, (bytes.len() as u32) << 16 | kind, out);
        out.extend(bytes);
        out.resize(out.len().next_multiple_of(4), 0);
        return;
    }
    put(big, kind, out);
    put(big, bytes.len() as u32, out);
    out.extend(bytes);
    out.resize(out.len().next_multiple_of(8), 0);
}

fn numbers(storage: u32, big: bool, data: &[f64]) -> Vec<u8> {
    let mut out = Vec::new();
    for &v in data {
        let mut b = match storage {
            1 => (v as i8).to_le_bytes().to_vec(),
            2 => (v as u8).to_le_bytes().to_vec(),
            3 => (v as i16).to_le_bytes().to_vec(),
            4 => (v as u16).to_le_bytes().to_vec(),
            5 => (v as i32).to_le_bytes().to_vec(),
            6 => (v as u32).to_le_bytes().to_vec(),
            7 => (v as f32).to_le_bytes().to_vec(),
            12 => (v as i64).to_le_bytes().to_vec(),
            13 => (v as u64).to_le_bytes().to_vec(),
            _ => v.to_le_bytes().to_vec(),
        };
        if big {
            b.reverse();
        }
        out.extend(b);
    }
    out
}

/// A variable as it stands in a file.
pub(crate) fn variable(name: &str, dims: &[usize], data: &[f64], style: Style) -> Vec<u8> {
    let (big, mut body) = (style.big, Vec::new());
    let mut flags = Vec::new();
    put(big, u32::from(style.class) | if style.complex { 0x800 } else { 0 }, &mut flags);
    put(big, 0, &mut flags);
    put_element(big, 6, &flags, &mut body);
    let mut sizes = Vec::new();
    dims.iter().for_each(|&d| put(big, d as u32, &mut sizes));
    put_element(big, 5, &sizes, &mut body);
    put_element(big, 1, name.as_bytes(), &mut body);
    put_element(big, style.storage, &numbers(style.storage, big, data), &mut body);
    let mut out = Vec::new();
    put_element(big, MATRIX, &body, &mut out);
    if !style.deflated {
        return out;
    }
    let mut z = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    z.write_all(&out).unwrap();
    let z = z.finish().unwrap();
    // A deflated variable has no filling.
    let mut out = Vec::new();
    put(big, COMPRESSED, &mut out);
    put(big, z.len() as u32, &mut out);
    out.extend(z);
    out
}

/// A file of variables.
pub(crate) fn file(big: bool, variables: &[Vec<u8>]) -> Vec<u8> {
    let mut out = b"MATLAB 5.0 MAT-file, written by a test".to_vec();
    out.resize(124, b' ');
    out.extend(if big { [1, 0, b'M', b'I'] } else { [0, 1, b'I', b'M'] });
    variables.iter().for_each(|v| out.extend(v));
    out
}

fn read(bytes: &[u8], name: &str) -> Result<(Vec<usize>, Vec<f64>), Error> {
    let mut r = Mat5::parse(bytes)?.numbers(name)?.expect("there");
    let mut out = vec![0.0; r.dims().iter().product()];
    // In two pieces, as a caller may.
    let (a, b) = out.split_at_mut(r.dims()[0] / 2);
    r.read(a)?;
    r.read(b)?;
    r.finish()?;
    Ok((r.dims().to_vec(), out))
}

#[test]
fn every_storage_type_in_both_byte_orders() {
    let signed = [-3.0, 100.0, 0.0, 7.0, 2.0, 1.0];
    for storage in [1, 2, 3, 4, 5, 6, 7, 9, 12, 13] {
        let data = signed.map(|v: f64| if matches!(storage, 2 | 4 | 6 | 13) { v.abs() } else { v });
        for big in [false, true] {
            for deflated in [false, true] {
                let style = Style { storage, big, deflated, ..Style::default() };
                let bytes = file(big, &[variable("x", &[6, 1], &data, style)]);
                assert_eq!(read(&bytes, "x").unwrap(), (vec![6, 1], data.to_vec()), "{style:?}");
                // Small enough for the tag.
                let few = variable("a_long_name", &[2, 1], &data[..2], style);
                assert_eq!(read(&file(big, &[few]), "a_long_name").unwrap().1, data[..2], "{style:?}");
            }
        }
    }
}

#[test]
fn other_variables_are_passed_over() {
    let style = Style::default();
    let strange = variable("f", &[1, 1], &[0.0], Style { class: 17, ..style });
    let mut empty = Vec::new();
    put(false, MATRIX, &mut empty);
    put(false, 0, &mut empty);
    let mut unknown = Vec::new();
    put_element(false, 77, b"whatever", &mut unknown);
    let text = variable("t", &[1, 2], &[104.0, 105.0], Style { class: 4, storage: 4, ..style });
    let bytes = file(false, &[strange, empty, unknown, text, variable("x", &[1, 1], &[2.5], style)]);
    assert_eq!(read(&bytes, "x").unwrap().1, [2.5]);
    let mat = Mat5::parse(&bytes).unwrap();
    assert_eq!(mat.names().unwrap(), ["t", "x"]);
    assert!(mat.numbers("y").unwrap().is_none());
}

#[test]
fn a_deflated_variable_is_checked_to_its_end() {
    let style = Style { deflated: true, ..Style::default() };
    let data: Vec<f64> = (0..1_000).map(|i| f64::from(i * i)).collect();
    let good = variable("x", &[1_000, 1], &data, style);
    let with = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut v = good.clone();
        change(&mut v);
        let length = (v.len() - 8) as u32;
        v[4..8].copy_from_slice(&length.to_le_bytes());
        read(&file(false, &[v]), "x")
    };
    assert_eq!(with(&|_| ()).unwrap().1, data);
    let e = with(&|v| *v.last_mut().unwrap() ^= 1).unwrap_err().to_string();
    assert!(e.contains(" is damaged (corrupt deflate stream); copy") && e.lines().count() == 1, "{e}");
    let e = with(&|v| v.truncate(v.len() / 2)).unwrap_err().to_string();
    assert!(e.contains("cut short: 'x' does not end"), "{e}");
    let e = with(&|v| v.truncate(8)).unwrap_err().to_string();
    assert!(e.contains("a variable"), "{e}");
}
