//! What stores must do of templates.

use svc_db::DbError;

use super::*;
use crate::domain::Chosen;

const MINE: &str = "templates";

fn template(name: &str, version: i64) -> Template {
    Template {
        name: name.to_owned(),
        version,
        title: format!("Title {version}"),
        description: String::new(),
        schema: format!(r#"{{"title":"{version}"}}"#),
        lesson: format!("own/{name}"),
        created_at: Some(at(version)),
    }
}

pub(super) async fn contract(kept: &Kept) {
    versions_are_kept(kept).await;
    a_job_is_of_the_template_that_was_found(kept).await;
    a_lesson_is_of_the_widest_schema(kept).await;
}

async fn versions_are_kept(kept: &Kept) {
    for (name, version) in [("note", 1), ("note", 2), ("bill", 1), ("note", 10)] {
        change!(kept, |work| work.add_template(MINE, "ada", &template(name, version)));
    }
    let mut work = kept.writer.begin().await.unwrap();
    let twice = work.add_template(MINE, "ada", &template("note", 2)).await.unwrap_err();
    assert!(matches!(twice, StoreError::Db(DbError::Duplicate)), "{twice:?}");
    drop(work);
    let latest = [template("bill", 1), template("note", 10)];
    assert_eq!(kept.store.templates(MINE).await.unwrap(), latest);
    for (name, version, found) in [
        ("note", None, Some(template("note", 10))),
        ("note", Some(2), Some(template("note", 2))),
        ("note", Some(3), None),
        ("odd", None, None),
    ] {
        assert_eq!(kept.store.template(MINE, name, version).await.unwrap(), found, "{name} {version:?}");
    }
    let versions = kept.store.template_versions(MINE, "note").await.unwrap();
    let versions: Vec<_> = versions.iter().map(|one| (one.version, one.schema.as_str())).collect();
    assert_eq!(versions, [(10, ""), (2, ""), (1, "")]);
    assert_eq!(change!(kept, |work| work.count_templates(MINE)), 2);
    assert_eq!(change!(kept, |work| work.latest_template(MINE, "note")), Some(template("note", 10)));

    // Another organization sees and changes nothing.
    assert!(kept.store.templates("other").await.unwrap().is_empty());
    assert_eq!(kept.store.template("other", "note", None).await.unwrap(), None);
    assert_eq!(kept.store.template("other", "note", Some(2)).await.unwrap(), None);
    assert!(kept.store.template_versions("other", "note").await.unwrap().is_empty());
    assert_eq!(change!(kept, |work| work.count_templates("other")), 0);
    assert_eq!(change!(kept, |work| work.latest_template("other", "note")), None);
    assert_eq!(change!(kept, |work| work.delete_template("other", "note")), 0);

    assert_eq!(change!(kept, |work| work.delete_template(MINE, "note")), 3);
    assert_eq!(kept.store.templates(MINE).await.unwrap(), latest[..1]);
}

async fn a_job_is_of_the_template_that_was_found(kept: &Kept) {
    let of = partition("found");
    let mut unknown = job(&of, 1);
    (unknown.template, unknown.template_version) = (None, None);
    (unknown.schema, unknown.lesson) = (String::new(), String::new());
    change!(kept, |work| work.insert(&of, &unknown));
    let claimed = kept.claim(&claim("a"), at(2)).await.unwrap();
    let Ended::Succeeded { page_count, usage, result, reading, .. } = succeeded() else { unreachable!() };
    let chosen = Some(Box::new(Chosen::from(template("note", 2))));
    let ended = Ended::Succeeded { page_count, usage, result, chosen, reading };
    assert!(kept.end(&claimed, &claim("a"), &ended, at(3)).await);
    let found = kept.store.find(&of, &unknown.id).await.unwrap().unwrap();
    assert_eq!((found.template.as_deref(), found.template_version), (Some("note"), Some(2)));
    assert_eq!((found.schema, found.lesson), (template("note", 2).schema, "own/note".to_owned()));
}

async fn a_lesson_is_of_the_widest_schema(kept: &Kept) {
    change!(kept, |work| work.widen(MINE, "own/note", "wide"));
    assert!(
        change!(kept, |work| work.claim_lesson(&claim("a"), at(1))).is_none(),
        "nothing is to be learned"
    );
    change!(kept, |work| work.teach(MINE, "own/note", "narrow"));
    change!(kept, |work| work.widen(MINE, "own/note", "wider"));
    let lesson = change!(kept, |work| work.claim_lesson(&claim("a"), at(2))).unwrap();
    assert_eq!((lesson.schema.as_str(), lesson.version), ("wider", 1));
    assert!(change!(kept, |work| work.learned(&lesson, &claim("a"), &Taught::default(), at(3))));
}
