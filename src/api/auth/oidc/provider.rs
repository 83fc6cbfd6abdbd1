//! The provider as we know it: where its endpoints are and which keys it signs with, fetched when somebody needs them and
//! kept for a while; a key that we do not know makes us look again.

use chrono::TimeDelta;
use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreAuthenticationFlow, CoreErrorResponseType, CoreGenderClaim,
    CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreProviderMetadata,
    CoreRevocableToken, CoreRevocationErrorResponse, CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AuthorizationCode, ClaimsVerificationError, Client, ClientId, ClientSecret, CsrfToken,
    EmptyExtraTokenFields, EndpointMaybeSet, EndpointNotSet, EndpointSet, IdToken, IdTokenFields, IssuerUrl,
    Nonce, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope,
    SignatureVerificationError, StandardErrorResponse, StandardTokenResponse, TokenResponse, reqwest,
};
use tocsin_domain::clock::Timestamp;
use tokio::sync::Mutex;

use super::OidcSettings;
use super::claims::{Further, role_of};
use super::fetch::{self, FetchError, fetch};
use super::journey::{Journey, Purpose};
use crate::api::auth::Role;
use crate::storage::people::Identity;

/// What we know of the provider is fetched again after this time.
const KEPT: TimeDelta = TimeDelta::hours(1);
/// A provider that could not be reached is not asked again sooner, nor for a key that we do not know.
const PATIENCE: TimeDelta = TimeDelta::seconds(10);
/// By how much clocks may differ.
const SKEW: TimeDelta = TimeDelta::seconds(60);

/// Those with a public key: whoever can check a token must not be able to make one.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 6] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

type Token = IdToken<Further, CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm>;
type Tokens = StandardTokenResponse<
    IdTokenFields<
        Further,
        EmptyExtraTokenFields,
        CoreGenderClaim,
        CoreJweContentEncryptionAlgorithm,
        CoreJwsSigningAlgorithm,
    >,
    CoreTokenType,
>;
type Known = Client<
    Further,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    Tokens,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// Why the provider let nobody in.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    #[error("the provider is out of reach, or does not answer as one should: {0}")]
    Down(String),
    /// The code was used before, is too old, or was never given out.
    #[error("the provider did not take the code")]
    Code,
    #[error("what the provider signed does not hold: {0}")]
    Token(String),
    /// Asked to let somebody prove who they are again, it remembered an earlier time.
    #[error("the provider did not ask again who is there")]
    NotAsked,
}

/// What the provider says of somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vouched {
    pub identity: Identity,
    pub preferred_name: String,
    /// None of ours, where the claim names none.
    pub role: Option<Role>,
}

pub struct Provider {
    pub settings: OidcSettings,
    http: reqwest::Client,
    known: Mutex<Option<Looked>>,
}

/// What we last found out, and when.
struct Looked {
    found: Option<CoreProviderMetadata>,
    at: Timestamp,
}

impl Provider {
    /// Asks nobody yet.
    ///
    /// # Errors
    /// Certificates that are none.
    pub fn new(settings: OidcSettings) -> Result<Self, reqwest::Error> {
        Ok(Self {
            http: fetch::client(settings.certificates.as_deref())?,
            settings,
            known: Mutex::default(),
        })
    }

    /// Where the browser is sent.
    pub async fn entrance(
        &self,
        journey: &Journey,
        key: &[u8],
        redirect: &str,
        now: Timestamp,
    ) -> Result<String, ProviderError> {
        let client = self.client(&self.metadata(KEPT, now).await?, redirect)?;
        let (state, nonce) = (journey.state(key), journey.nonce(key));
        let verifier = PkceCodeVerifier::new(journey.verifier(key));
        let mut request = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                move || CsrfToken::new(state),
                move || Nonce::new(nonce),
            )
            .add_scopes(self.settings.scopes.iter().cloned().map(Scope::new))
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier));
        if matches!(journey.purpose, Purpose::Prove { .. }) {
            request = request
                .add_prompt(CoreAuthPrompt::Login)
                .set_max_age(std::time::Duration::ZERO);
        }
        Ok(request.url().0.to_string())
    }

    /// Turns the code that came back into what the provider says of somebody.
    pub async fn vouch(
        &self,
        journey: &Journey,
        key: &[u8],
        code: String,
        redirect: &str,
        now: Timestamp,
    ) -> Result<Vouched, ProviderError> {
        let client = self.client(&self.metadata(KEPT, now).await?, redirect)?;
        let tokens = client
            .exchange_code(AuthorizationCode::new(code))
            .map_err(|error| ProviderError::Down(error.to_string()))?
            .set_pkce_verifier(PkceCodeVerifier::new(journey.verifier(key)))
            .request_async(&|request| fetch(&self.http, request))
            .await
            .map_err(|error| refusal(&error))?;
        let token = tokens
            .id_token()
            .ok_or_else(|| ProviderError::Token("there is no ID token".to_owned()))?;
        let nonce = Nonce::new(journey.nonce(key));
        match self.read(&client, token, journey, &nonce, now) {
            Err(Unread::UnknownKey) => {
                let fresh = self.client(&self.metadata(PATIENCE, now).await?, redirect)?;
                self.read(&fresh, token, journey, &nonce, now)
            }
            read => read,
        }
        .map_err(ProviderError::from)
    }

    fn read(
        &self,
        client: &Known,
        token: &Token,
        journey: &Journey,
        nonce: &Nonce,
        now: Timestamp,
    ) -> Result<Vouched, Unread> {
        let verifier = client
            .id_token_verifier()
            .set_allowed_algs(ALGORITHMS)
            .set_time_fn(move || now);
        let claims = token.claims(&verifier, nonce)?;
        let earliest = journey.began_at() - SKEW.num_seconds();
        let asked = claims.auth_time().is_some_and(|at| at.timestamp() >= earliest);
        if matches!(journey.purpose, Purpose::Prove { .. }) && !asked {
            return Err(Unread::NotAsked);
        }
        let preferred = claims.preferred_username().map(|name| name.as_str());
        let mail = claims.email().map(|mail| mail.as_str());
        let (claim, roles) = (&self.settings.role_claim, &self.settings.roles);
        Ok(Vouched {
            identity: Identity {
                issuer: claims.issuer().to_string(),
                subject: claims.subject().to_string(),
            },
            preferred_name: preferred.or(mail).unwrap_or_default().to_owned(),
            role: role_of(&claims.additional_claims().all, claim, roles),
        })
    }

    fn client(&self, metadata: &CoreProviderMetadata, redirect: &str) -> Result<Known, ProviderError> {
        let redirect =
            RedirectUrl::new(redirect.to_owned()).map_err(|error| ProviderError::Down(error.to_string()))?;
        let secret = self.settings.client_secret.clone().map(ClientSecret::new);
        let id = ClientId::new(self.settings.client_id.clone());
        Ok(Known::from_provider_metadata(metadata.clone(), id, secret).set_redirect_uri(redirect))
    }

    /// What is known of the provider, no older than `oldest`. One asks at a time; the others wait for what it finds.
    async fn metadata(
        &self,
        oldest: TimeDelta,
        now: Timestamp,
    ) -> Result<CoreProviderMetadata, ProviderError> {
        let mut known = self.known.lock().await;
        if let Some(Looked { found, at }) = &*known {
            match found {
                Some(metadata) if now < *at + oldest => return Ok(metadata.clone()),
                None if now < *at + PATIENCE => {
                    return Err(ProviderError::Down("it did not answer just now".to_owned()));
                }
                Some(_) | None => {}
            }
        }
        let down = |error: &dyn std::error::Error| ProviderError::Down(told(error));
        let issuer = IssuerUrl::new(self.settings.issuer.clone()).map_err(|error| down(&error))?;
        let found = CoreProviderMetadata::discover_async(issuer, &|request| fetch(&self.http, request)).await;
        *known = Some(Looked {
            found: found.as_ref().ok().cloned(),
            at: now,
        });
        found.map_err(|error| down(&error))
    }
}

/// Why a token was not read.
enum Unread {
    UnknownKey,
    NotAsked,
    Wrong(String),
}

impl From<ClaimsVerificationError> for Unread {
    fn from(error: ClaimsVerificationError) -> Self {
        match error {
            ClaimsVerificationError::SignatureVerification(SignatureVerificationError::NoMatchingKey) => {
                Self::UnknownKey
            }
            other => Self::Wrong(told(&other)),
        }
    }
}

impl From<Unread> for ProviderError {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::UnknownKey => {
                Self::Token("it is signed with a key that is not the provider's".to_owned())
            }
            Unread::NotAsked => Self::NotAsked,
            Unread::Wrong(why) => Self::Token(why),
        }
    }
}

fn refusal(
    error: &RequestTokenError<FetchError, StandardErrorResponse<CoreErrorResponseType>>,
) -> ProviderError {
    match error {
        RequestTokenError::ServerResponse(_) => ProviderError::Code,
        RequestTokenError::Request(why) => ProviderError::Down(told(why)),
        // What came is not repeated: it may hold tokens.
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
            ProviderError::Down("its answer could not be read".to_owned())
        }
    }
}

/// An error with its causes.
fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(deeper) = cause {
        text.push_str(": ");
        text.push_str(&deeper.to_string());
        cause = deeper.source();
    }
    text
}
