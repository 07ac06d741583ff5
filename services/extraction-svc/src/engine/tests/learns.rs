//! What corrections teach.

use serde_json::{Value, json};

use super::{assert_proven, paper, schema};
use crate::document::Document;
use crate::engine::{CompiledSchema, Corrected, Correction, FEWEST, Lesson, Model, extract, learn};

/// A form whose labels say nothing in any language: only corrections can teach what they mean.
fn form(n: u16) -> (Document, Vec<Correction>) {
    let (code, other) = (format!("K{}7{n}", n * 3 % 7), format!("Z{}1{n}", n * 5 % 9));
    let document = paper(&[
        (4, 1, "Blorp sheet"),
        (4, 3, "Wibble"),
        (30, 3, &other),
        (4, 4, "Frobnitz"),
        (30, 4, &code),
        (4, 5, "Quux"),
        (30, 5, &format!("Y{n}00")),
    ]);
    (document, vec![Correction { path: "/tag".to_owned(), value: json!(code) }])
}

fn tag() -> CompiledSchema {
    schema(json!({"tag": {"type": "string", "title": "Tag number"}}))
}

fn taught(examples: &[(Document, Vec<Correction>)]) -> Lesson {
    let corrected: Vec<Corrected<'_>> =
        examples.iter().map(|(document, corrections)| Corrected { document, corrections }).collect();
    learn(&tag(), &corrected)
}

#[test]
fn labels_are_learned_from_corrections() {
    let examples: Vec<_> = (1..=8).map(form).collect();
    let (unseen, right) = form(20);
    assert_ne!(extract(&unseen, &tag(), None).data["tag"], right[0].value, "the test tests nothing");
    let lesson = taught(&examples);
    let accuracy = lesson.accuracy.unwrap();
    assert!(accuracy.after > accuracy.before && accuracy.documents == 8, "{accuracy:?}");
    let model = lesson.model.unwrap();
    let found = extract(&unseen, &tag(), Some(&model));
    assert_proven(&unseen, &found);
    assert_eq!(found.data["tag"], right[0].value);
    // The same lessons give the same model, and it survives being written down.
    assert_eq!(taught(&examples).model.as_ref(), Some(&model));
    let again: Model = serde_json::from_slice(&serde_json::to_vec(&model).unwrap()).unwrap();
    assert_eq!(extract(&unseen, &tag(), Some(&again)), found);
}

#[test]
fn few_corrections_teach_nothing() {
    for n in 0..FEWEST {
        let examples: Vec<_> = (0..u16::try_from(n).unwrap()).map(|i| form(i + 1)).collect();
        assert_eq!(taught(&examples), Lesson { model: None, accuracy: None }, "{n}");
    }
}

#[test]
fn corrections_that_contradict_each_other_are_not_used() {
    // Each names another line of the form.
    let examples: Vec<_> = (1..=6)
        .map(|n| {
            let (document, _) = form(n);
            let word = [2, 4, 6][usize::from(n) % 3];
            let value = document.pages[0].words.get(word + usize::from(word > 5)).map(|w| w.text.clone());
            (document, vec![Correction { path: "/tag".to_owned(), value: json!(value) }])
        })
        .collect();
    let lesson = taught(&examples);
    if let Some(accuracy) = lesson.accuracy.filter(|_| lesson.model.is_some()) {
        assert!(accuracy.after > accuracy.before, "{accuracy:?}");
    }
}

#[test]
fn null_teaches_that_a_value_is_absent() {
    let total = schema(json!({"total": {"type": "number", "title": "Total"}}));
    let document =
        |n: u16| paper(&[(4, 1, "Total"), (30, 1, &format!("{n}20.00")), (4, 2, "Deposit"), (30, 2, "5.00")]);
    let documents: Vec<Document> = (1..=6).map(document).collect();
    let said = [Correction { path: "/total".to_owned(), value: Value::Null }];
    let corrected: Vec<Corrected<'_>> =
        documents.iter().map(|document| Corrected { document, corrections: &said }).collect();
    let model = learn(&total, &corrected).model.unwrap();
    assert_eq!(extract(&document(9), &total, None).data["total"], json!(920.0));
    assert_eq!(extract(&document(9), &total, Some(&model)).data["total"], Value::Null);
}

#[test]
fn corrections_of_any_path_are_survived() {
    let (document, _) = form(1);
    let paths = ["", "/", "/tag/0", "/tag/0/a", "/99999999999/x", "/a~1b", "/tag/x/y/z", "/~"];
    let said: Vec<Correction> = paths
        .iter()
        .map(|path| Correction { path: (*path).to_owned(), value: json!([{"a": [1]}]) })
        .collect();
    let corrected = [(); 4].map(|()| Corrected { document: &document, corrections: &said });
    let _ = learn(&tag(), &corrected);
}

#[test]
fn which_days_are_a_list_is_learned() {
    let sheet = |n: u16| {
        let (first, other) = (format!("{n} April 2023,"), format!("{n} March 2023,"));
        let document = paper(&[
            (4, 1, "Blorp sheet"),
            (4, 3, &format!("Quux: {other} 2 June 2023")),
            (4, 5, &format!("Wibble: {first} 1 May 2023")),
        ]);
        let days = json!([format!("2023-04-{n:02}"), "2023-05-01"]);
        (document, vec![Correction { path: "/days".to_owned(), value: days }])
    };
    let days = schema(
        json!({"days": {"type": "array", "title": "Holidays", "items": {"type": "string", "format": "date"}}}),
    );
    let examples: Vec<_> = (1..=8).map(sheet).collect();
    let corrected: Vec<Corrected<'_>> =
        examples.iter().map(|(document, corrections)| Corrected { document, corrections }).collect();
    let (unseen, right) = sheet(20);
    assert_ne!(extract(&unseen, &days, None).data["days"], right[0].value, "the test tests nothing");
    let model = learn(&days, &corrected).model.unwrap();
    let found = extract(&unseen, &days, Some(&model));
    assert_proven(&unseen, &found);
    assert_eq!(found.data["days"], right[0].value);
}
