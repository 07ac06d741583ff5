//! Files as their callers see them: real gRPC messages through the real stack, in process, on each engine and with
//! each store.

mod erasures;
mod leftovers;
mod refusals;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, stream};
use keyward_proto::contacts::v1 as pb;
use keyward_proto::contacts::v1::contact_service_client::ContactServiceClient;
use keyward_proto::contacts::v1::file_service_client::FileServiceClient;
use keyward_proto::contacts::v1::upload_file_request::{Part, Reference};
use svc_core::error::{Error, Reason};
use svc_core::idempotency::RequestDigest;
use svc_core::ids::Ids;
use svc_core::principal::{Principal, Subject};
use svc_core::random::SystemRandom;
use svc_db::testing::TestEnvironment;
use svc_runtime::grpc::{Upstream, idempotency, status};
use svc_runtime::service::Service;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tonic::Request;

use crate::domain::Locator;
use crate::objects::testing::S3;
use crate::{Config, ContactsService, FilesConfig, NAME};

const ORGANIZATION: &str = "65f0c0ffee65f0c0ffee65f0";
const AGENT: &str = "65f0c0ffee65f0c0ffee65a0";
const OTHER_AGENT: &str = "65f0c0ffee65f0c0ffee65a1";
const KEY: &str = "65f0c0ffee65f0c0ffee65b0";
/// What tonic encodes at once is less.
const PIECE: usize = 64 * 1024;
/// How long a test waits for what takes a moment.
const PATIENCE: Duration = Duration::from_secs(60);
/// SHA-256 of `hello`.
const HELLO: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

/// The service with a database and a store of its own.
struct Home {
    service: ContactsService,
    upstream: Upstream,
    environment: TestEnvironment,
    /// Of a contact of [`AGENT`].
    contact: String,
}

/// Runs a test on each engine with each store.
async fn each(test: impl AsyncFn(&Home)) {
    each_with(|_| {}, test).await;
}

async fn each_with(change: impl Fn(&mut FilesConfig), test: impl AsyncFn(&Home)) {
    for store in ["disk", "S3"] {
        for (engine, environment) in TestEnvironment::each().await {
            eprintln!("on {engine}, with {store}");
            let ids = Ids::new(environment.environment.clock.clone(), Arc::new(SystemRandom));
            let mut files = match store {
                "disk" => FilesConfig::default(),
                _ => S3::server().config(&ids.next()),
            };
            change(&mut files);
            let home = Home::open(environment, files).await;
            test(&home).await;
            home.service.close().await;
        }
    }
}

impl Home {
    async fn open(environment: TestEnvironment, files: FilesConfig) -> Home {
        let config = Config { files, ..Config::default() };
        let service = ContactsService::open(&config, &environment.environment).await.unwrap();
        let upstream = service.handlers().in_process(NAME, &environment.environment.metrics).unwrap();
        let mut home = Home { service, upstream, environment, contact: String::new() };
        home.contact = home.new_contact("crm-1").await;
        home
    }

    fn request<T>(&self, agent: &str, message: T) -> Request<T> {
        let mut request = Request::new(message);
        let actions = ["create", "read", "update", "delete"];
        request.extensions_mut().insert(Arc::new(Principal {
            organization_id: ORGANIZATION.to_owned(),
            agent_id: Some(agent.to_owned()),
            subject: Subject::Key(KEY.to_owned()),
            permissions: actions.iter().map(|action| format!("contacts:{action}")).collect(),
            role: None,
            expires_at: None,
            token_id: None,
            session_id: None,
        }));
        request
    }

    fn client(&self) -> FileServiceClient<Upstream> {
        FileServiceClient::new(self.upstream.clone())
    }

    async fn new_contact(&self, reference: &str) -> String {
        let contact = pb::Contact {
            external_reference_id: Some(reference.to_owned()),
            email: Some(format!("{reference}@example.com")),
            ..pb::Contact::default()
        };
        let message = pb::CreateContactRequest { contact: Some(contact), ..Default::default() };
        let mut client = ContactServiceClient::new(self.upstream.clone());
        client.create_contact(self.request(AGENT, message)).await.unwrap().into_inner().contact.unwrap().id
    }

    async fn delete_contact(&self, id: &str) {
        let reference = Some(pb::delete_contact_request::Reference::Id(id.to_owned()));
        let message = pb::DeleteContactRequest { reference, ..Default::default() };
        let mut client = ContactServiceClient::new(self.upstream.clone());
        client.delete_contact(self.request(AGENT, message)).await.unwrap();
    }

    /// Uploads these chunks to a contact.
    async fn upload_to(
        &self,
        contact: &str,
        metadata: pb::UploadFileMetadata,
        chunks: &[&[u8]],
    ) -> Result<pb::File, Error> {
        self.upload_messages(AGENT, messages(contact, metadata, chunks), None).await.map(|(file, _)| file)
    }

    async fn upload(&self, metadata: pb::UploadFileMetadata, chunks: &[&[u8]]) -> Result<pb::File, Error> {
        self.upload_to(&self.contact, metadata, chunks).await
    }

    /// With an `Idempotency-Key`. Says whether the answer is an earlier one.
    async fn upload_once(
        &self,
        key: &str,
        contact: &str,
        metadata: pb::UploadFileMetadata,
        chunks: &[&[u8]],
    ) -> Result<(pb::File, bool), Error> {
        // What the edge digests is all but the content.
        let head = format!("{metadata:?}");
        let digest = RequestDigest::of(key, "POST", "/files", None, head.as_bytes());
        self.upload_messages(AGENT, messages(contact, metadata, chunks), Some(digest)).await
    }

    async fn upload_messages(
        &self,
        agent: &str,
        messages: Vec<pb::UploadFileRequest>,
        once: Option<RequestDigest>,
    ) -> Result<(pb::File, bool), Error> {
        let mut request = self.request(agent, stream::iter(messages));
        if let Some(digest) = once {
            request.metadata_mut().insert(idempotency::DIGEST, digest.to_text().parse().unwrap());
        }
        let answer = self.client().upload_file(request).await.map_err(status::to_error)?;
        let is_replayed = idempotency::is_replayed(answer.metadata().as_ref());
        Ok((answer.into_inner().file.unwrap(), is_replayed))
    }

    /// Begins an upload whose messages come from a stream.
    fn begin(
        &self,
        messages: impl Stream<Item = pb::UploadFileRequest> + Send + 'static,
    ) -> JoinHandle<Result<pb::File, Error>> {
        let (request, mut client) = (self.request(AGENT, messages), self.client());
        tokio::spawn(async move {
            let answer = client.upload_file(request).await.map_err(status::to_error)?;
            Ok(answer.into_inner().file.unwrap())
        })
    }

    async fn list(&self, message: pb::ListFilesRequest) -> Result<pb::ListFilesResponse, Error> {
        let answer = self.client().list_files(self.request(AGENT, message)).await;
        Ok(answer.map_err(status::to_error)?.into_inner())
    }

    fn list_of(contact: &str) -> pb::ListFilesRequest {
        let reference = Some(pb::list_files_request::Reference::ContactId(contact.to_owned()));
        pb::ListFilesRequest { reference, ..Default::default() }
    }

    async fn files(&self) -> Vec<pb::File> {
        self.list(Home::list_of(&self.contact)).await.unwrap().files
    }

    async fn get(&self, agent: &str, contact: &str, file: &str) -> Result<pb::File, Error> {
        let reference = Some(pb::get_file_request::Reference::ContactId(contact.to_owned()));
        let message = pb::GetFileRequest { reference, file_id: file.to_owned(), ..Default::default() };
        let answer = self.client().get_file(self.request(agent, message)).await;
        Ok(answer.map_err(status::to_error)?.into_inner().file.unwrap())
    }

    async fn delete(&self, agent: &str, contact: &str, file: &str) -> Result<(), Error> {
        let reference = Some(pb::delete_file_request::Reference::ContactId(contact.to_owned()));
        let message = pb::DeleteFileRequest { reference, file_id: file.to_owned(), ..Default::default() };
        self.client().delete_file(self.request(agent, message)).await.map_err(status::to_error)?;
        Ok(())
    }

    /// The metadata of a download and its bytes, also those before it fails.
    async fn download(
        &self,
        agent: &str,
        file: &pb::File,
        conditions: &[(&'static str, &str)],
    ) -> Result<Downloaded, Error> {
        let reference = Some(pb::get_file_content_request::Reference::ContactId(file.contact_id.clone()));
        let message = pb::GetFileContentRequest { reference, file_id: file.id.clone(), ..Default::default() };
        let mut request = self.request(agent, message);
        for (name, value) in conditions {
            request.metadata_mut().insert(*name, value.parse().unwrap());
        }
        let answer = self.client().get_file_content(request).await.map_err(status::to_error)?;
        let said = answer.metadata().clone();
        let said = |name: &str| said.get(name).map(|value| value.to_str().unwrap().to_owned());
        let mut downloaded = Downloaded {
            etag: said("etag"),
            disposition: said("content-disposition"),
            length: said("x-content-length"),
            range: said("content-range"),
            ..Downloaded::default()
        };
        let mut pieces = answer.into_inner();
        loop {
            match pieces.message().await {
                Ok(Some(piece)) => {
                    assert!(piece.data.len() <= 64 * 1024);
                    downloaded.content_type.push_str(&piece.content_type);
                    downloaded.content.extend_from_slice(&piece.data);
                }
                Ok(None) => return Ok(downloaded),
                Err(status) => {
                    downloaded.failed = Some(status::to_error(status).reason);
                    return Ok(downloaded);
                }
            }
        }
    }

    /// Nothing is left over, once what is due is collected.
    async fn has_objects(&self, expected: usize) {
        let began = std::time::Instant::now();
        loop {
            self.service.files.collector.collect().await;
            let objects = self.service.files.objects.all().await;
            if objects.len() == expected {
                return;
            }
            // The task of the service may be at one of them.
            assert!(began.elapsed() < PATIENCE, "{expected} are expected: {objects:?}");
            tokio::task::yield_now().await;
        }
    }

    /// An upload that has begun, and waits for more. Dropping the sender ends it.
    async fn waiting(
        &self,
        contact: &str,
        content: &[u8],
    ) -> (mpsc::Sender<pb::UploadFileRequest>, JoinHandle<Result<pb::File, Error>>) {
        let (sender, receiver) = mpsc::channel::<pb::UploadFileRequest>(1);
        let messages_of = stream::unfold(receiver, |mut receiver| async move {
            let message = receiver.recv().await?;
            Some((message, receiver))
        });
        let running = self.begin(messages_of);
        let chunks: Vec<&[u8]> = content.chunks(PIECE).collect();
        assert!(chunks.len() > 1);
        for message in messages(contact, named("a"), &chunks) {
            sender.send(message).await.unwrap();
        }
        // No message is taken ahead of one of this size, so that by now it has asked for the last.
        let _ = sender.reserve().await.unwrap();
        (sender, running)
    }

    fn later(&self, time: Duration) {
        self.environment.clock.advance(time);
    }
}

#[derive(Debug, Default)]
struct Downloaded {
    etag: Option<String>,
    disposition: Option<String>,
    length: Option<String>,
    range: Option<String>,
    content_type: String,
    content: Vec<u8>,
    failed: Option<Reason>,
}

fn messages(contact: &str, metadata: pb::UploadFileMetadata, chunks: &[&[u8]]) -> Vec<pb::UploadFileRequest> {
    let first = pb::UploadFileRequest {
        reference: Some(Reference::ContactId(contact.to_owned())),
        part: Some(Part::Metadata(metadata)),
        ..Default::default()
    };
    let chunk = |chunk: &&[u8]| pb::UploadFileRequest {
        part: Some(Part::Chunk(Bytes::copy_from_slice(chunk))),
        ..Default::default()
    };
    std::iter::once(first).chain(chunks.iter().map(chunk)).collect()
}

fn named(name: &str) -> pb::UploadFileMetadata {
    pb::UploadFileMetadata { file_name: Some(name.to_owned()), ..Default::default() }
}

fn reason<T: std::fmt::Debug>(outcome: Result<T, Error>) -> Reason {
    outcome.unwrap_err().reason
}

fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 31 % 251) as u8).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_from_its_upload_to_its_end() {
    each(async |home| {
        let metadata = pb::UploadFileMetadata {
            file_name: Some("../März/invoice \"1\".txt".to_owned()),
            content_type: Some("text/plain; charset=utf-8".to_owned()),
            description: Some(" The first one. ".to_owned()),
            size_bytes: Some(5),
            sha256: Some(HELLO.to_uppercase()),
        };
        let file = home.upload(metadata, &[b"he", b"", b"llo"]).await.unwrap();
        let expected = pb::File {
            id: file.id.clone(),
            contact_id: home.contact.clone(),
            file_name: "invoice \"1\".txt".to_owned(),
            content_type: "text/plain".to_owned(),
            description: Some("The first one.".to_owned()),
            size_bytes: 5,
            sha256: HELLO.to_owned(),
            created_at: Some(home.environment.environment.clock.now().to_proto()),
        };
        assert_eq!(file, expected);
        assert_eq!(home.get(AGENT, &home.contact, &file.id).await.unwrap(), file);
        assert_eq!(home.files().await, std::slice::from_ref(&file));
        home.has_objects(1).await;

        let whole = home.download(AGENT, &file, &[]).await.unwrap();
        assert_eq!((whole.content.as_slice(), whole.failed), (&b"hello"[..], None));
        assert_eq!((whole.content_type.as_str(), whole.length.as_deref()), ("text/plain", Some("5")));
        let etag = format!("\"{HELLO}\"");
        assert_eq!((whole.etag.as_ref(), whole.range), (Some(&etag), None));
        let disposition = "attachment; filename=\"invoice _1_.txt\"; filename*=UTF-8''invoice%20%221%22.txt";
        assert_eq!(whole.disposition.as_deref(), Some(disposition));
        for (conditions, content, range) in [
            (&[("range", "bytes=1-2")][..], &b"el"[..], Some("bytes 1-2/5")),
            (&[("range", "bytes=-2"), ("if-range", &etag)], b"lo", Some("bytes 3-4/5")),
            (&[("range", "bytes=1-2"), ("if-range", "\"other\"")], b"hello", None),
            (&[("range", "bytes=1-2,4-4")], b"hello", None),
        ] {
            let part = home.download(AGENT, &file, conditions).await.unwrap();
            assert_eq!((part.content.as_slice(), part.range.as_deref()), (content, range), "{conditions:?}");
            assert_eq!(part.length, Some(content.len().to_string()));
        }
        let beyond = home.download(AGENT, &file, &[("range", "bytes=5-")]).await;
        assert_eq!(reason(beyond), Reason::RangeNotSatisfiable);

        // To others it does not exist, nor under another contact.
        let other = home.new_contact("crm-2").await;
        for (agent, contact) in
            [(OTHER_AGENT, &home.contact), (AGENT, &other), (AGENT, &"nonsense".to_owned())]
        {
            assert_eq!(reason(home.get(agent, contact, &file.id).await), Reason::NotFound);
            assert_eq!(reason(home.delete(agent, contact, &file.id).await), Reason::NotFound);
            let there = pb::File { contact_id: contact.clone(), ..file.clone() };
            assert_eq!(reason(home.download(agent, &there, &[]).await), Reason::NotFound);
        }
        assert_eq!(home.files().await.len(), 1);

        home.delete(AGENT, &home.contact, &file.id).await.unwrap();
        assert_eq!(reason(home.get(AGENT, &home.contact, &file.id).await), Reason::NotFound);
        assert_eq!(reason(home.delete(AGENT, &home.contact, &file.id).await), Reason::NotFound);
        assert_eq!(reason(home.download(AGENT, &file, &[]).await), Reason::NotFound);
        assert!(home.files().await.is_empty());
        home.has_objects(0).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn large_files_come_and_go_in_parts() {
    each(async |home| {
        let content = bytes(11 * 1024 * 1024 + 3);
        let chunks: Vec<&[u8]> = content.chunks(1024 * 1024).collect();
        let file = home.upload(named("large"), &chunks).await.unwrap();
        assert_eq!(file.content_type, "application/octet-stream");
        let whole = home.download(AGENT, &file, &[]).await.unwrap();
        assert!(whole.content == content && whole.failed.is_none());
        let part = home.download(AGENT, &file, &[("range", "bytes=5242870-10485770")]).await.unwrap();
        assert!(part.content == content[5_242_870..10_485_771]);
        home.has_objects(1).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_newest_first_and_page() {
    each(async |home| {
        let mut ids = Vec::new();
        for number in 0..5 {
            // Two of them at the same moment.
            if number != 2 {
                home.later(Duration::from_secs(1));
            }
            ids.push(home.upload(named(&format!("{number}")), &[b"x"]).await.unwrap().id);
        }
        if ids[2] < ids[1] {
            ids.swap(1, 2);
        }
        ids.reverse();
        let other = home.new_contact("crm-2").await;
        home.upload_to(&other, named("other"), &[b"x"]).await.unwrap();
        let (mut seen, mut cursor) = (Vec::new(), None);
        loop {
            let message = pb::ListFilesRequest { limit: Some(2), cursor, ..Home::list_of(&home.contact) };
            let page = home.list(message).await.unwrap();
            let pagination = page.pagination.unwrap();
            assert_eq!((pagination.limit, pagination.total), (2, None));
            seen.extend(page.files.into_iter().map(|file| file.id));
            cursor = pagination.next_cursor;
            assert_eq!(cursor.is_some(), pagination.has_more);
            if cursor.is_none() {
                break;
            }
            let elsewhere = pb::ListFilesRequest { cursor: cursor.clone(), ..Home::list_of(&other) };
            assert_eq!(reason(home.list(elsewhere).await), Reason::InvalidCursor);
        }
        assert_eq!(seen, ids);
        let actor = home.actor();
        let held = home.service.contacts.held(&actor.partition, &Locator::Id(home.contact.clone())).await;
        let held: Vec<String> = held.unwrap().files.into_iter().rev().map(|file| file.id).collect();
        assert_eq!(held, ids);
        let counted = pb::ListFilesRequest { include_total: Some(true), ..Home::list_of(&home.contact) };
        assert_eq!(home.list(counted).await.unwrap().pagination.unwrap().total, Some(5));
        for (limit, cursor) in [(Some(0), None), (Some(101), None), (None, Some("x".to_owned()))] {
            let message = pb::ListFilesRequest { limit, cursor, ..Home::list_of(&home.contact) };
            assert!(home.list(message).await.is_err(), "{limit:?}");
        }
        assert_eq!(reason(home.list(Home::list_of(KEY)).await), Reason::NotFound);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_with_a_key_takes_effect_once() {
    each(async |home| {
        let (file, is_replayed) =
            home.upload_once("k", &home.contact, named("a"), &[b"he", b"llo"]).await.unwrap();
        assert!(!is_replayed);
        // However it is cut.
        let again = home.upload_once("k", &home.contact, named("a"), &[b"hello"]).await.unwrap();
        assert_eq!(again, (file.clone(), true));
        for (metadata, content) in
            [(named("a"), &b"hellO"[..]), (named("b"), b"hello"), (named("a"), b"hell")]
        {
            let reused = home.upload_once("k", &home.contact, metadata, &[content]).await;
            assert_eq!(reason(reused), Reason::IdempotencyKeyReused);
        }
        assert_eq!(home.files().await.len(), 1);
        home.has_objects(1).await;

        // As of then, also when it is gone.
        home.delete(AGENT, &home.contact, &file.id).await.unwrap();
        let again = home.upload_once("k", &home.contact, named("a"), &[b"hello"]).await.unwrap();
        assert_eq!(again, (file, true));
        home.has_objects(0).await;
        // With the contact the answer is forgotten, but not that there was one.
        home.delete_contact(&home.contact).await;
        let again = home.upload_once("k", &home.contact, named("a"), &[b"hello"]).await;
        assert_eq!(reason(again), Reason::Conflict);
        // What was refused is not kept.
        let gone = home.upload_once("l", &home.contact, named("a"), &[b"hello"]).await;
        assert_eq!(reason(gone), Reason::NotFound);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_uploads_with_a_key_at_once_one_counts() {
    each(async |home| {
        let upload = || home.upload_once("k", &home.contact, named("a"), &[b"hello"]);
        let answers = futures::future::join_all([upload(), upload(), upload()]).await;
        let made: Vec<&(pb::File, bool)> = answers.iter().filter_map(|answer| answer.as_ref().ok()).collect();
        assert!(made.iter().all(|(file, _)| file.id == made[0].0.id), "{answers:?}");
        assert_eq!(made.iter().filter(|(_, is_replayed)| !is_replayed).count(), 1, "{answers:?}");
        for refused in answers.iter().filter_map(|answer| answer.as_ref().err()) {
            assert_eq!(refused.reason, Reason::RequestInProgress);
        }
        assert_eq!(home.files().await.len(), 1);
        home.has_objects(1).await;
    })
    .await;
}
