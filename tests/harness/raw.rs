//! HTTP/1.1 by hand, for requests that no client library would send.

use std::net::SocketAddr;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Answer;

/// What came back, byte by byte.
#[derive(Clone, Debug)]
pub struct RawAnswer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

/// Sends a request as it stands and reads until the server closes. The request has to ask for that with
/// `Connection: close`, or be one after which the server closes by itself.
pub async fn raw(edge: SocketAddr, request: &[u8]) -> RawAnswer {
    let mut stream = TcpStream::connect(edge).await.unwrap();
    let (mut reader, mut writer) = stream.split();
    let mut answer = Vec::new();
    // At once: the server may answer and stop reading before everything is sent.
    let send = async {
        let _the_answer_says_why = writer.write_all(request).await;
    };
    let receive = async {
        let _what_came_before_a_reset_counts = reader.read_to_end(&mut answer).await;
    };
    tokio::join!(send, receive);
    parse(&answer)
}

fn parse(answer: &[u8]) -> RawAnswer {
    let end = answer.windows(4).position(|w| w == b"\r\n\r\n");
    let end = end.unwrap_or_else(|| panic!("no head: {:?}", String::from_utf8_lossy(answer)));
    let head = std::str::from_utf8(&answer[..end]).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(':').unwrap();
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        headers.append(name, HeaderValue::from_str(value.trim()).unwrap());
    }
    RawAnswer { status, headers, body: answer[end + 4..].to_vec() }
}

impl RawAnswer {
    /// As an answer in JSON.
    pub fn json(self, asked: &str) -> Answer {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_else(|e| {
            panic!("{asked}: {} {e}: {:?}", self.status, String::from_utf8_lossy(&self.body))
        });
        Answer { asked: asked.to_owned(), status: self.status, headers: self.headers, body }
    }
}
