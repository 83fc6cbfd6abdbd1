//! DICOMweb servers as a client sees them: how one is called, and STOW-RS (PS3.18 10.5), which hands an object over. Bodies are read under
//! a limit; no redirect is followed, and no error names the address that was asked: it could name the patient.

use std::fmt;

use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::Value;
use tocsin_domain::multipart::MultipartError;
use tocsin_domain::part10::FileMeta;

use super::dicom::StoreStatus;

pub const JSON: &str = "application/dicom+json";
/// Longest answer to an object that was handed over.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// A DICOMweb server.
#[derive(Clone)]
pub struct WebPeer {
    /// Below it lies `/studies`; without a slash at its end.
    pub base: String,
    pub credentials: Option<Credentials>,
    pub client: Client,
}

/// How we say who we are; never printed.
#[derive(Clone)]
pub enum Credentials {
    Bearer(String),
    Basic { user: String, password: String },
}

impl fmt::Debug for WebPeer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebPeer")
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}

#[derive(Debug, thiserror::Error)]
pub enum WebError {
    #[error("the server could not be reached, or broke off")]
    Reach(#[source] reqwest::Error),
    #[error("the server answered with status {0}")]
    Status(StatusCode),
    #[error("the answer is longer than {0} bytes")]
    TooLarge(usize),
    #[error("the answer is not a list in DICOM's JSON")]
    NotJson,
    #[error("the answer is not multipart/related: {0}")]
    Multipart(#[source] MultipartError),
    #[error("the answer is of type {0}, expected multipart/related with a boundary")]
    NotMultipart(String),
    #[error("what is to be sent is not a DICOM file")]
    NotDicom,
    #[error("the server took the object and did not say what became of it")]
    Silent,
}

impl WebError {
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Reach(_) => true,
            Self::Status(status) => status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS,
            Self::TooLarge(_)
            | Self::NotJson
            | Self::Multipart(_)
            | Self::NotMultipart(_)
            | Self::NotDicom
            | Self::Silent => false,
        }
    }

    /// Whether the server has judged what was sent, and will judge it the same way again. Who we are, and where it is, may be mended.
    pub fn is_about_the_object(&self) -> bool {
        match self {
            Self::Status(status) => matches!(
                *status,
                StatusCode::BAD_REQUEST
                    | StatusCode::CONFLICT
                    | StatusCode::PAYLOAD_TOO_LARGE
                    | StatusCode::UNSUPPORTED_MEDIA_TYPE
                    | StatusCode::UNPROCESSABLE_ENTITY
            ),
            Self::NotDicom => true,
            Self::Reach(_)
            | Self::TooLarge(_)
            | Self::NotJson
            | Self::Multipart(_)
            | Self::NotMultipart(_)
            | Self::Silent => false,
        }
    }
}

impl WebPeer {
    fn authorised(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.credentials {
            Some(Credentials::Bearer(token)) => request.bearer_auth(token),
            Some(Credentials::Basic { user, password }) => request.basic_auth(user, Some(password)),
            None => request,
        }
    }
}

pub async fn get(peer: &WebPeer, path: &str, accept: &str) -> Result<Response, WebError> {
    let request = peer
        .client
        .get(format!("{}{path}", peer.base))
        .header(ACCEPT, accept);
    let answer = peer.authorised(request).send().await.map_err(reach)?;
    match answer.status() {
        // 206: what of it could be had (PS3.18 10.4.3).
        StatusCode::OK | StatusCode::NO_CONTENT | StatusCode::PARTIAL_CONTENT => Ok(answer),
        status => Err(WebError::Status(status)),
    }
}

pub fn reach(error: reqwest::Error) -> WebError {
    WebError::Reach(error.without_url())
}

pub async fn body(mut answer: Response, most: usize) -> Result<Vec<u8>, WebError> {
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(reach)? {
        if body.len() + piece.len() > most {
            return Err(WebError::TooLarge(most));
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

/// Asks for one study, whichever: that the server answers, and lets us in.
pub async fn reachable(peer: &WebPeer) -> Result<(), WebError> {
    get(peer, "/studies?limit=1", JSON).await.map(|_| ())
}

/// Hands a DICOM file over, and reads what became of it.
///
/// # Errors
/// The server cannot be reached, does not let us in, or does not speak STOW-RS.
pub async fn store(peer: &WebPeer, file: &[u8]) -> Result<StoreStatus, WebError> {
    let (meta, _) = FileMeta::read(file).map_err(|_| WebError::NotDicom)?;
    let boundary = boundary(file);
    let head = format!("--{boundary}\r\nContent-Type: application/dicom\r\n\r\n");
    let tail = format!("\r\n--{boundary}--\r\n");
    let request = peer
        .client
        .post(format!("{}/studies", peer.base))
        .header(ACCEPT, JSON)
        .header(
            CONTENT_TYPE,
            format!("multipart/related; type=\"application/dicom\"; boundary={boundary}"),
        )
        .body([head.as_bytes(), file, tail.as_bytes()].concat());
    let answer = peer.authorised(request).send().await.map_err(reach)?;
    let status = answer.status();
    let told = status.is_success() || status == StatusCode::CONFLICT;
    if !told {
        return Err(WebError::Status(status));
    }
    let said = body(answer, MAX_ANSWER_BYTES).await?;
    let said = serde_json::from_slice(&said).unwrap_or(Value::Null);
    match outcome(&said, meta.sop_instance.as_str()) {
        Some(outcome) => Ok(outcome),
        // Some servers say nothing where all went well.
        None if status == StatusCode::OK => Ok(StoreStatus::Stored),
        None if status == StatusCode::CONFLICT => Err(WebError::Status(status)),
        None => Err(WebError::Silent),
    }
}

/// A boundary that does not occur in what it bounds.
fn boundary(file: &[u8]) -> String {
    let occurs = |boundary: &str| {
        let finder = boundary.as_bytes();
        file.windows(finder.len()).any(|part| part == finder)
    };
    let mut candidates = (0..u32::MAX).map(|number| format!("tocsin-{number:08x}"));
    candidates.find(|boundary| !occurs(boundary)).unwrap_or_default()
}

/// What an answer says of an instance (PS3.18 annex I.2).
fn outcome(said: &Value, instance: &str) -> Option<StoreStatus> {
    // A list of one is what some servers make of it.
    let said = said.get(0).unwrap_or(said);
    let items = |tag: &str| said[tag]["Value"].as_array().cloned().unwrap_or_default();
    let first = |item: &Value, tag: &str| item[tag]["Value"][0].clone();
    let own = |item: &&Value| first(item, "00081155") == instance;
    let code = |item: &Value, tag: &str| {
        first(item, tag)
            .as_u64()
            .and_then(|code| u16::try_from(code).ok())
    };
    let status = |code: u16| StoreStatus::of(code, String::new());
    if let Some(item) = items("00081199").iter().find(own) {
        return Some(
            code(item, "00081196").map_or(StoreStatus::Stored, |warning| match status(warning) {
                StoreStatus::Refused { status, comment } => {
                    StoreStatus::StoredWithWarning { status, comment }
                }
                other => other,
            }),
        );
    }
    let failed = [items("00081198"), items("0008119A")].concat();
    // Only one was sent: a failure that names none is of it.
    let item = failed.iter().find(own).or(failed.first())?;
    Some(match code(item, "00081197") {
        Some(code) if code != 0 => status(code),
        Some(_) | None => StoreStatus::Refused {
            status: 0x0110,
            comment: "without a reason".to_owned(),
        },
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn item(instance: &str, tag: &str, code: u16) -> Value {
        json!({ "00081155": { "vr": "UI", "Value": [instance] }, tag: { "vr": "US", "Value": [code] } })
    }

    #[test]
    fn an_answer_says_what_became_of_the_one_object() {
        let failed = json!({ "00081198": { "vr": "SQ", "Value": [item("1.2", "00081197", 0xA700)] } });
        assert_eq!(
            outcome(&failed, "1.2"),
            Some(StoreStatus::Refused {
                status: 0xA700,
                comment: String::new()
            })
        );
        let stored = json!({ "00081199": { "vr": "SQ", "Value": [{ "00081155": { "Value": ["1.2"] } }] } });
        assert_eq!(outcome(&stored, "1.2"), Some(StoreStatus::Stored));
        let warned = json!([{ "00081199": { "Value": [item("1.2", "00081196", 0xB000)] } }]);
        assert!(matches!(
            outcome(&warned, "1.2"),
            Some(StoreStatus::StoredWithWarning { status: 0xB000, .. })
        ));
        let unnamed = json!({ "0008119A": { "Value": [{ "00081197": { "Value": [0xC000] } }] } });
        assert!(matches!(
            outcome(&unnamed, "1.2"),
            Some(StoreStatus::Refused { status: 0xC000, .. })
        ));
        for silent in [
            json!(null),
            json!({}),
            json!([]),
            json!("no"),
            json!({ "00081199": 7 }),
        ] {
            assert_eq!(outcome(&silent, "1.2"), None, "{silent}");
        }
    }

    #[test]
    fn a_boundary_does_not_occur_in_the_file() {
        assert_eq!(boundary(b"tocsin-00000000 tocsin-00000001"), "tocsin-00000002");
    }
}
