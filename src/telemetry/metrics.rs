//! What Prometheus reads. Names and labels are fixed here; a label never takes a value from outside as it is, so that
//! neither a patient nor an endless number of series gets in.

use std::sync::Arc;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

type Labels = Vec<(&'static str, String)>;
/// A level that several places may raise and lower.
pub type SharedGauge = Gauge;
type Histograms = Family<Labels, Histogram, fn() -> Histogram>;

/// Seconds, from a database write to a slow model.
const SECONDS: [f64; 16] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0,
];

/// Message types that have a label of their own.
const MESSAGE_TYPES: [&str; 12] = [
    "ORM^O01", "OMI^O23", "OMG^O19", "ADT^A01", "ADT^A04", "ADT^A08", "ADT^A40", "ADT^A18", "ADT^A34",
    "ORU^R01", "SIU^S12", "ACK",
];

/// How a message was answered (HL7 table 0008, both modes together).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AckCode {
    Accept,
    Error,
    Reject,
    /// The connection ended, or the frame was no message: nothing could be answered.
    None,
}

/// All metrics of a process; clones share them.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Arc<Registry>,
    /// From the storing of a study's last image to the worklist that knows its result.
    pub last_image_to_worklist: Histogram,
    /// From the storing of a study's last image to the mail server's acceptance of the page.
    pub last_image_to_page: Histogram,
    stages: Histograms,
    inference: Histograms,
    pub instances_received: Counter,
    messages: Family<Labels, Counter>,
    jobs: Family<Labels, Gauge>,
    oldest_job: Family<Labels, Gauge>,
    alerts: Family<Labels, Gauge>,
    oldest_alert: Family<Labels, Gauge>,
    connections: Family<Labels, Gauge>,
    /// Where objects are stored, in bytes.
    pub storage_free: Gauge,
    /// Below so many bytes, instances are refused.
    pub storage_required: Gauge,
    certificate_expiry: Family<Labels, Gauge>,
}

fn seconds() -> Histogram {
    Histogram::new(SECONDS)
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    pub fn new() -> Self {
        let mut metrics = Self {
            registry: Arc::default(),
            last_image_to_worklist: seconds(),
            last_image_to_page: seconds(),
            stages: Family::new_with_constructor(seconds),
            inference: Family::new_with_constructor(seconds),
            instances_received: Counter::default(),
            messages: Family::default(),
            jobs: Family::default(),
            oldest_job: Family::default(),
            alerts: Family::default(),
            oldest_alert: Family::default(),
            connections: Family::default(),
            storage_free: Gauge::default(),
            storage_required: Gauge::default(),
            certificate_expiry: Family::default(),
        };
        metrics.registry = Arc::new(metrics.register());
        metrics
    }

    fn register(&self) -> Registry {
        let mut registry = Registry::with_prefix("tocsin");
        registry.register(
            "last_image_to_worklist_seconds",
            "Last image stored to worklist changed",
            self.last_image_to_worklist.clone(),
        );
        registry.register(
            "last_image_to_page_seconds",
            "Last image stored to page accepted",
            self.last_image_to_page.clone(),
        );
        registry.register("stage_seconds", "Time of one stage", self.stages.clone());
        registry.register(
            "inference_seconds",
            "Time of one model run",
            self.inference.clone(),
        );
        registry.register(
            "instances_received",
            "Instances stored and acknowledged",
            self.instances_received.clone(),
        );
        registry.register("hl7_messages", "HL7 messages answered", self.messages.clone());
        let version = vec![("version", env!("CARGO_PKG_VERSION").to_owned())];
        registry.register("build", "The running version", Info::new(version));
        self.register_levels(&mut registry);
        registry
    }

    /// What is taken when somebody reads the metrics.
    fn register_levels(&self, registry: &mut Registry) {
        let families = [
            ("jobs", "Jobs by lane and state", &self.jobs),
            (
                "oldest_job_seconds",
                "For how long the oldest job of a lane has been due",
                &self.oldest_job,
            ),
            ("alerts", "Alerts by state", &self.alerts),
            (
                "oldest_alert_seconds",
                "For how long the oldest alert of a state has been open",
                &self.oldest_alert,
            ),
            ("connections", "Connections by kind and state", &self.connections),
            (
                "certificate_expiry_timestamp_seconds",
                "When our certificate ends",
                &self.certificate_expiry,
            ),
        ];
        for (name, help, family) in families {
            registry.register(name, help, family.clone());
        }
        registry.register(
            "storage_free_bytes",
            "Free where objects are stored",
            self.storage_free.clone(),
        );
        registry.register(
            "storage_required_bytes",
            "Instances are refused below it",
            self.storage_required.clone(),
        );
    }

    /// Of a stage of the pipeline, in seconds: the name of its job, such as `assemble_study`.
    pub fn stage(&self, stage: &'static str) -> Histogram {
        self.stages
            .get_or_create_owned(&vec![("stage", stage.to_owned())])
    }

    /// Of one run of a model, in seconds. Names and versions come from manifests, which are few.
    pub fn inference(&self, model: &str, version: &str) -> Histogram {
        self.inference.get_or_create_owned(&vec![
            ("model", model.to_owned()),
            ("version", version.to_owned()),
        ])
    }

    /// A message was answered. A type we do not know is counted as `other`.
    pub fn message(&self, message_type: &str, ack: AckCode) {
        let known = MESSAGE_TYPES
            .iter()
            .find(|known| message_type == **known)
            .copied()
            .unwrap_or("other");
        let labels = vec![("type", known.to_owned()), ("ack", ack.label().to_owned())];
        self.messages.get_or_create_owned(&labels).inc();
    }

    /// How many jobs of a lane are in a state; set when the metrics are read.
    pub fn jobs(&self, lane: &'static str, state: &'static str) -> SharedGauge {
        self.jobs
            .get_or_create_owned(&vec![("lane", lane.to_owned()), ("state", state.to_owned())])
    }

    /// For how many seconds the oldest job of a lane has been due; 0 where none is.
    pub fn oldest_job(&self, lane: &'static str) -> SharedGauge {
        self.oldest_job
            .get_or_create_owned(&vec![("lane", lane.to_owned())])
    }

    /// How many alerts are in a state; set when the metrics are read.
    pub fn alerts(&self, state: &'static str) -> SharedGauge {
        self.alerts
            .get_or_create_owned(&vec![("state", state.to_owned())])
    }

    /// For how many seconds the oldest alert of a state that waits for somebody has been open; 0 where there is none.
    pub fn oldest_alert(&self, state: &'static str) -> SharedGauge {
        self.oldest_alert
            .get_or_create_owned(&vec![("state", state.to_owned())])
    }

    /// How many connections of a kind are in a state. Which ones is on the page: their names come from outside.
    pub fn connections(&self, kind: &'static str, state: &'static str) -> SharedGauge {
        self.connections
            .get_or_create_owned(&vec![("kind", kind.to_owned()), ("state", state.to_owned())])
    }

    /// When the certificate that we show neighbours ends, in seconds since 1970; not there without a certificate.
    pub fn certificate_expiry(&self) -> SharedGauge {
        self.certificate_expiry
            .get_or_create_owned(&vec![("towards", "neighbours".to_owned())])
    }

    /// The text exposition format (OpenMetrics 1.0).
    pub fn encode(&self) -> String {
        let mut text = String::new();
        match encode(&mut text, &self.registry) {
            Ok(()) => text,
            Err(_) => "# EOF\n".to_owned(),
        }
    }
}

impl AckCode {
    fn label(self) -> &'static str {
        match self {
            Self::Accept => "AA",
            Self::Error => "AE",
            Self::Reject => "AR",
            Self::None => "none",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_promised_name_is_exposed_under_that_name() {
        let metrics = Metrics::new();
        metrics.last_image_to_worklist.observe(0.4);
        metrics.last_image_to_page.observe(0.6);
        metrics.stage("assemble_study").observe(0.01);
        metrics.inference("ich", "1.0.0").observe(2.0);
        metrics.instances_received.inc();
        metrics.message("ORM^O01", AckCode::Accept);
        metrics.jobs("alerts", "ready").set(3);
        metrics.oldest_job("alerts").set(12);
        metrics.alerts("notified").set(1);
        metrics.oldest_alert("notified").set(90);
        metrics.connections("hl7_in", "silent").set(1);
        metrics.storage_free.set(5);
        metrics.storage_required.set(4);
        metrics.certificate_expiry().set(1_800_000_000);
        let text = metrics.encode();
        for line in [
            "tocsin_last_image_to_worklist_seconds_count 1",
            "tocsin_last_image_to_page_seconds_count 1",
            "tocsin_stage_seconds_count{stage=\"assemble_study\"} 1",
            "tocsin_inference_seconds_count{model=\"ich\",version=\"1.0.0\"} 1",
            "tocsin_instances_received_total 1",
            "tocsin_hl7_messages_total{type=\"ORM^O01\",ack=\"AA\"} 1",
            "tocsin_jobs{lane=\"alerts\",state=\"ready\"} 3",
            "tocsin_oldest_job_seconds{lane=\"alerts\"} 12",
            "tocsin_alerts{state=\"notified\"} 1",
            "tocsin_oldest_alert_seconds{state=\"notified\"} 90",
            "tocsin_connections{kind=\"hl7_in\",state=\"silent\"} 1",
            "tocsin_storage_free_bytes 5",
            "tocsin_storage_required_bytes 4",
            "tocsin_certificate_expiry_timestamp_seconds{towards=\"neighbours\"} 1800000000",
            "tocsin_build_info{version=",
        ] {
            assert!(text.contains(line), "{line} is missing in\n{text}");
        }
    }

    #[test]
    fn a_label_never_repeats_what_a_stranger_sent() {
        let metrics = Metrics::new();
        metrics.message("DOE^JANE", AckCode::Reject);
        let text = metrics.encode();
        assert!(text.contains("type=\"other\",ack=\"AR\""), "{text}");
        assert!(!text.contains("DOE"), "{text}");
    }
}
