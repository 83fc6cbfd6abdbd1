//! DICOM in: the listener for C-ECHO and C-STORE, what it accepts, and what it hands over once it is durable.

mod association;
mod charset;
pub mod facts;
pub mod intake;
mod listener;
mod negotiate;
pub mod prescan;
mod receive;
pub mod rows;
mod settings;
mod sink;

pub use listener::{Env, serve};
pub use negotiate::{OTHER_STORAGE, PRIVATE_STORAGE, STORAGE_ARC, TRANSFER_SYNTAXES, VERIFICATION};
pub use settings::{Accept, Peer, PeerHost, ScpLimits, ScpSettings};
pub use sink::{
    AssociationEnd, AssociationId, ClosedAssociation, InstanceSink, ReceivedInstance, RejectedAssociation,
    StoreOutcome,
};
