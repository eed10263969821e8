//! Real pickles are read, everything else is refused, nothing panics.

use kernels::rng::{Key, Purpose};

use super::*;
use crate::ErrorKind;

/// The same dict, as Python 3.13 and NumPy 2.4 write it.
const WRITTEN: [&[u8]; 5] = [
    include_bytes!("../../../fixtures/pickle/protocol0.pkl"),
    include_bytes!("../../../fixtures/pickle/protocol1.pkl"),
    include_bytes!("../../../fixtures/pickle/protocol2.pkl"),
    include_bytes!("../../../fixtures/pickle/protocol3.pkl"),
    include_bytes!("../../../fixtures/pickle/protocol4.pkl"),
];

fn numbers(o: Object<'_>) -> Vec<f64> {
    let a = o.array().expect("an array of numbers");
    (0..a.len()).map(|i| a.number(i).unwrap()).collect()
}

#[test]
fn protocols_0_to_4_hold_the_same() {
    for (protocol, bytes) in WRITTEN.iter().enumerate() {
        let p = Pickle::parse(bytes).unwrap_or_else(|e| panic!("protocol {protocol}: {e}"));
        let root = p.root();
        let get = |k| root.get(k).unwrap_or_else(|| panic!("protocol {protocol}: {k}"));
        assert_eq!(
            root.keys().unwrap().collect::<Vec<_>>(),
            ["data", "label", "fortran", "objects", "text", "scalar", "plain", "ordered"]
        );
        assert_eq!(get("data").array().unwrap().shape(), [2, 3]);
        assert_eq!(numbers(get("data")), [0.5, -1.0, 200.0, 3.0, 4.0, 5.0]);
        assert_eq!(get("label").array().unwrap().integer(1), Some(-2));
        assert_eq!(numbers(get("fortran")), [1.0, 2.0, 3.0, 4.0]);
        let objects: Vec<_> = get("objects").items().unwrap().map(|o| o.text()).collect();
        assert_eq!(objects, [Some("N"), Some("é\\\n"), None]);
        assert_eq!(get("text").array().unwrap().element().name(), "U1");
        assert_eq!(get("scalar").number(), Some(1.5));
        let plain: Vec<_> = get("plain").items().unwrap().take(7).map(|o| o.number().unwrap()).collect();
        assert_eq!(plain, [1.0, -300.0, 70_000.0, (1i64 << 40) as f64, -((1i64 << 62) as f64), 1.25, 1.0]);
        let last: Vec<_> = get("plain").items().unwrap().skip(7).map(Object::what).collect();
        assert_eq!(last, ["None", "a tuple", "a tuple", "a tuple"]);
        assert_eq!(get("ordered").get("b").unwrap().integer(), Some(2));
    }
}

#[test]
fn python_2_strings() {
    // {'data': array([[1, 2]], u1), 'fine_labels': [7, 8]} as Python 2.7 writes it, protocols 2 and 0.
    let two: &[u8] = b"\x80\x02}q\x01(U\x04dataq\x02cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\nq\x04K\x00\x85\
        U\x01b\x87Rq\x05(K\x01K\x01K\x02\x86cnumpy\ndtype\nq\x06U\x02u1K\x00K\x01\x87Rq\x07(K\x03U\x01|NNNJ\xff\xff\xff\xff\
        J\xff\xff\xff\xffK\x00tb\x89T\x02\x00\x00\x00\xfe\x02tbU\x0bfine_labels]q\x08(K\x07K\x08eu.";
    let zero: &[u8] = b"(dp1\nS'data'\np2\ncnumpy.core.multiarray\n_reconstruct\np3\n(cnumpy\nndarray\np4\n(I0\ntS'b'\ntRp5\n(I1\n\
        (I1\nI2\ntcnumpy\ndtype\np6\n(S'u1'\nI0\nI1\ntRp7\n(I3\nS'|'\nNNNI-1\nI-1\nI0\ntbI00\nS'\\xfe\\x02'\ntbsS'fine_labels'\n\
        (lp8\nL7L\naI8\nas.";
    for bytes in [two, zero] {
        let p = Pickle::parse(bytes).unwrap();
        assert_eq!(numbers(p.root().get("data").unwrap()), [254.0, 2.0]);
        let labels: Vec<_> =
            p.root().get("fine_labels").unwrap().items().unwrap().map(|o| o.integer().unwrap()).collect();
        assert_eq!(labels, [7, 8]);
    }
}

#[test]
fn foreign_functions_are_named_and_refused() {
    let table: &[(&[u8], &str)] = &[
        (b"cos\nsystem\n(S'echo'\ntR.", "'os.system'"),
        (b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93\x8c\x011\x85R.", "'builtins.eval'"),
        (b"c__builtin__\neval\n.", "'__builtin__.eval'"),
        (b"(S'echo'\nios\nsystem\n.", "'os.system'"),
        (b"cnumpy\nload\n.", "'numpy.load'"),
        (b"cnumpy.core.multiarray\nfromfile\n.", "'numpy.core.multiarray.fromfile'"),
        (b"c_codecs\ndecode\n.", "'_codecs.decode'"),
        (b"\x80\x02ccollections\nOrderedDict\n)\x81.", "opcode 0x81"),
        (b"\x80\x02(ccollections\nOrderedDict\no.", "opcode 0x6f"),
        (b"\x80\x02\x82\x01.", "an extension's number"),
        (b"c\x1b[31m\nx\n.", "'\\u{1b}[31m.x'"),
    ];
    for (bytes, want) in table {
        let e = Pickle::parse(bytes).unwrap_err();
        assert_eq!(e.kind, ErrorKind::Unsafe, "{e}");
        let text = e.to_string();
        assert!(text.contains(want) && text.contains("may be malicious") && !text.contains('\n'), "{text} / {want}");
    }
}

#[test]
fn odd_pickles_are_refused_without_panic() {
    let long = |op: u8, width: usize, tail: &[u8]| [&[op][..], &vec![0xff; width], tail].concat();
    let array = |state: &[u8]| {
        [b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85C\x01btR(K\x01", state, b"tb."].concat()
    };
    let u1 = b"cnumpy\ndtype\n(X\x02\x00\x00\x00u1tR";
    let obj = b"cnumpy\ndtype\n(X\x01\x00\x00\x00OtR";
    let table: Vec<(Vec<u8>, &str)> = vec![
        (vec![], "cut short"),
        (b"\x80\x03".to_vec(), "cut short"),
        (b".".to_vec(), "empty stack"),
        (b"(.".to_vec(), "empty stack"),
        (b"K\x01(0R.".to_vec(), "empty stack"),
        (b"K\x01(a.".to_vec(), "empty stack"),
        (b"e.".to_vec(), "no mark"),
        (b"(u.".to_vec(), "empty stack"),
        (b"2.".to_vec(), "empty stack"),
        (b"\x87.".to_vec(), "empty stack"),
        (b"b.".to_vec(), "empty stack"),
        (b"h\x07.".to_vec(), "was not kept"),
        (b"g-1\n.".to_vec(), "index is no number"),
        (b"K\x01K\x02R.".to_vec(), "calls what is no function"),
        (b"K\x01)b.".to_vec(), "gives a state to what has none"),
        (b"K\x01K\x02a.".to_vec(), "no list"),
        (b"}(K\x01u.".to_vec(), "key without a value"),
        (b"K\x01K\x02K\x03s.".to_vec(), "no dict"),
        (b"\x80\x05.".to_vec(), "protocol 5"),
        (b"\xfe.".to_vec(), "opcode 0xfe"),
        (b"Pabc\n.".to_vec(), "outside the file"),
        (b"X\x02\x00\x00\x00\xff\xfe.".to_vec(), "not UTF-8"),
        (b"S'abc\n.".to_vec(), "no quotes"),
        (b"S'a\\q'\n.".to_vec(), "escape"),
        (b"V\\ud800\n.".to_vec(), "escape"),
        (b"I12x\n.".to_vec(), "no number of 64 bits"),
        (b"L99999999999999999999L\n.".to_vec(), "no number of 64 bits"),
        (b"\x8a\x09\x01\x01\x01\x01\x01\x01\x01\x01\x01.".to_vec(), "more than 64 bits"),
        (b"Fabc\n.".to_vec(), "a float is no number"),
        (b"N.N.".to_vec(), "has 2 bytes after the pickle's end"),
        // Absurd lengths.
        (long(b'B', 4, b"x."), "wants 4294967295 bytes"),
        (long(b'X', 4, b"x."), "wants 4294967295 bytes"),
        (long(b'T', 4, b"x."), "wants 4294967295 bytes"),
        (long(0x8b, 4, b"x."), "wants 4294967295 bytes"),
        (long(0x8e, 8, b"x."), "wants 18446744073709551615 bytes"),
        (long(0x8d, 8, b"x."), "wants 18446744073709551615 bytes"),
        (long(0x95, 8, b"x."), "a frame of the pickle"),
        // Depth.
        (vec![b'('; 100_000], "nested deeper than 1,000"),
        // Arrays that don't fit.
        (array(&[b"K\x05\x85", &u1[..], b"\x89C\x01a"].concat()), "of another size"),
        (array(&[b"J\xff\xff\xff\xff\x85", &u1[..], b"\x89C\x01a"].concat()), "no size"),
        (array(&[b"(\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7fK\x09t", &u1[..], b"\x89C\x01a"].concat()), "absurd"),
        (array(&[b"K\x01\x85", &obj[..], b"\x89C\x08abcdefgh"].concat()), "of another size"),
        (array(&[b"K\x01\x85", &u1[..], b"\x89]K\x01a"].concat()), "of another size"),
        (array(&[b"(", &b"K\x01".repeat(33)[..], b"t", u1, b"\x89C\x01a"].concat()), "more than 32 dimensions"),
        (array(b"K\x01\x85K\x01\x89C\x01a"), "no shape or type"),
        (b"cnumpy\ndtype\n(X\x03\x00\x00\x00V16tR.".to_vec(), "elements of type 'V16'"),
        (b"cnumpy\ndtype\n(X\x02\x00\x00\x00f4tR(K\x03X\x01\x00\x00\x00<N(X\x01\x00\x00\x00atNtb.".to_vec(), "records"),
        (b"cnumpy\ndtype\n(X\x02\x00\x00\x00f4tR(K\x03X\x01\x00\x00\x00?NNNtb.".to_vec(), "byte order"),
        (b"cnumpy\ndtype\n)R.".to_vec(), "arguments that NumPy does not write"),
        (b"c_codecs\nencode\n(X\x02\x00\x00\x00\xc4\x80X\x06\x00\x00\x00latin1tR.".to_vec(), "not Latin-1"),
        (b"ccollections\nOrderedDict\n(](K\x01etR.".to_vec(), "not made of pairs"),
    ];
    for (bytes, want) in &table {
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(60)]).into_owned();
        match Pickle::parse(bytes) {
            Ok(_) => panic!("{shown:?} was taken; expected '{want}'"),
            Err(e) => assert!(e.to_string().contains(want), "{shown:?}: {e} / {want}"),
        }
    }
}

#[test]
fn copies_do_not_outgrow_the_file() {
    // One string of 100,000 bytes, then converted again and again.
    let mut bomb = b"c_codecs\nencode\nq\x00X\xa0\x86\x01\x00".to_vec();
    bomb.extend([b'a'; 100_000]);
    bomb.extend(b"q\x01X\x06\x00\x00\x00latin1q\x02");
    for _ in 0..1_000 {
        bomb.extend(b"h\x00h\x01h\x02\x86R");
    }
    bomb.push(b'.');
    let e = Pickle::parse(&bomb).unwrap_err().to_string();
    assert!(e.contains("far more memory than its size"), "{e}");
}

#[test]
fn deep_and_cyclic_objects_are_harmless() {
    let deep = [vec![b']'; 200_000], vec![b'a'; 199_999], b".".to_vec()].concat();
    assert_eq!(Pickle::parse(&deep).unwrap().root().items().unwrap().len(), 1);
    let own = Pickle::parse(b"]q\x00h\x00a.").unwrap();
    assert_eq!(own.root().items().unwrap().next().unwrap().items().unwrap().len(), 1);
    // An array of objects whose list grows after it was given to the array.
    let grown = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85C\x01btR(K\x01K\x01\x85\
        cnumpy\ndtype\n(X\x01\x00\x00\x00OtR\x89]q\x05K\x01atbh\x05K\x02a0.";
    assert!(Pickle::parse(grown).unwrap().root().items().is_none());
}

/// Walks whatever was read, as an importer might.
fn walk(o: Object<'_>, depth: usize) {
    let _ = (o.number(), o.text(), o.bytes(), o.only(), o.array_type());
    if let Some(a) = o.array() {
        for i in 0..a.len() {
            let _ = (a.number(i), a.integer(i));
        }
    }
    if depth > 0 {
        o.items().into_iter().flatten().for_each(|i| walk(i, depth - 1));
        let keys: Vec<_> = o.keys().into_iter().flatten().collect();
        keys.iter().filter_map(|k| o.get(k)).for_each(|v| walk(v, depth - 1));
    }
}

#[test]
fn mutations_never_panic() {
    let mut taken = 0;
    let (mut tried, mut chance) = (0, Key::new(360, Purpose::Test).stream(0));
    for original in WRITTEN {
        for cut in 0..original.len() {
            assert!(Pickle::parse(&original[..cut]).is_err(), "cut at {cut}");
        }
        for _ in 0..4_000 {
            let mut bytes = original.to_vec();
            for _ in 0..=chance.below(3) {
                let at = chance.below(bytes.len() as u64) as usize;
                match chance.below(4) {
                    0 => bytes[at] = chance.word() as u8,
                    1 => bytes[at] ^= 1 << chance.below(8),
                    2 => drop(bytes.remove(at)),
                    _ => bytes.insert(at, b"()]}.eutaRbqh0\x85\x86\x87\x93\x94"[chance.below(19) as usize]),
                }
            }
            tried += 1;
            if let Ok(p) = Pickle::parse(&bytes) {
                taken += 1;
                walk(p.root(), 3);
            }
        }
    }
    assert!(taken > 0 && taken < tried, "{taken} of {tried}");
}
