//! Tests of the emulated card by itself; they need a C++ compiler and nothing of CUDA.

mod card;
mod children;
mod faults;
mod graphs;
mod kernels;
