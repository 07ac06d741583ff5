//! What is counted of the connections of one listener.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// Why we ended a connection, or did not take it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// A head, or what an HTTP/2 connection begins with, did not arrive in time.
    HeadTimeout,
    /// No request for too long.
    Idle,
    /// Nothing of its answers could be written for too long.
    WriteTimeout,
    /// Frames or heads that move nothing on.
    Flood,
    /// The HTTP/2 preface was not followed by SETTINGS.
    NoSettings,
    /// Its address has as many connections as one may have.
    AddressFull,
    /// All connections were taken, and it was the one that had done nothing for longest.
    Idlest,
    /// Its answers were most of those that waited to be read, and all together were too many.
    Unread,
    /// Its requests did not end within the drain time of a stop.
    Stop,
}

impl Reason {
    const ALL: [Reason; 9] = [
        Reason::HeadTimeout,
        Reason::Idle,
        Reason::WriteTimeout,
        Reason::Flood,
        Reason::NoSettings,
        Reason::AddressFull,
        Reason::Idlest,
        Reason::Unread,
        Reason::Stop,
    ];

    const fn label(self) -> &'static str {
        match self {
            Reason::HeadTimeout => "head_timeout",
            Reason::Idle => "idle",
            Reason::WriteTimeout => "write_timeout",
            Reason::Flood => "flood",
            Reason::NoSettings => "no_settings",
            Reason::AddressFull => "address_full",
            Reason::Idlest => "idlest",
            Reason::Unread => "unread",
            Reason::Stop => "stop",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OpenLabels {
    listener: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ClosedLabels {
    listener: &'static str,
    reason: &'static str,
}

/// The connections of all listeners of a process.
#[derive(Clone, Debug, Default)]
pub(crate) struct ConnectionMetrics {
    open: Family<OpenLabels, Gauge>,
    closed: Family<ClosedLabels, Counter>,
}

/// The connections of one listener.
#[derive(Debug, Default)]
pub struct ListenerMetrics {
    pub(super) open: Gauge,
    closed: [Counter; Reason::ALL.len()],
}

impl ConnectionMetrics {
    pub(crate) fn register(&self, registry: &mut Registry) {
        registry.register("connections_open", "Connections that are open", self.open.clone());
        let help = "Connections that were ended, or not taken, for what their clients did";
        registry.register("connections_closed", help, self.closed.clone());
    }

    pub(crate) fn of(&self, listener: &'static str) -> ListenerMetrics {
        let closed = |reason: Reason| {
            self.closed.get_or_create_owned(&ClosedLabels { listener, reason: reason.label() })
        };
        ListenerMetrics {
            open: self.open.get_or_create_owned(&OpenLabels { listener }),
            closed: Reason::ALL.map(closed),
        }
    }
}

impl ListenerMetrics {
    pub(super) fn count(&self, reason: Reason) {
        self.closed[reason as usize].inc();
    }
}
