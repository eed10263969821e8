//! Modules of kernels, and launches.

use std::collections::BTreeMap;
use std::ffi::{CString, c_void};
use std::sync::{Mutex, OnceLock, PoisonError};

use bytemuck::Pod;
use cudarc::driver::result;
use cudarc::driver::sys;

use super::driver::{self, Handle, raise};
use super::nvrtc;
use crate::Tensor;

/// The text of a `.cu` file.
#[derive(Debug, Clone, Copy)]
pub enum Text {
    /// As it stands in the file.
    File(&'static str),
    /// Made from a table.
    Made(fn() -> String),
}

/// Kernels that are compiled together: one `.cu` text. Compiled and loaded at its first launch.
#[derive(Debug)]
pub struct Module {
    /// The folder it belongs to: `conv/conv`.
    pub name: &'static str,
    text: Text,
    loaded: OnceLock<Loaded>,
}

#[derive(Debug)]
struct Loaded {
    module: Handle<sys::CUmodule>,
    functions: Mutex<BTreeMap<&'static str, Handle<sys::CUfunction>>>,
}

impl Module {
    /// The kernels of a file.
    pub const fn new(name: &'static str, text: &'static str) -> Self {
        Self { name, text: Text::File(text), loaded: OnceLock::new() }
    }

    /// The kernels of a text that is made from a table.
    pub const fn made(name: &'static str, text: fn() -> String) -> Self {
        Self { name, text: Text::Made(text), loaded: OnceLock::new() }
    }

    /// Its text.
    pub fn text(&self) -> String {
        match self.text {
            Text::File(text) => text.to_owned(),
            Text::Made(make) => make(),
        }
    }

    /// A launch of one of its kernels, to be given its grid and arguments.
    pub fn kernel(&self, name: &'static str) -> Launch {
        let loaded = self.loaded.get_or_init(|| self.load());
        let mut functions = loaded.functions.lock().unwrap_or_else(PoisonError::into_inner);
        let function = *functions.entry(name).or_insert_with(|| {
            let c = CString::new(name).expect("a kernel's name holds no zero");
            // SAFETY: the module is loaded and never unloaded.
            let f = unsafe { result::module::get_function(loaded.module.0, c) };
            Handle(driver::ok(f, || format!("kernel {name} of {}", self.name)))
        });
        Launch::new(name, function)
    }

    fn load(&self) -> Loaded {
        let card = driver::card();
        let image =
            nvrtc::image(self, card.capability).unwrap_or_else(|e| raise(format!("kernels of {}: {e}", self.name)));
        // SAFETY: the image is a whole cubin (or the emulated driver's), and stays alive during the call.
        let module = unsafe { result::module::load_data(image.as_ptr().cast()) };
        let module = Handle(driver::ok(module, || format!("the kernels of {}", self.name)));
        Loaded { module, functions: Mutex::default() }
    }
}

/// Most arguments, and 8-byte words of all of them together.
const ARGUMENTS: usize = 32;
const WORDS: usize = 96;

/// A kernel with its grid and arguments: `KERNELS.kernel("relu").over(n, 256).arg(x).arg(&mut y).arg(n).launch()`.
///
/// Arguments are the kernel's parameters in order: tensors are pointers to their first number, `usize` an `int` (refused
/// beyond 2^31), [`Words`] a struct by value.
#[derive(Debug)]
#[must_use = "nothing runs before launch()"]
pub struct Launch {
    name: &'static str,
    function: Handle<sys::CUfunction>,
    grid: [usize; 3],
    block: u32,
    shared: u32,
    words: [u64; WORDS],
    starts: [usize; ARGUMENTS],
    arguments: usize,
    used: usize,
}

impl Launch {
    fn new(name: &'static str, function: Handle<sys::CUfunction>) -> Self {
        Self {
            name,
            function,
            grid: [1; 3],
            block: 1,
            shared: 0,
            words: [0; WORDS],
            starts: [0; ARGUMENTS],
            arguments: 0,
            used: 0,
        }
    }

    /// Blocks in x, y, z, of `threads` threads each.
    pub fn grid(mut self, blocks: [usize; 3], threads: u32) -> Self {
        (self.grid, self.block) = (blocks, threads);
        self
    }

    /// A thread for each of `n` items, in blocks of `threads`.
    pub fn over(self, n: usize, threads: u32) -> Self {
        self.grid([n.div_ceil(threads as usize), 1, 1], threads)
    }

    /// Bytes of dynamic shared memory.
    pub fn shared(mut self, bytes: usize) -> Self {
        self.shared = bytes as u32;
        self
    }

    /// The next argument.
    pub fn arg(mut self, a: impl Argument) -> Self {
        a.put(&mut self);
        self
    }

    fn push<T: Pod>(&mut self, value: T) {
        let bytes = bytemuck::bytes_of(&value);
        let words = bytes.len().div_ceil(8);
        assert!(self.arguments < ARGUMENTS && self.used + words <= WORDS, "{}: too many arguments", self.name);
        bytemuck::cast_slice_mut::<u64, u8>(&mut self.words[self.used..])[..bytes.len()].copy_from_slice(bytes);
        self.starts[self.arguments] = self.used;
        self.arguments += 1;
        self.used += words;
    }

    /// Asks the card to run it; without blocks nothing is asked.
    pub fn launch(mut self) {
        if self.grid.contains(&0) {
            return;
        }
        if self.grid[0] > i32::MAX as usize || self.grid[1] > 65_535 || self.grid[2] > 65_535 {
            raise(format!("kernel {}: a grid of {:?} blocks is too large", self.name, self.grid));
        }
        let card = driver::card();
        let mut pointers = [std::ptr::null_mut::<c_void>(); ARGUMENTS];
        let base = self.words.as_mut_ptr();
        for (p, &start) in pointers.iter_mut().zip(&self.starts[..self.arguments]) {
            *p = base.wrapping_add(start).cast();
        }
        let [x, y, z] = self.grid.map(|n| n as u32);
        if self.shared > 48 << 10 {
            let attribute = sys::CUfunction_attribute_enum::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
            // SAFETY: the function is a handle of a loaded module.
            let r = unsafe { result::function::set_function_attribute(self.function.0, attribute, self.shared as i32) };
            driver::ok(r, || format!("kernel {}: {} bytes of shared memory", self.name, self.shared));
        }
        // SAFETY: the arguments are the kernel's parameters in order and live until the call returns, which has copied
        // them; what they point to belongs to tensors that are freed on the same stream's order.
        let r = unsafe {
            result::launch_kernel(
                self.function.0,
                (x, y, z),
                (self.block, 1, 1),
                self.shared,
                card.stream(),
                &mut pointers[..self.arguments],
            )
        };
        driver::ok(r, || format!("kernel {}, {:?} blocks of {}", self.name, self.grid, self.block));
    }
}

/// What a kernel can be given.
pub trait Argument {
    /// Appends it.
    fn put(self, launch: &mut Launch);
}

/// A struct by value, laid out as the kernel's.
#[derive(Debug, Clone, Copy)]
pub struct Words<T: Pod>(pub T);

/// An address on the card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address(pub u64);

impl<T: Pod> Argument for Words<T> {
    fn put(self, launch: &mut Launch) {
        launch.push(self.0);
    }
}

impl Argument for Address {
    fn put(self, launch: &mut Launch) {
        launch.push(self.0);
    }
}

impl Argument for &Tensor {
    fn put(self, launch: &mut Launch) {
        launch.push(self.address());
    }
}

impl Argument for &mut Tensor {
    fn put(self, launch: &mut Launch) {
        launch.push(self.address_mut());
    }
}

/// A null pointer where there is none.
impl Argument for Option<&Tensor> {
    fn put(self, launch: &mut Launch) {
        launch.push(self.map_or(0, Tensor::address));
    }
}

/// A null pointer where there is none.
impl Argument for Option<&mut Tensor> {
    fn put(self, launch: &mut Launch) {
        launch.push(self.map_or(0, Tensor::address_mut));
    }
}

impl Argument for usize {
    fn put(self, launch: &mut Launch) {
        let Ok(n) = i32::try_from(self) else {
            raise(format!("kernel {}: {self} is beyond the 2^31 that it counts to; use a smaller batch", launch.name))
        };
        launch.push(n);
    }
}

macro_rules! plain {
    ($($t:ty)*) => {$(
        impl Argument for $t {
            fn put(self, launch: &mut Launch) {
                launch.push(self);
            }
        }
    )*};
}
plain!(i32 u32 f32 f64 u64);

impl Argument for bool {
    fn put(self, launch: &mut Launch) {
        launch.push(i32::from(self));
    }
}
