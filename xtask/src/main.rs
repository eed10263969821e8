//! `cargo xtask`: see the library.

fn main() -> std::process::ExitCode {
    xtask::run(std::env::args_os(), &xtask::engine::Built)
}
