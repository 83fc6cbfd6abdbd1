//! One stream of server-sent events per browser: which study changed, and a heartbeat with the server's time. A screen that
//! was away says the number it last saw and is told what it missed; what it shows it asks for itself, so that nothing is
//! pushed past the guard.

use std::time::Duration;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HeaderName};
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::stream::{self, Stream};
use tokio::sync::broadcast::{self, Receiver, error::RecvError};
use tokio::time::{Instant, Interval, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::auth::guard::{LIVE, may_show};
use super::auth::presence::Presence;
use super::auth::{Principal, Proof};
use super::error::ApiError;
use super::follow::Follower;
use super::state::State;
use crate::storage::changes::{self, Change};
use crate::storage::{Store, StoreError, sessions};

/// Other processes write to the same database; their changes are seen within this time.
const POLL: Duration = Duration::from_millis(500);
const HEARTBEAT: Duration = Duration::from_secs(10);
/// A stream ends by itself after this time and is opened again, so that rights are looked at afresh.
const STREAM_LASTS: Duration = Duration::from_secs(300);
/// Changes a slow screen may be behind before it is told to load its page again.
const BACKLOG: usize = 1_024;
/// Numbers below the last one seen that are told again, since they may have become visible after it.
const OVERLAP: i64 = 64;
/// How many missed changes are told one by one; after more the page is loaded again.
const MISSED: usize = 1_000;
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Proxies that gather answers would hold events back (nginx).
const NO_BUFFERING: (HeaderName, &str) = (HeaderName::from_static("x-accel-buffering"), "no");

/// What all streams of this process share.
pub struct Live {
    told: broadcast::Sender<Change>,
    stop: CancellationToken,
}

impl Default for Live {
    fn default() -> Self {
        Self {
            told: broadcast::Sender::new(BACKLOG),
            stop: CancellationToken::new(),
        }
    }
}

impl Live {
    /// Ends every stream, for a stop of the process.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Tells streams of every change until `stop`.
    pub async fn follow(&self, store: &Store, stop: CancellationToken) {
        let mut follower: Option<Follower> = None;
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                () = store.changed() => {}
                () = tokio::time::sleep(POLL) => {}
            }
            if let Err(error) = self.look(store, &mut follower).await {
                tracing::warn!(%error, "changes could not be read; screens are told later");
            }
        }
        self.stop();
    }

    async fn look(&self, store: &Store, follower: &mut Option<Follower>) -> Result<(), StoreError> {
        let conn = store.read();
        let follower = match follower {
            Some(follower) => follower,
            none => none.insert(Follower::after(changes::latest(conn).await?)),
        };
        let read = changes::after(conn, follower.from()).await?;
        let numbers: Vec<i64> = read.iter().map(|change| change.seq).collect();
        let news = follower.news(&numbers, store.now());
        for change in read.into_iter().filter(|change| news.contains(&change.seq)) {
            // Nobody may be listening.
            let _ = self.told.send(change);
        }
        Ok(())
    }
}

/// `GET /live`.
pub async fn stream(
    state: Data<State>,
    request: HttpRequest,
    who: Principal,
) -> Result<HttpResponse, ApiError> {
    let receiver = state.live.told.subscribe();
    let last = request.headers().get(LAST_EVENT_ID);
    let last: Option<i64> = last.and_then(|value| value.to_str().ok()?.parse().ok());
    let mut first = format!("retry: 2000\n\n{}", beat(&state));
    match last {
        Some(last) => first.push_str(&missed(&state, last).await?),
        None => first.push_str(&numbered(changes::latest(state.store.read()).await?)),
    }
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/event-stream"))
        .insert_header((CACHE_CONTROL, "no-store"))
        // Compression would hold events back.
        .insert_header((CONTENT_ENCODING, "identity"))
        .insert_header(NO_BUFFERING)
        .streaming(events(state, receiver, first, who)))
}

/// What happened since `last`, or that the page has to be loaded again.
async fn missed(state: &State, last: i64) -> Result<String, ApiError> {
    let conn = state.store.read();
    let oldest = changes::oldest(conn).await?;
    let missed = changes::after(conn, last.saturating_sub(OVERLAP)).await?;
    if oldest.is_some_and(|oldest| oldest > last.saturating_add(1)) || missed.len() >= MISSED {
        return Ok(format!(
            "event: resync\ndata: {{}}\n\n{}",
            numbered(changes::latest(conn).await?)
        ));
    }
    Ok(missed.iter().map(touched).collect())
}

struct Open {
    state: Data<State>,
    /// Of a browser; it hears nothing while its person is away.
    session: Option<String>,
    receiver: Receiver<Change>,
    first: Option<String>,
    heartbeat: Interval,
    ends: Instant,
}

fn events(
    state: Data<State>,
    receiver: Receiver<Change>,
    first: String,
    who: Principal,
) -> impl Stream<Item = Result<Bytes, actix_web::Error>> {
    let mut heartbeat = tokio::time::interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let session = match who.proof {
        Proof::Session { csrf, .. } => Some(csrf),
        Proof::Bearer { .. } => None,
    };
    let open = Open {
        state,
        session,
        receiver,
        first: Some(first),
        heartbeat,
        ends: Instant::now() + STREAM_LASTS,
    };
    stream::unfold(open, |mut open| async move {
        let text = open.next().await?;
        Some((Ok(Bytes::from(text)), open))
    })
}

impl Open {
    async fn next(&mut self) -> Option<String> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        let text = self.news().await?;
        self.may_be_told().await.then_some(text)
    }

    async fn news(&mut self) -> Option<String> {
        let stop = self.state.live.stop.clone();
        tokio::select! {
            biased;
            () = stop.cancelled() => None,
            () = tokio::time::sleep_until(self.ends) => None,
            told = self.receiver.recv() => match told {
                Ok(change) => Some(touched(&change)),
                Err(RecvError::Lagged(_)) => Some("event: resync\ndata: {}\n\n".to_owned()),
                Err(RecvError::Closed) => None,
            },
            _ = self.heartbeat.tick() => Some(beat(&self.state)),
        }
    }

    /// Asked before every word, since the session may have been locked or ended in another tab.
    async fn may_be_told(&self) -> bool {
        let Some(session) = &self.session else { return true };
        let open = sessions::open(self.state.store.read(), session).await;
        let idle = self.state.settings.idle_lock;
        open.ok().flatten().is_some_and(|row| {
            let presence = Presence::of(&row, self.state.now(), idle);
            may_show(&self.state, LIVE, presence)
        })
    }
}

fn touched(change: &Change) -> String {
    format!(
        "id: {}\nevent: touch\ndata: {{\"study\":\"{}\"}}\n\n",
        change.seq, change.study
    )
}

/// Tells a screen the number that it has seen everything up to.
fn numbered(seq: i64) -> String {
    format!("id: {seq}\nevent: begin\ndata: {{}}\n\n")
}

fn beat(state: &State) -> String {
    format!(
        "event: beat\ndata: {{\"now\":\"{}\"}}\n\n",
        state.now().to_rfc3339()
    )
}
