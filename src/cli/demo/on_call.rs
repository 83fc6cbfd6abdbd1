//! The demonstration's people on call: read their mail, open the link in it, and press the button. They see what a phone
//! would see, and nothing else.

use super::http::{Answer, Client};
use super::mail::Mail;
use crate::cli::Failure;

/// A page as it came by mail.
#[derive(Clone, Debug)]
pub struct Page {
    pub to: String,
    /// The link's path and token.
    pub path: String,
    /// The alert it is about: hexadecimal, without hyphens.
    pub alert: String,
    /// The whole message, as it was received.
    pub mail: String,
}

/// The pages among mails.
pub fn pages(mails: &[Mail]) -> Vec<Page> {
    mails.iter().filter_map(page).collect()
}

fn page(mail: &Mail) -> Option<Page> {
    // Long lines may be folded by the quoted-printable encoding (RFC 2045 section 6.7).
    let text = mail.data.replace("=\r\n", "");
    let start = text.find("/a/")?;
    let path: String = text[start..]
        .chars()
        .take_while(|c| *c == '/' || *c == '-' || c.is_ascii_alphanumeric())
        .collect();
    let alert = path.trim_start_matches("/a/").split('-').next()?.to_owned();
    Some(Page {
        to: mail.to.join(", "),
        path,
        alert,
        mail: mail.data.clone(),
    })
}

/// Opens the link, as a person or a mail scanner does. `api` lends its address alone: the link is all the proof there is.
pub async fn open(api: &Client, page: &Page) -> Result<Answer, Failure> {
    phone(api).get(&page.path).await
}

/// Presses the button on the page.
pub async fn acknowledge(api: &Client, page: &Page) -> Result<Answer, Failure> {
    phone(api).post(&page.path).await
}

fn phone(api: &Client) -> Client {
    Client {
        address: api.address,
        token: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_link_is_found_in_a_folded_mail() {
        let mail = |data: &str| Mail {
            to: vec!["a@b".into()],
            data: data.into(),
        };
        let found = pages(&[
            mail("Subject: lunch\r\n\r\nno link here"),
            mail("Open:\r\nhttp://127.0.0.1:8080/a/0a1b-68c3-737=\r\n4-ff\r\n\r\nOpening"),
        ]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].path, "/a/0a1b-68c3-7374-ff");
        assert_eq!(found[0].alert, "0a1b");
    }
}
