//! One mail to one SMTP server, command by command, each with its own deadline: a server that hangs is noticed, and what
//! was surely not delivered is told apart from what may have been. Keeps no connection open.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use lettre::Message;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::Response;

use super::email::{Accepted, MailerError, SendError};
use crate::config::alerts::{self, SmtpTls};

const CONNECT: Duration = Duration::from_secs(5);

/// How to reach the server. Its `Debug` shows no credentials.
#[derive(Clone)]
pub struct Smtp {
    host: String,
    port: u16,
    security: Security,
    credentials: Option<Credentials>,
    connect: Duration,
    command: Duration,
}

/// TLS is asked for and insisted on, never "if available".
#[derive(Clone)]
enum Security {
    Plain,
    StartTls(TlsParameters),
    Implicit(TlsParameters),
}

impl fmt::Debug for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Smtp({}:{})", self.host, self.port)
    }
}

impl Smtp {
    pub fn from_config(config: &alerts::Smtp) -> Result<Self, MailerError> {
        let tls = || TlsParameters::new_rustls(config.host.clone()).map_err(MailerError::Tls);
        let security = match config.tls {
            SmtpTls::None if is_loopback(&config.host) => Security::Plain,
            SmtpTls::None => {
                return Err(MailerError::PlainOffLoopback {
                    host: config.host.clone(),
                });
            }
            SmtpTls::Starttls => Security::StartTls(tls()?),
            SmtpTls::Implicit => Security::Implicit(tls()?),
        };
        let credentials = match (&config.user, &config.password_file) {
            (Some(user), Some(file)) => {
                let text = std::fs::read_to_string(file).map_err(MailerError::Password)?;
                let password = text.lines().next().unwrap_or("").to_owned();
                Some(Credentials::new(user.clone(), password))
            }
            (None, _) | (_, None) => None,
        };
        Ok(Self {
            host: config.host.clone(),
            port: config.port,
            security,
            credentials,
            connect: CONNECT.min(config.timeout()),
            command: config.timeout(),
        })
    }

    pub async fn send(&self, message: &Message) -> Result<Accepted, SendError> {
        let mut connection = self.open().await?;
        let outcome = self.converse(&mut connection, message).await;
        // The answer counts; saying goodbye is a courtesy.
        let _ = tokio::time::timeout(self.connect, connection.abort()).await;
        outcome
    }

    /// Connected, greeted, encrypted and signed in.
    async fn open(&self) -> Result<AsyncSmtpConnection, SendError> {
        let hello = ClientId::default();
        let implicit = match &self.security {
            Security::Implicit(tls) => Some(tls.clone()),
            Security::Plain | Security::StartTls(_) => None,
        };
        let server = (self.host.as_str(), self.port);
        let connecting =
            AsyncSmtpConnection::connect_tokio1(server, Some(self.connect), &hello, implicit, None);
        // The greeting and EHLO belong to this step too.
        let mut connection = before(self.connect + self.command, "connecting", connecting).await?;
        if let Security::StartTls(tls) = &self.security {
            before(self.command, "STARTTLS", connection.starttls(tls.clone(), &hello)).await?;
        }
        if let Some(credentials) = &self.credentials {
            before(
                self.command,
                "AUTH",
                connection.auth(DEFAULT_MECHANISMS, credentials),
            )
            .await?;
        }
        Ok(connection)
    }

    async fn converse(
        &self,
        connection: &mut AsyncSmtpConnection,
        message: &Message,
    ) -> Result<Accepted, SendError> {
        let envelope = message.envelope();
        let mail = Mail::new(envelope.from().cloned(), Vec::new());
        before(self.command, "MAIL", connection.command(mail)).await?;
        for recipient in envelope.to() {
            let rcpt = Rcpt::new(recipient.clone(), Vec::new());
            before(self.command, "RCPT", connection.command(rcpt)).await?;
        }
        before(self.command, "DATA", connection.command(Data)).await?;
        // From here on the server may have the mail even if we never hear so.
        let answer = tokio::time::timeout(self.command, connection.message(&message.formatted())).await;
        match answer {
            Ok(Ok(response)) => Ok(Accepted {
                response: one_line(&response),
            }),
            Ok(Err(error)) if error.status().is_some() => Err(refused("the end of the mail", &error)),
            Ok(Err(error)) => Err(SendError::Unknown {
                reason: format!("after the mail: {}", causes(&error)),
            }),
            Err(_) => Err(SendError::Unknown {
                reason: format!(
                    "after the mail: no answer within {} s",
                    self.command.as_secs_f32()
                ),
            }),
        }
    }
}

/// A step before the mail itself: whatever goes wrong, nothing was delivered.
async fn before<T>(
    limit: Duration,
    step: &'static str,
    work: impl Future<Output = Result<T, lettre::transport::smtp::Error>>,
) -> Result<T, SendError> {
    match tokio::time::timeout(limit, work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(refused(step, &error)),
        Err(_) => Err(SendError::Transient {
            reason: format!("{step}: no answer within {} s", limit.as_secs_f32()),
        }),
    }
}

/// Only a 5xx answer is final; TLS, network and configuration can be mended while the page waits.
fn refused(step: &str, error: &lettre::transport::smtp::Error) -> SendError {
    let reason = format!("{step}: {}", causes(error));
    match error.is_permanent() {
        true => SendError::Permanent { reason },
        false => SendError::Transient { reason },
    }
}

/// The error and what lies behind it, in one line.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text.replace(['\r', '\n'], " ")
}

fn one_line(response: &Response) -> String {
    let words: Vec<&str> = response.message().collect();
    format!("{} {}", response.code(), words.join(" "))
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
