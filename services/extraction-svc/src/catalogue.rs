//! The templates that the jobs of an organization may name: those that come with Keyward, and its own.

use serde_json::Value;
use svc_core::error::{Error, Fault, Violation};
use svc_core::idempotency::{Answers, IdempotentCall, Kept, Once};
use svc_core::ids::Ids;
use svc_core::policy::is_scope;
use svc_db::DbError;

use crate::change::Changed;
use crate::domain::{
    Actor, Chosen, NewTemplate, SCHEMA_MAX_BYTES, TEMPLATES_MAX, Template, VERSIONS_MAX, adds_only, deeds,
    lesson_of,
};
use crate::error::ExtractionError;
use crate::parts::Parts;
use crate::store::StoreError;

/// The templates of all organizations.
pub(crate) struct Catalogue {
    parts: Parts,
    ids: Ids,
}

impl Catalogue {
    pub(crate) fn new(parts: Parts, ids: Ids) -> Catalogue {
        Catalogue { parts, ids }
    }

    /// All that a job may name: those that come with Keyward first, then the organization's own, each by name.
    pub(crate) async fn all(&self, organization_id: &str) -> Result<Vec<Template>, ExtractionError> {
        Ok(self.parts.templates(organization_id).await?)
    }

    /// The organization's own, by name.
    pub(crate) async fn own(&self, organization_id: &str) -> Result<Vec<Template>, ExtractionError> {
        Ok(self.parts.store.templates(organization_id).await?)
    }

    /// One of the organization's own, in its latest version or another one.
    pub(crate) async fn get(
        &self,
        organization_id: &str,
        name: &str,
        version: Option<i64>,
    ) -> Result<Template, ExtractionError> {
        let found = match is_scope(name) {
            true => self.parts.store.template(organization_id, name, version).await?,
            false => None,
        };
        found.ok_or(ExtractionError::UnknownTemplate)
    }

    /// The versions of one, the latest first.
    pub(crate) async fn versions(
        &self,
        organization_id: &str,
        name: &str,
    ) -> Result<Vec<Template>, ExtractionError> {
        let found = match is_scope(name) {
            true => self.parts.store.template_versions(organization_id, name).await?,
            false => Vec::new(),
        };
        if found.is_empty() { Err(ExtractionError::UnknownTemplate) } else { Ok(found) }
    }

    /// What a job extracts that says so by a schema or by the name of a template, or leaves it to the document.
    pub(crate) async fn choose(
        &self,
        organization_id: &str,
        schema: Option<Value>,
        template: Option<&str>,
        detects: bool,
    ) -> Result<Chosen, ExtractionError> {
        let refuse = |field: &str, fault: Fault, message: &str| {
            Err(ExtractionError::Invalid(vec![Violation::new(field, fault, message)]))
        };
        match (schema, template) {
            (None, None) if detects => {
                Ok(Chosen { template: None, schema: String::new(), lesson: String::new() })
            }
            (None, None) => refuse(
                "schema",
                Fault::Required,
                "Say what to extract: by `schema`, by the name of a `template`, or by `options.detectType`.",
            ),
            (Some(_), Some(_)) => refuse("template", Fault::Invalid, "Give either `schema` or `template`."),
            (None, Some(name)) if !is_scope(name) => Err(ExtractionError::NoTemplate),
            (None, Some(name)) => match self.parts.store.template(organization_id, name, None).await? {
                Some(own) => Ok(own.into()),
                None => {
                    let built_in = self.parts.pipeline.templates().iter().find(|known| known.name == name);
                    Ok(Template::from(built_in.ok_or(ExtractionError::NoTemplate)?).into())
                }
            },
            (Some(schema), None) => {
                let schema = self.usable(&schema)?;
                let lesson = lesson_of(None, &schema);
                Ok(Chosen { template: None, schema, lesson })
            }
        }
    }

    /// A schema that can be used, as JSON text.
    fn usable(&self, schema: &Value) -> Result<String, ExtractionError> {
        let refuse = |violation| Err(ExtractionError::Invalid(vec![violation]));
        if let Err((at, why)) = self.parts.pipeline.check(schema) {
            return refuse(Violation::new(format!("schema{at}"), Fault::Invalid, why));
        }
        let text = schema.to_string();
        if text.len() > SCHEMA_MAX_BYTES {
            let message = format!("`schema` has at most {} KiB of JSON.", SCHEMA_MAX_BYTES / 1024);
            return refuse(Violation::new("schema", Fault::TooLong, message));
        }
        Ok(text)
    }

    /// Makes a template, in its first version.
    pub(crate) async fn create(
        &self,
        author: Actor,
        new: NewTemplate,
        once: Option<Once<Template>>,
    ) -> Result<Template, ExtractionError> {
        if self.parts.pipeline.templates().iter().any(|known| known.name == new.name) {
            return Err(ExtractionError::TemplateExists);
        }
        let schema = self.usable(&new.schema)?;
        let template = Template {
            version: 1,
            lesson: format!("own/{}", self.ids.next()),
            created_at: Some(self.parts.clock.now()),
            name: new.name,
            title: new.title,
            description: new.description,
            schema,
        };
        let by = author.clone();
        let work = self.parts.changes.make_for(&by, once, |work| {
            Box::pin(async move {
                if work.count_templates(&author.partition.organization_id).await? >= TEMPLATES_MAX {
                    return Err(ExtractionError::TooManyTemplates);
                }
                add(work, &author, &template).await.map_err(|error| match error {
                    ExtractionError::TemplateChanged => ExtractionError::TemplateExists,
                    error => error,
                })?;
                let deed = deeds::template_created(&template);
                Ok(Changed::told(template, deed))
            })
        });
        work.await
    }

    /// Adds a version to a template.
    pub(crate) async fn add_version(
        &self,
        author: Actor,
        new: NewTemplate,
        once: Option<Once<Template>>,
    ) -> Result<Template, ExtractionError> {
        let schema = self.usable(&new.schema)?;
        let (lesson, now) = (format!("own/{}", self.ids.next()), self.parts.clock.now());
        let by = author.clone();
        let work = self.parts.changes.make_for(&by, once, |work| {
            Box::pin(async move {
                let before = work.latest_template(&author.partition.organization_id, &new.name).await?;
                let before = before.ok_or(ExtractionError::UnknownTemplate)?;
                if before.version >= VERSIONS_MAX {
                    return Err(ExtractionError::TooManyVersions);
                }
                let was: Value = serde_json::from_str(&before.schema).unwrap_or_default();
                let shares = adds_only(&was, &new.schema);
                let template = Template {
                    version: before.version + 1,
                    lesson: if shares { before.lesson.clone() } else { lesson },
                    created_at: Some(now),
                    name: new.name,
                    title: new.title,
                    description: new.description,
                    schema,
                };
                add(work, &author, &template).await?;
                if shares {
                    // What is learned from now on is of all that the template has by now.
                    work.widen(&author.partition.organization_id, &template.lesson, &template.schema).await?;
                }
                let deed = deeds::template_updated(&before, &template);
                Ok(Changed::told(template, deed))
            })
        });
        work.await
    }

    /// Deletes a template with all its versions.
    pub(crate) async fn delete(&self, author: Actor, name: &str) -> Result<(), ExtractionError> {
        if !is_scope(name) {
            return Err(ExtractionError::UnknownTemplate);
        }
        let name = name.to_owned();
        let by = author.clone();
        let work = self.parts.changes.make_for(&by, None, |work| {
            Box::pin(async move {
                let organization_id = &author.partition.organization_id;
                let latest = work.latest_template(organization_id, &name).await?;
                let latest = latest.ok_or(ExtractionError::UnknownTemplate)?;
                match work.delete_template(organization_id, &name).await? {
                    // Another one has deleted it at this moment.
                    0 => Err(ExtractionError::UnknownTemplate),
                    _ => Ok(Changed::told((), deeds::template_deleted(&latest))),
                }
            })
        });
        work.await
    }
}

impl Answers for Catalogue {
    async fn kept(&self, call: &IdempotentCall) -> Result<Option<Kept>, Error> {
        Ok(self.parts.changes.kept(call).await?)
    }
}

async fn add(
    work: &mut dyn crate::store::Work,
    author: &Actor,
    template: &Template,
) -> Result<(), ExtractionError> {
    match work.add_template(&author.partition.organization_id, &author.actor_id, template).await {
        Err(StoreError::Db(DbError::Duplicate)) => Err(ExtractionError::TemplateChanged),
        added => Ok(added?),
    }
}
