//! The command line as the tests run it: the program behind `cargo xtask`, built beside them.

fn main() -> std::process::ExitCode {
    xtask::run(std::env::args_os(), &xtask::engine::Built)
}
