//! What `integrations/` names must be there: metrics and their labels, keys of the configuration, the README of each folder.
//! What other programs have to say about these files is in `tests/peers/test_integrations.py`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;
use tocsin::api::connections::{ConnectionKind, ConnectionState};
use tocsin::config::Config;
use tocsin::storage::alerts::STATUSES;
use tocsin::telemetry::{AckCode, Metrics};
use tocsin_domain::work::Lane;

/// A page, at most.
const README_LINES: usize = 70;
/// Files that name metrics.
const MONITORING: [&str; 3] = [
    "prometheus/tocsin.rules.yml",
    "prometheus/tocsin.rules.test.yml",
    "grafana/tocsin.json",
];
/// What every site says; fragments are put behind it.
const SMALLEST: &str = r#"
[site]
name = "General Hospital"
time_zone = "Europe/Berlin"
[database]
url = "sqlite://data/tocsin.db"
[storage]
url = "file://data/blobs"
[alerts]
capture_dir = "data/mail"
"#;

fn integrations() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("integrations")
}

fn read(path: &str) -> String {
    fs::read_to_string(integrations().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn matches(pattern: &str, text: &str) -> BTreeSet<String> {
    let found = Regex::new(pattern).unwrap();
    found
        .captures_iter(text)
        .map(|captures| captures[captures.len() - 1].to_owned())
        .collect()
}

/// Every series that the service can expose, as it writes them.
fn exposition() -> String {
    let metrics = Metrics::new();
    metrics.last_image_to_worklist.observe(0.4);
    metrics.last_image_to_page.observe(0.6);
    metrics.stage("assemble_study").observe(0.01);
    metrics.inference("ich", "1.0.0").observe(2.0);
    metrics.instances_received.inc();
    for ack in [AckCode::Accept, AckCode::Error, AckCode::Reject, AckCode::None] {
        metrics.message("ORM^O01", ack);
    }
    for lane in Lane::ALL {
        metrics.oldest_job(lane.name()).set(1);
        for state in ["ready", "leased", "dead"] {
            metrics.jobs(lane.name(), state).set(1);
        }
    }
    for state in ["raised", "notified"] {
        metrics.oldest_alert(state).set(1);
    }
    for state in STATUSES {
        metrics.alerts(state).set(1);
    }
    for kind in ConnectionKind::ALL {
        for state in ConnectionState::ALL {
            metrics.connections(kind.name(), state.name()).set(1);
        }
    }
    metrics.certificate_expiry().set(1);
    metrics.encode()
}

#[test]
fn every_metric_of_a_rule_or_panel_is_exposed() {
    let exposed = matches(r"(?m)^(tocsin_[a-z0-9_]+)", &exposition());
    for file in MONITORING {
        let named = matches(r"\b(tocsin_[a-z0-9_]+)", &read(file));
        assert!(named.len() > 5, "{file} names {named:?}");
        let unknown: Vec<_> = named.difference(&exposed).collect();
        assert_eq!(unknown, Vec::<&String>::new(), "{file} names what is not exposed");
    }
}

#[test]
fn every_label_of_a_rule_or_panel_has_a_value_that_occurs() {
    // `tocsin_jobs{lane="alerts",state="dead"} 1` → (tocsin_jobs, lane) → alerts …
    let mut occurs: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    let series = Regex::new(r"(tocsin_[a-z0-9_]+)\{([^}]*)\}").unwrap();
    let label = Regex::new(r#"(\w+)(=~|=|!=)\\?"([^"\\]*)\\?""#).unwrap();
    for captures in series.captures_iter(&exposition()) {
        for pair in label.captures_iter(&captures[2]) {
            let key = (captures[1].to_owned(), pair[1].to_owned());
            occurs.entry(key).or_default().insert(pair[3].to_owned());
        }
    }
    for file in MONITORING {
        let text = read(file);
        for captures in series.captures_iter(&text) {
            for pair in label.captures_iter(&captures[2]) {
                // These two are Prometheus's own.
                if ["job", "instance"].contains(&&pair[1]) {
                    continue;
                }
                let key = (captures[1].to_owned(), pair[1].to_owned());
                let values = occurs.get(&key);
                for value in pair[3].split('|') {
                    let known = values.is_some_and(|values| values.contains(value));
                    assert!(known, "{file}: {} has no {}=\"{value}\"", &captures[1], &pair[1]);
                }
            }
        }
    }
}

/// The problems that a configuration in this folder has, if it has any.
fn problems(text: &str, folder: &Path, environment: &[(&str, &str)]) -> Option<String> {
    let environment = environment
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Config::from_text(Path::new("tocsin.toml"), folder, text, environment.collect())
        .err()
        .map(|error| error.to_string())
}

#[test]
fn samples_of_the_configuration_are_accepted() {
    let folder = tempfile::tempdir().unwrap();
    for file in ["tls.crt", "tls.key", "ca.crt"] {
        fs::write(folder.path().join(file), "").unwrap();
    }
    let here = folder.path().to_str().unwrap();
    assert_eq!(problems(&read("systemd/tocsin.toml"), folder.path(), &[]), None);
    let kubernetes = read("kubernetes/base/tocsin.toml").replace("/etc/tocsin-tls", here);
    let secret = [(
        "TOCSIN__DATABASE__URL",
        "postgres://tocsin@tocsin-postgres/tocsin",
    )];
    assert_eq!(problems(&kubernetes, folder.path(), &secret), None);
    for fragment in ["dcm4chee/tocsin.toml", "oie/tocsin.toml", "orthanc/tocsin.toml"] {
        let text = format!("{SMALLEST}{}", read(fragment));
        assert_eq!(problems(&text, folder.path(), &[]), None, "{fragment}");
    }
}

#[test]
fn keycloaks_realm_and_what_tocsin_is_told_of_it_agree() {
    let readme = read("keycloak/README.md");
    let told = readme
        .split("```toml\n")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    let told = told.lines().map(str::trim_start).collect::<Vec<_>>().join("\n");
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("client.secret"), "s").unwrap();
    let base = "[http]\npublic_url = \"https://tocsin.example.org\"\n";
    assert_eq!(
        problems(&format!("{SMALLEST}{base}{told}"), folder.path(), &[]),
        None
    );

    let realm: serde_json::Value = serde_json::from_str(&read("keycloak/tocsin-realm.json")).unwrap();
    let groups: BTreeSet<String> = realm["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| group["name"].as_str().unwrap().to_owned())
        .collect();
    let roles = matches(r"(?m)^(tocsin-[a-z-]+) =", &told);
    assert_eq!(groups, roles);
    let client = &realm["clients"][0];
    let back = client["redirectUris"][0].as_str().unwrap();
    let leads_back = |path: &str| {
        path.contains("callback") && back.strip_prefix("https://tocsin.example.org") == Some(path)
    };
    assert!(
        tocsin::api::routes::all().any(|route| leads_back(route.path)),
        "{back} leads nowhere"
    );
    let claim = &client["protocolMappers"][0]["config"]["claim.name"];
    assert!(
        told.contains(&format!("role_claim = {claim}")),
        "{claim} is not asked for"
    );
}

#[test]
fn every_folder_says_what_it_is_and_is_listed() {
    let list = read("README.md");
    for entry in fs::read_dir(integrations()).unwrap() {
        let path = entry.unwrap().path();
        if !path.is_dir() {
            continue;
        }
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        assert!(
            list.contains(&format!("]({name}/README.md)")) || list.contains(&format!("]({name})")),
            "integrations/README.md does not list {name}"
        );
        // Profiles are described in docs/integrator.md.
        if name == "sites" {
            continue;
        }
        let readme = read(&format!("{name}/README.md"));
        let lines = readme.lines().count();
        assert!(lines <= README_LINES, "{name}/README.md has {lines} lines");
    }
}
