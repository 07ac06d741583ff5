//! What is handed on, and by which RPCs.

use keyward_proto::auth::v1 as auth_pb;
use keyward_proto::contacts::v1 as contacts_pb;
use keyward_proto::extraction::v1 as extraction_pb;
use keyward_proto::internal::v1::{Deed, Erasure, Event};

use super::Kind;

const PUBLISH: &str = "/keyward.contacts.v1.WebhookEventService/PublishEvents";

/// What happened to API keys, for webhooks.
pub(crate) struct KeyEvents;

impl Kind for KeyEvents {
    const WHAT: &'static str = "events of API keys for webhooks";
    const LIST: &'static str = "/keyward.auth.v1.EventService/ListEvents";
    const DELETE: &'static str = "/keyward.auth.v1.EventService/DeleteEvents";
    const TAKE: &'static str = PUBLISH;
    const REFUSED_IS_DROPPED: bool = true;
    type Item = Event;
    type List = auth_pb::ListEventsRequest;
    type Listed = auth_pb::ListEventsResponse;
    type Delete = auth_pb::DeleteEventsRequest;
    type Take = contacts_pb::PublishEventsRequest;

    fn list(limit: i32) -> Self::List {
        auth_pb::ListEventsRequest { limit: Some(limit) }
    }

    fn listed(listed: Self::Listed) -> Vec<Event> {
        listed.events
    }

    fn id(item: &Event) -> &str {
        &item.id
    }

    fn delete(ids: Vec<String>) -> Self::Delete {
        auth_pb::DeleteEventsRequest { ids }
    }

    fn take(events: Vec<Event>) -> Self::Take {
        contacts_pb::PublishEventsRequest { events }
    }
}

/// What became of documents, for webhooks.
pub(crate) struct ExtractionEvents;

impl Kind for ExtractionEvents {
    const WHAT: &'static str = "events of document extractions for webhooks";
    const LIST: &'static str = "/keyward.extraction.v1.EventService/ListEvents";
    const DELETE: &'static str = "/keyward.extraction.v1.EventService/DeleteEvents";
    const TAKE: &'static str = PUBLISH;
    const REFUSED_IS_DROPPED: bool = true;
    type Item = Event;
    type List = extraction_pb::ListEventsRequest;
    type Listed = extraction_pb::ListEventsResponse;
    type Delete = extraction_pb::DeleteEventsRequest;
    type Take = contacts_pb::PublishEventsRequest;

    fn list(limit: i32) -> Self::List {
        extraction_pb::ListEventsRequest { limit: Some(limit) }
    }

    fn listed(listed: Self::Listed) -> Vec<Event> {
        listed.events
    }

    fn id(item: &Event) -> &str {
        &item.id
    }

    fn delete(ids: Vec<String>) -> Self::Delete {
        extraction_pb::DeleteEventsRequest { ids }
    }

    fn take(events: Vec<Event>) -> Self::Take {
        contacts_pb::PublishEventsRequest { events }
    }
}

/// What members did to contact fields, webhooks and people, for the audit log. None is ever dropped: an older auth-svc
/// that refuses it takes it once it is upgraded.
pub(crate) struct ContactDeeds;

impl Kind for ContactDeeds {
    const WHAT: &'static str = "deeds of contacts for the audit log";
    const LIST: &'static str = "/keyward.contacts.v1.DeedService/ListDeeds";
    const DELETE: &'static str = "/keyward.contacts.v1.DeedService/DeleteDeeds";
    const TAKE: &'static str = "/keyward.auth.v1.AuditedDeedService/RecordDeeds";
    const REFUSED_IS_DROPPED: bool = false;
    type Item = Deed;
    type List = contacts_pb::ListDeedsRequest;
    type Listed = contacts_pb::ListDeedsResponse;
    type Delete = contacts_pb::DeleteDeedsRequest;
    type Take = auth_pb::RecordDeedsRequest;

    fn list(limit: i32) -> Self::List {
        contacts_pb::ListDeedsRequest { limit: Some(limit) }
    }

    fn listed(listed: Self::Listed) -> Vec<Deed> {
        listed.deeds
    }

    fn id(item: &Deed) -> &str {
        &item.id
    }

    fn delete(ids: Vec<String>) -> Self::Delete {
        contacts_pb::DeleteDeedsRequest { ids }
    }

    fn take(deeds: Vec<Deed>) -> Self::Take {
        auth_pb::RecordDeedsRequest { deeds }
    }
}

/// What members did to templates and documents, for the audit log. None is ever dropped, either.
pub(crate) struct ExtractionDeeds;

impl Kind for ExtractionDeeds {
    const WHAT: &'static str = "deeds of document extraction for the audit log";
    const LIST: &'static str = "/keyward.extraction.v1.DeedService/ListDeeds";
    const DELETE: &'static str = "/keyward.extraction.v1.DeedService/DeleteDeeds";
    const TAKE: &'static str = "/keyward.auth.v1.AuditedDeedService/RecordDeeds";
    const REFUSED_IS_DROPPED: bool = false;
    type Item = Deed;
    type List = extraction_pb::ListDeedsRequest;
    type Listed = extraction_pb::ListDeedsResponse;
    type Delete = extraction_pb::DeleteDeedsRequest;
    type Take = auth_pb::RecordDeedsRequest;

    fn list(limit: i32) -> Self::List {
        extraction_pb::ListDeedsRequest { limit: Some(limit) }
    }

    fn listed(listed: Self::Listed) -> Vec<Deed> {
        listed.deeds
    }

    fn id(item: &Deed) -> &str {
        &item.id
    }

    fn delete(ids: Vec<String>) -> Self::Delete {
        extraction_pb::DeleteDeedsRequest { ids }
    }

    fn take(deeds: Vec<Deed>) -> Self::Take {
        auth_pb::RecordDeedsRequest { deeds }
    }
}

/// Agents that are gone, for contacts-svc. None is ever dropped: what is held of them is to go.
pub(crate) struct AgentErasures;

impl Kind for AgentErasures {
    const WHAT: &'static str = "erasures of agents";
    const LIST: &'static str = "/keyward.auth.v1.ErasureService/ListErasures";
    const DELETE: &'static str = "/keyward.auth.v1.ErasureService/DeleteErasures";
    const TAKE: &'static str = "/keyward.contacts.v1.ErasureService/TakeErasures";
    const REFUSED_IS_DROPPED: bool = false;
    type Item = Erasure;
    type List = auth_pb::ListErasuresRequest;
    type Listed = auth_pb::ListErasuresResponse;
    type Delete = auth_pb::DeleteErasuresRequest;
    type Take = contacts_pb::TakeErasuresRequest;

    fn list(limit: i32) -> Self::List {
        auth_pb::ListErasuresRequest { limit: Some(limit) }
    }

    fn listed(listed: Self::Listed) -> Vec<Erasure> {
        listed.erasures
    }

    fn id(item: &Erasure) -> &str {
        &item.id
    }

    fn delete(ids: Vec<String>) -> Self::Delete {
        auth_pb::DeleteErasuresRequest { ids }
    }

    fn take(erasures: Vec<Erasure>) -> Self::Take {
        contacts_pb::TakeErasuresRequest { erasures }
    }
}

/// Agents that are gone and files of contacts that are, for extraction-svc. None is ever dropped, either.
pub(crate) struct ContactErasures;

impl Kind for ContactErasures {
    const WHAT: &'static str = "erasures of agents and files";
    const LIST: &'static str = "/keyward.contacts.v1.ErasureService/ListErasures";
    const DELETE: &'static str = "/keyward.contacts.v1.ErasureService/DeleteErasures";
    const TAKE: &'static str = "/keyward.extraction.v1.ErasureService/TakeErasures";
    const REFUSED_IS_DROPPED: bool = false;
    type Item = Erasure;
    type List = contacts_pb::ListErasuresRequest;
    type Listed = contacts_pb::ListErasuresResponse;
    type Delete = contacts_pb::DeleteErasuresRequest;
    type Take = extraction_pb::TakeErasuresRequest;

    fn list(limit: i32) -> Self::List {
        contacts_pb::ListErasuresRequest { limit: Some(limit) }
    }

    fn listed(listed: Self::Listed) -> Vec<Erasure> {
        listed.erasures
    }

    fn id(item: &Erasure) -> &str {
        &item.id
    }

    fn delete(ids: Vec<String>) -> Self::Delete {
        contacts_pb::DeleteErasuresRequest { ids }
    }

    fn take(erasures: Vec<Erasure>) -> Self::Take {
        extraction_pb::TakeErasuresRequest { erasures }
    }
}
