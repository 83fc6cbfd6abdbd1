//! Who is asking, and whether they may. Every route has a line in [`super::routes`]; one without is refused.

pub mod back;
pub mod credentials;
pub mod ehr;
pub mod entry;
pub mod factor;
pub mod guard;
pub mod oidc;
pub mod presence;
pub mod principal;
pub mod prove;
pub mod role;
pub mod secret;
pub mod session;
pub mod setup;
pub mod throttle;

pub use principal::{Means, Principal, Proof};
pub use role::{Action, Role};
