//! The reader and the engine that come with Keyward, and language models in the engine's place.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;
use serde_json::Value;
use tokio::task::spawn_blocking;

use crate::document::{Document, Notice, NoticeKind, OnePage, one_page};
use crate::domain::{Accuracy, Failure, Field, JobResult, Ocr, Options, Place, Rectangle};
use crate::engine::{self, CompiledSchema, Corrected, Correction, Extraction, Leaf, Model, Question};
use crate::llm::{Models, Spent};
use crate::pipeline::{Example, Learned, Pipeline, Wanted};
use crate::reader::{self, Draw, Drawing, Installed, ReadError, When};
use crate::sandbox::{Progress, Request, Sandbox};
use crate::templates::{self, BuiltIn};

/// The most pixels of the longer side of a page that is drawn: text of an A4 page is sharp at twice the pixels of a
/// column in which a person reads it.
const DRAWN_SIDE: u32 = 1_600;
/// How good its JPEG is, of 100: text without a halo.
const JPEG_QUALITY: u8 = 85;

/// The reader in its sandbox, and the engine.
pub(crate) struct Embedded {
    sandbox: Arc<Sandbox>,
    /// What is there to read with; `None`: others read.
    installed: Option<Installed>,
    models: Arc<Models>,
}

impl Embedded {
    /// With what is installed where documents are read, if that is here.
    pub(crate) fn new(sandbox: Arc<Sandbox>, installed: Option<Installed>, models: Arc<Models>) -> Embedded {
        Embedded { sandbox, installed, models }
    }
}

#[async_trait]
impl Pipeline for Embedded {
    fn check(&self, schema: &Value) -> Result<(), (String, String)> {
        CompiledSchema::compile(schema).map(|_| ()).map_err(|error| (error.path, error.message))
    }

    fn reads_language(&self, tag: &str) -> bool {
        self.installed.as_ref().is_none_or(|installed| installed.reads(tag))
    }

    fn ocr(&self) -> String {
        self.installed.as_ref().map_or_else(String::new, Installed::ocr)
    }

    fn knows(&self, beginning: &[u8], _: Option<&str>, _: Option<&str>) -> bool {
        reader::knows(beginning)
    }

    async fn read(
        &self,
        document: File,
        options: &Options,
        claimed: Option<&str>,
        name: Option<&str>,
        pages_read: &AtomicU32,
    ) -> Result<Document, Failure> {
        let ranges = options.page_ranges().unwrap_or_default();
        let request = Request {
            file_name: name.map(str::to_owned),
            media_type: claimed.map(str::to_owned),
            pages: ranges.into_iter().map(|range| (range.first, range.last)).collect(),
            when: match options.ocr {
                None | Some(Ocr::Auto) => When::Auto,
                Some(Ocr::Always) => When::Always,
                Some(Ocr::Never) => When::Never,
            },
            languages: options.languages.clone(),
        };
        let progress = |progress: Progress| pages_read.store(progress.read, Ordering::Relaxed);
        let mut read = self.sandbox.read(document, &request, progress).await.map_err(|error| {
            tracing::info!(error = %error, "a document is not read");
            failure(&error)
        })?;
        read.languages.clone_from(&options.languages);
        Ok(read)
    }

    fn page(&self, reading: &[u8], number: u32) -> Result<Option<OnePage>, Failure> {
        one_page(reading, number).map_err(|_| Failure::Internal)
    }

    async fn draw(&self, document: File, page: u32) -> Result<Vec<u8>, Failure> {
        let drawing =
            self.sandbox.draw(document, Draw { page, side: DRAWN_SIDE }).await.map_err(|error| {
                tracing::info!(error = %error, "a page is not drawn");
                failure(&error)
            })?;
        // Pixels are nothing that could be parsed wrongly: what a browser gets is a file of our own making.
        spawn_blocking(move || jpeg(&drawing)).await.map_err(|_| Failure::Internal)?
    }

    fn extract(
        &self,
        document: &Document,
        schema: &Value,
        model: Option<&[u8]>,
    ) -> Result<JobResult, Failure> {
        let schema = CompiledSchema::compile(schema).map_err(|_| Failure::Internal)?;
        Ok(result(engine::extract(document, &schema, learned(model).as_ref())))
    }

    fn language_models(&self, organization_id: &str) -> Vec<&str> {
        self.models.of(organization_id)
    }

    async fn ask(
        &self,
        organization_id: &str,
        name: &str,
        document: Arc<Document>,
        wanted: Wanted,
        spent: &Spent,
    ) -> Result<JobResult, Failure> {
        // The settings may say something else than when the job was queued.
        let asked = self.models.get(organization_id, name).ok_or(Failure::EngineUnavailable)?;
        let read = document.clone();
        let prepared = spawn_blocking(move || {
            let schema = CompiledSchema::compile(&wanted.schema).map_err(|_| Failure::Internal)?;
            let question = Question::new(&wanted.schema, &schema);
            Ok((question, engine::written(&read), schema, learned(wanted.model.as_deref())))
        });
        let (question, written, schema, model) = prepared.await.map_err(|_| Failure::Internal)??;
        let said = asked.ask(&question, written, spent).await?;
        let found = spawn_blocking(move || engine::ground(&document, &schema, model.as_ref(), &said));
        Ok(result(found.await.map_err(|_| Failure::Internal)?))
    }

    fn detect(&self, document: &Document, among: &[(String, Value)]) -> Option<(usize, f64)> {
        let compile = |(at, (name, schema)): (usize, &(String, Value))| {
            Some((at, name.clone(), CompiledSchema::compile(schema).ok()?))
        };
        let compiled: Vec<_> = among.iter().enumerate().filter_map(compile).collect();
        let kinds: Vec<_> = compiled.iter().map(|(_, name, schema)| (name.as_str(), schema)).collect();
        let (found, likely) = engine::detect(document, &kinds)?;
        compiled.get(found).map(|(at, ..)| (*at, likely))
    }

    fn learn(&self, schema: &Value, examples: Vec<Example>) -> Learned {
        let nothing = Learned { model: None, accuracy: None };
        let Ok(schema) = CompiledSchema::compile(schema) else { return nothing };
        let latest = examples.len().saturating_sub(engine::MAX_DOCUMENTS);
        let read: Vec<(Document, Vec<Correction>)> = examples
            .into_iter()
            .skip(latest)
            .filter_map(|example| {
                let document = serde_json::from_slice(&example.reading).ok()?;
                let said = example.corrections.into_iter();
                Some((document, said.map(|one| Correction { path: one.path, value: one.value }).collect()))
            })
            .collect();
        let corrected: Vec<Corrected<'_>> =
            read.iter().map(|(document, corrections)| Corrected { document, corrections }).collect();
        let lesson = engine::learn(&schema, &corrected);
        let accuracy = lesson.accuracy.map(|accuracy| Accuracy {
            before: accuracy.before,
            after: accuracy.after,
            documents: u32::try_from(accuracy.documents).unwrap_or(u32::MAX),
        });
        Learned { model: lesson.model.and_then(|model| serde_json::to_vec(&model).ok()), accuracy }
    }

    fn templates(&self) -> &[BuiltIn] {
        templates::built_in()
    }
}

/// What was learned. A model of another version is learned again with the next correction; until then it teaches nothing.
fn learned(model: Option<&[u8]>) -> Option<Model> {
    let model = model.and_then(|model| serde_json::from_slice::<Model>(model).ok());
    model.filter(|model| model.version == engine::VERSION)
}

fn result(found: Extraction) -> JobResult {
    let fields = found.fields.into_iter().map(field).collect();
    let detail = found.cut.iter().take(CUT_NAMED).cloned().collect::<Vec<_>>().join(", ");
    let truncated = Notice { kind: NoticeKind::Truncated, page: None, detail };
    let notices = if found.cut.is_empty() { Vec::new() } else { vec![truncated] };
    JobResult { data: found.data, fields, detected: None, notices }
}

/// How many of the places that are cut a notice names.
const CUT_NAMED: usize = 5;

fn jpeg(drawing: &Drawing) -> Result<Vec<u8>, Failure> {
    let mut file = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut file, JPEG_QUALITY);
    let encoded = encoder.encode(&drawing.pixels, drawing.width, drawing.height, ExtendedColorType::Rgb8);
    encoded.map_err(|_| Failure::Internal)?;
    Ok(file)
}

fn failure(error: &ReadError) -> Failure {
    match error {
        ReadError::UnreadableDocument(_) => Failure::UnreadableDocument,
        ReadError::PasswordProtected => Failure::PasswordProtected,
        ReadError::TooManyPages(_) => Failure::TooManyPages,
        ReadError::TooLarge(_) => Failure::TooLarge,
        ReadError::TimedOut(_) => Failure::TimedOut,
        ReadError::EngineUnavailable(_) => Failure::EngineUnavailable,
    }
}

fn field(leaf: Leaf) -> Field {
    let ocr = leaf.method == engine::Method::Ocr;
    let by_model = leaf.method == engine::Method::Model;
    let source = leaf.source.map(|source| Place {
        page: source.page,
        bounds: Some(Rectangle {
            left: f64::from(source.bounds.left),
            top: f64::from(source.bounds.top),
            width: f64::from(source.bounds.width),
            height: f64::from(source.bounds.height),
        }),
        text: source.text,
        anchor: source.anchor,
        // Hidden words are no candidates.
        hidden: false,
        ocr,
        by_model,
    });
    Field {
        path: leaf.path,
        value: leaf.value,
        confidence: leaf.confidence,
        source,
        uncalibrated: leaf.uncalibrated,
    }
}
