//! An HTTP/1.1 client that sends exactly what it is told.

use std::net::SocketAddr;

use base64::Engine;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::stack::{AGENT, KEY, SECRET, TOKEN};

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|e| panic!("{e}: {:?}", String::from_utf8_lossy(&self.body)))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }

    /// The `error.code`, after checking the form of the error.
    #[track_caller]
    pub fn code(&self) -> String {
        let json = self.json();
        assert_eq!(json["success"], false, "{json}");
        assert!(json["message"].as_str().is_some_and(|m| !m.is_empty()), "{json}");
        assert_eq!(json["error"]["requestId"], self.header("x-request-id"), "{json}");
        assert!(json["error"]["details"].is_array(), "{json}");
        json["error"]["code"].as_str().unwrap().to_owned()
    }
}

/// The connection ended within an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CutOff;

/// A connection.
pub struct Client {
    pub stream: TcpStream,
    read: Vec<u8>,
}

impl Client {
    pub async fn connect(address: SocketAddr) -> Client {
        Client { stream: TcpStream::connect(address).await.unwrap(), read: Vec::new() }
    }

    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// The next answer on this connection. `None` when the server has closed it.
    pub async fn answer(&mut self) -> Option<Answer> {
        let (status, headers) = self.head().await?;
        let length: usize = headers.get("content-length").map_or(0, |v| v.to_str().unwrap().parse().unwrap());
        while self.read.len() < length {
            assert!(self.more().await, "the body was cut short");
        }
        Some(Answer { status, headers, body: self.read.drain(..length).collect() })
    }

    /// The next answer, also one that comes in chunks.
    pub async fn whole_answer(&mut self) -> Answer {
        let (status, headers) = self.head().await.expect("an answer");
        let body = match headers.get("content-length") {
            None if status == 204 => Vec::new(),
            Some(length) => {
                let length: usize = length.to_str().unwrap().parse().unwrap();
                while self.read.len() < length {
                    assert!(self.more().await, "the body was cut short");
                }
                self.read.drain(..length).collect()
            }
            None => {
                let (body, ended) = self.chunks().await;
                assert_eq!(ended, Ok(()));
                body
            }
        };
        Answer { status, headers, body }
    }

    /// The next answer, to a request with HEAD: whatever its length says, there is no body.
    pub async fn answer_to_head(&mut self) -> Option<Answer> {
        let (status, headers) = self.head().await?;
        Some(Answer { status, headers, body: Vec::new() })
    }

    /// The next chunk of an answer that comes in chunks, of which the head was read. `None` at its end.
    pub async fn chunk(&mut self) -> Result<Option<Vec<u8>>, CutOff> {
        let head_end = loop {
            if let Some(end) = self.read.windows(2).position(|w| w == b"\r\n") {
                break end;
            }
            if !self.more().await {
                return Err(CutOff);
            }
        };
        let head: Vec<u8> = self.read.drain(..head_end + 2).collect();
        let size = usize::from_str_radix(std::str::from_utf8(&head[..head_end]).unwrap(), 16).unwrap();
        while self.read.len() < size + 2 {
            if !self.more().await {
                return Err(CutOff);
            }
        }
        let chunk: Vec<u8> = self.read.drain(..size + 2).take(size).collect();
        Ok((size > 0).then_some(chunk))
    }

    /// What is left of an answer in chunks.
    pub async fn chunks(&mut self) -> (Vec<u8>, Result<(), CutOff>) {
        let mut whole = Vec::new();
        loop {
            match self.chunk().await {
                Ok(Some(chunk)) => whole.extend(chunk),
                Ok(None) => return (whole, Ok(())),
                Err(cut_off) => return (whole, Err(cut_off)),
            }
        }
    }

    /// The head of the next answer. `None` when the server has closed the connection.
    pub async fn head(&mut self) -> Option<(u16, HeaderMap)> {
        let head_end = loop {
            if let Some(end) = self.read.windows(4).position(|w| w == b"\r\n\r\n") {
                break end + 4;
            }
            if !self.more().await {
                return None;
            }
        };
        let head = String::from_utf8(self.read.drain(..head_end).collect()).unwrap();
        let mut lines = head.trim_end().lines();
        let status: u16 = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let mut headers = HeaderMap::new();
        for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
            headers.append(name.parse::<HeaderName>().unwrap(), value.parse::<HeaderValue>().unwrap());
        }
        Some((status, headers))
    }

    /// Whether the server closes the connection without another byte.
    pub async fn is_closed(&mut self) -> bool {
        self.read.is_empty() && !self.more().await
    }

    async fn more(&mut self) -> bool {
        let mut chunk = [0; 8192];
        match self.stream.read(&mut chunk).await {
            Ok(0) | Err(_) => false,
            Ok(read) => {
                self.read.extend_from_slice(&chunk[..read]);
                true
            }
        }
    }
}

/// Sends exactly these bytes on a connection of their own and reads one answer.
pub async fn exchange(address: SocketAddr, bytes: impl AsRef<[u8]>) -> Answer {
    let mut client = Client::connect(address).await;
    client.send(bytes).await;
    client.answer().await.expect("an answer")
}

/// A request in the making.
pub struct Call {
    line: String,
    fields: Vec<(String, String)>,
    body: String,
}

/// A request with the good API key.
pub fn call(method: &str, path: &str) -> Call {
    Call::new(method, path).field("X-API-Key", KEY).field("X-API-Secret", SECRET)
}

/// A request with the good personal access token.
pub fn console(method: &str, path: &str) -> Call {
    Call::new(method, path).field("Authorization", &format!("Bearer {TOKEN}"))
}

/// The path of a contact.
pub fn contact(reference: &str) -> String {
    format!("/v1/open/contacts/{reference}/chatbots/{AGENT}")
}

/// The path of all contacts.
pub fn contacts() -> String {
    format!("/v1/open/contacts/chatbots/{AGENT}")
}

/// `Authorization: Basic`.
pub fn basic(key: &str, secret: &str) -> String {
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{key}:{secret}")))
}

impl Call {
    /// Without credentials.
    pub fn new(method: &str, path: &str) -> Call {
        let fields = vec![("Host".to_owned(), "localhost".to_owned())];
        Call { line: format!("{method} {path} HTTP/1.1\r\n"), fields, body: String::new() }
    }

    pub fn field(mut self, name: &str, value: &str) -> Call {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn json(self, body: &Value) -> Call {
        self.field("Content-Type", "application/json").body(&body.to_string())
    }

    pub fn body(mut self, body: &str) -> Call {
        self.body = body.to_owned();
        let length = body.len().to_string();
        self.field("Content-Length", &length)
    }

    pub fn bytes(&self) -> String {
        let fields: String = self.fields.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        format!("{}{fields}\r\n{}", self.line, self.body)
    }

    pub async fn send(&self, address: SocketAddr) -> Answer {
        exchange(address, self.bytes()).await
    }
}
