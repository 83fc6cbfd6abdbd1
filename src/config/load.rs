//! From text and environment to a checked [`Config`]: layers are merged, each section is read on its own so that one run
//! names every mistake, then the whole is checked.

use std::path::Path;

use figment::Figment;
use figment::providers::{Format, Serialized, Toml};
use figment::value::Value;

use super::check::Problems;
use super::error::{ConfigError, Place, Problem};
use super::place::{Places, env_key, line_of};
use super::read::Reader;
use super::*;

const DEFAULTS: &str = include_str!("defaults.toml");

pub(super) fn load(
    path: &Path,
    base: &Path,
    text: &str,
    environment: Vec<(String, String)>,
) -> Result<Config, ConfigError> {
    if let Err(error) = toml::de::DeTable::parse(text) {
        return Err(ConfigError::Invalid(vec![syntax(path, text, &error)]));
    }
    let places = Places::new(path, text, environment.iter().map(|(name, _)| name.as_str()));
    let layers = layers(text, &environment);
    let mut reader = Reader {
        layers: &layers,
        places: &places,
        problems: Vec::new(),
    };
    reader.sections();
    let read = reader.config(base);
    let mut config = match read {
        Some(config) if reader.problems.is_empty() => config,
        Some(_) | None => return Err(ConfigError::Invalid(reader.problems)),
    };
    config.inference.environment_library = environment
        .iter()
        .find(|(name, _)| name == "ORT_DYLIB_PATH")
        .map(|(_, value)| value.into());
    resolve(&mut config);
    let mut problems = Problems::new(&places);
    check(&config, &mut problems);
    if problems.found.is_empty() {
        Ok(config)
    } else {
        Err(ConfigError::Invalid(problems.found))
    }
}

fn layers(text: &str, environment: &[(String, String)]) -> Figment {
    let mut layers = Figment::from(Toml::string(DEFAULTS)).merge(Toml::string(text));
    for (name, value) in environment {
        if let Some(key) = env_key(name) {
            // Parsing a value of the environment cannot fail: what is no number, list or table is a text.
            let value: Value = value.parse().unwrap_or_else(|_| Value::from(value.as_str()));
            layers = layers.merge(Serialized::default(&key, value));
        }
    }
    layers
}

fn syntax(path: &Path, text: &str, error: &toml::de::Error) -> Problem {
    let place = error.span().map_or_else(
        || Place::File(path.to_owned()),
        |span| Place::Line {
            file: path.to_owned(),
            line: line_of(text, span.start),
        },
    );
    Problem {
        key: String::new(),
        place,
        message: format!("expected TOML: {}", error.message()),
    }
}

fn resolve(config: &mut Config) {
    let base = config.base.clone();
    config.site.resolve(&base);
    config.database.resolve(&base);
    config.storage.resolve(&base);
    config.inference.resolve(&base);
    config.rules.resolve(&base);
    config.alerts.resolve(&base);
    config.priors.resolve(&base);
    config.cds_hooks.resolve(&base);
    config.fhir.resolve(&base);
    config.fhircast.resolve(&base);
    config.dicom.resolve(&base);
    if let Some(tls) = &mut config.tls {
        tls.resolve(&base);
    }
    let keys = config.database.folder(&base);
    config.auth.resolve(&base, &keys);
}

fn check(config: &Config, problems: &mut Problems<'_>) {
    config.site.check(problems);
    let listeners = [
        ("http.listen", Some(config.http.listen)),
        ("dicom.listen", Some(config.dicom.listen)),
        ("dicom.listen_tls", config.dicom.listen_tls),
        ("hl7.listen", Some(config.hl7.listen)),
        ("hl7.listen_tls", config.hl7.listen_tls),
    ];
    problems.distinct(&listeners.map(|(key, listen)| Some((key, listen?))));
    secured(config, problems);
    config.http.check(problems);
    config.dicom.check(&config.site, problems);
    config.hl7.check(&config.site, problems);
    config.inference.check(problems);
    config.rules.check(problems);
    config.alerts.check(problems);
    config.ris.check(problems);
    config.archive.check(problems);
    config.results.check(problems);
    config.priors.check(&config.dicom, &config.site, problems);
    config.modality_worklist.check(&config.site, problems);
    config.cds_hooks.check(problems);
    config.fhir.check(problems);
    config.fhircast.check(problems);
    vendors::check(&config.vendors, problems);
    config.retention.check(problems);
    config.auth.check(problems);
    config.log.check(problems);
}

/// What goes under TLS needs a certificate.
fn secured(config: &Config, problems: &mut Problems<'_>) {
    if let Some(tls) = &config.tls {
        return tls.check(problems);
    }
    let peers = config.dicom.peers.iter().map(|peer| peer.tls).enumerate();
    let sources = config.priors.sources.iter().map(|source| source.tls).enumerate();
    let worklists = &config.modality_worklist.sources;
    let worklists = worklists.iter().map(|source| source.tls).enumerate();
    let wanted = [
        ("dicom.listen_tls".to_owned(), config.dicom.listen_tls.is_some()),
        ("hl7.listen_tls".to_owned(), config.hl7.listen_tls.is_some()),
        ("ris.tls".to_owned(), config.ris.tls),
    ];
    let wanted = wanted
        .into_iter()
        .chain(peers.map(|(at, tls)| (format!("dicom.peers.{at}.tls"), tls)))
        .chain(sources.map(|(at, tls)| (format!("priors.sources.{at}.tls"), tls)))
        .chain(worklists.map(|(at, tls)| (format!("modality_worklist.sources.{at}.tls"), tls)));
    for (key, _) in wanted.filter(|(_, wanted)| *wanted) {
        problems.add(&key, "expected a section [tls] with our certificate");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALLEST: &str = r#"
[site]
name = "General Hospital"
time_zone = "Europe/Berlin"
[database]
url = "sqlite://data/tocsin.db"
[storage]
url = "file://data/blobs"
[http]
listen = "127.0.0.1:8080"
[dicom]
listen = "127.0.0.1:11112"
ae_title = "TOCSIN"
accept = "loopback"
[hl7]
listen = "127.0.0.1:2575"
accept = "loopback"
[alerts]
capture_dir = "data/mail"
"#;

    fn read(text: &str, environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let environment = environment
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        Config::from_text(Path::new("tocsin.toml"), Path::new("/srv/t"), text, environment)
    }

    #[test]
    fn the_smallest_configuration_is_enough_and_its_paths_are_relative_to_the_file() {
        let config = read(SMALLEST, &[]).unwrap();
        assert_eq!(
            config.database.url,
            value::DatabaseUrl::Sqlite("/srv/t/data/tocsin.db".into())
        );
        assert_eq!(config.storage.folder(), Path::new("/srv/t/data/blobs"));
        assert_eq!(config.auth.secret_file(), Path::new("/srv/t/data/secret.key"));
        assert_eq!(config.alerts.people_of("on-call").len(), 1);
        assert_eq!(config.alerts.policy(None).map(|p| p.steps.len()), Some(1));
        assert_eq!(config.rules.band_of(Some("stat")), rules::BandName::Critical);
        assert_eq!(config.rules.band_of(None), rules::BandName::Routine);
    }

    #[test]
    fn models_run_as_far_as_the_site_names_them_and_all_where_it_names_none() {
        let uses = |text: &str, model: &str| {
            let config = read(&format!("{SMALLEST}{text}"), &[]).unwrap();
            config.inference.uses(model)
        };
        assert!(uses("", "pe"));
        assert!(uses("[inference]\nonly = [\"ich\", \"pe\"]", "pe"));
        assert!(!uses("[inference]\nonly = [\"ich\"]", "pe"));
        assert!(!uses("[inference]\nonly = []", "ich"));
    }

    #[test]
    fn the_example_of_the_documentation_is_a_valid_configuration() {
        let config = read(include_str!("../../docs/tocsin.example.toml"), &[]).unwrap();
        assert_eq!(config.dicom.receivers().count(), 1);
        assert_eq!(config.ris.target(), Some(("10.0.0.30", 2576)));
        assert_eq!(config.warnings(), Vec::<String>::new());
    }

    #[test]
    fn the_environment_wins_over_the_file_and_the_file_over_the_defaults() {
        let environment = [
            ("TOCSIN__DICOM__AE_TITLE", "NORTH"),
            ("TOCSIN__DICOM__MAX_ASSOCIATIONS", "7"),
            ("TOCSIN__DICOM__PEERS", r#"[{ae_title="CT1",host="10.0.0.9"}]"#),
            ("TOCSIN_TEST_POSTGRES_URL", "not ours"),
        ];
        let config = read(SMALLEST, &environment).unwrap();
        assert_eq!(config.dicom.ae_title.as_str(), "NORTH");
        assert_eq!(config.dicom.max_associations.get(), 7);
        assert_eq!(
            config.dicom.peer("CT1").map(|peer| peer.role),
            Some(dicom::PeerRole::Sender)
        );
        assert_eq!(config.dicom.accept, value::Accept::Loopback);
    }

    /// Each mistake names its place, its key, and what is expected.
    #[test]
    fn a_mistake_is_named_with_key_place_and_expectation() {
        let check = |find: &str, replace: &str, environment: &[(&str, &str)], expected: &str| {
            let text = SMALLEST.replace(find, replace);
            let message =
                read(&text, environment).map_or_else(|error| error.to_string(), |_| "no error".to_owned());
            assert!(
                message.contains(expected),
                "expected: {expected}\nfound: {message}"
            );
        };
        check(
            "accept = \"loopback\"\n[hl7]",
            "acept = \"loopback\"\n[hl7]",
            &[],
            "tocsin.toml:14: dicom.acept: there is no such key; did you mean accept?",
        );
        check(
            "127.0.0.1:2575",
            "127.0.0.1:8080",
            &[],
            "tocsin.toml:16: hl7.listen: expected a port of its own; http.listen has it already",
        );
        check(
            "[dicom]",
            "[dicon]",
            &[],
            "tocsin.toml:11: dicon: there is no such key; did you mean dicom?",
        );
        check(
            "name = \"General Hospital\"",
            "",
            &[],
            "tocsin.toml:2: site.name: missing; expected the name",
        );
        check(
            "Europe/Berlin",
            "Europe/Berln",
            &[],
            "tocsin.toml:4: site.time_zone: expected a time zone",
        );
        check(
            "Europe/Berlin",
            "Europe/Berln",
            &[],
            "did you mean Europe/Berlin?",
        );
        check(
            "ae_title = \"TOCSIN\"",
            "ae_title = 5",
            &[],
            "tocsin.toml:13: dicom.ae_title: found number `5`",
        );
        check(
            "accept = \"loopback\"",
            "accept = \"lopback\"",
            &[],
            "did you mean \"loopback\"?",
        );
        check("[site]", "[site", &[], "tocsin.toml:2: expected TOML");
        check(
            "",
            "",
            &[("TOCSIN__HTTP__LISTEN", "8080x")],
            "environment variable TOCSIN__HTTP__LISTEN: http.listen: expected an IP address and a port",
        );
        check(
            "127.0.0.1:8080",
            "0.0.0.0:8080",
            &[],
            "tocsin.toml:9: http.public_url: missing; expected the https://",
        );
        check(
            "127.0.0.1:11112",
            "0.0.0.0:11112",
            &[],
            "tocsin.toml:12: dicom.listen: expected an address on loopback",
        );
        check(
            "capture_dir = \"data/mail\"",
            "",
            &[],
            "alerts: expected capture_dir",
        );
        check(
            "",
            "",
            &[("TOCSIN__DICOM__MAX_DEPTH", "0")],
            "dicom.max_depth: found number `0`, expected a whole number above 0",
        );
        check(
            "",
            "",
            &[("TOCSIN__INFERENCE__MODELS", "nowhere")],
            "inference.models: expected a folder that exists",
        );
        check(
            "",
            "",
            &[("TOCSIN__HL7__LISTEN_TLS", "127.0.0.1:2576")],
            "hl7.listen_tls: expected a section [tls] with our certificate",
        );
        check(
            "",
            "",
            &[("TOCSIN__HL7__LISTEN_TLS", "127.0.0.1:2575")],
            "hl7.listen_tls: expected a port of its own; hl7.listen has it already",
        );
        check(
            "",
            "",
            &[(
                "TOCSIN__TLS",
                r#"{certificate_file="a",key_file="b",ca_file="c"}"#,
            )],
            "tls.key_file: expected a file that holds its private key in PEM; there is none",
        );
        check("", "", &[("TOCSIN__RIS__ENABLED", "true")], "ris.host: missing");
        let oidc = r#"{issuer="http://id.example.org",client_id="t",role_claim="roles",roles={}}"#;
        for expected in [
            "auth.oidc.issuer: expected an https:// address",
            "auth.oidc.roles: expected at least one value",
        ] {
            check("", "", &[("TOCSIN__AUTH__OIDC", oidc)], expected);
        }
    }

    #[test]
    fn every_mistake_of_one_file_is_told_at_once() {
        let text = SMALLEST
            .replace("Europe/Berlin", "Mars")
            .replace("file://data/blobs", "s3://x")
            .replace("[hl7]", "[hl7]\nprot = 1");
        let ConfigError::Invalid(problems) = read(&text, &[]).unwrap_err() else {
            panic!("not invalid")
        };
        let keys: Vec<_> = problems.iter().map(|problem| problem.key.as_str()).collect();
        assert_eq!(keys, ["site.time_zone", "storage.url", "hl7.prot"]);
    }

    #[test]
    fn a_secret_in_a_wrong_place_is_not_repeated() {
        for (key, value) in [
            ("TOCSIN__DATABASE__URL", "mysql://u:hunter2@h/d"),
            ("TOCSIN__DATABASE__URL", "[\"hunter2\"]"),
        ] {
            let message = read(SMALLEST, &[(key, value)]).unwrap_err().to_string();
            assert!(!message.contains("hunter2"), "{message}");
            assert!(message.contains("database.url"), "{message}");
        }
    }

    #[test]
    fn an_escalation_names_only_people_who_exist() {
        let text = SMALLEST.to_owned()
            + r#"
[[alerts.people]]
id = "roy"
name = "Dr Roy"
email = "roy@example.org"
roles = ["stroke"]
[[alerts.policies]]
name = "default"
last_resort = "chief"
steps = [{ to = ["stroke"], wait_minutes = 5 }, { to = ["ito"], wait_minutes = 5 }]
"#;
        let message = read(&text, &[]).unwrap_err().to_string();
        assert!(
            message.contains("alerts.policies.0.steps.1.to: expected the id"),
            "{message}"
        );
        assert!(
            message.contains("alerts.policies.0.last_resort: expected the id"),
            "{message}"
        );
        assert!(!message.contains("steps.0"), "{message}");
    }

    #[test]
    fn an_archive_is_called_at_a_host_and_port_or_at_an_address_of_the_web() {
        let archive = |more: &str| {
            let text = format!("{SMALLEST}[[dicom.peers]]\nae_title = \"CLOUD\"\nrole = \"archive\"\n{more}");
            read(&text, &[]).map_or_else(|error| error.to_string(), |_| "good".to_owned())
        };
        assert_eq!(archive("url = \"https://pacs.example.org/dicom-web\""), "good");
        assert_eq!(archive("host = \"pacs\"\nport = 104"), "good");
        for (more, expected) in [
            ("", "dicom.peers.0.host: expected a text"),
            (
                "url = \"http://pacs.example.org/dicom-web\"",
                "dicom.peers.0.url: expected an https://",
            ),
            (
                "url = \"https://pacs/d\"\nport = 104",
                "dicom.peers.0.port: expected no port",
            ),
            (
                "url = \"https://pacs/d\"\nuser = \"t\"",
                "dicom.peers.0.user: expected user and password_file",
            ),
            (
                "host = \"pacs\"\nport = 104\nuser = \"t\"",
                "dicom.peers.0.user: expected only beside a url",
            ),
        ] {
            let message = archive(more);
            assert!(message.contains(expected), "{more}: {message}");
        }
    }
}
