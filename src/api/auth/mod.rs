//! Who is asking, and whether they may. Every route has a line in [`super::routes::ROUTES`]; one without is refused.

pub mod factor;
pub mod guard;
pub mod principal;
pub mod role;
pub mod secret;
pub mod session;
pub mod setup;
pub mod throttle;

pub use principal::{Principal, Proof};
pub use role::{Action, Role};
