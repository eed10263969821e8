//! The emulated card through cudarc, for the tests: memory, modules, launches.

use std::ffi::{CString, c_void};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytemuck::Pod;
use cudarc::driver::result::{self, DriverError};
use cudarc::driver::sys;

use crate::cuda::emu;
use crate::cuda::nvrtc::HEADERS;

/// The card, for one test at a time: the order of threads is the process's.
pub struct Card {
    pub stream: sys::CUstream,
    _alone: MutexGuard<'static, ()>,
}

/// A kernel's argument: the bytes of its value.
pub type Bytes = Vec<u64>;

/// The bytes of a value as an argument.
pub fn value<T: Pod>(v: T) -> Bytes {
    let bytes = bytemuck::bytes_of(&v);
    let mut words = vec![0u64; bytes.len().div_ceil(8)];
    bytemuck::cast_slice_mut::<u64, u8>(&mut words)[..bytes.len()].copy_from_slice(bytes);
    words
}

impl Card {
    pub fn new() -> Self {
        static ONE: Mutex<()> = Mutex::new(());
        let alone = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        emu::install().unwrap();
        result::init().unwrap();
        let device = result::device::get(0).unwrap();
        // SAFETY: the device is the driver's.
        let context = unsafe { result::primary_ctx::retain(device) }.unwrap();
        // SAFETY: the context was just retained.
        unsafe { result::ctx::set_current(context) }.unwrap();
        emu::set_order(emu::Order::Forward);
        let stream = result::stream::create(result::stream::StreamKind::NonBlocking).unwrap();
        Self { stream, _alone: alone }
    }

    /// A block of the card with these words.
    pub fn put<T: Pod>(&self, words: &[T]) -> u64 {
        // SAFETY: the block has the words' size.
        unsafe {
            let at = result::malloc_sync(size_of_val(words)).unwrap();
            result::memcpy_htod_sync(at, words).unwrap();
            at
        }
    }

    /// `n` words of the card.
    pub fn get<T: Pod>(&self, at: u64, n: usize) -> Vec<T> {
        let mut words = vec![T::zeroed(); n];
        self.wait().unwrap();
        // SAFETY: the test knows its blocks; the driver checks them.
        unsafe { result::memcpy_dtoh_sync(&mut words, at) }.unwrap();
        words
    }

    pub fn free(&self, at: u64) -> Result<(), DriverError> {
        // SAFETY: the driver checks the address.
        unsafe { result::free_sync(at) }
    }

    pub fn wait(&self) -> Result<(), DriverError> {
        // SAFETY: the stream lives.
        unsafe { result::stream::synchronize(self.stream) }
    }

    /// A kernel of a text.
    pub fn kernel(&self, name: &str, text: &str) -> sys::CUfunction {
        let image = emu::image(&format!("tests/{name}"), text, &HEADERS, false).unwrap();
        // SAFETY: the image is whole and lives during the call.
        let module = unsafe { result::module::load_data(image.as_ptr().cast()) }.unwrap();
        // SAFETY: the module stays loaded.
        unsafe { result::module::get_function(module, CString::new(name).unwrap()) }.unwrap()
    }

    /// Launches it: blocks, threads, bytes of dynamic shared memory.
    pub fn launch(
        &self,
        f: sys::CUfunction,
        grid: (u32, u32, u32),
        block: (u32, u32, u32),
        shared: u32,
        arguments: &[Bytes],
    ) -> Result<(), DriverError> {
        let mut pointers: Vec<*mut c_void> = arguments.iter().map(|a| a.as_ptr().cast_mut().cast()).collect();
        // SAFETY: the arguments live during the call, which copies them.
        unsafe { result::launch_kernel(f, grid, block, shared, self.stream, &mut pointers) }
    }
}
