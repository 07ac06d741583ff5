//! What stands between a process and its database, and can be taken away.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// How the way is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Bytes pass.
    Open,
    /// Connections stay, and nothing passes: a partition.
    Stalled,
    /// As open, until a COMMIT has passed: then nothing is heard of it, nor of anything later.
    NoWordOfCommits,
    /// Connections are closed, also new ones.
    Cut,
}

/// A TCP proxy. Ends with the test.
pub struct Proxy {
    pub address: SocketAddr,
    way: watch::Sender<Way>,
}

impl Proxy {
    /// To `target`, `host:port`.
    pub async fn to(target: &str) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (way, seen) = watch::channel(Way::Open);
        let target = target.to_owned();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(relay(client, target.clone(), seen.clone()));
            }
        });
        Proxy { address, way }
    }

    pub fn set(&self, way: Way) {
        self.way.send_replace(way);
    }
}

async fn relay(client: TcpStream, target: String, way: watch::Receiver<Way>) {
    if *way.borrow() == Way::Cut {
        return;
    }
    let Ok(server) = TcpStream::connect(target).await else { return };
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    let (mute, is_mute) = watch::channel(false);
    let heard = |bytes: &[u8]| {
        let commits = bytes.windows(COMMIT.len()).any(|text| text == COMMIT);
        if commits && *way.borrow() == Way::NoWordOfCommits {
            mute.send_replace(true);
        }
        true
    };
    // Either end closes both.
    tokio::select! {
        () = pass(from_client, to_server, way.clone(), heard) => {}
        () = pass(from_server, to_client, way.clone(), |_| !*is_mute.borrow()) => {}
    }
}

const COMMIT: &[u8] = b"COMMIT";

async fn pass(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    way: watch::Receiver<Way>,
    passes: impl Fn(&[u8]) -> bool,
) {
    let mut cut = way.clone();
    let mut not_stalled = way;
    let mut buffer = vec![0; 16 * 1024];
    let relay = async {
        loop {
            let Ok(read @ 1..) = from.read(&mut buffer).await else { return };
            if not_stalled.wait_for(|way| *way != Way::Stalled).await.is_err() {
                return;
            }
            if passes(&buffer[..read]) && to.write_all(&buffer[..read]).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = relay => {}
        _ = cut.wait_for(|way| *way == Way::Cut) => {}
    }
}
