//! What arrives: HL7 messages, patients, orders and reports; studies, series and instances.
//! An inbound message is unique by sender, control id and content, because engines reset their counters.

use sea_orm_migration::prelude::*;

use crate::columns::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        messages(manager).await?;
        patients_and_orders(manager).await?;
        studies(manager).await?;
        instances(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(
            manager,
            &[
                "learned_idle",
                "quarantine",
                "instance",
                "series",
                "study",
                "report",
                "imaging_order",
                "patient",
                "message",
            ],
        )
        .await
    }
}

async fn messages(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let columns = [
        id(),
        text("site"),
        text("direction"),
        text("peer"),
        text("control_id"),
        text("sha256"),
        text("kind"),
        text("state"),
        text_null("ack_code"),
        bytes_null("ack"),
        bytes("raw"),
        text_null("event"),
        text_null("problem"),
        flag("flagged"),
        text_null("study_id"),
        big("created_at"),
        big("updated_at"),
    ];
    table(manager, "message", columns).await?;
    unique(manager, "message", &["direction", "peer", "control_id", "sha256"]).await?;
    index(manager, "message", &["created_at"]).await?;
    index(manager, "message", &["study_id"]).await
}

async fn patients_and_orders(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let patient = [
        id(),
        text("site"),
        text("authority"),
        text("identifier"),
        text_null("name"),
        text_null("birth_date"),
        text_null("sex"),
        text_null("merged_into"),
        big("told_at"),
        big("updated_at"),
    ];
    table(manager, "patient", patient).await?;
    unique(manager, "patient", &["site", "authority", "identifier"]).await?;
    let order = [
        id(),
        text("site"),
        text_null("patient_id"),
        text_null("accession"),
        text_null("study_uid"),
        text_null("placer_number"),
        text_null("placer_namespace"),
        text_null("filler_number"),
        text_null("filler_namespace"),
        text("state"),
        text("record"),
        text_null("raised_from"),
        big("created_at"),
        big("updated_at"),
    ];
    table(manager, "imaging_order", order).await?;
    index(manager, "imaging_order", &["site", "accession"]).await?;
    index(manager, "imaging_order", &["site", "study_uid"]).await?;
    index(manager, "imaging_order", &["site", "filler_number"]).await?;
    index(manager, "imaging_order", &["site", "placer_number"]).await?;
    let report = [
        id(),
        text("site"),
        text_null("study_id"),
        text_null("order_id"),
        text("message_id"),
        text("status"),
        text("event"),
        big("told_at"),
        big("created_at"),
    ];
    table(manager, "report", report).await?;
    index(manager, "report", &["study_id"]).await?;
    index(manager, "report", &["order_id"]).await
}

async fn studies(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let study = [
        id(),
        text("site"),
        text("study_uid"),
        text_null("accession"),
        text_null("patient_identifier"),
        text_null("patient_authority"),
        text_null("patient_name"),
        text_null("birth_date"),
        text_null("sex"),
        text("modality"),
        text("description"),
        text("sender_ae"),
        text_null("order_id"),
        text("link"),
        text_null("link_detail"),
        text_null("link_resolved_by"),
        text("state"),
        text_null("facts"),
        big("instances"),
        big("arrived_at"),
        big("last_instance_at"),
        small("human_band"),
        small("band"),
        number("score"),
        text("reasons"),
        text_null("verdict"),
        flag("on_worklist"),
        text_null("claimed_by"),
        big_null("claimed_at"),
        text_null("report_status"),
        big("updated_at"),
    ];
    table(manager, "study", study).await?;
    unique(manager, "study", &["site", "study_uid"]).await?;
    index(manager, "study", &["site", "accession"]).await?;
    index(manager, "study", &["on_worklist", "band", "arrived_at"]).await?;
    index(manager, "study", &["link"]).await?;
    let series = [
        id(),
        text("study_id"),
        text("series_uid"),
        text("state"),
        text_null("facts"),
        big("instances"),
        big_null("released_at"),
        big("last_instance_at"),
        big("updated_at"),
    ];
    table(manager, "series", series).await?;
    unique(manager, "series", &["study_id", "series_uid"]).await
}

async fn instances(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let instance = [
        id(),
        text("site"),
        text("study_id"),
        text("series_id"),
        text("sop_uid"),
        text("sop_class"),
        text("transfer_syntax"),
        text("sha256"),
        big("length"),
        text("calling_ae"),
        text("facts"),
        text_null("problems"),
        big("received_at"),
    ];
    table(manager, "instance", instance).await?;
    unique(manager, "instance", &["site", "sop_uid"]).await?;
    index(manager, "instance", &["series_id"]).await?;
    index(manager, "instance", &["study_id"]).await?;
    let quarantine = [
        id(),
        text("site"),
        text("sop_uid"),
        text("study_uid"),
        text("sha256"),
        big("length"),
        text("transfer_syntax"),
        text("calling_ae"),
        text("reason"),
        text("kept_sha256"),
        text("state"),
        text_null("resolved_by"),
        big("received_at"),
        big("updated_at"),
    ];
    table(manager, "quarantine", quarantine).await?;
    unique(manager, "quarantine", &["site", "sop_uid", "sha256"]).await?;
    // How long a sender pauses between two images of a protocol, learned from what was seen.
    table(
        manager,
        "learned_idle",
        [
            text("sender").primary_key().take(),
            text("learned"),
            big("updated_at"),
        ],
    )
    .await
}
