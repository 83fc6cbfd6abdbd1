//! The program: hands over to the command that was asked for.

fn main() -> std::process::ExitCode {
    tocsin::cli::run()
}
