//! A task of somebody else's, through the public interface alone: `docs/adding-a-task.md` walks through this file.

use std::fs;
use std::path::Path;

use kernels::Device;
use kernels::math::sin;
use kernels::rng::{Key, Purpose};
use nas::cell::{self, Cell};
use nas::profile::{Overrides, Profile, Values};
use nas::run::{self, Identity, Mode, RunFolder};
use safetensors::Dtype;
use tasks::store::{Origin, StoreWriter};
use tasks::{
    Dataset, Direction, Error, ErrorKind, Facts, Kind, Loss, Metric, Part, Progress, Provenance, Sizes, Summary, Table,
    Task,
};

/// Pixels of a side.
const SIDE: usize = 12;

/// Stripes across a square in one of four directions.
static FACTS: Facts = Facts {
    name: "stripes",
    title: "Stripes",
    input: &[SIDE, SIDE, 1],
    outputs: 4,
    kind: Kind::Point2d,
    loss: Loss::CrossEntropy,
    metric: Metric { name: "0-1 error", direction: Direction::Lower, unit: "%", scale: 100.0 },
    sizes: Sizes { train: 512, val: 64, test: 128 },
    items: "images",
    table: Table { size: "704", objective: "tell the direction of stripes", new_to_nas: true },
    preprocessing: 1,
};

struct Stripes;

impl Task for Stripes {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    /// `stripes.csv`: a line an image, its class and its pixels. The first four fifths train, the rest halves.
    fn import(&self, from: &Path, data_dir: &Path, progress: &dyn Progress) -> Result<Summary, Error> {
        let path = from.join("stripes.csv");
        let missing =
            |e| Error::new(ErrorKind::Missing, format!("cannot be read ({e})"), "give the folder of stripes.csv");
        let text = fs::read_to_string(&path).map_err(|e| missing(e).at(&path))?;
        let mut images = Vec::new();
        for (i, line) in text.lines().enumerate() {
            let numbers: Option<Vec<f32>> =
                line.split(',').map(|v| v.parse().ok().filter(|v: &f32| v.is_finite())).collect();
            let class = numbers.as_ref().and_then(|n| (0..4).find(|&c| n[0] == c as f32));
            let (Some(numbers), Some(class)) = (numbers.filter(|n| n.len() == 1 + SIDE * SIDE), class) else {
                let what = format!("line {} is no class of 0 to 3 and {} numbers", i + 1, SIDE * SIDE);
                return Err(Error::invalid(what, "repair or remove it").at(&path));
            };
            images.push((class, numbers[1..].to_vec()));
        }
        let n = images.len();
        let sizes = Sizes { train: n * 4 / 5, val: n / 10, test: n - n * 4 / 5 - n / 10 };
        let image = |part: Part, i: usize| {
            let before = [0, sizes.train, sizes.train + sizes.val][part as usize];
            images[before + i].clone()
        };
        write(sizes, Provenance::Original, None, data_dir, progress, image)
    }

    fn generate(&self, sizes: Sizes, seed: u64, data_dir: &Path, progress: &dyn Progress) -> Result<Summary, Error> {
        write(sizes, Provenance::Generated, Some(seed), data_dir, progress, |part, i| image(seed, part, i))
    }
}

/// Image i of a part is a function of the seed, the part and i: its class, then a wave of any phase under noise.
fn image(seed: u64, part: Part, i: usize) -> (i32, Vec<f32>) {
    let mut chance =
        Key::new(seed, Purpose::Generate).at(u64::from_le_bytes(*b"stripes\0"), part as u64).stream(i as u64);
    let class = chance.below(4) as usize;
    let (down, right) = [(1.0, 0.0), (0.0, 1.0), (0.7, 0.7), (0.7, -0.7)][class];
    let (pitch, phase) = (1.2 + 0.8 * chance.uniform64(), 6.3 * chance.uniform64());
    let pixels = (0..SIDE * SIDE).map(|at| {
        let along = down * (at / SIDE) as f64 + right * (at % SIDE) as f64;
        (sin(pitch * along + phase) + 0.5 * chance.normal()) as f32
    });
    let pixels = pixels.collect();
    (class as i32, pixels)
}

/// The store: `x` f32 and `y` i32 a part, which `reader::Rows` reads unless the task says otherwise.
fn write(
    sizes: Sizes,
    provenance: Provenance,
    seed: Option<u64>,
    data_dir: &Path,
    progress: &dyn Progress,
    image: impl Fn(Part, usize) -> (i32, Vec<f32>),
) -> Result<Summary, Error> {
    let origin = Origin {
        preprocessing: FACTS.preprocessing,
        provenance,
        seed,
        sources: Vec::new(),
        task: FACTS.name.to_owned(),
        outputs: FACTS.outputs,
        notices: Vec::new(),
    };
    let mut store = StoreWriter::begin(data_dir, FACTS.name)?;
    for (part, n) in [(Part::Train, sizes.train), (Part::Val, sizes.val), (Part::Test, sizes.test)] {
        progress.report("writing stripes", 0, n as u64, tasks::Unit::Items);
        let (mut split, mut classes) = (store.split(part)?, Vec::new());
        split.tensor("x", Dtype::F32, FACTS.input)?;
        for i in 0..n {
            let (class, pixels) = image(part, i);
            classes.push(class);
            split.push(&pixels)?;
        }
        split.tensor("y", Dtype::I32, &[])?;
        split.push(&classes)?;
        store.finish(split, &origin)?;
    }
    store.publish()?;
    Summary::of(data_dir, &Stripes)
}

#[test]
fn a_new_task_is_generated_trained_and_judged() {
    let dir = tempfile::tempdir().unwrap();
    let made = Stripes.generate(FACTS.sizes, 0, dir.path(), &tasks::Silent).unwrap();
    let data = Dataset::open(dir.path(), &Stripes).unwrap();
    assert_eq!((data.sizes(), data.hash()), (FACTS.sizes, &*made.hash));

    let (batch, lr) = (16, 0.1);
    let own = [("width".to_owned(), 0.125.into())].into();
    let (train, val, test) = (FACTS.sizes.train, FACTS.sizes.val, FACTS.sizes.test);
    let (momentum, weight_decay, dropout) = (0.9, 5e-4, 0.0);
    let values = Values { epochs: 2, batch, lr, momentum, weight_decay, dropout, train, val, test, own };
    let method = nas::methods::by_name("wrn").unwrap();
    let set = Overrides::default();
    let identity = Identity {
        task: FACTS.name.to_owned(),
        method: method.name().to_owned(),
        seed: 0,
        protocol: nas::protocol::CORRECTED.to_owned(),
        quirks: Default::default(),
        mode: Mode::Exact,
        profile: Profile::Quick.name().to_owned(),
        values: values.map(),
        set: set.map().clone(),
        arch: None,
        data: data.hash().to_owned(),
        code: nas::code_version(),
    };
    let facts = run::Facts {
        commit: "unknown".to_owned(),
        device: Device::Cpu.to_string(),
        simd: String::new(),
        threads: 0,
        cudnn: None,
    };
    let path = run::folder(&dir.path().join("runs"), &identity);
    let mut folder = RunFolder::open(&path, &identity, &facts, false).unwrap();
    let cell = Cell {
        method,
        data: &data,
        seed: 0,
        profile: Profile::Quick,
        values: &values,
        set: &set,
        arch: None,
        device: Device::Cpu,
        checkpoint_seconds: 60.0,
    };
    cell::run(&cell, &mut folder, &mut run::Silent).unwrap();
    let result: serde_json::Value = serde_json::from_slice(&fs::read(path.join("result.json")).unwrap()).unwrap();
    assert_eq!((&result["task"], &result["secondary"]["test_items"]), (&"stripes".into(), &128.into()));
    // One class of four is right a quarter of the time.
    let error = result["value"].as_f64().unwrap();
    assert!(error < 40.0, "{error} %");
}

#[test]
fn its_file_is_imported_or_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("stripes.csv");
    let data = dir.path().join("data");
    let e = Stripes.import(dir.path(), &data, &tasks::Silent).unwrap_err();
    assert_eq!(e.kind, ErrorKind::Missing);

    let line = |i| {
        let (class, pixels) = image(1, Part::Train, i);
        let pixels: Vec<String> = pixels.iter().map(f32::to_string).collect();
        format!("{class},{}\n", pixels.join(","))
    };
    fs::write(&file, (0..20).map(line).collect::<String>()).unwrap();
    let made = Stripes.import(dir.path(), &data, &tasks::Silent).unwrap();
    assert_eq!(made.sizes, Sizes { train: 16, val: 2, test: 2 });
    let set = Dataset::open(&data, &Stripes).unwrap();
    let (x, y) = set.val().batch(&[1]);
    assert_eq!((y.ints()[0], x.data().to_vec()), image(1, Part::Train, 17));

    fs::write(&file, format!("{}{}", line(0), line(1).replacen(',', ",x", 1))).unwrap();
    let e = Stripes.import(dir.path(), &data, &tasks::Silent).unwrap_err().to_string();
    assert!(e.contains("stripes.csv: line 2 is no class of 0 to 3 and 144 numbers"), "{e}");
    assert_eq!(Dataset::open(&data, &Stripes).unwrap().hash(), made.hash);
}
