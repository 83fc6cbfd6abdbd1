//! Test pages by the same mail server and sender as real ones, about nothing and without a link that acknowledges.

use std::sync::Arc;

use async_trait::async_trait;

use crate::api::start::TestPages;
use crate::notify::Email;
use crate::pipeline::env::Env;

/// Over the mailer of the jobs.
pub struct MailedTestPages(pub Arc<Env>);

#[async_trait]
impl TestPages for MailedTestPages {
    async fn send(&self, person: &str) -> Result<String, String> {
        let env = &self.0;
        let settings = &env.settings;
        let Some(person) = settings.people.iter().find(|known| known.id == person) else {
            return Err("nobody of this id is configured".to_owned());
        };
        let text = format!(
            "This is a test page of {}. Pages about critical findings reach you this way.\n\nThere is nothing to do.\n",
            settings.site_name
        );
        let mail = Email {
            message_id: format!("<test.{}@tocsin>", env.store.ids().uuid()),
            from: settings.mail_from.clone(),
            to: person.email.clone(),
            subject: format!("[TEST] Test page of {}", settings.site_name),
            html: format!(
                "<p>{}</p>",
                handlebars::html_escape(&text).replace("\n\n", "</p><p>")
            ),
            text,
            date: env.store.now(),
        };
        let accepted = env.mailer.send(&mail).await.map_err(|error| error.to_string())?;
        Ok(accepted.response)
    }
}
