//! The command line as the tests run it: the program behind `cargo xtask`, built beside them.

/// Counts what `perf` reports.
#[global_allocator]
static ALLOCATOR: xtask::perf::alloc::Counting = xtask::perf::alloc::Counting;

fn main() -> std::process::ExitCode {
    xtask::run(std::env::args_os(), &xtask::engine::Built)
}
