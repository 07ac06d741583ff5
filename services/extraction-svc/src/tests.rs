//! The service behind its stack, with a reader and an engine that do as their document says.

mod deeds;
mod erasures;
mod language_models;
mod pages;

use std::fs::File;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use futures::stream;
use keyward_proto::extraction::v1 as pb;
use keyward_proto::extraction::v1::create_job_request::Part;
use keyward_proto::extraction::v1::extraction_service_client::ExtractionServiceClient;
use keyward_proto::value;
use prost_types::value::Kind;
use serde_json::{Value, json};
use svc_core::error::Reason;
use svc_core::principal::{Principal, Subject};
use svc_db::testing::TestEnvironment;
use svc_runtime::grpc::{Upstream, status};
use tokio::sync::Notify;
use tonic::{Request, Status};

mod templates;

use super::*;
use crate::document::{
    Bounds, Document, Kind as DocumentKind, Method, Notice, NoticeKind, OnePage, Page, Word,
};
use crate::domain::{Failure, Field, JobResult, Options};
use crate::llm::{Spent, Tokens};
use crate::pipeline::{Example, Learned, Wanted};
use crate::templates::BuiltIn;

/// What documents of these words do while they are read.
const WAITS: &str = "wait";
const PANICS: &str = "panic";
/// What the language model thinks about until it is let go.
const THINKS: &str = "think";
/// What it talks about at length without an answer.
const RAMBLES: &str = "ramble";
/// Its format has no pages to see.
const NO_PLACES: &str = "no places";

/// A reader and an engine.
#[derive(Default)]
struct Scripted {
    /// Notified when a document that waits is being read.
    entered: Notify,
    /// Documents that wait are read on once this is notified.
    release: Notify,
}

#[async_trait]
impl Pipeline for Scripted {
    fn check(&self, schema: &Value) -> Result<(), (String, String)> {
        match schema.get("not") {
            Some(_) => Err(("/not".to_owned(), "`not` is not supported.".to_owned())),
            None => Ok(()),
        }
    }

    fn reads_language(&self, tag: &str) -> bool {
        tag == "en"
    }

    fn ocr(&self) -> String {
        "a script".to_owned()
    }

    fn knows(&self, beginning: &[u8], _: Option<&str>, _: Option<&str>) -> bool {
        !beginning.contains(&0)
    }

    async fn read(
        &self,
        mut document: File,
        _: &Options,
        _: Option<&str>,
        _: Option<&str>,
        pages_read: &AtomicU32,
    ) -> Result<Document, Failure> {
        let mut text = String::new();
        document.read_to_string(&mut text).unwrap();
        match text.as_str() {
            WAITS => {
                pages_read.store(1, Ordering::Relaxed);
                self.entered.notify_one();
                self.release.notified().await;
            }
            PANICS => panic!("as the document says"),
            code => {
                if let Some(failure) = Failure::from_code(code) {
                    return Err(failure);
                }
            }
        }
        Ok(of_one_word(text))
    }

    /// One page, which has what was read as its name.
    fn page(&self, reading: &[u8], number: u32) -> Result<Option<OnePage>, Failure> {
        let read: Document = serde_json::from_slice(reading).unwrap();
        let text = read.pages[0].words[0].text.clone();
        let page = document::Page {
            number,
            synthetic: text == NO_PLACES,
            turned: 0.0,
            name: Some(text),
            width: 1.0,
            height: 1.0,
            method: document::Method::Text,
            reader: "scripted".to_owned(),
            words: Vec::new(),
            lines: Vec::new(),
            tables: Vec::new(),
        };
        Ok((number == 1).then_some(OnePage { page, previous: None, next: None }))
    }

    /// The document itself.
    async fn draw(&self, mut document: File, _: u32) -> Result<Vec<u8>, Failure> {
        let mut content = Vec::new();
        document.read_to_end(&mut content).unwrap();
        Ok(content)
    }

    fn extract(&self, document: &Document, _: &Value, model: Option<&[u8]>) -> Result<JobResult, Failure> {
        let text = model.unwrap_or(document.pages[0].words[0].text.as_bytes());
        let value = json!(String::from_utf8_lossy(text));
        let field = Field {
            path: "/text".to_owned(),
            value: value.clone(),
            confidence: 0.5,
            source: None,
            uncalibrated: model.is_none(),
        };
        Ok(JobResult {
            data: json!({"text": value}),
            fields: vec![field],
            detected: None,
            notices: Vec::new(),
        })
    }

    /// One, for one organization.
    fn language_models(&self, organization_id: &str) -> Vec<&str> {
        if organization_id == ORGANIZATION { vec!["parrot"] } else { Vec::new() }
    }

    /// It says what the document does, for a token a letter.
    async fn ask(
        &self,
        _: &str,
        name: &str,
        document: Arc<Document>,
        wanted: Wanted,
        spent: &Spent,
    ) -> Result<JobResult, Failure> {
        if document.pages[0].words[0].text == THINKS {
            self.entered.notify_one();
            self.release.notified().await;
        }
        let mut result = self.extract(&document, &wanted.schema, wanted.model.as_deref())?;
        result.data["text"] = json!(format!("{name}: {}", result.data["text"].as_str().unwrap()));
        let length = u32::try_from(document.pages[0].words[0].text.len()).unwrap();
        spent.add(Tokens { input: length, output: 7 });
        if document.pages[0].words[0].text == RAMBLES {
            return Err(Failure::EngineUnavailable);
        }
        Ok(result)
    }

    /// A document is of the template that it names.
    fn detect(&self, document: &Document, among: &[(String, Value)]) -> Option<(usize, f64)> {
        let at = among.iter().position(|(name, _)| document.pages[0].words[0].text.contains(name.as_str()));
        at.map(|at| (at, 0.75))
    }

    /// What the last correction says, for all later documents.
    fn learn(&self, _: &Value, examples: Vec<Example>) -> Learned {
        let last = examples.last().and_then(|example| example.corrections.last());
        let model =
            last.and_then(|correction| correction.value.as_str()).map(|text| text.as_bytes().to_vec());
        Learned { model, accuracy: None }
    }

    fn templates(&self) -> &[BuiltIn] {
        &[]
    }
}

/// One page of two, which has one word.
fn of_one_word(text: String) -> Document {
    let bounds = Bounds { left: 0.0, top: 0.0, width: 1.0, height: 1.0 };
    let page = Page {
        number: 1,
        name: None,
        width: 1.0,
        height: 1.0,
        synthetic: false,
        turned: 0.0,
        method: Method::Text,
        reader: "scripted".to_owned(),
        words: vec![Word { text, bounds, hidden: false, confidence: None }],
        lines: Vec::new(),
        tables: Vec::new(),
    };
    Document {
        kind: DocumentKind::Text,
        page_count: 2,
        pages: vec![page],
        attachments: Vec::new(),
        notices: vec![Notice { kind: NoticeKind::HiddenText, page: Some(1), detail: "3 words".to_owned() }],
        languages: Vec::new(),
    }
}

/// The service on an engine.
struct Running {
    service: ExtractionService,
    upstream: Upstream,
    pipeline: Arc<Scripted>,
}

impl Running {
    async fn on(home: &TestEnvironment) -> Running {
        let running = Running::idle(home).await;
        running.service.start_long_work();
        running
    }

    /// Without workers.
    async fn idle(home: &TestEnvironment) -> Running {
        Running::with(home, &Config::default()).await
    }

    async fn with(home: &TestEnvironment, config: &Config) -> Running {
        let pipeline = Arc::new(Scripted::default());
        let service = ExtractionService::with(pipeline.clone(), config, &home.environment).await.unwrap();
        let metrics = svc_runtime::telemetry::Metrics::new();
        let upstream = service.handlers().in_process(NAME, &metrics).unwrap();
        Running { service, upstream, pipeline }
    }

    fn client(&self) -> ExtractionServiceClient<Upstream> {
        ExtractionServiceClient::new(self.upstream.clone())
    }

    async fn create(&self, document: &str) -> Result<pb::Job, Status> {
        self.create_with(request(document, schema())).await
    }

    async fn create_with(&self, parts: Vec<pb::CreateJobRequest>) -> Result<pb::Job, Status> {
        let made = self.client().create_job(by(stream::iter(parts), ORGANIZATION)).await?;
        Ok(made.into_inner().job.unwrap())
    }

    async fn get(&self, id: &str, wait: i32) -> Result<pb::Job, Status> {
        let request = pb::GetJobRequest { id: id.to_owned(), wait: Some(wait), ..Default::default() };
        Ok(self.client().get_job(by(request, ORGANIZATION)).await?.into_inner().job.unwrap())
    }

    async fn correct(&self, id: &str, job: pb::JobCorrections, mask: &[&str]) -> Result<pb::Job, Status> {
        let mask = prost_types::FieldMask { paths: mask.iter().map(|&path| path.to_owned()).collect() };
        let request = pb::UpdateJobRequest {
            id: id.to_owned(),
            job: Some(job),
            update_mask: Some(mask),
            ..Default::default()
        };
        Ok(self.client().update_job(by(request, ORGANIZATION)).await?.into_inner().job.unwrap())
    }

    async fn delete(&self, id: &str) -> Result<(), Status> {
        let request = pb::DeleteJobRequest { id: id.to_owned(), ..Default::default() };
        self.client().delete_job(by(request, ORGANIZATION)).await.map(drop)
    }
}

const ORGANIZATION: &str = "65f0c0ffee65f0c0ffee65f0";
const OTHER: &str = "65f0c0ffee65f0c0ffee65f9";

fn by<T>(message: T, organization: &str) -> Request<T> {
    let mut request = Request::new(message);
    request.extensions_mut().insert(Arc::new(Principal {
        organization_id: organization.to_owned(),
        agent_id: Some("65f0c0ffee65f0c0ffee65f1".to_owned()),
        subject: Subject::Key("65f0c0ffee65f0c0ffee65f2".to_owned()),
        permissions: ["create", "read", "update", "delete"]
            .map(|action| format!("document-extraction:{action}"))
            .to_vec(),
        role: None,
        expires_at: None,
        token_id: None,
        session_id: None,
    }));
    request
}

fn string(text: &str) -> prost_types::Value {
    prost_types::Value { kind: Some(Kind::StringValue(text.to_owned())) }
}

/// `{"properties": {"text": {"type": "string"}}}`
fn schema() -> prost_types::Struct {
    let object = |name: &str, value| prost_types::Struct { fields: [(name.to_owned(), value)].into() };
    let value = |object| prost_types::Value { kind: Some(Kind::StructValue(object)) };
    object("properties", value(object("text", value(object("type", string("string"))))))
}

fn request(document: &str, schema: prost_types::Struct) -> Vec<pb::CreateJobRequest> {
    let metadata = pb::CreateJobMetadata { schema: Some(schema), ..Default::default() };
    let part = |part| pb::CreateJobRequest { part: Some(part), ..Default::default() };
    vec![part(Part::Metadata(metadata)), part(Part::Chunk(document.as_bytes().to_vec()))]
}

fn correction(path: &str, text: &str) -> pb::JobCorrections {
    let value = Some(wire_value(&string(text)));
    let correction = pb::Correction { path: path.to_owned(), value, corrected_at: None };
    pb::JobCorrections { corrections: vec![correction], ..Default::default() }
}

fn wire_value(value: &prost_types::Value) -> value::Value {
    value::Value::from_wire(prost::Message::encode_to_vec(value))
}

fn text_of(job: &pb::Job) -> &str {
    let data = job.result.as_ref().unwrap().data.as_ref().unwrap();
    match data.fields["text"].kind.as_ref().unwrap() {
        Kind::StringValue(text) => text,
        _ => panic!("no text"),
    }
}

#[tokio::test]
async fn a_job_runs_to_its_end() {
    for (engine, home) in TestEnvironment::each().await {
        let running = Running::on(&home).await;
        let made = running.create("hello").await.unwrap();
        assert_eq!((made.status(), made.size_bytes), (pb::JobStatus::Queued, 5), "{engine}");
        let ended = running.get(&made.id, 60).await.unwrap();
        assert_eq!(ended.status(), pb::JobStatus::Succeeded, "{engine}");
        assert_eq!(text_of(&ended), "hello");
        let usage = ended.usage.unwrap();
        assert_eq!((ended.page_count, usage.pages, usage.fields), (Some(2), 1, 1));
        assert_eq!(ended.schema, Some(schema()));
        let noticed = ended.result.unwrap().notices;
        let [notice] = noticed.as_slice() else { panic!("{engine}: {noticed:?}") };
        assert_eq!((notice.kind(), notice.page), (pb::DocumentNoticeKind::HiddenText, Some(1)));
        assert_eq!(notice.detail.as_deref(), Some("3 words"));
        running.delete(&made.id).await.unwrap();
        for status in
            [running.delete(&made.id).await.unwrap_err(), running.get(&made.id, 0).await.unwrap_err()]
        {
            assert_eq!(status::reason(&status), Reason::NotFound);
        }
        running.service.close().await;
    }
}

#[tokio::test]
async fn a_job_that_fails_says_why() {
    let home = TestEnvironment::sqlite();
    let running = Running::on(&home).await;
    for (document, code) in
        [("password_protected", "password_protected"), ("timed_out", "timed_out"), (PANICS, "internal")]
    {
        let made = running.create(document).await.unwrap();
        let ended = running.get(&made.id, 60).await.unwrap();
        assert_eq!((ended.status(), ended.error.unwrap().code.as_str()), (pb::JobStatus::Failed, code));
        let status = running.correct(&made.id, correction("/text", "x"), &["corrections"]).await.unwrap_err();
        assert_eq!(status::reason(&status), Reason::Conflict);
    }
    running.service.close().await;
}

#[tokio::test]
async fn what_cannot_be_a_job_is_refused_and_queues_none() {
    let home = TestEnvironment::sqlite();
    let running = Running::idle(&home).await;
    let whole = request("hello", schema());
    let metadata = |change: fn(&mut pb::CreateJobMetadata)| {
        let mut parts = whole.clone();
        if let Some(Part::Metadata(metadata)) = &mut parts[0].part {
            change(metadata);
        }
        parts
    };
    let table = [
        ("nothing", vec![], Reason::InvalidArgument),
        ("no metadata", whole[1..].to_vec(), Reason::InvalidArgument),
        ("no document", whole[..1].to_vec(), Reason::InvalidArgument),
        ("metadata twice", vec![whole[0].clone(), whole[0].clone()], Reason::InvalidArgument),
        ("no schema", metadata(|sent| sent.schema = None), Reason::InvalidArgument),
        ("both", metadata(|sent| sent.template = Some("invoice".to_owned())), Reason::InvalidArgument),
        (
            "no such template",
            metadata(|sent| (sent.schema, sent.template) = (None, Some("odd".to_owned()))),
            Reason::InvalidArgument,
        ),
        (
            "a schema that is not understood",
            metadata(|sent| {
                sent.schema = Some(prost_types::Struct { fields: [("not".to_owned(), string(""))].into() });
            }),
            Reason::InvalidArgument,
        ),
        (
            "pages",
            metadata(|sent| {
                sent.options =
                    Some(pb::ExtractionOptions { pages: Some("3-1".to_owned()), ..Default::default() });
            }),
            Reason::InvalidArgument,
        ),
        (
            "a language that nothing reads",
            metadata(|sent| {
                let languages = vec!["en".to_owned(), "tlh".to_owned()];
                sent.options = Some(pb::ExtractionOptions { languages, ..Default::default() });
            }),
            Reason::InvalidArgument,
        ),
        ("a type", metadata(|sent| sent.content_type = Some("pdf".to_owned())), Reason::InvalidArgument),
        (
            "the document twice",
            metadata(|sent| {
                let source = pb::document_source::Source::Content(b"hello".to_vec());
                sent.document = Some(pb::DocumentSource { source: Some(source) });
            }),
            Reason::InvalidArgument,
        ),
        ("of no kind", request("\0\0", schema()), Reason::UnsupportedMediaType),
    ];
    for (what, parts, reason) in table {
        let status = running.create_with(parts).await.unwrap_err();
        assert_eq!(status::reason(&status), reason, "{what}");
    }
    let list = pb::ListJobsRequest { include_total: Some(true), ..Default::default() };
    let list = running.client().list_jobs(by(list, ORGANIZATION)).await.unwrap().into_inner();
    assert_eq!(list.pagination.unwrap().total, Some(0));
    running.service.close().await;
}

#[tokio::test]
async fn another_organization_sees_nothing() {
    let home = TestEnvironment::sqlite();
    let running = Running::on(&home).await;
    let made = running.create("hello").await.unwrap();
    running.get(&made.id, 60).await.unwrap();
    let get = pb::GetJobRequest { id: made.id.clone(), ..Default::default() };
    let delete = pb::DeleteJobRequest { id: made.id.clone(), ..Default::default() };
    let update = pb::UpdateJobRequest {
        id: made.id.clone(),
        job: Some(correction("/text", "x")),
        update_mask: Some(prost_types::FieldMask { paths: vec!["corrections".to_owned()] }),
        ..Default::default()
    };
    let mut client = running.client();
    for status in [
        client.get_job(by(get, OTHER)).await.unwrap_err(),
        client.delete_job(by(delete, OTHER)).await.unwrap_err(),
        client.update_job(by(update, OTHER)).await.unwrap_err(),
    ] {
        assert_eq!(status::reason(&status), Reason::NotFound);
    }
    let list = client.list_jobs(by(pb::ListJobsRequest::default(), OTHER)).await.unwrap().into_inner();
    assert!(list.jobs.is_empty());
    running.service.close().await;
}

#[tokio::test]
async fn a_job_that_is_deleted_ends_nowhere() {
    let home = TestEnvironment::sqlite();
    let running = Running::on(&home).await;
    let made = running.create(WAITS).await.unwrap();
    running.pipeline.entered.notified().await;
    // It says how far it is, before it has ended.
    let told = async {
        while running.get(&made.id, 0).await.unwrap().pages_read != Some(1) {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), told).await.unwrap();
    assert_eq!(running.get(&made.id, 0).await.unwrap().status(), pb::JobStatus::Running);
    running.delete(&made.id).await.unwrap();
    running.pipeline.release.notify_one();
    // The worker has gone on to the next.
    let next = running.create("next").await.unwrap();
    assert_eq!(running.get(&next.id, 60).await.unwrap().status(), pb::JobStatus::Succeeded);
    assert_eq!(status::reason(&running.get(&made.id, 0).await.unwrap_err()), Reason::NotFound);
    let cancelled = pb::ListJobsRequest {
        status: Some(pb::JobStatus::Cancelled.into()),
        include_total: Some(true),
        ..Default::default()
    };
    let list = running.client().list_jobs(by(cancelled, ORGANIZATION)).await.unwrap().into_inner();
    assert_eq!((list.jobs.len(), list.pagination.unwrap().total), (0, Some(0)));
    running.service.close().await;
}

#[tokio::test]
async fn what_runs_at_a_stop_is_run_by_another_process() {
    for (engine, home) in TestEnvironment::each().await {
        let first = Running::on(&home).await;
        let made = first.create(WAITS).await.unwrap();
        first.pipeline.entered.notified().await;
        first.service.close().await;
        // SQLite belongs to one process.
        drop(first);
        let second = Running::on(&home).await;
        second.pipeline.release.notify_one();
        let ended = second.get(&made.id, 60).await.unwrap();
        assert_eq!(ended.status(), pb::JobStatus::Succeeded, "{engine}");
        second.service.close().await;
    }
}

#[tokio::test]
async fn corrections_teach_later_jobs_until_they_are_taken_back() {
    let home = TestEnvironment::sqlite();
    let running = Running::on(&home).await;
    let first = running.create("hello").await.unwrap();
    running.get(&first.id, 60).await.unwrap();
    let corrected =
        running.correct(&first.id, correction("/text", "taught"), &["corrections"]).await.unwrap();
    assert_eq!(corrected.corrections.len(), 1);
    assert_eq!(text_of(&corrected), "hello", "the machine's value stays");
    settled(&running, &first.id, true).await;
    let second = running.create("again").await.unwrap();
    assert_eq!(text_of(&running.get(&second.id, 60).await.unwrap()), "taught");
    // The same by the names of properties.
    let fields = correction("/text", "otherwise").corrections.remove(0).value.unwrap();
    let fields = pb::JobCorrections { fields: [("text".to_owned(), fields)].into(), ..Default::default() };
    let corrected = running.correct(&first.id, fields, &["fields.text"]).await.unwrap();
    assert_eq!(corrected.corrections[0].path, "/text");
    // A merge patch names what it takes out, and has no value for it.
    let absent = running.correct(&first.id, pb::JobCorrections::default(), &["fields.text"]).await.unwrap();
    let [absent] = absent.corrections.as_slice() else { panic!("{absent:?}") };
    let null = prost_types::Value { kind: Some(Kind::NullValue(0)) };
    assert_eq!((absent.path.as_str(), &absent.value), ("/text", &Some(wire_value(&null))));
    running.correct(&first.id, pb::JobCorrections::default(), &["corrections"]).await.unwrap();
    settled(&running, &first.id, false).await;
    let third = running.create("forgotten").await.unwrap();
    assert_eq!(text_of(&running.get(&third.id, 60).await.unwrap()), "forgotten");

    for (job, mask) in [
        (correction("text", "x"), vec!["corrections"]),
        (correction("/odd", "x"), vec!["corrections"]),
        (correction("/text", "x"), vec!["status"]),
        (correction("/text", "x"), vec!["corrections", "fields"]),
    ] {
        let status = running.correct(&first.id, job, &mask).await.unwrap_err();
        assert_eq!(status::reason(&status), Reason::InvalidArgument, "{mask:?}");
    }
    running.service.close().await;
}

/// Waits until all was learned from.
async fn settled(running: &Running, id: &str, active: bool) {
    let settles = async {
        loop {
            let learning = running.get(id, 0).await.unwrap().learning.unwrap();
            if !learning.pending {
                break learning;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    let learning = tokio::time::timeout(std::time::Duration::from_secs(60), settles).await.unwrap();
    assert_eq!(learning.active, active);
}
