//! Logs, panics and metrics. A log line carries ids of ours, titles and counts; it never carries a patient, and neither
//! does a panic, whose message is dropped and whose place is kept.

mod metrics;

use std::io::stderr;
use std::panic::PanicHookInfo;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

pub use metrics::{AckCode, Metrics, SharedGauge};

use crate::config::log::{Log, LogFormat};

/// Logs to standard error as configured, and takes over panics. Call once, first; a second call keeps the first's logs.
pub fn init(log: &Log) {
    // The level was checked with the configuration; should it not parse here, the defaults of the filter hold.
    let filter = EnvFilter::try_new(&log.level).unwrap_or_default();
    match log.format {
        LogFormat::Json => start(json(filter, stderr)),
        LogFormat::Text => start(text(filter, stderr)),
    }
    quiet_panics();
}

/// Panics say where they happened and nothing else: their messages may quote the input.
pub fn quiet_panics() {
    std::panic::set_hook(Box::new(report_panic));
}

fn start(subscriber: impl tracing::Subscriber + Send + Sync) {
    if tracing::subscriber::set_global_default(subscriber).is_err() {
        tracing::debug!("logging was started before");
    }
}

fn json<W: for<'a> MakeWriter<'a> + Send + Sync + 'static>(
    filter: EnvFilter,
    writer: W,
) -> impl tracing::Subscriber + Send + Sync {
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_env_filter(filter)
        .with_writer(writer)
        .finish()
}

fn text<W: for<'a> MakeWriter<'a> + Send + Sync + 'static>(
    filter: EnvFilter,
    writer: W,
) -> impl tracing::Subscriber + Send + Sync {
    tracing_subscriber::fmt()
        .compact()
        .with_target(false)
        .with_env_filter(filter)
        .with_writer(writer)
        .finish()
}

fn report_panic(info: &PanicHookInfo<'_>) {
    let place = info.location().map_or_else(
        || "an unknown place".to_owned(),
        |at| format!("{}:{}", at.file(), at.line()),
    );
    let thread = std::thread::current().name().unwrap_or("unnamed").to_owned();
    if tracing::dispatcher::has_been_set() {
        tracing::error!(location = %place, thread = %thread, "panic");
    } else {
        eprintln!("tocsin: internal error at {place}");
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Memory(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Memory {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn written(memory: &Memory) -> String {
        String::from_utf8(memory.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn a_log_line_is_one_json_object_with_its_fields() {
        let memory = Memory::default();
        let writer = memory.clone();
        let subscriber = json(EnvFilter::new("info"), move || writer.clone());
        tracing::subscriber::with_default(subscriber, || {
            tracing::debug!("below the level");
            tracing::info!(study.id = "7", "stored");
        });
        let line: serde_json::Value = serde_json::from_str(&written(&memory)).unwrap();
        assert_eq!(line["study.id"], "7");
        assert_eq!(line["message"], "stored");
        assert_eq!(line["level"], "INFO");
    }

    /// The hook and the message: what a parser says of its input in a panic must not reach a log.
    #[test]
    fn a_panic_is_logged_without_its_message() {
        let memory = Memory::default();
        let writer = memory.clone();
        let subscriber = json(EnvFilter::new("info"), move || writer.clone());
        let before = std::panic::take_hook();
        tracing::subscriber::with_default(subscriber, || {
            quiet_panics();
            let caught = std::panic::catch_unwind(|| panic!("PID|1||12345||DOE^JANE"));
            assert!(caught.is_err());
        });
        std::panic::set_hook(before);
        let log = written(&memory);
        assert!(log.contains("telemetry.rs"), "{log}");
        assert!(!log.contains("DOE"), "{log}");
    }
}
