//! DICOM in: the listener, what it accepts and serves, and what it hands over once it is durable.

mod announce;
mod association;
pub mod attributes;
mod charset;
mod commitment;
pub mod facts;
pub mod intake;
mod line;
mod listener;
mod negotiate;
mod notices;
pub mod parts;
pub mod prescan;
mod query;
mod receive;
pub mod rows;
mod services;
mod settings;
mod sink;
pub mod small;
mod steps;
mod storing;

pub use listener::{Env, serve};
pub use negotiate::{
    Access, OTHER_STORAGE, PRIVATE_STORAGE, Part, SERVICES, STORAGE_ARC, Service, TRANSFER_SYNTAXES,
    VERIFICATION,
};
pub use notices::IAN;
pub use services::Served;
pub use settings::{Accept, Peer, PeerHost, Rights, ScpLimits, ScpSettings};
pub use sink::{
    AssociationEnd, AssociationId, ClosedAssociation, InstanceSink, ReceivedInstance, RejectedAssociation,
    StoreOutcome,
};
pub use steps::MPPS;
