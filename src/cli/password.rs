//! Asks for a password: on a terminal without showing what is typed, else one line of standard input.

use std::io::{BufRead, IsTerminal, Write, stdin};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use super::Failure;

/// Bytes that are read at most; longer ones are refused by whoever checks them.
const LONGEST: u64 = 4_096;

pub fn ask(prompt: &str) -> Result<String, Failure> {
    if !stdin().is_terminal() {
        return line(stdin().lock());
    }
    let once = hidden(prompt)?;
    let again = hidden("The same again")?;
    if once == again {
        Ok(once)
    } else {
        Err(Failure::because("the two passwords differ; nothing was changed"))
    }
}

fn hidden(prompt: &str) -> Result<String, Failure> {
    eprint!("{prompt}: ");
    std::io::stderr().flush()?;
    let silence = Silence::begin()?;
    let typed = line(stdin().lock());
    drop(silence);
    eprintln!();
    typed
}

fn line(mut from: impl BufRead) -> Result<String, Failure> {
    let mut typed = String::new();
    std::io::Read::take(&mut from, LONGEST).read_line(&mut typed)?;
    let typed = typed.trim_end_matches(['\n', '\r']);
    if typed.is_empty() {
        return Err(Failure::because(
            "no password came; expected a line on standard input or at the terminal",
        ));
    }
    Ok(typed.to_owned())
}

/// The terminal shows nothing until this is dropped.
struct Silence(Termios);

impl Silence {
    fn begin() -> Result<Self, Failure> {
        let before = tcgetattr(stdin()).map_err(std::io::Error::from)?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(stdin(), OptionalActions::Flush, &silent).map_err(std::io::Error::from)?;
        Ok(Self(before))
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        // A terminal that has gone away needs no echo.
        let _ = tcsetattr(stdin(), OptionalActions::Flush, &self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_is_read_and_nothing_is_trimmed_but_its_end() {
        assert_eq!(line(&b" a b \r\nmore"[..]).expect("a line"), " a b ");
        assert!(line(&b"\n"[..]).is_err() && line(&b""[..]).is_err());
    }
}
