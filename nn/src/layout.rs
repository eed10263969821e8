//! How names and numbers are written where they are stored or hashed: PyTorch's layouts, canonical NaNs.

use kernels::{DType, Device, Shape, Tensor};

/// How an entry's layout in memory maps to PyTorch's in files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// The same.
    Plain,
    /// `[kh, kw, I, O]` here, `[O, I, kh, kw]` in files.
    Conv2d,
    /// `[k, I, O]` here, `[O, I, k]` in files.
    Conv1d,
    /// `[I, O]` here, `[O, I]` in files.
    Linear,
}

impl Layout {
    /// Our axes in the order of the file's; `None` if nothing moves.
    pub(crate) fn axes(self) -> Option<&'static [usize]> {
        match self {
            Self::Plain => None,
            Self::Conv2d => Some(&[3, 2, 0, 1]),
            Self::Conv1d => Some(&[2, 1, 0]),
            Self::Linear => Some(&[1, 0]),
        }
    }

    /// The shape in files of a tensor of shape `ours`.
    pub fn file_shape(self, ours: Shape) -> Shape {
        let axes = self.axes().unwrap_or_default();
        axes.iter().enumerate().fold(ours, |file, (i, &a)| file.with(i, ours[a]))
    }

    /// Calls `f(position in our memory)` for every element in the order of the file.
    pub fn in_file_order(self, ours: Shape, mut f: impl FnMut(usize)) {
        let Some(axes) = self.axes() else { return (0..ours.len()).for_each(f) };
        assert_eq!(axes.len(), ours.iter().len(), "{self:?} does not fit {ours}");
        if ours.is_empty() {
            return;
        }
        let (mut sizes, mut strides) = ([1; 4], [0; 4]);
        for (i, &a) in axes.iter().enumerate() {
            sizes[i] = ours[a];
            strides[i] = ours[a + 1..].iter().product();
        }
        for a in 0..sizes[0] {
            for b in 0..sizes[1] {
                for c in 0..sizes[2] {
                    for d in 0..sizes[3] {
                        f(a * strides[0] + b * strides[1] + c * strides[2] + d * strides[3]);
                    }
                }
            }
        }
    }
}

/// Letters, digits, `.`, `_`, `-`; so a name needs no escapes in JSON.
pub(crate) fn proper_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

/// The numbers of `t` in the order of the file, little endian, NaNs canonical.
pub(crate) fn write_numbers(bytes: &mut Vec<u8>, t: &Tensor, layout: Layout) {
    bytes.reserve(4 * t.len());
    let t = &t.to(Device::Cpu);
    match t.dtype() {
        DType::I32 => t.ints().iter().for_each(|x| bytes.extend(x.to_le_bytes())),
        DType::F32 => {
            let data = t.data();
            layout.in_file_order(t.shape(), |i| {
                let x = if data[i].is_nan() { 0x7fc0_0000 } else { data[i].to_bits() };
                bytes.extend(x.to_le_bytes());
            });
        }
    }
}
