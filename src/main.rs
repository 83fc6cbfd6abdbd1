//! The program: hands over to the command that was asked for.

fn main() {}
