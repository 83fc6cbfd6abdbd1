//! One binary of stories and facts: each file tells one.

mod accounts;
mod api;
mod database;
mod decode;
mod demo;
mod dicom;
mod dicom_receive;
mod migrations;
mod notify_smtp;
mod report_dicom;
mod report_fhir;
mod shared;
mod story_answers;
mod story_desk;
mod story_dicomweb;
mod story_engineer;
mod story_explanation;
mod story_hemorrhage;
mod story_identity;
mod story_paging;
mod story_priors;
mod story_steps;
mod story_trouble;
mod story_unreadable;
mod story_vendors;
mod story_verdicts;
mod tidy;
mod writes;

mod hl7_meaning;
mod hl7_receive;
mod hl7_send;
mod hospital;
mod inference;
mod integrations;
