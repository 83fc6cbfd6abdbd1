//! Loads what a resource about a study refers to: the order and its patient as they stand after merges, and what one of its
//! images states.

use sea_orm::ConnectionTrait;
use tocsin_domain::ids::Uid;
use tocsin_domain::order::OrderRecord;
use tocsin_domain::phi::{Demographics, PatientIdentifier};
use tocsin_domain::study::InstanceFacts;

use super::Kind;
use crate::report::hl7_context::OrderContext;
use crate::report::{Request, StudyHeader};
use crate::storage::entity::{imaging_order, patient, study};
use crate::storage::{StoreError, instances, orders, patients};

/// The order of a study, and whom it is about.
pub struct Ordered {
    pub row: imaging_order::Model,
    pub record: OrderRecord,
    /// The one that stands after merges.
    pub patient: patient::Model,
}

impl Ordered {
    /// None where no order is linked, or where it names nobody.
    pub async fn of(conn: &impl ConnectionTrait, study: &study::Model) -> Result<Option<Self>, StoreError> {
        let Some(id) = &study.order_id else {
            return Ok(None);
        };
        let row = orders::by_id(conn, id)
            .await?
            .ok_or(StoreError::Missing("order"))?;
        Self::of_row(conn, row).await
    }

    pub async fn of_row(
        conn: &impl ConnectionTrait,
        row: imaging_order::Model,
    ) -> Result<Option<Self>, StoreError> {
        let Some(patient) = &row.patient_id else {
            return Ok(None);
        };
        let patient = patients::by_id(conn, patient)
            .await?
            .ok_or(StoreError::Missing("patient"))?;
        Ok(Some(Self {
            record: orders::record_of(&row)?,
            patient: patients::survivor(conn, patient).await?,
            row,
        }))
    }

    /// As outputs repeat it.
    pub fn context(&self, study: &study::Model) -> OrderContext {
        let identifier = PatientIdentifier {
            value: self.patient.identifier.clone(),
            authority: self.patient.authority.clone(),
        };
        let mut context = OrderContext::of(&self.record, identifier, demographics(&self.patient));
        if context.study_uid.is_none() {
            context.study_uid = Uid::parse(&study.study_uid).ok();
        }
        context
    }
}

pub fn demographics(row: &patient::Model) -> Demographics {
    Demographics {
        name: row.name.clone().map(Into::into),
        birth_date: row.birth_date.clone().map(Into::into),
        sex: row.sex.clone().map(Into::into),
    }
}

/// A study with what it stands on.
pub struct Studied {
    pub row: study::Model,
    pub ordered: Option<Ordered>,
    /// Of the instance that came first.
    pub facts: InstanceFacts,
}

impl Studied {
    pub async fn of(conn: &impl ConnectionTrait, row: study::Model) -> Result<Self, StoreError> {
        let first = instances::first_of_study(conn, &row.id).await?;
        let first = first.ok_or(StoreError::Missing("instance of the study"))?;
        Ok(Self {
            ordered: Ordered::of(conn, &row).await?,
            facts: instances::facts_of(&first)?,
            row,
        })
    }

    /// Who it is about, as `Patient/id`: the patient of its order, else the one whom its images name.
    pub fn patient(&self) -> String {
        let id = match &self.ordered {
            Some(ordered) => ordered.patient.id.clone(),
            None => super::patient::imaged_id(&self.row.id),
        };
        format!("{}/{id}", Kind::Patient.name())
    }

    /// `ServiceRequest/id`.
    pub fn order(&self) -> Option<String> {
        let ordered = self.ordered.as_ref()?;
        Some(format!("{}/{}", Kind::ServiceRequest.name(), ordered.row.id))
    }

    pub fn header(&self) -> StudyHeader {
        let request = self.ordered.as_ref().map(|ordered| Request {
            placer: ordered.record.placer.clone(),
            filler: ordered.record.filler.clone(),
            procedure: ordered.record.procedure.clone(),
        });
        StudyHeader::of(self.facts.clone(), request)
    }
}
