//! Starts a service and stops it again. Listeners come before models: what arrives is kept and acknowledged from the first
//! second, and analysed once the models are ready.

use std::path::PathBuf;
use std::sync::Arc;

use actix_web::web::Data;
use tocsin_domain::work::Lane;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::bound::{Addresses, Bound};
use super::error::AppError;
use super::foresight::JobForesight;
use super::images::Images;
use super::machine::Machine;
use super::neighbours::Configured;
use super::previews::PoolPreviews;
use super::reader::ProfileReader;
use super::reports::JobReports;
use super::site_profiles::SiteProfiles;
use super::test_pages::MailedTestPages;
use super::{
    archives, ehrs, fhir, identity, in_force, load, machine, packs, prior_sources, settings, worklists,
};
use crate::api::auth::setup;
use crate::config::Config;
use crate::deliver::tls::Tls;
use crate::inference::pool::Pool;
use crate::ingest::{dicom, hl7};
use crate::jobs::Workers;
use crate::notify::Mailer;
use crate::pipeline::env::Env;
use crate::pipeline::poll_worklist;
use crate::report::narrative::NarrativeTemplates;
use crate::storage::blobs::BlobStore;
use crate::storage::{Store, accounts, associations, changes, ehr_tokens, jobs, leases, sessions};
use crate::telemetry::Metrics;
use crate::ui::templates::Registry;
use crate::{api, ui};

/// A service that runs until it is stopped.
pub struct Running {
    pub addresses: Addresses,
    pub store: Store,
    pub env: Arc<Env>,
    /// What the API and the pages answer from.
    pub state: Data<api::State>,
    health: api::Health,
    stop: CancellationToken,
    tasks: TaskTracker,
    /// What makes the first account, where there is none; to be shown once, and not in a log.
    pub setup_code: Option<String>,
}

/// How many jobs of a lane run at a time.
fn width(lane: Lane) -> usize {
    match lane {
        Lane::Alerts | Lane::Ingest | Lane::Delivery => 4,
        Lane::Priors => 2,
        Lane::Comparison => 1,
        // One child process reads one series at a time; a second one prepares meanwhile.
        Lane::Inference => 2,
        Lane::Screening => 1,
    }
}

/// Starts everything that the configuration asks for.
pub async fn start(config: Config) -> Result<Running, AppError> {
    let machine = Machine::this().map_err(|source| AppError::Files {
        what: "the program's own file cannot be found".to_owned(),
        source,
    })?;
    let running = open(config, machine).await?;
    let addresses = running.addresses;
    let owner = format!("{}/{}", machine::host_name(), addresses.http);
    leases::free_leases_of(&running.store, &format!("{owner}/")).await?;
    poll_worklist::begin(&running.store, &running.env.worklists).await?;
    running.work(format!("{owner}/{}", running.store.ids().uuid()));
    running.warm_models();
    running.housekeep();
    tracing::info!(http = %addresses.http, dicom = %addresses.dicom, hl7 = %addresses.hl7, "tocsin is up");
    Ok(running)
}

/// Opens the stores and the listeners: everything is taken in, and no job is worked on yet.
pub async fn open(config: Config, machine: Machine) -> Result<Running, AppError> {
    let keys = load::keys(&config)?;
    let store = Store::open(
        &config.database.url.expose(),
        machine.clock.clone(),
        machine.ids.clone(),
        keys.audit.clone(),
    )
    .await?;
    let blobs = BlobStore::open(config.storage.folder())?;
    let tls = load::tls(&config)?;
    let bound = Bound::bind(&config, tls.as_ref()).await?;
    let addresses = bound.addresses();
    let env = Arc::new(
        environment(
            &config,
            &store,
            &blobs,
            &keys,
            addresses,
            tls.as_ref(),
            machine.program,
        )
        .await?,
    );
    let health = api::Health::default();
    let state = state(&config, &store, &env, &keys, &health, tls.as_ref(), addresses)?;
    let setup_code = match accounts::any(store.read()).await? {
        true => None,
        false => Some(setup::code(machine::fresh_key())),
    };
    if let Some(code) = &setup_code {
        state.setup.expect(code);
    }
    let running = Running {
        setup_code,
        addresses,
        store,
        env,
        state,
        health,
        stop: CancellationToken::new(),
        tasks: TaskTracker::new(),
    };
    running.listen(&config, bound, blobs, tls.as_ref())?;
    Ok(running)
}

fn state(
    config: &Config,
    store: &Store,
    env: &Arc<Env>,
    keys: &load::Keys,
    health: &api::Health,
    tls: Option<&Tls>,
    addresses: Addresses,
) -> Result<Data<api::State>, AppError> {
    let keys = api::Keys {
        session: keys.secret.clone(),
        link: keys.secret.clone(),
    };
    let models = env.models.iter().map(|model| &model.package.content_hash);
    let packs = env.packs.iter().map(|pack| &pack.reference.sha256);
    let mut settings = settings::api(config);
    settings.loaded = models.chain(packs).cloned().collect();
    settings.models = env
        .models
        .iter()
        .map(|model| {
            let reference = &model.reference;
            let name = format!("{} {}", reference.name, reference.version);
            (reference.sha256.clone(), name)
        })
        .collect();
    settings.cds.ehrs = ehrs::of(config)?;
    let ports = api::Ports {
        previews: Arc::new(PoolPreviews(env.clone())),
        reports: Arc::new(JobReports(env.clone())),
        narrative: NarrativeTemplates::new(config.site.templates.as_deref()),
        templates: Arc::new(Registry::open(
            config.site.templates.as_deref(),
            &config.site.language,
        )?),
        test_pages: Arc::new(MailedTestPages(env.clone())),
        neighbours: Arc::new(Configured::of(config, env, tls, addresses)),
        reader: Arc::new(ProfileReader(settings::mllp(config)?)),
        foresight: Arc::new(JobForesight(env.clone())),
        profiles: Arc::new(SiteProfiles::of(config)),
        fhir: env.fhir.clone(),
        provider: identity::provider(config)?,
        blobs: env.blobs.clone(),
        images: Arc::new(Images(Arc::new(settings::intake(
            config,
            store,
            &env.blobs,
            &env.metrics,
        )))),
    };
    Ok(Data::new(api::State::new(
        store.clone(),
        settings,
        keys,
        env.metrics.clone(),
        health.clone(),
        machine::fresh_key,
        ports,
    )))
}

async fn environment(
    config: &Config,
    store: &Store,
    blobs: &BlobStore,
    keys: &load::Keys,
    addresses: Addresses,
    tls: Option<&Tls>,
    program: PathBuf,
) -> Result<Env, AppError> {
    let base_url = config.http.base_url(addresses.http);
    let serial = load::serial(&keys.secret);
    let settings = settings::pipeline(
        config,
        base_url,
        keys.secret.clone(),
        serial.clone(),
        load::ris(config, tls)?,
        archives::archives(config, tls)?,
        tls,
    );
    let (models, absent_models) = in_force::models(config, store).await?;
    let own: Vec<&str> = models.iter().map(|model| model.reference.name.as_str()).collect();
    settings::distinct_names(config, &own)?;
    let metrics = Metrics::new();
    let priors = prior_sources::priors(config, store, blobs, &metrics, tls)?;
    Ok(Env {
        store: store.clone(),
        blobs: blobs.clone(),
        settings: Arc::new(settings),
        metrics,
        priors,
        worklists: worklists::worklists(config, tls),
        fhir: Arc::new(fhir::server(config, addresses.http, serial, store.now())),
        hooks: fhir::hooks(config)?,
        hub: fhir::hub(config)?,
        mailer: Mailer::from_config(&config.alerts)?,
        templates: packs::mail_templates(config)?,
        packs: Arc::new(in_force::rules(config, store).await?),
        models: Arc::new(models),
        absent_models: Arc::new(absent_models),
        worker: Arc::new(Pool::new(load::pool(config, program))),
    })
}

impl Running {
    fn listen(
        &self,
        config: &Config,
        bound: Bound,
        blobs: BlobStore,
        tls: Option<&Tls>,
    ) -> Result<(), AppError> {
        let scp = Arc::new(dicom::Env {
            settings: dicom::ScpSettings::from_config(&config.dicom, &config.storage),
            blobs,
            sink: settings::image_rows(config, &self.store, &self.env.metrics),
            served: Some(settings::served(config, &self.store, tls)),
            clock: self.store.clock(),
            ids: self.store.ids(),
        });
        self.tasks
            .spawn(dicom::serve(bound.dicom, scp, self.stop.clone()));
        let mllp = Arc::new(hl7::listener::Env {
            settings: settings::mllp(config)?,
            sink: hl7::rows::Rows::new(
                self.store.clone(),
                self.env.metrics.clone(),
                config.hl7.default_authority.clone(),
            ),
            clock: self.store.clock(),
            ids: self.store.ids(),
        });
        self.tasks
            .spawn(hl7::listener::serve(bound.hl7, mllp, self.stop.clone()));
        let (state, store, stop) = (self.state.clone(), self.store.clone(), self.stop.clone());
        self.tasks
            .spawn(async move { state.live.follow(&store, stop).await });
        self.health.dicom_listens();
        self.health.hl7_listens();
        let http = api::server(bound.http, self.state.clone(), ui::PAGES)
            .map_err(|error| AppError::Http(error.to_string()))?;
        let (handle, stop) = (http.handle(), self.stop.clone());
        self.tasks.spawn(async move {
            if let Err(error) = http.await {
                tracing::error!(%error, "the HTTP server ended");
            }
        });
        self.tasks.spawn(async move {
            stop.cancelled().await;
            handle.stop(true).await;
        });
        Ok(())
    }

    /// Those that work on the jobs of this service, under this name on their leases.
    pub fn workers(&self, owner: String) -> Arc<Workers<Env>> {
        Arc::new(Workers::new(self.store.clone(), self.env.clone(), owner))
    }

    fn work(&self, owner: String) {
        let workers = self.workers(owner);
        for lane in Lane::ALL {
            self.tasks
                .spawn(workers.clone().work(lane, width(lane), self.stop.clone()));
        }
    }

    /// Opens the models and runs their golden cases; a model that fails says so and costs its own analyses only.
    fn warm_models(&self) {
        let (env, stop) = (self.env.clone(), self.stop.clone());
        self.tasks.spawn(async move {
            for model in env.models.iter() {
                // A stop does not wait for golden cases: dropping the request ends the child.
                let loaded = tokio::select! {
                    biased;
                    () = stop.cancelled() => return,
                    loaded = env.worker.load(&model.package) => loaded,
                };
                match loaded {
                    Ok(report) => tracing::info!(
                        model = model.reference.name,
                        version = model.reference.version,
                        provider = ?report.provider_used,
                        golden_cases = report.golden.len(),
                        "model ready"
                    ),
                    Err(error) => tracing::error!(model = model.reference.name, %error, "model not ready"),
                }
            }
        });
    }

    /// Done jobs are removed after an hour, and files that no row knows.
    fn housekeep(&self) {
        let (env, stop) = (self.env.clone(), self.stop.clone());
        self.tasks.spawn(async move {
            let hour = chrono::TimeDelta::hours(1);
            let mut every = tokio::time::interval(std::time::Duration::from_secs(600));
            loop {
                tokio::select! {
                    () = stop.cancelled() => return,
                    _ = every.tick() => {}
                }
                let purged = env
                    .store
                    .write(move |tx| {
                        Box::pin(async move {
                            changes::purge(tx, tx.now() - hour).await?;
                            sessions::purge(tx).await?;
                            ehr_tokens::purge(tx).await?;
                            associations::purge(tx).await?;
                            jobs::purge_done(tx, tx.now() - hour).await
                        })
                    })
                    .await;
                let (blobs, now) = (env.blobs.clone(), env.store.now());
                let swept = tokio::task::spawn_blocking(move || blobs.sweep(now, hour)).await;
                tracing::debug!(?purged, ?swept, "housekeeping");
            }
        });
    }

    /// Takes nothing new, lets what runs finish, and hands leases back; within 20 s.
    pub async fn stop(self) {
        self.health.stops();
        self.stop.cancel();
        self.tasks.close();
        let limit = std::time::Duration::from_secs(20);
        if tokio::time::timeout(limit, self.tasks.wait()).await.is_err() {
            tracing::warn!("some tasks did not end in time; their leases will run out");
        }
        tracing::info!("tocsin has stopped");
    }
}
