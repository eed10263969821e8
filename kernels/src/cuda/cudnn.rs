//! The speed mode: convolutions through cuDNN.
//!
//! It promises the same bits on the same card with the same versions of driver and cuDNN, and no more: only algorithms that
//! are documented as deterministic, by the tables below and never by a measurement, with FMA arithmetic (no TF32). Shapes
//! that cuDNN does not take (another padding on each side), depthwise ones, and every other op are computed by our own
//! kernels, as everything is where there is no cuDNN.
//!
//! Tensors are cuDNN's NHWC as they stand; weights `[kh, kw, C / groups, K]` are transposed to its `[K, kh, kw, C / groups]`
//! and their gradients back. Workspaces are blocks of the device's pool: taken at the size that is asked for, recycled, and
//! a captured graph's own while one is captured.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ffi::{CStr, c_int, c_void};
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use cudarc::cudnn::sys::{
    self, cudnnConvolutionBwdDataAlgo_t as DataAlgorithm, cudnnConvolutionBwdFilterAlgo_t as FilterAlgorithm,
    cudnnConvolutionFwdAlgo_t as ForwardAlgorithm, cudnnDataType_t::CUDNN_DATA_FLOAT as FLOAT, cudnnStatus_t as Status,
    cudnnTensorFormat_t::CUDNN_TENSOR_NHWC as NHWC,
};

use super::driver::{self, Handle, raise};
use super::{Module, emu, nvrtc, wheels};
use crate::ops::conv::conv::Geometry;
use crate::{Device, Tensor};

/// The kernels around cuDNN's.
pub static KERNELS: Module = Module::new("cuda/cudnn", include_str!("cudnn.cu"));

/// How products are computed on a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Our kernels: the same bits on every device.
    #[default]
    Exact,
    /// cuDNN where it can: the same bits on the same card and version, no more.
    Speed,
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Exact => "exact",
            Self::Speed => "speed",
        })
    }
}

impl FromStr for Mode {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, String> {
        match s {
            "exact" => Ok(Self::Exact),
            "speed" => Ok(Self::Speed),
            _ => Err(format!("no mode '{s}'; choose exact or speed")),
        }
    }
}

static SPEED: AtomicBool = AtomicBool::new(false);

/// The process's mode.
pub fn mode() -> Mode {
    if SPEED.load(Ordering::Relaxed) { Mode::Speed } else { Mode::Exact }
}

/// Sets it, before anything is computed.
pub fn set_mode(mode: Mode) {
    SPEED.store(mode == Mode::Speed, Ordering::Relaxed);
}

/// cuDNN's version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version(usize);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (v, unit) = if self.0 < 90_000 { (self.0, 1000) } else { (self.0, 10_000) }; // 8907 and 92100
        write!(f, "{}.{}.{}", v / unit, v % unit / 100, v % 100)
    }
}

/// The library's version, or why there is none. Under the emulated driver only the emulated cuDNN answers: the real one
/// does not survive it.
///
/// # Errors
/// If it was not found.
pub fn version() -> Result<Version, String> {
    if emu::installed() {
        emu::install_cudnn()?;
    } else {
        let env = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
        let mut folders: Vec<PathBuf> = env("NP360_CUDNN").into_iter().collect();
        folders.extend(env("VIRTUAL_ENV").iter().flat_map(|venv| wheels::inside(venv)));
        let found = folders.iter().any(|folder| nvrtc::preload(folder, "libcudnn.so"));
        // SAFETY: only looks whether the library can be opened; other calls would panic without it.
        if !found && !unsafe { sys::is_culib_present() } {
            return Err("cuDNN was not found".to_owned());
        }
    }
    // SAFETY: the library is there.
    Ok(Version(unsafe { sys::cudnnGetVersion() }))
}

/// What may be used, the first that cuDNN takes for a shape; all documented as deterministic.
const FORWARD: [ForwardAlgorithm; 2] = [
    ForwardAlgorithm::CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM,
    ForwardAlgorithm::CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM,
];
const DATA: [DataAlgorithm; 1] = [DataAlgorithm::CUDNN_CONVOLUTION_BWD_DATA_ALGO_1];
const FILTER: [FilterAlgorithm; 1] = [FilterAlgorithm::CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1];

/// Most bytes of a workspace; an algorithm that wants more is not used.
const MOST_WORKSPACE: usize = 1 << 30;

/// `y = 1 * result + 0 * y`.
static ONE: f32 = 1.0;
static ZERO: f32 = 0.0;

type Answer<T> = Result<T, Status>;

fn ok(status: Status) -> Answer<()> {
    if status == Status::CUDNN_STATUS_SUCCESS { Ok(()) } else { Err(status) }
}

/// A descriptor, destroyed at the end.
struct Descriptor<T: Copy> {
    raw: T,
    destroy: unsafe fn(T) -> Status,
}

impl<T: Copy> Descriptor<T> {
    fn new(create: unsafe fn(*mut T) -> Status, destroy: unsafe fn(T) -> Status) -> Answer<Self> {
        let mut raw = std::mem::MaybeUninit::uninit();
        // SAFETY: the pointer takes one descriptor, which is there after success.
        ok(unsafe { create(raw.as_mut_ptr()) })?;
        // SAFETY: as above.
        Ok(Self { raw: unsafe { raw.assume_init() }, destroy })
    }
}

impl<T: Copy> Drop for Descriptor<T> {
    fn drop(&mut self) {
        // SAFETY: created once, destroyed once.
        let _ = unsafe { (self.destroy)(self.raw) };
    }
}

/// A shape as cuDNN knows it: descriptors, and the algorithm of each direction with the bytes it works in.
struct Plan {
    x: Descriptor<sys::cudnnTensorDescriptor_t>,
    y: Descriptor<sys::cudnnTensorDescriptor_t>,
    w: Descriptor<sys::cudnnFilterDescriptor_t>,
    conv: Descriptor<sys::cudnnConvolutionDescriptor_t>,
    forward: Option<(ForwardAlgorithm, usize)>,
    data: Option<(DataAlgorithm, usize)>,
    filter: Option<(FilterAlgorithm, usize)>,
}

// SAFETY: descriptors are only read after the plan is made, and cuDNN allows that from any thread.
unsafe impl Send for Plan {}
// SAFETY: as above.
unsafe impl Sync for Plan {}

/// What tells shapes apart: every number of a [`Geometry`].
type Key = [usize; 17];

fn key(g: &Geometry) -> Key {
    let (c, [[top, bottom], [left, right]]) = (g.conv, g.conv.padding);
    let ([h, w], [kh, kw], [oh, ow]) = (g.size, g.kernel, g.out);
    let ([sh, sw], [dh, dw]) = (c.stride, c.dilation);
    [
        g.n,
        h,
        w,
        g.c,
        g.k,
        kh,
        kw,
        oh,
        ow,
        sh,
        sw,
        dh,
        dw,
        top,
        left,
        c.groups,
        usize::from(top == bottom && left == right),
    ]
}

/// Whether cuDNN may be asked: it pads both sides alike. Depthwise shapes stay with our own kernels.
fn suits(g: &Geometry) -> bool {
    let fits = [g.n * g.size[0] * g.size[1] * g.c, g.n * g.out[0] * g.out[1] * g.k];
    g.conv.padding.iter().all(|[before, after]| before == after)
        && !g.depthwise()
        && fits.iter().all(|&n| n > 0 && c_int::try_from(n).is_ok())
}

impl Plan {
    fn new(handle: sys::cudnnHandle_t, g: &Geometry) -> Answer<Self> {
        let [n, c, k, group_c, groups] = [g.n, g.c, g.k, g.group_c(), g.conv.groups].map(|n| n as c_int);
        let ([h, w], [oh, ow]) = (g.size.map(|n| n as c_int), g.out.map(|n| n as c_int));
        let ([kh, kw], [sh, sw]) = (g.kernel.map(|n| n as c_int), g.conv.stride.map(|n| n as c_int));
        let [dh, dw] = g.conv.dilation.map(|n| n as c_int);
        let [ph, pw] = g.conv.padding.map(|[before, _]| before as c_int);
        let tensor = || Descriptor::new(sys::cudnnCreateTensorDescriptor, sys::cudnnDestroyTensorDescriptor);
        let (x, y) = (tensor()?, tensor()?);
        let filter = Descriptor::new(sys::cudnnCreateFilterDescriptor, sys::cudnnDestroyFilterDescriptor)?;
        let conv = Descriptor::new(sys::cudnnCreateConvolutionDescriptor, sys::cudnnDestroyConvolutionDescriptor)?;
        let cross = sys::cudnnConvolutionMode_t::CUDNN_CROSS_CORRELATION;
        // SAFETY: every descriptor was made above.
        unsafe {
            ok(sys::cudnnSetTensor4dDescriptor(x.raw, NHWC, FLOAT, n, c, h, w))?;
            ok(sys::cudnnSetTensor4dDescriptor(y.raw, NHWC, FLOAT, n, k, oh, ow))?;
            ok(sys::cudnnSetFilter4dDescriptor(filter.raw, FLOAT, NHWC, k, group_c, kh, kw))?;
            ok(sys::cudnnSetConvolution2dDescriptor(conv.raw, ph, pw, sh, sw, dh, dw, cross, FLOAT))?;
            ok(sys::cudnnSetConvolutionGroupCount(conv.raw, groups))?;
            ok(sys::cudnnSetConvolutionMathType(conv.raw, sys::cudnnMathType_t::CUDNN_FMA_MATH))?;
        }
        let (xd, yd, wd, cd) = (x.raw, y.raw, filter.raw, conv.raw);
        // SAFETY: handle and descriptors live; `bytes` takes one size.
        let forward = choose(&FORWARD, |algorithm, bytes| unsafe {
            sys::cudnnGetConvolutionForwardWorkspaceSize(handle, xd, wd, cd, yd, algorithm, bytes)
        });
        // SAFETY: as above.
        let data = choose(&DATA, |algorithm, bytes| unsafe {
            sys::cudnnGetConvolutionBackwardDataWorkspaceSize(handle, wd, yd, cd, xd, algorithm, bytes)
        });
        // SAFETY: as above.
        let weights = choose(&FILTER, |algorithm, bytes| unsafe {
            sys::cudnnGetConvolutionBackwardFilterWorkspaceSize(handle, xd, yd, cd, wd, algorithm, bytes)
        });
        Ok(Self { x, y, w: filter, conv, forward, data, filter: weights })
    }
}

/// The first algorithm of a table that takes the shape in a workspace that may be had.
fn choose<A: Copy>(table: &[A], size: impl Fn(A, *mut usize) -> Status) -> Option<(A, usize)> {
    table.iter().find_map(|&algorithm| {
        let mut bytes = 0;
        (ok(size(algorithm, &raw mut bytes)).is_ok() && bytes <= MOST_WORKSPACE).then_some((algorithm, bytes))
    })
}

/// The library, bound to the card's stream, and the shapes that came so far; `None` where a shape is not for cuDNN.
struct Library {
    handle: Handle<sys::cudnnHandle_t>,
    plans: Mutex<BTreeMap<Key, Option<Arc<Plan>>>>,
}

impl Library {
    fn open() -> Option<Self> {
        version().ok()?;
        let card = driver::card();
        let mut handle = std::ptr::null_mut();
        // SAFETY: the context is current, and the pointer takes one handle.
        succeed(unsafe { sys::cudnnCreate(&raw mut handle) }, "being made ready");
        // SAFETY: the handle was just made; the stream lives as long as the process.
        succeed(unsafe { sys::cudnnSetStream(handle, card.stream().cast()) }, "taking the stream");
        Some(Self { handle: Handle(handle), plans: Mutex::default() })
    }

    fn plan(&self, g: &Geometry) -> Option<Arc<Plan>> {
        let mut plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || suits(g).then(|| Plan::new(self.handle.0, g).ok().map(Arc::new)).flatten();
        plans.entry(key(g)).or_insert_with(new).clone()
    }
}

/// The library in speed mode, with the shape's plan.
fn plan(g: &Geometry) -> Option<(sys::cudnnHandle_t, Arc<Plan>)> {
    static LIBRARY: OnceLock<Option<Library>> = OnceLock::new();
    if mode() == Mode::Exact {
        return None;
    }
    let library = LIBRARY.get_or_init(Library::open).as_ref()?;
    driver::card(); // its context becomes this thread's
    Some((library.handle.0, library.plan(g)?))
}

/// Raises what cuDNN says, unless it is success.
fn succeed(status: Status, doing: &str) {
    if let Err(e) = ok(status) {
        // SAFETY: the string belongs to the library.
        let text = unsafe { CStr::from_ptr(sys::cudnnGetErrorString(e)) };
        raise(format!("cuDNN, {doing}: {} {}; --mode exact does without it", text.to_string_lossy(), emu::message()));
    }
}

fn read(t: &Tensor) -> *const c_void {
    t.address() as *const c_void
}

fn written(t: &mut Tensor) -> *mut c_void {
    t.address_mut() as *mut c_void
}

fn workspace(device: Device, bytes: usize) -> Tensor {
    Tensor::uninit_on(device, [bytes.div_ceil(4).max(1)])
}

/// `[rows, columns]` transposed: weights between our order and cuDNN's.
fn transpose(x: &Tensor, y: &mut Tensor, rows: usize, columns: usize) {
    let blocks = [columns.div_ceil(32), rows.div_ceil(32), 1];
    KERNELS.kernel("transpose").grid(blocks, 256).arg(x).arg(y).arg(rows).arg(columns).launch();
}

/// Rows of the weights as a matrix with a column an output channel.
fn taps(g: &Geometry) -> usize {
    g.kernel[0] * g.kernel[1] * g.group_c()
}

/// `y` from `x`, the weights and the bias; false where our own kernel must do it.
pub fn forward(g: &Geometry, x: &Tensor, w: &Tensor, bias: Option<&Tensor>, y: &mut Tensor) -> bool {
    let Some((handle, plan)) = plan(g) else { return false };
    let Some((algorithm, bytes)) = plan.forward else { return false };
    let mut filter = Tensor::uninit_on(w.device(), w.shape());
    transpose(w, &mut filter, taps(g), g.k);
    let mut room = workspace(x.device(), bytes);
    let (one, zero) = ((&raw const ONE).cast(), (&raw const ZERO).cast());
    let (xp, wp, rp, yp) = (read(x), read(&filter), written(&mut room), written(y));
    let Plan { x: xd, y: yd, w: wd, conv, .. } = &*plan;
    // SAFETY: tensors have the sizes that the descriptors say, the workspace has the bytes that were asked for.
    let status = unsafe {
        sys::cudnnConvolutionForward(
            handle, one, xd.raw, xp, wd.raw, wp, conv.raw, algorithm, rp, bytes, zero, yd.raw, yp,
        )
    };
    succeed(status, "a convolution");
    if let Some(bias) = bias {
        let n = y.len();
        KERNELS.kernel("add_bias").over(n, 256).arg(y).arg(bias).arg(n).arg(g.k).launch();
    }
    true
}

/// `dx` from `dy` and the weights; false where our own kernel must do it.
pub fn input_gradient(g: &Geometry, dy: &Tensor, w: &Tensor, dx: &mut Tensor) -> bool {
    let Some((handle, plan)) = plan(g) else { return false };
    let Some((algorithm, bytes)) = plan.data else { return false };
    let mut filter = Tensor::uninit_on(w.device(), w.shape());
    transpose(w, &mut filter, taps(g), g.k);
    let mut room = workspace(dy.device(), bytes);
    let (one, zero) = ((&raw const ONE).cast(), (&raw const ZERO).cast());
    let (wp, yp, rp, xp) = (read(&filter), read(dy), written(&mut room), written(dx));
    let Plan { x: xd, y: yd, w: wd, conv, .. } = &*plan;
    // SAFETY: as in `forward`.
    let status = unsafe {
        sys::cudnnConvolutionBackwardData(
            handle, one, wd.raw, wp, yd.raw, yp, conv.raw, algorithm, rp, bytes, zero, xd.raw, xp,
        )
    };
    succeed(status, "a convolution's input gradient");
    true
}

/// `dw` from `x` and `dy`; false where our own kernel must do it. The bias's gradient is always our own kernel's.
pub fn weight_gradient(g: &Geometry, x: &Tensor, dy: &Tensor, dw: &mut Tensor) -> bool {
    let Some((handle, plan)) = plan(g) else { return false };
    let Some((algorithm, bytes)) = plan.filter else { return false };
    let mut filter = Tensor::uninit_on(dw.device(), dw.shape());
    let mut room = workspace(x.device(), bytes);
    let (one, zero) = ((&raw const ONE).cast(), (&raw const ZERO).cast());
    let (xp, yp, rp, wp) = (read(x), read(dy), written(&mut room), written(&mut filter));
    let Plan { x: xd, y: yd, w: wd, conv, .. } = &*plan;
    // SAFETY: as in `forward`.
    let status = unsafe {
        sys::cudnnConvolutionBackwardFilter(
            handle, one, xd.raw, xp, yd.raw, yp, conv.raw, algorithm, rp, bytes, zero, wd.raw, wp,
        )
    };
    succeed(status, "a convolution's weight gradient");
    transpose(&filter, dw, g.k, taps(g));
    true
}
