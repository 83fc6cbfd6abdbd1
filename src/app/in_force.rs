//! Which rule packs and models are in force: what is found first becomes it; a file that is changed afterwards is a draft until
//! somebody activates it. Rules go on in the version that is in force, from the copy that was kept; a model that is no
//! longer there says so on every study it would have read.

use tocsin_domain::audit::{ActorKind, Event, Outcome};
use tocsin_domain::triage::Pack;

use super::error::AppError;
use super::packs::{self, Files};
use crate::config::Config;
use crate::inference::package::{self, Package};
use crate::pipeline::models::{AbsentModel, ActiveModel};
use crate::storage::entity::active_version;
use crate::storage::versions::{self, Candidate, Kind};
use crate::storage::{Store, StoreError, audit, document};

/// What stands on the disk, and what of it is in force.
pub struct Found {
    pub candidate: Candidate,
    pub active: Option<active_version::Model>,
}

impl Found {
    pub fn is_in_force(&self) -> bool {
        let active = self.active.as_ref();
        active.is_some_and(|active| active.sha256 == self.candidate.sha256)
    }
}

/// A pack on the disk by its name, with its files where it is sound.
type ReadPack = (String, Option<(Pack, Files)>);

/// The rule packs of the folder that the configuration names.
fn read_packs(config: &Config) -> Vec<ReadPack> {
    let Some(folder) = config.rules.folder() else {
        return Vec::new();
    };
    let folders = packs::folders(&folder).unwrap_or_else(|error| {
        tracing::error!(%error, "no rules can be read");
        Vec::new()
    });
    folders.iter().map(|folder| read_pack(folder)).collect()
}

fn read_pack(folder: &std::path::Path) -> ReadPack {
    let name = packs::name(folder);
    let files = match packs::files(folder) {
        Ok(files) => files,
        Err(error) => {
            tracing::error!(folder = %folder.display(), %error, "this rule pack cannot be read");
            return (name, None);
        }
    };
    match Pack::parse(&name, &files) {
        Ok(pack) => (name, Some((pack, files))),
        Err(problems) => {
            tracing::error!(folder = %folder.display(), %problems, "this rule pack is faulty");
            (name, None)
        }
    }
}

fn of_pack(pack: &Pack, files: &Files) -> Result<Candidate, StoreError> {
    Ok(Candidate {
        kind: Kind::Rules,
        name: pack.reference.name.clone(),
        version: pack.reference.version.clone(),
        sha256: pack.reference.sha256.clone(),
        content: Some(document::write(files)?),
    })
}

fn of_package(package: &Package) -> Candidate {
    let identity = &package.manifest.identity;
    Candidate {
        kind: Kind::Model,
        name: identity.name.clone(),
        version: identity.version.clone(),
        sha256: package.content_hash.clone(),
        content: None,
    }
}

/// Every rule pack that is in force. A pack that cannot be read costs itself and nothing else: images and orders are still
/// taken in, and studies keep the priority that a person gave them.
pub async fn rules(config: &Config, store: &Store) -> Result<Vec<Pack>, AppError> {
    let mut used = Vec::new();
    for (name, read) in read_packs(config) {
        if let Some((pack, files)) = read {
            match standing(store, &of_pack(&pack, &files)?).await? {
                Standing::InForce => {
                    used.push(pack);
                    continue;
                }
                Standing::Draft => tracing::warn!(
                    name,
                    version = pack.reference.version,
                    "the files of this rule pack differ from the version in force: a draft, until `tocsin activate`"
                ),
            }
        }
        used.extend(kept(store, &name).await?);
    }
    Ok(used)
}

/// The version in force, from the copy that was kept of it.
async fn kept(store: &Store, name: &str) -> Result<Option<Pack>, AppError> {
    let Some(active) = versions::active(store.read(), Kind::Rules, name).await? else {
        return Ok(None);
    };
    let files: Option<Files> = active
        .content
        .as_deref()
        .and_then(|text| serde_json::from_str(text).ok());
    let pack = files.and_then(|files| Pack::parse(name, &files).ok());
    let pack = pack.filter(|pack| pack.reference.sha256 == active.sha256);
    match &pack {
        Some(_) => tracing::warn!(
            name,
            version = active.version,
            "rules go on in the version in force, from its copy"
        ),
        None => tracing::error!(
            name,
            "there is no usable copy of the rules in force: nothing is decided by them"
        ),
    }
    Ok(pack)
}

/// Every model package that is in force, and those that are in force and not there.
pub async fn models(
    config: &Config,
    store: &Store,
) -> Result<(Vec<ActiveModel>, Vec<AbsentModel>), AppError> {
    let mut used = Vec::new();
    for package in read_packages(config) {
        let candidate = of_package(&package);
        let (name, version) = (&candidate.name, &candidate.version);
        if let Standing::Draft = standing(store, &candidate).await? {
            tracing::warn!(
                name,
                version,
                "the files of this model differ from the version in force: a draft, until `tocsin activate`"
            );
            continue;
        }
        match ActiveModel::of(package) {
            Ok(model) => used.push(model),
            Err(problems) => {
                let problems = problems.iter().map(|p| p.full()).collect::<Vec<_>>().join("; ");
                tracing::error!(name, problems, "this model package is not used");
            }
        }
    }
    let active = versions::all(store.read()).await?;
    let wanted = active.into_iter().filter(|row| config.inference.uses(&row.name));
    let absent = absent(wanted.collect(), &used);
    Ok((used, absent))
}

fn absent(active: Vec<active_version::Model>, used: &[ActiveModel]) -> Vec<AbsentModel> {
    active
        .into_iter()
        .filter(|row| row.kind == Kind::Model.text())
        .filter(|row| !used.iter().any(|model| model.package.content_hash == row.sha256))
        .map(|row| AbsentModel {
            reason: format!("version {} is in force and its files are not there", row.version),
            name: row.name,
            version: row.version,
            sha256: row.sha256,
        })
        .collect()
}

fn read_packages(config: &Config) -> Vec<Package> {
    let Some(folder) = config.inference.models_folder() else {
        return Vec::new();
    };
    let found = package::discover(&folder).unwrap_or_else(|error| {
        tracing::error!(%error, "no models can be read");
        Vec::new()
    });
    let sound = |(folder, package): package::Found| match package {
        Ok(package) => Some(package),
        Err(error) => {
            tracing::error!(folder = %folder.display(), %error, "this model package is not used");
            None
        }
    };
    let wanted = |package: &Package| config.inference.uses(&package.manifest.identity.name);
    found.into_iter().filter_map(sound).filter(wanted).collect()
}

enum Standing {
    InForce,
    Draft,
}

/// Whether this content is the version in force; the first one ever seen becomes it.
async fn standing(store: &Store, candidate: &Candidate) -> Result<Standing, AppError> {
    match versions::active(store.read(), candidate.kind, &candidate.name).await? {
        None => {
            activate(store, candidate.clone(), "first start", ActorKind::System).await?;
            Ok(Standing::InForce)
        }
        Some(active) if active.sha256 != candidate.sha256 => Ok(Standing::Draft),
        Some(active) if active.content.is_none() && candidate.content.is_some() => {
            // In force since before copies were kept.
            let (candidate, by) = (candidate.clone(), active.activated_by);
            store
                .write(move |tx| Box::pin(async move { versions::activate(tx, &candidate, &by).await }))
                .await?;
            Ok(Standing::InForce)
        }
        Some(_) => Ok(Standing::InForce),
    }
}

/// Puts content in force; a running service takes it up when it is started again.
pub async fn activate(
    store: &Store,
    candidate: Candidate,
    by: &str,
    actor_kind: ActorKind,
) -> Result<(), StoreError> {
    let event = Event {
        actor: by.to_owned(),
        actor_kind,
        action: "version.activate".to_owned(),
        object: format!("{}:{}", candidate.kind.text(), candidate.name),
        site: String::new(),
        outcome: Outcome::Success,
        request_id: String::new(),
        detail: serde_json::json!({ "version": candidate.version, "sha256": candidate.sha256 }),
    };
    let by = by.to_owned();
    store
        .write(move |tx| {
            Box::pin(async move {
                versions::activate(tx, &candidate, &by).await?;
                audit::record(tx, event).await
            })
        })
        .await?;
    Ok(())
}

/// Everything sound on the disk that could be in force.
pub async fn found(config: &Config, store: &Store) -> Result<Vec<Found>, AppError> {
    let mut candidates = Vec::new();
    for (pack, files) in read_packs(config).into_iter().filter_map(|(_, read)| read) {
        candidates.push(of_pack(&pack, &files)?);
    }
    candidates.extend(read_packages(config).iter().map(of_package));
    let mut found = Vec::new();
    for candidate in candidates {
        let active = versions::active(store.read(), candidate.kind, &candidate.name).await?;
        found.push(Found { candidate, active });
    }
    Ok(found)
}
