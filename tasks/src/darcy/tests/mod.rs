//! The equation and its data: convergence, iterations, bits.

mod import;

use std::fs;
use std::path::Path;

use kernels::rng::{Key, Purpose};
use kernels::simd::Level;
use kernels::{math, pool, simd};

use super::equation::Solver;
use super::generate::{Maker, Mesh, folder, generate};
use super::{Darcy, field};
use crate::store::{Part, Provenance};
use crate::{Dataset, Silent, Sizes, Task as _};

const PI: f64 = std::f64::consts::PI;

/// u = sin(pi x) sin(2 pi y) e^x with a = 2 + sin(3 x) cos(2 y): the largest error on n intervals.
fn manufactured(n: usize) -> f64 {
    let solver = Solver::new(n);
    let (grid, h) = (solver.grid, 1.0 / n as f64);
    let (mut a, mut space) = (grid.zeros(), solver.space());
    let at = |i: usize, j: usize| (i as f64 * h, j as f64 * h);
    let exact = |x: f64, y: f64| math::sin(PI * x) * math::sin(2.0 * PI * y) * math::exp(x);
    grid.fill(&mut a, |i, j| {
        let (x, y) = at(i, j);
        2.0 + math::sin(3.0 * x) * math::cos(2.0 * y)
    });
    // f = -(a_x u_x + a_y u_y + a (u_xx + u_yy)).
    let f = |x: f64, y: f64| {
        let (s, c, e, v) = (math::sin(PI * x), math::cos(PI * x), math::exp(x), math::sin(2.0 * PI * y));
        let a = 2.0 + math::sin(3.0 * x) * math::cos(2.0 * y);
        let ax = 3.0 * math::cos(3.0 * x) * math::cos(2.0 * y);
        let ay = -2.0 * math::sin(3.0 * x) * math::sin(2.0 * y);
        let ux = (PI * c + s) * e * v;
        let uy = 2.0 * PI * s * e * math::cos(2.0 * PI * y);
        let uxx = (2.0 * PI * c + (1.0 - PI * PI) * s) * e * v;
        let uyy = -4.0 * PI * PI * s * e * v;
        -(ax * ux + ay * uy + a * (uxx + uyy))
    };
    grid.fill(&mut space.r, |i, j| {
        let (x, y) = at(i, j);
        if i % n == 0 || j % n == 0 { 0.0 } else { 2.0 * h * h * f(x, y) }
    });
    solver.solve(&a, &mut space).expect("converges");
    let mut worst = 0f64;
    for i in 0..=n {
        for j in 0..=n {
            let (x, y) = at(i, j);
            let error = (space.u[i * grid.stride + j] - exact(x, y)).abs();
            worst = if error > worst { error } else { worst };
        }
    }
    worst
}

#[test]
fn the_scheme_converges_with_the_square_of_the_grid() {
    let errors = [20, 40, 80].map(manufactured);
    for pair in errors.windows(2) {
        let ratio = pair[0] / pair[1];
        assert!((3.8..4.2).contains(&ratio), "{errors:?}");
    }
    assert!(errors[2] < 2e-3, "{errors:?}");
}

/// Field `index` of a grid of n intervals: iterations, the scheme's own relative residual in the 2-norm, the solution.
fn random(n: usize, index: u64) -> (usize, f64, Vec<f64>) {
    let solver = Solver::new(n);
    let (grid, mut space) = (solver.grid, solver.space());
    let mut a = grid.zeros();
    let mut chance = Key::new(5, Purpose::Test).stream(index);
    field::coefficient(&solver, &mut chance, &mut space, &mut a);
    let right = 2.0 / (n * n) as f64;
    grid.fill(&mut space.r, |i, j| if i % n == 0 || j % n == 0 { 0.0 } else { right });
    let iterations = solver.solve(&a, &mut space).expect("converges");
    // The scheme once more, written as it is defined.
    let (mut squares, at) = (0.0, |i: usize, j: usize| i * grid.stride + j);
    for i in 1..n {
        for j in 1..n {
            let mut left = 0.0;
            for d in [at(i - 1, j), at(i + 1, j), at(i, j - 1), at(i, j + 1)] {
                left += (a[at(i, j)] + a[d]) / 2.0 * (space.u[at(i, j)] - space.u[d]) * (n * n) as f64;
            }
            squares += (left - 1.0) * (left - 1.0);
        }
    }
    let residual = (squares / ((n - 1) * (n - 1)) as f64).sqrt();
    (iterations, residual, space.u)
}

#[test]
fn seventeen_iterations_are_enough_at_any_size() {
    for (n, fields) in [(60, 12), (210, 3)] {
        for index in 0..fields {
            let (iterations, residual, u) = random(n, index);
            assert!(iterations <= 17, "{n}: {iterations}");
            assert!(residual <= 1e-6, "{n}: {residual}");
            // The mean falls as a grows: with a constant it is .03514 / a.
            let mean = u.iter().sum::<f64>() / (n * n) as f64;
            assert!((0.035 / 12.0..0.0352 / 3.0).contains(&mean), "{mean}");
        }
    }
}

#[test]
fn the_gaussian_field_is_the_sum_of_its_modes() {
    let n = 12;
    let solver = Solver::new(n);
    let mut space = solver.space();
    let key = Key::new(3, Purpose::Test);
    field::gaussian(&solver, &mut key.stream(0), &mut space);
    let mut chance = key.stream(0);
    let xi: Vec<f64> = (0..(n + 1) * (n + 1)).map(|_| chance.normal()).collect();
    let phi = |k: usize, i: usize| {
        let x = i as f64 / n as f64;
        if k == 0 { 1.0 } else { 2f64.sqrt() * math::cos(PI * k as f64 * x) }
    };
    for i in 0..=n {
        for j in 0..=n {
            let mut sum = 0.0;
            for k1 in 0..=n {
                for k2 in (0..=n).filter(|k2| k1 + k2 > 0) {
                    let c = 3.0 / (PI * PI * (k1 * k1 + k2 * k2) as f64 + 9.0);
                    sum += xi[k1 * (n + 1) + k2] * c * phi(k1, i) * phi(k2, j);
                }
            }
            let got = space.u[i * solver.grid.stride + j];
            assert!((got - sum).abs() < 1e-12, "{i} {j}: {got} {sum}");
        }
    }
}

const SMALL: Mesh = Mesh { n: 30, step: 5 };

fn small(sizes: [usize; 3], seed: u64, dir: &Path) -> crate::Summary {
    let [train, val, test] = sizes;
    generate(SMALL, Sizes { train, val, test }, seed, dir, &Silent).unwrap()
}

#[test]
fn a_store_is_the_same_at_any_level_and_number_of_threads() {
    let mut hashes = Vec::new();
    for level in Level::ALL.into_iter().filter(|l| l.available()) {
        for threads in [1, 2, 7] {
            simd::force(level);
            pool::set_threads(threads);
            let dir = tempfile::tempdir().unwrap();
            hashes.push((small([9, 2, 3], 4, dir.path()).hash, level, threads));
        }
    }
    simd::init().unwrap();
    pool::set_threads(2);
    assert!(hashes.iter().all(|h| h.0 == hashes[0].0), "{hashes:?}");
    assert_eq!(hashes[0].0, "1a22f9c09ef27fa1d1f99a8e80e646fb6f4991415a1837013c4112fac61fc392");
}

#[test]
fn a_field_depends_on_seed_split_and_number_alone() {
    let make = |seed, part, index| Maker::new(SMALL, seed).field(part, index);
    let one = make(4, Part::Train, 3);
    let others = [make(5, Part::Train, 3), make(4, Part::Val, 3), make(4, Part::Test, 3), make(4, Part::Train, 2)];
    assert!(others.iter().all(|o| o.x != one.x && o.y != one.y));

    let dir = tempfile::tempdir().unwrap();
    let s = small([5, 1, 2], 4, dir.path());
    assert_eq!((s.sizes, s.provenance), (Sizes { train: 5, val: 1, test: 2 }, Provenance::Generated));
    assert!(s.notices.is_empty() && !folder(dir.path()).exists());
    let d = Dataset::open(dir.path(), &Darcy).unwrap();
    d.verify(&Silent).unwrap();
    let (x, y) = d.train().batch(&[3]);
    assert_eq!((&x.shape()[..], &y.shape()[..]), (&[1, 7, 7, 1][..], &[1, 7, 7, 1][..]));
    assert_eq!((x.data(), y.data()), (&one.x[..], &one.y[..]));
    assert!(one.x.iter().all(|&a| a == 3.0 || a == 12.0));
    // A maker's scratch is used again: it leaves nothing behind.
    let maker = Maker::new(SMALL, 4);
    maker.field(Part::Test, 1);
    assert_eq!(maker.field(Part::Train, 3), one);
}

#[test]
fn an_interrupted_generation_goes_on_with_what_is_right() {
    let sizes = Sizes { train: 6, val: 2, test: 2 };
    let whole = tempfile::tempdir().unwrap();
    let want = small([6, 2, 2], 1, whole.path()).hash;

    let dir = tempfile::tempdir().unwrap();
    let (maker, waiting) = (Maker::new(SMALL, 1), folder(dir.path()));
    let fill = |sizes| maker.fill(&waiting, sizes, &Silent).unwrap();
    assert_eq!(fill(Sizes { train: 4, ..sizes }), 8);
    assert_eq!(fill(sizes), 2);
    assert_eq!(fill(sizes), 0);
    let file = |name: &str| waiting.join(name);
    fs::remove_file(file("train-0.field")).unwrap();
    fs::write(file("train-0.half"), b"half").unwrap();
    let mut bytes = fs::read(file("train-1.field")).unwrap();
    bytes[7] ^= 1;
    fs::write(file("train-1.field"), &bytes).unwrap();
    fs::copy(file("train-3.field"), file("train-2.field")).unwrap();
    bytes.truncate(100);
    fs::write(file("val-1.field"), &bytes).unwrap();
    assert_eq!(fill(sizes), 4);
    // What another seed or mesh left is not taken.
    assert_eq!(Maker::new(SMALL, 2).fill(&waiting, sizes, &Silent).unwrap(), 10);
    assert_eq!(Maker::new(Mesh { n: 60, step: 10 }, 2).fill(&waiting, sizes, &Silent).unwrap(), 10);
    assert_eq!(small([6, 2, 2], 1, dir.path()).hash, want);
    assert!(!waiting.exists());

    let e = Darcy.generate(Sizes { train: 1, val: 0, test: 1 }, 0, dir.path(), &Silent).unwrap_err().to_string();
    assert!(e.contains("darcy: cannot generate 1 + 0 + 1 fields; ask for at least one a split"), "{e}");
    // A file where the folder should be.
    fs::write(&waiting, b"").unwrap();
    let e = Darcy.generate(sizes, 0, dir.path(), &Silent).unwrap_err().to_string();
    assert!(e.contains("darcy.generating: cannot create"), "{e}");
}

#[test]
fn a_published_field_is_the_same_at_any_level() {
    let field = || Maker::new(Mesh::PUBLISHED, 0).field(Part::Train, 0);
    let want = field();
    for level in Level::ALL.into_iter().filter(|l| l.available()) {
        simd::force(level);
        assert!(field() == want, "{level}");
    }
    simd::init().unwrap();
}

/// What the quick profile takes, on the published mesh.
#[test]
fn the_published_mesh_is_pinned() {
    let dir = tempfile::tempdir().unwrap();
    let s = Darcy.generate(Sizes { train: 24, val: 8, test: 8 }, 0, dir.path(), &Silent).unwrap();
    let d = Dataset::open(dir.path(), &Darcy).unwrap();
    assert_eq!((d.input(), d.outputs()), (&[85, 85, 1][..], 1));
    let (x, y) = d.train().batch(&(0..24).collect::<Vec<u32>>());
    let high = x.data().iter().filter(|&&a| a == 12.0).count() as f64 / x.len() as f64;
    assert!((0.4..0.6).contains(&high), "{high}");
    for field in y.data().chunks_exact(85 * 85) {
        for (node, &u) in field.iter().enumerate() {
            let border = [node / 85, node % 85].iter().any(|&i| i == 0 || i == 84);
            assert_eq!(u == 0.0, border, "{node}: {u}");
            assert!((0.0..0.03).contains(&u), "{node}: {u}");
        }
    }
    assert_eq!(s.hash, "c45155fd4d74b8c9ded6bd182b2aa4a3436dccb9d05c5992abbf17800d8580da");
}
