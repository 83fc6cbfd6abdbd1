//! The child process: where pixels are decoded and models run. It answers one request after another over its standard input,
//! a socket pair, and holds nothing that a restart would miss. It never touches the network or the database.

pub(crate) mod cache;
pub mod frame;
mod limits;
pub(crate) mod marks;
mod picture;
pub mod protocol;
pub(crate) mod read;
pub(crate) mod serve;

use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

use self::frame::FrameError;
use self::protocol::{Answer, Request};
use self::serve::Worker;

/// Deep enough for any data set that passed the pre-scan.
const STACK: usize = 64 << 20;

/// The hidden command `inference-worker`. Ends when the parent closes its side.
pub fn worker_main() -> ExitCode {
    limits::apply();
    let thread = std::thread::Builder::new()
        .name("worker".into())
        .stack_size(STACK)
        .spawn(serve_stdin);
    let ended = thread.map(std::thread::JoinHandle::join);
    match ended {
        Ok(Ok(Ok(()))) => ExitCode::SUCCESS,
        Ok(Ok(Err(error))) => {
            eprintln!("inference worker: {error}");
            ExitCode::FAILURE
        }
        Ok(Err(_)) | Err(_) => ExitCode::FAILURE,
    }
}

fn serve_stdin() -> Result<(), FrameError> {
    let socket = io::stdin().as_fd().try_clone_to_owned().map_err(FrameError::Io)?;
    let mut stream = UnixStream::from(socket);
    let mut worker = Worker::default();
    while let Some((request, _)) = frame::read::<Request>(&mut stream)? {
        let (answer, attached) = worker.answer(request);
        write(&mut stream, &answer, &attached)?;
    }
    Ok(())
}

fn write(stream: &mut UnixStream, answer: &Answer, attached: &[u8]) -> Result<(), FrameError> {
    let bytes = frame::encode(answer, attached)?;
    io::Write::write_all(stream, &bytes).map_err(FrameError::Io)
}
