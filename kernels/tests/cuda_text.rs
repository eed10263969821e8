//! The CUDA text of `kernels::math` and `kernels::rng` (kernels/src/cuda/text), compiled for the host by g++ with the
//! emulator's header: the bits of the Rust functions.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use kernels::math::{self, single};
use kernels::ops::elementwise::dropout::Dropout;
use kernels::rng::{Key, Purpose, Stream};
use kernels::{Op as _, Tensor};

/// A function in f64 and in f32; those of one number do not look at the second.
type Row = (&'static str, fn(f64, f64) -> f64, fn(f32, f32) -> f32);

/// In the order of host.cpp.
const FUNCTIONS: [Row; 13] = [
    ("exp", |x, _| math::exp(x), |x, _| single::exp(x)),
    ("expm1", |x, _| math::expm1(x), |x, _| single::expm1(x)),
    ("ln", |x, _| math::ln(x), |x, _| single::ln(x)),
    ("ln_1p", |x, _| math::ln_1p(x), |x, _| single::ln_1p(x)),
    ("sin", |x, _| math::sin(x), |x, _| single::sin(x)),
    ("cos", |x, _| math::cos(x), |x, _| single::cos(x)),
    ("tan", |x, _| math::tan(x), |x, _| single::tan(x)),
    ("tanh", |x, _| math::tanh(x), |x, _| single::tanh(x)),
    ("sigmoid", |x, _| math::sigmoid(x), |x, _| single::sigmoid(x)),
    ("erf", |x, _| math::erf(x), |x, _| single::erf(x)),
    ("erfc", |x, _| math::erfc(x), |x, _| single::erfc(x)),
    ("pow", math::pow, single::pow),
    ("atan2", math::atan2, single::atan2),
];

/// The compiled text.
fn host() -> &'static Path {
    static HOST: OnceLock<std::path::PathBuf> = OnceLock::new();
    HOST.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("cuda_text_{}", std::process::id()));
        let compiled = Command::new("g++")
            .args(["-std=c++17", "-O2", "-ffp-contract=off", "-mfma", "-Wall", "-Wextra", "-Werror"])
            .arg("-Wno-unknown-pragmas") // #pragma unroll
            .arg("-D__NP360_EMU__")
            .arg("-I")
            .arg(root.join("src/cuda/text"))
            .arg("-I")
            .arg(root.join("src/cuda/emu"))
            .arg(root.join("tests/cuda_text/host.cpp"))
            .arg("-o")
            .arg(&program)
            .output()
            .unwrap_or_else(|e| {
                panic!("g++ compiles the CUDA text for this test and does not start ({e}): install it")
            });
        assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
        program
    })
}

/// What the compiled text answers.
fn ask(what: &str, words: &[u64]) -> Vec<u64> {
    let mut child = Command::new(host()).arg(what).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let bytes: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
    child.stdin.take().unwrap().write_all(&bytes).unwrap(); // it reads everything before it writes
    let said = child.wait_with_output().unwrap();
    assert!(said.status.success());
    said.stdout.chunks_exact(8).map(|b| u64::from_le_bytes(b.try_into().unwrap())).collect()
}

/// Numbers at which something happens.
const EDGES: [f64; 32] = [
    0.0,
    5e-324,
    1e-310,
    f64::MIN_POSITIVE,
    1e-271,
    1e-20,
    1.401298464324817e-45,
    1.1754943508222875e-38,
    0.3465735902799726,
    0.4999999999999999,
    0.5,
    0.9999999999999999,
    1.0,
    1.0000000000000002,
    std::f64::consts::SQRT_2,
    2.0,
    3.0,
    22.0,
    28.0,
    88.72283935546875,
    103.97208404541016,
    709.782712893384,
    745.1332191019411,
    99999.99999999999,
    1e5,
    1e22,
    6.381956970095103e299, // nearest of all to a multiple of pi/2
    1.1e300,
    f32::MAX as f64,
    f64::MAX,
    f64::INFINITY,
    f64::NAN,
];

/// Pairs of f64 of every size.
fn doubles() -> Vec<(f64, f64)> {
    let mut s = Key::new(11, Purpose::Test).stream(0);
    let any = |s: &mut Stream| f64::from_bits(s.word64());
    let mut pairs: Vec<(f64, f64)> = (0..20_000).map(|_| (any(&mut s), any(&mut s))).collect();
    for scale in [1e-3, 0.3, 1.0, 3.0, 10.0, 30.0, 800.0, 1e5, 1e9] {
        let near = |s: &mut Stream| scale * (2.0 * s.uniform64() - 1.0);
        pairs.extend((0..5_000).map(|_| (near(&mut s), near(&mut s))));
        pairs.extend((0..2_000).map(|_| (near(&mut s), near(&mut s).trunc())));
    }
    let signed: Vec<f64> = EDGES.iter().flat_map(|&e| [e, -e]).collect();
    pairs.extend(signed.iter().flat_map(|&x| signed.iter().map(move |&y| (x, y))));
    pairs
}

/// 2^16 f32 over all their bits, and the edges, each with another number.
fn singles() -> Vec<(f32, f32)> {
    let mut s = Key::new(12, Purpose::Test).stream(0);
    let mut pairs: Vec<(f32, f32)> = (0..=u32::MAX)
        .step_by(65_521)
        .map(|bits| (f32::from_bits(bits), if bits % 2 == 0 { f32::from_bits(s.word()) } else { s.normal() as f32 }))
        .collect();
    let signed: Vec<f32> = EDGES.iter().flat_map(|&e| [e as f32, -e as f32]).collect();
    pairs.extend(signed.iter().flat_map(|&x| signed.iter().map(move |&y| (x, y))));
    pairs
}

fn same(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan()
}

#[test]
fn mathematical_functions_have_the_same_bits() {
    let (doubles, singles) = (doubles(), singles());
    let mut words = vec![doubles.len() as u64, singles.len() as u64];
    words.extend(doubles.iter().flat_map(|(x, y)| [x.to_bits(), y.to_bits()]));
    words.extend(singles.iter().flat_map(|&(x, y)| [f64::from(x).to_bits(), f64::from(y).to_bits()]));
    let answers = ask("math", &words);
    assert_eq!(answers.len(), FUNCTIONS.len() * (doubles.len() + singles.len()));
    let mut answers = answers.into_iter().map(f64::from_bits);
    for (name, f64s, f32s) in FUNCTIONS {
        for &(x, y) in &doubles {
            let (ours, text) = (f64s(x, y), answers.next().unwrap());
            assert!(same(ours, text), "np_{name}({x:e}, {y:e}) = {text:e}, not {ours:e}");
        }
        for &(x, y) in &singles {
            let (ours, text) = (f64::from(f32s(x, y)), answers.next().unwrap());
            assert!(same(ours, text), "npf_{name}({x:e}, {y:e}) = {text:e}, not {ours:e}");
        }
    }
}

/// The numbers of many digits in a text, as they are written, without separators and suffixes.
fn constants(text: &str) -> Vec<String> {
    let code =
        text.lines().filter(|l| !l.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n").replace('_', "");
    code.split(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '-')
        .filter(|word| word.trim_start_matches('-').starts_with(|c: char| c.is_ascii_digit()))
        .map(|word| word.trim_end_matches("ull").to_owned())
        .filter(|word| word.chars().filter(char::is_ascii_hexdigit).count() > 10)
        .collect()
}

/// A last digit of a coefficient is seldom seen in a result, so the tables are compared as text too.
#[test]
fn tables_have_the_same_digits() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let read = |file: &str| std::fs::read_to_string(root.join(file)).unwrap();
    let cuda = constants(&read("cuda/text/math.cuh"));
    for (file, least) in [("exp", 12), ("log", 11), ("power", 186), ("erf", 34), ("gelu", 23), ("trig", 59)] {
        let rust = constants(&read(&format!("math/{file}.rs")));
        assert!(rust.len() >= least, "{file}.rs: {} constants", rust.len());
        for number in rust {
            assert!(cuda.contains(&number), "{number} of {file}.rs is not in math.cuh");
        }
    }
}

#[test]
fn random_numbers_have_the_same_bits() {
    let keys = [
        (Key::new(42, Purpose::Test).at(3, 5), 7),
        (Key::new(u64::MAX, Purpose::Dropout).at(1 << 40, u64::MAX - 1), u64::MAX),
    ];
    for (key, index) in keys {
        // The second block, both sides of 2^32 words and of 2^32 blocks.
        let mut positions: Vec<u64> = (0..100).collect();
        positions.extend([(1 << 32) - 1, 1 << 32, (1 << 36) - 1, 1 << 36, (1 << 36) + 17]);
        let threshold = 1u64 << 31;
        let mut words = vec![key.seed, key.epoch, key.step, key.purpose as u64, index, threshold];
        words.extend(&positions);

        let mut stream = key.stream(index);
        let drawn: Vec<u64> = positions
            .iter()
            .map(|&n| {
                stream.seek(n);
                u64::from(stream.word())
            })
            .collect();
        let mut ours = drawn.clone();
        ours.extend(drawn.iter().map(|&w| u64::from(w >= threshold)));
        stream.seek(5);
        ours.extend((0..40).map(|_| f64::from(stream.uniform()).to_bits()));
        ours.extend((0..40).map(|_| stream.uniform64().to_bits()));
        for n in [1, 7, (1 << 63) + 5] {
            ours.extend((0..40).map(|_| stream.below(n)));
        }
        ours.extend((0..99).map(|_| stream.normal().to_bits()));
        ours.extend(stream.permutation(50).into_iter().map(u64::from));
        assert_eq!(ask("rng", &words), ours, "{key:?}, stream {index}");
    }
}

#[test]
fn a_bernoulli_mask_is_that_of_dropout() {
    let (key, index) = (Key::new(9, Purpose::Dropout).at(2, 31), 4);
    let mut kept = [Tensor::zeros([1000])];
    Dropout::new(key, index, 0.25).forward(&[&Tensor::full([1000], 1.0)], &mut kept);
    let mut words = vec![key.seed, key.epoch, key.step, key.purpose as u64, index, 1 << 30];
    words.extend(0..1000);
    let mask: Vec<bool> = ask("rng", &words)[1000..2000].iter().map(|&b| b == 1).collect();
    assert_eq!(mask, kept[0].data().iter().map(|&y| y != 0.0).collect::<Vec<_>>());
}
