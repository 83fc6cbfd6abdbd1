//! The web side as a whole: the app with its guard, over both databases, asked as browsers and programs ask.

mod cds;
mod desk;
mod fhir;
mod foresight;
mod forms;
mod identity;
mod lists;
mod oidc;
mod pages;
mod policy;
mod ports;
mod repairs;
mod report;
mod schemas;
mod seed;
mod sign_in;
mod story;
mod ups;
