//! How a connection fares, from what came and went: what is usual, what is silent, what waits and what is refused. Pure.

use std::collections::BTreeMap;

use tocsin_domain::clock::{Timestamp, from_micros};
use tocsin_domain::silence::{Flow, Traffic};

use super::connections::{ConnectionKind, ConnectionState, ConnectionView, Neighbour};
use super::pauses;
use crate::storage::entity::{subscription, worklist_poll};
use crate::storage::subscriptions::SubscriptionStatus;
use crate::storage::traffic::{Received, Sent};
use crate::storage::worklist_polls;

/// All that came from senders whose MSH-3 and MSH-4 fit.
pub(super) fn taken(messages: &mut BTreeMap<String, Received>, sender: &[Option<String>; 2]) -> Received {
    let fits = |peer: &str| {
        let said = peer.split_once('|').unwrap_or((peer, ""));
        let fit = |wanted: &Option<String>, said: &str| wanted.as_ref().is_none_or(|wanted| wanted == said);
        fit(&sender[0], said.0) && fit(&sender[1], said.1)
    };
    let own: Vec<String> = messages.keys().filter(|peer| fits(peer)).cloned().collect();
    let own: Vec<Received> = own.iter().filter_map(|peer| messages.remove(peer)).collect();
    together(own.iter())
}

pub(super) fn together<'a>(all: impl Iterator<Item = &'a Received>) -> Received {
    let mut sum = Received::default();
    for came in all {
        sum.failed += came.failed;
        sum.traffic.last = sum.traffic.last.max(came.traffic.last);
        for (hour, count) in &came.traffic.hours {
            *sum.traffic.hours.entry(*hour).or_default() += count;
        }
    }
    sum
}

/// Whether its silence is unusual is said of each sender.
pub(super) fn listening(view: ConnectionView, came: &Received, now: Timestamp) -> ConnectionView {
    let view = received(view, came, now);
    ConnectionView {
        state: match view.state {
            ConnectionState::Silent => ConnectionState::Working,
            other => other,
        },
        ..view
    }
}

/// What is subscribed to for a receiver.
pub(super) fn subscriber(
    view: ConnectionView,
    all: &[subscription::Model],
    now: Timestamp,
) -> ConnectionView {
    let standing = |row: &&subscription::Model| SubscriptionStatus::of(row, now) != SubscriptionStatus::Off;
    let own = all.iter().filter(|row| row.receiver == view.name);
    let own: Vec<&subscription::Model> = own.filter(standing).collect();
    let failing = own
        .iter()
        .find(|row| SubscriptionStatus::of(row, now) == SubscriptionStatus::Error);
    let failed = failing.map(|row| row.error.clone().unwrap_or_default());
    ConnectionView {
        state: match failed {
            Some(_) => ConnectionState::Refusing,
            None => view.state,
        },
        last_error: failed.or(view.last_error),
        detail: Some(match own.len() {
            1 => "1 subscription".to_owned(),
            many => format!("{many} subscriptions"),
        }),
        ..view
    }
}

pub(super) fn blank(neighbour: &Neighbour) -> ConnectionView {
    ConnectionView {
        id: neighbour.id.clone(),
        kind: neighbour.kind,
        name: neighbour.name.clone(),
        address: neighbour.address.clone(),
        tls: neighbour.tls,
        profile: neighbour.profile.clone(),
        state: ConnectionState::Unused,
        last_at: None,
        last_hour: None,
        last_day: None,
        usual_per_hour: None,
        failed_last_day: None,
        waiting: None,
        refused: None,
        p95_seconds: None,
        last_error: None,
        detail: None,
        may_be_checked: neighbour.may_be_checked,
        may_be_tested: neighbour.kind == ConnectionKind::Hl7Out,
        may_be_paused: !neighbour.id.is_empty() && pauses::stopped(neighbour.kind, &neighbour.name).is_some(),
        paused: None,
    }
}

pub(super) fn received(view: ConnectionView, came: &Received, now: Timestamp) -> ConnectionView {
    let traffic: &Traffic = &came.traffic;
    ConnectionView {
        state: match traffic.flow(now) {
            Flow::Never => ConnectionState::Unused,
            Flow::New | Flow::Usual => ConnectionState::Working,
            Flow::Silent { .. } => ConnectionState::Silent,
        },
        last_at: traffic.last,
        last_hour: Some(traffic.within(1, now)),
        last_day: Some(traffic.within(24, now)),
        usual_per_hour: traffic.usual(now),
        failed_last_day: matches!(view.kind, ConnectionKind::Hl7In | ConnectionKind::Hl7Listener)
            .then_some(came.failed),
        ..view
    }
}

pub(super) fn sent(view: ConnectionView, sent: Option<&Sent>) -> ConnectionView {
    let Some(sent) = sent else {
        return view;
    };
    ConnectionView {
        state: match (sent.refused, &sent.last_error, sent.waiting) {
            (1.., _, _) => ConnectionState::Refusing,
            (_, Some(_), 1..) => ConnectionState::Waiting,
            _ => ConnectionState::Working,
        },
        last_at: sent.last_confirmed,
        waiting: Some(sent.waiting),
        refused: Some(sent.refused),
        p95_seconds: percentile(&sent.seconds, 0.95),
        last_error: sent.last_error.clone(),
        ..view
    }
}

/// One that could not be asked waits: it is asked again after a while.
pub(super) fn polled(view: ConnectionView, poll: Option<&worklist_poll::Model>) -> ConnectionView {
    let Some(poll) = poll else {
        return view;
    };
    let failed = worklist_polls::has_failed(poll);
    ConnectionView {
        state: match failed {
            true => ConnectionState::Waiting,
            false => ConnectionState::Working,
        },
        last_at: poll.answered_at.map(from_micros),
        detail: (!failed).then(|| poll.detail.clone()),
        last_error: failed.then(|| poll.detail.clone()),
        ..view
    }
}

pub(super) fn percentile(values: &[f64], share: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().checked_sub(1)?;
    sorted.get((last as f64 * share).round() as usize).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_is_counted_for_the_first_peer_whose_header_fits() {
        let came = |failed| Received {
            failed,
            ..Received::default()
        };
        let mut messages = BTreeMap::from([
            ("RIS|EAST".to_owned(), came(1)),
            ("RIS|WEST".to_owned(), came(2)),
            ("ADT|EAST".to_owned(), came(4)),
        ]);
        let ris = [Some("RIS".to_owned()), None];
        assert_eq!(taken(&mut messages, &ris).failed, 3);
        assert_eq!(messages.len(), 1);
        assert_eq!(taken(&mut messages, &[None, None]).failed, 4);
    }

    #[test]
    fn a_refusal_is_told_before_a_delay_and_a_delay_before_work() {
        let view = || blank(&Neighbour::new(ConnectionKind::Hl7Out, "RIS"));
        let of = |waiting, refused, last_error: Option<&str>| {
            let fares = Sent {
                waiting,
                refused,
                last_error: last_error.map(str::to_owned),
                seconds: (1..=100).map(f64::from).collect(),
                ..Sent::default()
            };
            sent(view(), Some(&fares))
        };
        assert_eq!(sent(view(), None).state, ConnectionState::Unused);
        assert_eq!(of(0, 0, None).state, ConnectionState::Working);
        assert_eq!(of(2, 0, None).state, ConnectionState::Working, "on its way");
        assert_eq!(of(2, 0, Some("no answer")).state, ConnectionState::Waiting);
        assert_eq!(of(2, 1, Some("AE")).state, ConnectionState::Refusing);
        assert_eq!(of(0, 0, None).p95_seconds, Some(95.0));
    }
}
