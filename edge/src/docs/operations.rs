//! A page for each chapter of the reference: its operations with parameters, bodies, answers, errors and samples.

use serde_json::Value;

use super::errors;
use super::html::Html;
use super::markdown::{self, Heading};
use super::page::Content;
use super::samples;
use crate::openapi;
use crate::reference::{
    AnswerKind, Chapter, Object, Operation, Parameter, Place, Reference, Type, Types, View, who_may,
};

/// How many types deep a body is shown.
const DEPTH: usize = 3;

/// The page of a chapter.
pub(super) fn page(api: &Reference, chapter: &Chapter) -> Content {
    let path = format!("/docs/reference/{}", chapter.slug);
    let mut content = Content::new(&path, &chapter.title, "");
    content.is_reference = true;
    content.html.html(&markdown::render(&chapter.about).html);
    summary(&mut content.html, chapter);
    for operation in &chapter.operations {
        content.headings.push(Heading { anchor: operation.id.clone(), title: operation.summary.clone() });
        one(&mut content.html, api, operation);
    }
    content
}

/// Every operation in a line.
fn summary(html: &mut Html, chapter: &Chapter) {
    html.markup("<div class=\"wide\"><table class=\"index\"><tbody>\n");
    for operation in &chapter.operations {
        html.markup("<tr><td>");
        method(html, operation);
        html.markup("</td><td><a href=\"#").text(&operation.id).markup("\"><code>");
        html.text(&operation.path)
            .markup("</code></a></td><td>")
            .text(&operation.summary)
            .markup("</td></tr>\n");
    }
    html.markup("</tbody></table></div>\n");
}

fn method(html: &mut Html, operation: &Operation) {
    html.markup("<span class=\"method ").text(&operation.method.as_str().to_ascii_lowercase()).markup("\">");
    html.text(operation.method.as_str()).markup("</span>");
}

fn one(html: &mut Html, api: &Reference, operation: &Operation) {
    html.markup("<section class=\"operation\">\n<h2 id=\"").text(&operation.id).markup("\"><a href=\"#");
    html.text(&operation.id).markup("\">").text(&operation.summary).markup("</a></h2>\n<p class=\"call\">");
    method(html, operation);
    html.markup(" <code>").text(&operation.path).markup("</code></p>\n");
    html.html(&markdown::render(&operation.about).html);
    html.html(&markdown::render(&who_may(&operation.access)).html);
    for (place, title) in
        [(Place::Path, "In the path"), (Place::Query, "In the query"), (Place::Header, "In headers")]
    {
        let parameters: Vec<&Parameter> = operation.parameters_in(place).collect();
        if !parameters.is_empty() {
            html.markup("<h3>").text(title).markup("</h3>\n");
            parameters_table(html, &api.types, &parameters);
        }
    }
    body(html, api, operation);
    html.markup("<h3>Request</h3>\n");
    for (at, sample) in samples::of(operation).iter().enumerate() {
        html.markup("<details");
        html.markup(if at == 0 { " open>" } else { ">" });
        html.markup("<summary>").text(sample.language).markup("</summary>\n<pre id=\"");
        html.text(&format!("{}-{}", operation.id, sample.slug)).markup("\"><code>").text(&sample.text);
        html.markup("</code></pre></details>\n");
    }
    answer(html, api, operation);
    html.markup("<h3>Errors</h3>\n");
    if !operation.about_codes.is_empty() {
        html.html(&markdown::render(&format!("Of its own: {}", operation.about_codes)).html);
    }
    html.markup("<p class=\"codes\">");
    for (at, &reason) in operation.codes.iter().enumerate() {
        html.markup(if at == 0 { "" } else { " " });
        html.markup("<span>").text(&reason.http().to_string()).markup(" ");
        errors::link(html, reason);
        html.markup("</span>");
    }
    html.markup("</p>\n</section>\n");
}

fn parameters_table(html: &mut Html, types: &Types, parameters: &[&Parameter]) {
    html.markup("<div class=\"wide\"><table class=\"fields\"><tbody>\n");
    for parameter in parameters {
        row(html, types, &parameter.name, &parameter.schema, parameter.required, &parameter.about);
    }
    html.markup("</tbody></table></div>\n");
}

/// A name, its type, and what it means.
fn row(html: &mut Html, types: &Types, name: &str, schema: &Value, required: bool, about: &str) {
    html.markup("<tr><th scope=\"row\"><code>").text(name).markup("</code>");
    if required {
        html.markup("<br><span class=\"required\">required</span>");
    }
    html.markup("</th><td>").text(&words(types, schema)).markup("</td><td>");
    html.html(&markdown::render(about).html);
    values(html, types, schema);
    html.markup("</td></tr>\n");
}

/// The type of a value in a few words.
fn words(types: &Types, schema: &Value) -> String {
    if let Some(items) = schema.get("items") {
        return format!("list of {}", words(types, items));
    }
    if let Some((name, of)) = types.referred(schema) {
        return match of {
            Type::Enum { .. } => "enum".to_owned(),
            Type::Object(_) => name.to_owned(),
        };
    }
    if schema.get("enum").is_some() {
        return "enum".to_owned();
    }
    if let Some(any) = schema.get("anyOf").and_then(Value::as_array) {
        let words: Vec<String> = any.iter().map(|of| words_of(types, of)).filter(|w| w != "null").collect();
        return words.join(" or ");
    }
    words_of(types, schema)
}

fn words_of(types: &Types, schema: &Value) -> String {
    let of = schema.get("type");
    let name = of.and_then(|of| of.as_str().or_else(|| of.get(0)?.as_str()));
    let format = schema.get("format").and_then(Value::as_str);
    match (name, format) {
        (None, _) if schema.get("$ref").is_some() || schema.get("anyOf").is_some() => words(types, schema),
        (None, _) => "any JSON".to_owned(),
        (Some("string"), Some("date-time")) => "time".to_owned(),
        (Some("string"), Some("object-id")) => "id".to_owned(),
        (Some("string"), Some(format)) => format.to_owned(),
        (Some("array"), _) => "list".to_owned(),
        (Some(name), _) => name.to_owned(),
    }
}

/// The values of an enum, with what each means.
fn values(html: &mut Html, types: &Types, schema: &Value) {
    if let Some((_, Type::Enum { values, .. })) = types.referred(schema) {
        html.markup("<ul>");
        for (name, meaning) in values {
            html.markup("<li>").code(name).markup(" ").text(meaning).markup("</li>");
        }
        html.markup("</ul>");
        return;
    }
    let names = schema.get("enum").or_else(|| schema.get("items")?.get("enum")).and_then(Value::as_array);
    for (at, name) in names.into_iter().flatten().filter_map(Value::as_str).enumerate() {
        html.markup(if at == 0 { "" } else { ", " }).code(name);
    }
}

fn body(html: &mut Html, api: &Reference, operation: &Operation) {
    let Some(body) = &operation.body else { return };
    let object = body.schema.as_ref().and_then(|schema| api.types.referred(schema));
    if body.form.is_none() && !matches!(object, Some((_, Type::Object(object))) if !object.members.is_empty())
    {
        return;
    }
    html.markup("<h3>Body</h3>\n");
    if body.form.is_some() {
        html.markup("<p>A form (<code>multipart/form-data</code>) whose last part is <code>file</code>");
        html.markup(if body.bytes {
            ", or the bare bytes; <code>Content-Type</code> says of which type.</p>\n"
        } else {
            ", or JSON:</p>\n"
        });
    }
    if let Some((_, Type::Object(object))) = object {
        if object.view == View::Patch {
            html.markup(
                "<p>A JSON merge patch (RFC 7396): what is there changes, <code>null</code> clears, ",
            );
            html.markup("what is absent stays.</p>\n");
        }
        members(html, &api.types, object, "", DEPTH);
    }
}

/// The members of an object, and of those that it holds.
fn members(html: &mut Html, types: &Types, object: &Object, before: &str, depth: usize) {
    html.markup("<div class=\"wide\"><table class=\"fields\"><tbody>\n");
    rows(html, types, object, before, depth);
    html.markup("</tbody></table></div>\n");
}

fn rows(html: &mut Html, types: &Types, object: &Object, before: &str, depth: usize) {
    for member in &object.members {
        let name = format!("{before}{}", member.name);
        // That an answer has every member is said once.
        let required = member.required && object.view != View::Output;
        row(html, types, &name, &member.schema, required, &member.about);
        if depth > 1
            && let Some((_, Type::Object(inner))) = types.referred(&member.schema)
        {
            let dots = if member.schema.get("items").is_some() { "[]." } else { "." };
            rows(html, types, inner, &format!("{name}{dots}"), depth - 1);
        }
    }
}

fn answer(html: &mut Html, api: &Reference, operation: &Operation) {
    let answer = &operation.answer;
    html.markup("<h3>Answer</h3>\n<p>").code(&answer.status.to_string());
    if answer.may_create {
        html.markup(", or <code>201</code> when it was created");
    }
    let located = [(answer.location, "Location"), (answer.etag, "ETag")];
    let headers: Vec<&str> = located.iter().filter(|(has, _)| *has).map(|(_, name)| *name).collect();
    if !headers.is_empty() {
        html.markup(", with <code>").text(&headers.join(", ")).markup("</code>");
    }
    html.markup(".</p>\n");
    match &answer.kind {
        AnswerKind::Bytes => {
            html.markup("<p>Bytes; <code>Content-Type</code> says of which type.</p>\n");
        }
        AnswerKind::Redirect => {
            html.markup("<p>No body: a browser goes on to <code>Location</code>.</p>\n");
        }
        AnswerKind::Lines(_) => {
            html.markup("<p>NDJSON: each line is one object.</p>\n");
        }
        AnswerKind::Envelope { data, .. } => {
            let example = serde_json::to_string_pretty(&openapi::example(answer)).unwrap_or_default();
            html.markup("<pre><code>").text(&example).markup("</code></pre>\n");
            if let Some((_, Type::Object(object))) = api.types.referred(data) {
                html.markup("<details><summary>Members of <code>data</code></summary>\n");
                members(html, &api.types, object, "", DEPTH);
                html.markup("</details>\n");
            }
        }
    }
}
