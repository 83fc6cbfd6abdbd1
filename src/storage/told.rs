//! Rows that other systems ask for, newest first, as far as they may be told of. A piece goes on from the row at which the
//! one before it ended, and may begin with that row again.

use sea_orm::sea_query::{Query, SelectStatement};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect,
};

use super::disclosure;
use super::entity::{alert, analysis, audit_entry, imaging_order, notification, patient, result, study};
use super::error::StoreError;
use super::holds;

/// Merges that are followed at most, backwards.
const CHAIN: usize = 32;

/// The row to go on from, itself included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resume {
    /// Microseconds since 1970 UTC.
    pub at: i64,
    pub id: String,
}

/// What is asked for, as far as a query can tell; whoever asks judges each row again.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    pub ids: Option<Vec<String>>,
    pub patients: Option<Whose>,
    /// Ids of orders and of studies.
    pub orders: Option<Vec<String>>,
    pub studies: Option<Vec<String>>,
    /// Accession, placer and filler numbers, or Study Instance UIDs.
    pub numbers: Option<Vec<String>>,
    /// In the column by which the rows are ordered.
    pub from: Option<i64>,
    pub before: Option<i64>,
}

/// Some patients.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Whose {
    /// Ids of records, those that were merged into them included.
    pub records: Vec<String>,
    /// Studies without an order, whose images name the patient.
    pub studies: Vec<String>,
}

/// The records that lead to these after merges, these included.
pub async fn members(conn: &impl ConnectionTrait, survivors: Vec<String>) -> Result<Vec<String>, StoreError> {
    let mut all = survivors.clone();
    let mut last = survivors;
    for _ in 0..CHAIN {
        if last.is_empty() {
            break;
        }
        last = patient::Entity::find()
            .filter(patient::Column::MergedInto.is_in(last))
            .select_only()
            .column(patient::Column::Id)
            .into_tuple()
            .all(conn)
            .await?;
        last.retain(|id| !all.contains(id));
        all.extend(last.iter().cloned());
    }
    Ok(all)
}

/// Studies without an order whose images bear this number; a person has decided that they have none.
pub async fn imaged(conn: &impl ConnectionTrait, number: &str) -> Result<Vec<study::Model>, StoreError> {
    Ok(study::Entity::find()
        .filter(disclosure::disclosed())
        .filter(study::Column::OrderId.is_null())
        .filter(study::Column::PatientIdentifier.eq(number))
        .all(conn)
        .await?)
}

fn of_patients(whose: &Whose) -> SelectStatement {
    Query::select()
        .column(imaging_order::Column::Id)
        .from(imaging_order::Entity)
        .cond_where(imaging_order::Column::PatientId.is_in(whose.records.iter().cloned()))
        .to_owned()
}

impl Wanted {
    /// What is asked of the study that a row is about.
    fn of_study(&self) -> Condition {
        let mut which = Condition::all();
        if let Some(whose) = &self.patients {
            let ordered = study::Column::OrderId.in_subquery(of_patients(whose));
            let imaged = study::Column::OrderId
                .is_null()
                .and(study::Column::Id.is_in(whose.studies.iter().cloned()));
            which = which.add(Condition::any().add(ordered).add(imaged));
        }
        if let Some(orders) = &self.orders {
            which = which.add(study::Column::OrderId.is_in(orders.iter().cloned()));
        }
        if let Some(studies) = &self.studies {
            which = which.add(study::Column::Id.is_in(studies.iter().cloned()));
        }
        which
    }

    fn of_row<C: ColumnTrait>(&self, id: C, at: C, after: Option<&Resume>) -> Condition {
        let mut which = Condition::all();
        if let Some(ids) = &self.ids {
            which = which.add(id.is_in(ids.iter().cloned()));
        }
        if let Some(from) = self.from {
            which = which.add(at.gte(from));
        }
        if let Some(before) = self.before {
            which = which.add(at.lt(before));
        }
        if let Some(after) = after {
            let same = Condition::all()
                .add(at.eq(after.at))
                .add(id.lte(after.id.as_str()));
            which = which.add(Condition::any().add(at.lt(after.at)).add(same));
        }
        which
    }
}

pub async fn studies(
    conn: &impl ConnectionTrait,
    wanted: &Wanted,
    after: Option<&Resume>,
    limit: u64,
) -> Result<Vec<study::Model>, StoreError> {
    use study::Column;
    let mut select = study::Entity::find()
        .filter(disclosure::disclosed())
        .filter(wanted.of_study())
        .filter(wanted.of_row(Column::Id, Column::ArrivedAt, after));
    if let Some(numbers) = &wanted.numbers {
        let named = Column::Accession
            .is_in(numbers.iter().cloned())
            .or(Column::StudyUid.is_in(numbers.iter().cloned()));
        let ordered = Query::select()
            .column(imaging_order::Column::Id)
            .from(imaging_order::Entity)
            .cond_where(imaging_order::Column::Accession.is_in(numbers.iter().cloned()))
            .to_owned();
        select = select.filter(named.or(Column::OrderId.in_subquery(ordered)));
    }
    Ok(select
        .order_by_desc(Column::ArrivedAt)
        .order_by_desc(Column::Id)
        .limit(limit)
        .all(conn)
        .await?)
}

/// Results that no newer one has replaced, and that do not wait for a radiologist to let them go.
pub async fn results(
    conn: &impl ConnectionTrait,
    wanted: &Wanted,
    after: Option<&Resume>,
    limit: u64,
) -> Result<Vec<result::Model>, StoreError> {
    use result::Column;
    Ok(result::Entity::find()
        .filter(Column::SupersededBy.is_null())
        .filter(Column::AnalysisId.not_in_subquery(holds::waiting()))
        .filter(Column::StudyId.in_subquery(disclosure::ids(wanted.of_study())))
        .filter(wanted.of_row(Column::Id, Column::CreatedAt, after))
        .order_by_desc(Column::CreatedAt)
        .order_by_desc(Column::Id)
        .limit(limit)
        .all(conn)
        .await?)
}

/// Pages, each with its alert.
pub async fn pages(
    conn: &impl ConnectionTrait,
    wanted: &Wanted,
    after: Option<&Resume>,
    limit: u64,
) -> Result<Vec<(notification::Model, alert::Model)>, StoreError> {
    use notification::Column;
    let alerts = Query::select()
        .column(alert::Column::Id)
        .from(alert::Entity)
        .cond_where(alert::Column::StudyId.in_subquery(disclosure::ids(wanted.of_study())))
        .to_owned();
    let pages = notification::Entity::find()
        .filter(Column::AlertId.in_subquery(alerts))
        .filter(wanted.of_row(Column::Id, Column::CreatedAt, after))
        .order_by_desc(Column::CreatedAt)
        .order_by_desc(Column::Id)
        .limit(limit)
        .all(conn)
        .await?;
    let ids = pages.iter().map(|page| page.alert_id.clone());
    let alerts = alert::Entity::find()
        .filter(alert::Column::Id.is_in(ids))
        .all(conn)
        .await?;
    let of = |page: notification::Model| {
        let alert = alerts.iter().find(|alert| alert.id == page.alert_id)?.clone();
        Some((page, alert))
    };
    Ok(pages.into_iter().filter_map(of).collect())
}

/// Orders that name somebody.
pub async fn orders(
    conn: &impl ConnectionTrait,
    wanted: &Wanted,
    after: Option<&Resume>,
    limit: u64,
) -> Result<Vec<imaging_order::Model>, StoreError> {
    use imaging_order::Column;
    let mut select = imaging_order::Entity::find()
        .filter(Column::PatientId.is_not_null())
        .filter(wanted.of_row(Column::Id, Column::CreatedAt, after));
    if let Some(whose) = &wanted.patients {
        select = select.filter(Column::PatientId.is_in(whose.records.iter().cloned()));
    }
    if let Some(numbers) = &wanted.numbers {
        let one_of = |column: Column| column.is_in(numbers.iter().cloned());
        let named = Condition::any()
            .add(one_of(Column::Accession))
            .add(one_of(Column::PlacerNumber))
            .add(one_of(Column::FillerNumber));
        select = select.filter(named);
    }
    Ok(select
        .order_by_desc(Column::CreatedAt)
        .order_by_desc(Column::Id)
        .limit(limit)
        .all(conn)
        .await?)
}

/// Entries of the audit chain, the last first. Their number is their order; `from` and `before` are instants.
pub async fn audit_entries(
    conn: &impl ConnectionTrait,
    wanted: &Wanted,
    after: Option<&Resume>,
    limit: u64,
) -> Result<Vec<audit_entry::Model>, StoreError> {
    use audit_entry::Column;
    let mut select = audit_entry::Entity::find();
    if let Some(ids) = &wanted.ids {
        let numbers = ids.iter().filter_map(|id| id.parse::<i64>().ok());
        select = select.filter(Column::Seq.is_in(numbers));
    }
    if let Some(from) = wanted.from {
        select = select.filter(Column::At.gte(from));
    }
    if let Some(before) = wanted.before {
        select = select.filter(Column::At.lt(before));
    }
    if let Some(after) = after {
        select = select.filter(Column::Seq.lte(after.at));
    }
    Ok(select.order_by_desc(Column::Seq).limit(limit).all(conn).await?)
}

/// Hashes of the model packages that have given results.
pub async fn packages(conn: &impl ConnectionTrait) -> Result<Vec<String>, StoreError> {
    Ok(analysis::Entity::find()
        .filter(analysis::Column::ResultId.is_not_null())
        .select_only()
        .column(analysis::Column::Sha256)
        .distinct()
        .order_by_asc(analysis::Column::Sha256)
        .into_tuple()
        .all(conn)
        .await?)
}

/// The newest result that a model package has given.
pub async fn of_package(
    conn: &impl ConnectionTrait,
    sha256: &str,
) -> Result<Option<result::Model>, StoreError> {
    let newest = analysis::Entity::find()
        .filter(analysis::Column::Sha256.eq(sha256))
        .filter(analysis::Column::ResultId.is_not_null())
        .order_by_desc(analysis::Column::CreatedAt)
        .one(conn)
        .await?;
    match newest.and_then(|row| row.result_id) {
        Some(id) => Ok(result::Entity::find_by_id(id).one(conn).await?),
        None => Ok(None),
    }
}
