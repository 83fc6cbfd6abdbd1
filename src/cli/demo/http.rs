//! A small HTTP/1.1 client for the demonstration: one request per connection, to this machine. Follows no redirects and
//! speaks no TLS.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::cli::Failure;

const LIMIT: Duration = Duration::from_secs(20);
const LARGEST: u64 = 16 << 20;

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// As text; of a picture only its status means anything.
    pub body: String,
}

/// Where to ask, and the bearer token to show, if any.
#[derive(Clone, Debug)]
pub struct Client {
    pub address: SocketAddr,
    pub token: Option<String>,
}

impl Client {
    pub async fn get(&self, path: &str) -> Result<Answer, Failure> {
        self.request("GET", path, "").await
    }

    /// Without a body.
    pub async fn post(&self, path: &str) -> Result<Answer, Failure> {
        self.request("POST", path, "").await
    }

    /// With a JSON body.
    pub async fn post_json(&self, path: &str, body: &Value) -> Result<Answer, Failure> {
        self.request("POST", path, &body.to_string()).await
    }

    /// A JSON answer; any other status than 200 is a failure.
    pub async fn json(&self, path: &str) -> Result<Value, Failure> {
        let answer = self.get(path).await?;
        if answer.status != 200 {
            return Err(Failure::because(format!(
                "{path} was answered with status {}",
                answer.status
            )));
        }
        Ok(serde_json::from_str(&answer.body)?)
    }

    async fn request(&self, method: &str, path: &str, body: &str) -> Result<Answer, Failure> {
        let authorization = self.token.as_ref().map_or(String::new(), |token| {
            format!("Authorization: Bearer {token}\r\n")
        });
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\n{authorization}Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.address,
            body.len()
        );
        let bytes = timeout(LIMIT, exchange(self.address, request.as_bytes())).await??;
        read(&bytes)
            .ok_or_else(|| Failure::because(format!("{path} was answered with something else than HTTP")))
    }
}

async fn exchange(address: SocketAddr, request: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(request).await?;
    let mut bytes = Vec::new();
    stream.take(LARGEST).read_to_end(&mut bytes).await?;
    Ok(bytes)
}

fn read(bytes: &[u8]) -> Option<Answer> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).ok()?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
    let body = &bytes[end + 4..];
    let body = if chunked { unchunk(body)? } else { body.to_vec() };
    Some(Answer {
        status,
        body: String::from_utf8_lossy(&body).into_owned(),
    })
}

/// RFC 9112 section 7.1, without extensions and trailers.
fn unchunk(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut whole = Vec::new();
    loop {
        let end = rest.windows(2).position(|window| window == b"\r\n")?;
        let length = usize::from_str_radix(std::str::from_utf8(&rest[..end]).ok()?, 16).ok()?;
        if length == 0 {
            return Some(whole);
        }
        let from = end + 2;
        whole.extend_from_slice(rest.get(from..from.checked_add(length)?)?);
        rest = rest.get(from + length + 2..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_whole_or_not_at_all() {
        let plain = read(b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok").unwrap();
        assert_eq!((plain.status, plain.body.as_str()), (201, "ok"));
        let pieces =
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\na\r\n0123456789\r\n0\r\n\r\n";
        assert_eq!(read(pieces).unwrap().body, "abc0123456789");
        assert!(read(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nabc").is_none());
        assert!(read(b"SSH-2.0").is_none());
    }
}
