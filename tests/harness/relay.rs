//! An address that stays while what is behind it is replaced, as a load balancer's does.

use std::net::SocketAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

/// Passes connections on. Those that are open stay with whom they were passed to.
pub struct Relay {
    pub address: SocketAddr,
    target: Arc<Mutex<SocketAddr>>,
    accepting: AbortHandle,
}

impl Relay {
    /// Starts on a free port.
    pub async fn to(target: SocketAddr) -> Relay {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let target = Arc::new(Mutex::new(target));
        let now = target.clone();
        let accepting = tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let target = *now.lock();
                tokio::spawn(async move {
                    near.set_nodelay(true).unwrap();
                    // Whoever cannot be reached, or goes away, is seen to by the two ends.
                    if let Ok(mut far) = TcpStream::connect(target).await {
                        far.set_nodelay(true).unwrap();
                        let _ = copy_bidirectional(&mut near, &mut far).await;
                    }
                });
            }
        });
        Relay { address, target, accepting: accepting.abort_handle() }
    }

    /// New connections go here.
    pub fn point_to(&self, target: SocketAddr) {
        *self.target.lock() = target;
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}
