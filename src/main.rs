//! The `magpie` binary: everything it does is in [`magpie::cli`].

fn main() -> std::process::ExitCode {
    magpie::cli::run()
}
