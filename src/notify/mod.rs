//! Channels that carry a page to a person, and what a page says. A page names no patient; whether and whom to page is
//! decided elsewhere.

mod capture;
pub mod email;
pub mod page;
mod smtp;

pub use email::{Accepted, Email, Mailer, MailerError, SendError};
pub use page::{PageContext, PageTemplates, Rendered, TemplateFault};
