//! Convolutions in the Fourier domain.

pub mod spectral_conv2d;
mod waves;
