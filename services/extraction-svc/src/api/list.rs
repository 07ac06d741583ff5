//! Lists: what is asked for, pages, and cursors.

use keyward_proto::extraction::v1 as pb;
use keyward_proto::policy::v1::Pagination;
use svc_core::clock::Timestamp;
use svc_core::cursor;
use svc_core::error::{Error, Fault, Reason, Violation};
use svc_core::ids::is_id;
use svc_core::page::PageSize;
use svc_core::policy::is_scope;

use super::job;
use crate::domain::{Filter, Page, Partition, Position, Status, Template};

/// What a list of jobs is asked for.
pub(super) struct Asked {
    pub(super) filter: Filter,
    pub(super) size: PageSize,
    pub(super) after: Option<Position>,
    pub(super) count: bool,
}

pub(super) fn read(partition: &Partition, request: &pb::ListJobsRequest) -> Result<Asked, Error> {
    let mut violations = Vec::new();
    let size = PageSize::new(request.limit).map_err(|violation| violations.push(violation)).ok();
    let status = match request.status.map(pb::JobStatus::try_from) {
        None | Some(Ok(pb::JobStatus::Unspecified)) => None,
        Some(Ok(pb::JobStatus::Queued)) => Some(Status::Queued),
        Some(Ok(pb::JobStatus::Running)) => Some(Status::Running),
        Some(Ok(pb::JobStatus::Succeeded)) => Some(Status::Succeeded),
        Some(Ok(pb::JobStatus::Failed)) => Some(Status::Failed),
        Some(Ok(pb::JobStatus::Cancelled)) => None,
        Some(Err(_)) => {
            let message = "`status` is `QUEUED`, `RUNNING`, `SUCCEEDED`, `FAILED` or `CANCELLED`.";
            violations.push(Violation::new("status", Fault::Invalid, message));
            None
        }
    };
    let created_after = match &request.created_after {
        None => None,
        Some(time) => {
            let time = Timestamp::from_proto(time);
            if time.is_none() {
                let message = "`createdAfter` is not a time from year 1 to 9999.";
                violations.push(Violation::new("createdAfter", Fault::Invalid, message));
            }
            time
        }
    };
    // Names of templates have the form of scopes.
    if request.template.as_deref().is_some_and(|name| !is_scope(name)) {
        let message = "`template` is the name of a template, such as `invoice`.";
        violations.push(Violation::new("template", Fault::Invalid, message));
    }
    // A job that is cancelled is deleted, so there is none; and none comes after the end of time.
    let is_cancelled = request.status == Some(pb::JobStatus::Cancelled.into());
    let created_after = if is_cancelled { Some(Timestamp(i64::MAX)) } else { created_after };
    let Some(size) = size.filter(|_| violations.is_empty()) else { return Err(Error::invalid(violations)) };
    let filter = Filter { status, template: request.template.clone(), created_after };
    let scope = scope(partition, &filter);
    let after = request.cursor.as_deref().map(|cursor| position(&scope, cursor)).transpose()?;
    Ok(Asked { filter, size, after, count: request.include_total.unwrap_or_default() })
}

pub(super) fn write(partition: &Partition, asked: &Asked, page: Page) -> pb::ListJobsResponse {
    let last = page.jobs.last().filter(|_| page.has_more).map(Position::of);
    let next_cursor = last.map(|last| {
        cursor::encode(&scope(partition, &asked.filter), &[&last.created_at.0.to_string(), &last.id])
    });
    let pagination = Pagination {
        limit: asked.size.get(),
        has_more: page.has_more,
        next_cursor,
        total: page.total.map(|total| u32::try_from(total).unwrap_or(u32::MAX)),
    };
    pb::ListJobsResponse {
        jobs: page.jobs.into_iter().map(job::summary).collect(),
        pagination: Some(pagination),
    }
}

/// What a cursor is bound to: the partition and the filter.
fn scope(partition: &Partition, filter: &Filter) -> String {
    let Filter { status, template, created_after } = filter;
    format!(
        "jobs/{}/{}/{}/{}/{:?}",
        partition.organization_id,
        partition.agent_id,
        status.map_or("", Status::as_str),
        created_after.map_or(i64::MIN, |time| time.0),
        template,
    )
}

fn position(scope: &str, text: &str) -> Result<Position, Error> {
    let [created_at, id] = cursor::decode(scope, text)?;
    match created_at.parse() {
        Ok(micros) if is_id(&id) => Ok(Position { created_at: Timestamp(micros), id }),
        _ => Err(Error::new(Reason::InvalidCursor, "The cursor is malformed. Start again without one.")),
    }
}

/// A page of templates.
pub(super) fn templates(
    partition: &Partition,
    request: &pb::ListTemplatesRequest,
    templates: Vec<Template>,
) -> Result<pb::ListTemplatesResponse, Error> {
    let size = PageSize::new(request.limit).map_err(|violation| Error::invalid(vec![violation]))?;
    let scope = format!("templates/{}/{}", partition.organization_id, partition.agent_id);
    // Those that come with Keyward first, each by name.
    let place = |template: &Template| {
        [if template.created_at.is_none() { "built-in" } else { "own" }.to_owned(), template.name.clone()]
    };
    let after: Option<[String; 2]> =
        request.cursor.as_deref().map(|text| cursor::decode(&scope, text)).transpose()?;
    let total = request.include_total.unwrap_or_default().then_some(templates.len());
    let is_after = |template: &Template| after.as_ref().is_none_or(|after| place(template) > *after);
    let mut page: Vec<_> = templates.into_iter().filter(is_after).collect();
    let has_more = page.len() > size.get() as usize;
    page.truncate(size.get() as usize);
    let next = page.last().filter(|_| has_more).map(|last| {
        let [kind, name] = place(last);
        cursor::encode(&scope, &[&kind, &name])
    });
    let pagination = Pagination {
        limit: size.get(),
        has_more,
        next_cursor: next,
        total: total.map(|total| u32::try_from(total).unwrap_or(u32::MAX)),
    };
    let templates = page.into_iter().map(super::templates::message).collect();
    Ok(pb::ListTemplatesResponse { templates, pagination: Some(pagination) })
}
