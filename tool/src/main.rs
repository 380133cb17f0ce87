//! The `copytax` binary: a thin shell around the library.

fn main() -> std::process::ExitCode {
    copytax::cli::main()
}
