//! One child process and the conversation with it: started in an empty folder with an empty environment, one request at a
//! time, each under a deadline and a watch on the most memory it has held.

use std::collections::HashSet;
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::process::{Child, ChildStderr, Command};
use tokio::time::{Instant, sleep, sleep_until};

use super::child::frame::{self, FrameError, HEADER};
use super::child::protocol::{Answer, Request};
use super::pool::{PoolConfig, WorkerError};

/// How often resident memory is looked at.
const WATCH_EVERY: Duration = Duration::from_millis(50);
/// Pauses before a restart grow from the first to the last with every failure in a row.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LAST_PAUSE: Duration = Duration::from_secs(10);
/// Has glibc ask for large pages where a buffer is large: volumes of hundreds of megabytes come and go with every series, and fault in
/// page by page otherwise. Another libc takes no notice.
const LARGE_PAGES: (&str, &str) = ("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1");

/// Bounds of one request.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub deadline: Duration,
    /// Resident memory at any moment, beyond what the process held before it was asked, bytes.
    pub memory: u64,
}

/// A child that is started when it is needed.
pub struct Worker {
    config: PoolConfig,
    process: Option<Process>,
    failures: u32,
    failed_at: Option<Instant>,
}

struct Process {
    child: Child,
    stream: UnixStream,
    /// Models that this process holds open.
    loaded: HashSet<String>,
    _folder: TempDir,
}

type Exchanged = Result<(Answer, Vec<u8>), WorkerError>;

impl Worker {
    pub fn new(config: &PoolConfig) -> Self {
        Self {
            config: config.clone(),
            process: None,
            failures: 0,
            failed_at: None,
        }
    }

    pub fn holds(&self, model: &str) -> bool {
        self.process
            .as_ref()
            .is_some_and(|process| process.loaded.contains(model))
    }

    pub fn hold(&mut self, model: &str) {
        if let Some(process) = &mut self.process {
            process.loaded.insert(model.to_owned());
        }
    }

    pub fn process_id(&self) -> Option<u32> {
        self.process.as_ref().and_then(|process| process.child.id())
    }

    /// Asks and waits for the answer. Whatever goes wrong ends the process; so does dropping the returned future.
    pub async fn call(&mut self, request: &Request, attached: &[u8], limits: Limits) -> Exchanged {
        let mut process = match self.process.take() {
            Some(process) => process,
            None => self.start().await?,
        };
        let answered = process.ask(request, attached, limits).await;
        match answered {
            Ok(_) => {
                self.failures = 0;
                self.process = Some(process);
            }
            Err(_) => self.failed(),
        }
        answered
    }

    fn failed(&mut self) {
        self.failures = self.failures.saturating_add(1);
        self.failed_at = Some(Instant::now());
    }

    async fn start(&mut self) -> Result<Process, WorkerError> {
        if let Some(failed_at) = self.failed_at {
            let pause = FIRST_PAUSE.saturating_mul(1 << self.failures.saturating_sub(1).min(16));
            sleep_until(failed_at + pause.min(LAST_PAUSE)).await;
        }
        let started = self.spawn();
        if started.is_err() {
            self.failed();
        }
        started.map_err(WorkerError::Start)
    }

    fn spawn(&self) -> std::io::Result<Process> {
        let folder = tempfile::Builder::new().prefix("tocsin-worker-").tempdir()?;
        let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let mut child = Command::new(&self.config.program)
            .args(&self.config.arguments)
            .current_dir(folder.path())
            .env_clear()
            .env(LARGE_PAGES.0, LARGE_PAGES.1)
            .envs(self.config.environment.iter().map(|(key, value)| (key, value)))
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        if let Some(stderr) = child.stderr.take() {
            tokio::spawn(log_output(stderr));
        }
        let stream = UnixStream::from_std(ours)?;
        Ok(Process {
            child,
            stream,
            loaded: HashSet::new(),
            _folder: folder,
        })
    }
}

/// What the runtime and the decoders print, at debug level, piece by piece so that a line without an end takes no memory.
async fn log_output(mut stderr: ChildStderr) {
    let mut piece = [0; 1024];
    while let Ok(length @ 1..) = stderr.read(&mut piece).await {
        let text = String::from_utf8_lossy(&piece[..length]);
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            tracing::debug!(target: "inference.worker", line);
        }
    }
}

impl Process {
    async fn ask(&mut self, request: &Request, attached: &[u8], limits: Limits) -> Exchanged {
        let bytes =
            frame::encode(request, attached).map_err(|error| WorkerError::Protocol(error.to_string()))?;
        let process_id = self.child.id();
        let limit = limits.memory.saturating_add(held_now(process_id).await);
        let ended = tokio::select! {
            answered = exchange(&mut self.stream, &bytes) => within(answered, process_id, limit).await,
            used = watch(process_id, limit) => Err(Ended::Memory(used)),
            () = sleep(limits.deadline) => Err(Ended::Time),
        };
        let ended = match ended {
            Ok(answered) => return Ok(answered),
            Err(ended) => ended,
        };
        match ended {
            Ended::Memory(used) => {
                self.kill().await;
                Err(WorkerError::OutOfMemory { used, limit })
            }
            Ended::Time => {
                self.kill().await;
                Err(WorkerError::TimedOut {
                    limit: limits.deadline,
                })
            }
            Ended::Stream(FrameError::Io(_)) => {
                let status = self.status().await;
                Err(WorkerError::Crashed { status })
            }
            Ended::Stream(error @ (FrameError::TooLarge { .. } | FrameError::Json(_))) => {
                self.kill().await;
                Err(WorkerError::Protocol(error.to_string()))
            }
        }
    }

    async fn kill(&mut self) {
        if let Err(error) = self.child.kill().await {
            tracing::warn!(%error, "a worker could not be stopped");
        }
    }

    /// How it ended; one that closed its stream and still runs is stopped.
    async fn status(&mut self) -> String {
        match tokio::time::timeout(Duration::from_secs(1), self.child.wait()).await {
            Ok(Ok(status)) => status.to_string(),
            Ok(Err(error)) => error.to_string(),
            Err(_) => {
                self.kill().await;
                "it closed its stream and was stopped".into()
            }
        }
    }
}

/// Why a conversation ended early.
enum Ended {
    Stream(FrameError),
    Memory(u64),
    Time,
}

async fn exchange(stream: &mut UnixStream, request: &[u8]) -> Result<(Answer, Vec<u8>), Ended> {
    let broken = |error| Ended::Stream(FrameError::Io(error));
    stream.write_all(request).await.map_err(broken)?;
    let mut header = [0; HEADER];
    stream.read_exact(&mut header).await.map_err(broken)?;
    let (json, attached) = frame::lengths(header).map_err(Ended::Stream)?;
    let mut body = vec![0; json + attached];
    stream.read_exact(&mut body).await.map_err(broken)?;
    let answer = serde_json::from_slice(&body[..json]).map_err(|error| Ended::Stream(error.into()))?;
    Ok((answer, body.split_off(json)))
}

/// An answer counts only if the limit held to its end: what came between two looks is in the peak, so that the same series
/// is refused by a fast machine and by a slow one.
async fn within<T>(answered: Result<T, Ended>, process_id: Option<u32>, limit: u64) -> Result<T, Ended> {
    match peak_of(process_id).await {
        Some(used) if answered.is_ok() && used > limit => Err(Ended::Memory(used)),
        Some(_) | None => answered,
    }
}

/// Returns when the process has held more than `limit` bytes; never, when it cannot be looked at.
async fn watch(process_id: Option<u32>, limit: u64) -> u64 {
    loop {
        sleep(WATCH_EVERY).await;
        match peak_of(process_id).await {
            Some(used) if used > limit => return used,
            Some(_) => {}
            None => return std::future::pending().await,
        }
    }
}

/// What the process holds before it is asked: models and slices of earlier requests, which are not this one's. The most it
/// ever held is forgotten (proc(5), `clear_refs`), or the largest model would count against every other one.
async fn held_now(process_id: Option<u32>) -> u64 {
    let Some(id) = process_id else { return 0 };
    match tokio::fs::write(format!("/proc/{id}/clear_refs"), "5").await {
        Ok(()) => peak_of(process_id).await.unwrap_or(0),
        Err(_) => 0,
    }
}

async fn peak_of(process_id: Option<u32>) -> Option<u64> {
    let path = format!("/proc/{}/status", process_id?);
    peak(&tokio::fs::read_to_string(&path).await.ok()?)
}

/// The most resident bytes so far, from the text of `/proc/<pid>/status` (proc(5)).
fn peak(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peak_memory_is_read_from_the_status() {
        assert_eq!(
            peak("Name:\tx\nVmHWM:\t    2048 kB\nThreads:\t1\n"),
            Some(2 << 20)
        );
        assert_eq!(peak("Name:\tx\n"), None);
        let own = std::fs::read_to_string("/proc/self/status").expect("status");
        assert!(peak(&own).is_some_and(|bytes| bytes > 1 << 20));
    }
}
