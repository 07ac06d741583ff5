//! A job as a message.

use keyward_proto::extraction::v1 as pb;
use prost_types::FieldMask;
use serde_json::Value;
use svc_core::clock::Timestamp;
use svc_core::error::{Fault, Violation};
use svc_core::mask;

use super::json;
use crate::document::{Notice, NoticeKind};
use crate::domain::{
    Correction, Failure, Field, Job, JobResult, Learning, Ocr, Options, Place, Sent, Status,
};
use crate::jobs::Shown;
use crate::llm::EMBEDDED;
use crate::pointer;

const CORRECTIONS: &str = "corrections";
const FIELDS: &str = "fields";

/// What a caller sent as corrections. `None`: nothing of it is to change.
pub(super) fn corrections(
    sent: pb::JobCorrections,
    update_mask: Option<FieldMask>,
) -> Result<Option<Vec<Sent>>, Vec<Violation>> {
    let (mut named, mut absent) = ((false, false), Vec::new());
    for path in update_mask.unwrap_or_default().paths {
        match (path.as_str(), mask::member(&path, FIELDS)) {
            (CORRECTIONS, _) => named.0 = true,
            (FIELDS, _) => named.1 = true,
            (_, Some(name)) => {
                named.1 = true;
                // A merge patch names each member of a map, and leaves out the value that is `null`.
                if !sent.fields.contains_key(&name) {
                    absent.push((name, Value::Null));
                }
            }
            _ => {
                let message = format!("`{path}` cannot be changed.");
                return Err(vec![Violation::new(path, Fault::Immutable, message)]);
            }
        }
    }
    let not_json = |field: String| {
        let message = "The value is not JSON.".to_owned();
        vec![Violation::new(field, Fault::Invalid, message)]
    };
    match named {
        (false, false) => Ok(None),
        (true, true) => {
            let message = "Give either `corrections` or `fields`.";
            Err(vec![Violation::new(FIELDS, Fault::Invalid, message)])
        }
        (true, false) => {
            let mut corrections = Vec::with_capacity(sent.corrections.len());
            for (at, correction) in sent.corrections.into_iter().enumerate() {
                // In JSON a field that is `null` is one that is not set.
                let fields = ["path", "value"].map(|name| format!("{CORRECTIONS}[{at}].{name}"));
                let value = match &correction.value {
                    None => Value::Null,
                    Some(value) => json::read(value).ok_or_else(|| not_json(fields[1].clone()))?,
                };
                corrections.push(Sent { path: correction.path, value, fields });
            }
            Ok(Some(corrections))
        }
        (false, true) => {
            let mut fields = absent;
            for (name, value) in sent.fields {
                let value = json::read(&value).ok_or_else(|| not_json(format!("{FIELDS}.{name}")))?;
                fields.push((name, value));
            }
            fields.sort_by(|a, b| a.0.cmp(&b.0));
            let sent = |(name, value): (String, Value)| {
                let field = format!("{FIELDS}.{name}");
                Sent { path: format!("/{}", pointer::escaped(&name)), value, fields: [field.clone(), field] }
            };
            Ok(Some(fields.into_iter().map(sent).collect()))
        }
    }
}

/// A job as callers see it, with all there is.
pub(super) fn whole(shown: Shown) -> pb::Job {
    let Shown { job, learning } = shown;
    let (schema, result, corrections) = (&job.schema, &job.result, &job.corrections);
    let schema = serde_json::from_str(schema).ok().map(|schema: Value| json::structure(&schema));
    let (result, corrections) =
        (result.as_ref().map(of_result), corrections.iter().map(of_correction).collect());
    pb::Job { schema, result, corrections, learning: learning.map(of_learning), ..summary(job) }
}

/// A job as lists show it.
pub(super) fn summary(job: Job) -> pb::Job {
    let status = match job.status {
        Status::Queued => pb::JobStatus::Queued,
        Status::Running => pb::JobStatus::Running,
        Status::Succeeded => pb::JobStatus::Succeeded,
        Status::Failed => pb::JobStatus::Failed,
    };
    let count = |number: Option<u32>| number.map(|number| i32::try_from(number).unwrap_or(i32::MAX));
    pb::Job {
        id: job.id,
        status: status.into(),
        template: job.template,
        template_version: job.template_version.map(|version| i32::try_from(version).unwrap_or(i32::MAX)),
        document_deleted_at: job.document_deleted_at.map(Timestamp::to_proto),
        schema: None,
        options: Some(of_options(job.options)),
        file_name: job.file_name,
        content_type: job.content_type,
        size_bytes: i32::try_from(job.size_bytes).unwrap_or(i32::MAX),
        contact_file_id: job.contact_file_id,
        page_count: count(job.page_count),
        result: None,
        corrections: Vec::new(),
        error: job.failure.map(of_failure),
        created_at: Some(job.created_at.to_proto()),
        updated_at: Some(job.updated_at.to_proto()),
        started_at: job.started_at.map(Timestamp::to_proto),
        finished_at: job.finished_at.map(Timestamp::to_proto),
        usage: job.usage.map(|usage| pb::JobUsage {
            pages: i32::try_from(usage.pages).unwrap_or(i32::MAX),
            fields: i32::try_from(usage.fields).unwrap_or(i32::MAX),
            model_input_tokens: i32::try_from(usage.input_tokens).unwrap_or(i32::MAX),
            model_output_tokens: i32::try_from(usage.output_tokens).unwrap_or(i32::MAX),
        }),
        learning: None,
        pages_read: count(job.pages_read),
        lowest_confidence: job.lowest_confidence,
    }
}

fn of_options(options: Options) -> pb::ExtractionOptions {
    let ocr = options.ocr.map(|ocr| match ocr {
        Ocr::Auto => pb::OcrMode::Auto,
        Ocr::Always => pb::OcrMode::Always,
        Ocr::Never => pb::OcrMode::Never,
    });
    pb::ExtractionOptions {
        languages: options.languages,
        pages: options.pages,
        ocr: ocr.map(i32::from),
        detect_type: options.detect_type.then_some(true),
        engine: options.engine,
    }
}

/// What a caller asked for.
pub(super) fn options(sent: pb::ExtractionOptions, violations: &mut Vec<Violation>) -> Options {
    let ocr = match pb::OcrMode::try_from(sent.ocr.unwrap_or_default()) {
        Ok(pb::OcrMode::Unspecified) => None,
        Ok(pb::OcrMode::Auto) => Some(Ocr::Auto),
        Ok(pb::OcrMode::Always) => Some(Ocr::Always),
        Ok(pb::OcrMode::Never) => Some(Ocr::Never),
        Err(_) => {
            let message = "`options.ocr` is not one that is known.";
            violations.push(Violation::new("options.ocr", Fault::Invalid, message));
            None
        }
    };
    let detect_type = sent.detect_type.unwrap_or_default();
    let engine = sent.engine.filter(|name| name != EMBEDDED);
    let options = Options { languages: sent.languages, pages: sent.pages, ocr, detect_type, engine };
    options.check(violations);
    options
}

fn of_failure(failure: Failure) -> pb::JobError {
    pb::JobError { code: failure.code().to_owned(), message: failure.message().to_owned() }
}

fn of_result(result: &JobResult) -> pb::JobResult {
    pb::JobResult {
        data: Some(json::structure(&result.data)),
        fields: result.fields.iter().map(of_field).collect(),
        detected_template: result.detected.as_ref().map(|detected| pb::DetectedTemplate {
            name: detected.name.clone(),
            version: i32::try_from(detected.version).unwrap_or(i32::MAX),
            confidence: detected.confidence,
        }),
        notices: result.notices.iter().map(of_notice).collect(),
    }
}

fn of_notice(notice: &Notice) -> pb::DocumentNotice {
    let kind = match notice.kind {
        NoticeKind::Mislabelled => pb::DocumentNoticeKind::Mislabelled,
        NoticeKind::HiddenText => pb::DocumentNoticeKind::HiddenText,
        NoticeKind::UnreliableTextLayer => pb::DocumentNoticeKind::UnreliableTextLayer,
        NoticeKind::SimplerOcr => pb::DocumentNoticeKind::SimplerOcr,
        NoticeKind::Damaged => pb::DocumentNoticeKind::Damaged,
        NoticeKind::ExternalReference => pb::DocumentNoticeKind::ExternalReference,
        NoticeKind::MissingPages => pb::DocumentNoticeKind::MissingPages,
        NoticeKind::AttachmentsNotRead => pb::DocumentNoticeKind::AttachmentsNotRead,
        NoticeKind::Truncated => pb::DocumentNoticeKind::Truncated,
    };
    pb::DocumentNotice {
        kind: kind.into(),
        page: notice.page.map(|page| i32::try_from(page).unwrap_or(i32::MAX)),
        detail: Some(notice.detail.clone()).filter(|detail| !detail.is_empty()),
    }
}

fn of_field(field: &Field) -> pb::ResultField {
    let method = match &field.source {
        None => pb::ExtractionMethod::Unspecified,
        Some(Place { by_model: true, .. }) => pb::ExtractionMethod::Model,
        Some(Place { ocr: true, .. }) => pb::ExtractionMethod::Ocr,
        Some(_) => pb::ExtractionMethod::Text,
    };
    pb::ResultField {
        path: field.path.clone(),
        value: Some(json::value(&field.value)),
        confidence: field.confidence,
        source: field.source.as_ref().map(of_place),
        method: method.into(),
        uncalibrated: field.uncalibrated,
    }
}

fn of_place(place: &Place) -> pb::FieldSource {
    pb::FieldSource {
        page: i32::try_from(place.page).unwrap_or(i32::MAX),
        bounding_box: place.bounds.map(|bounds| pb::BoundingBox {
            left: bounds.left,
            top: bounds.top,
            width: bounds.width,
            height: bounds.height,
        }),
        text: place.text.clone(),
        anchor: place.anchor.clone(),
        hidden: place.hidden,
    }
}

fn of_correction(correction: &Correction) -> pb::Correction {
    pb::Correction {
        path: correction.path.clone(),
        value: Some(json::value(&correction.value)),
        corrected_at: Some(Timestamp(correction.corrected_at).to_proto()),
    }
}

fn of_learning(learning: Learning) -> pb::JobLearning {
    pb::JobLearning {
        corrections: i32::try_from(learning.corrections).unwrap_or(i32::MAX),
        pending: learning.pending,
        active: learning.active,
        accuracy: learning.accuracy.map(|accuracy| pb::LearningAccuracy {
            before: accuracy.before,
            after: accuracy.after,
            documents: i32::try_from(accuracy.documents).unwrap_or(i32::MAX),
        }),
        updated_at: learning.learned_at.map(Timestamp::to_proto),
    }
}
