//! The decisions of Tocsin, and nothing else: what a study is, what was found, where it belongs on the list, whom to page
//! and when. Every function here takes facts and the time and returns a closed answer with its reason; none reads a
//! clock, a file, a socket or a database.

pub mod admit;
pub mod advice;
pub mod alert;
pub mod announced;
pub mod answer;
pub mod appointment;
pub mod assemble;
pub mod assessment;
pub mod audit;
pub mod clock;
pub mod code;
pub mod commitment;
pub mod compare;
pub mod comparison;
pub mod course;
pub mod dicomweb;
pub mod dimse;
pub mod explanation;
pub mod finding;
pub mod ids;
pub mod inspect;
pub mod leaving;
pub mod link;
pub mod multipart;
pub mod order;
pub mod parallel;
pub mod part10;
pub mod phi;
pub mod priors;
pub mod quantify;
pub mod reading;
pub mod repeat;
pub mod same_person;
pub mod scheduled;
pub mod sides;
pub mod silence;
pub mod study;
pub mod triage;
pub mod vendor;
pub mod volume;
pub mod wildcard;
pub mod work;
pub mod worklist;
