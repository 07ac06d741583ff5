//! Operations as requests in curl, Node.js and Python. What they need comes from the environment:
//! `KW_URL` (`KEYWARD_…` are settings of the server), `KW_API_KEY` and `KW_API_SECRET`, or `KW_TOKEN`, and the ids of their paths.

use serde_json::Value;
use svc_core::policy::Access;

use crate::reference::{Operation, Place};

/// A request in one language.
pub(super) struct Sample {
    pub(super) language: &'static str,
    /// Its place in anchors.
    pub(super) slug: &'static str,
    pub(super) text: String,
}

/// A part of a path.
enum Part {
    Text(String),
    /// A variable of the environment.
    Variable(String),
}

/// An operation in each language.
pub(super) fn of(operation: &Operation) -> [Sample; 3] {
    [
        Sample { language: "curl", slug: "curl", text: curl(operation) },
        Sample { language: "Node.js", slug: "node", text: node(operation) },
        Sample { language: "Python", slug: "python", text: python(operation) },
    ]
}

/// The headers with credentials: names and variables, and what stands before these.
fn credentials(access: &Access) -> &'static [(&'static str, &'static str, &'static str)] {
    match access {
        Access::Key { .. } | Access::AnyKey => {
            &[("X-API-Key", "", "KW_API_KEY"), ("X-API-Secret", "", "KW_API_SECRET")]
        }
        Access::Member(_) => &[("Authorization", "Bearer ", "KW_TOKEN")],
        Access::Public | Access::Internal => &[],
    }
}

fn path(operation: &Operation) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = operation.path.as_str();
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        parts.push(Part::Text(before.to_owned()));
        let parameter = operation.parameters_in(Place::Path).find(|parameter| parameter.name == name);
        let is_id = parameter.is_some_and(|p| p.schema.get("format").is_some_and(|f| f == "object-id"));
        let example = parameter.and_then(|p| p.example.as_ref()).and_then(Value::as_str);
        parts.push(match example {
            Some(example) if !is_id => Part::Text(example.to_owned()),
            _ => Part::Variable(variable(name)),
        });
        rest = after;
    }
    parts.push(Part::Text(rest.to_owned()));
    parts
}

/// `agentId` as `KW_AGENT_ID`.
fn variable(name: &str) -> String {
    let mut out = "KW_".to_owned();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(letter.to_ascii_uppercase());
    }
    out
}

fn body(operation: &Operation) -> Option<&Value> {
    let body = operation.body.as_ref().filter(|body| body.schema.is_some())?;
    Some(&body.example).filter(|example| !example.as_object().is_some_and(serde_json::Map::is_empty))
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

fn curl(operation: &Operation) -> String {
    let path = path(operation).into_iter().map(|part| match part {
        Part::Text(text) => text,
        Part::Variable(name) => format!("${name}"),
    });
    let mut lines = vec![format!("curl \"$KW_URL{}\"", path.collect::<String>())];
    if operation.method != http::Method::GET {
        lines.push(format!("  -X {}", operation.method));
    }
    for (name, before, variable) in credentials(&operation.access) {
        lines.push(format!("  -H \"{name}: {before}${variable}\""));
    }
    if let Some(body) = body(operation) {
        lines.push("  -H 'Content-Type: application/json'".to_owned());
        lines.push(format!("  -d '{}'", pretty(body).replace('\'', r"'\''")));
    }
    lines.join(" \\\n")
}

fn node(operation: &Operation) -> String {
    let path = path(operation).into_iter().map(|part| match part {
        Part::Text(text) => text,
        Part::Variable(name) => format!("${{process.env.{name}}}"),
    });
    let mut out = format!("const url = `${{process.env.KW_URL}}{}`;\n", path.collect::<String>());
    out.push_str("const response = await fetch(url, {\n");
    if operation.method != http::Method::GET {
        out.push_str(&format!("  method: \"{}\",\n", operation.method));
    }
    let (credentials, body) = (credentials(&operation.access), body(operation));
    if !credentials.is_empty() || body.is_some() {
        out.push_str("  headers: {\n");
        for (name, before, variable) in credentials {
            match *before {
                "" => out.push_str(&format!("    \"{name}\": process.env.{variable},\n")),
                before => out.push_str(&format!("    \"{name}\": `{before}${{process.env.{variable}}}`,\n")),
            }
        }
        if body.is_some() {
            out.push_str("    \"Content-Type\": \"application/json\",\n");
        }
        out.push_str("  },\n");
    }
    if let Some(body) = body {
        out.push_str(&format!("  body: JSON.stringify({}),\n", pretty(body).replace('\n', "\n  ")));
    }
    out.push_str("});\nconst answer = await response.json();\n");
    out.push_str("if (!answer.success) throw new Error(`${answer.error.code}: ${answer.message}`);\n");
    out.push_str("console.log(answer.data);");
    out
}

fn python(operation: &Operation) -> String {
    let parts = path(operation);
    let path = parts.into_iter().map(|part| match part {
        Part::Text(text) => text,
        Part::Variable(name) => format!("{{env['{name}']}}"),
    });
    let method = operation.method.as_str().to_ascii_lowercase();
    let mut out = "from os import environ as env\n\nimport requests\n\n".to_owned();
    out.push_str(&format!("response = requests.{method}(\n"));
    out.push_str(&format!("    f\"{{env['KW_URL']}}{}\",\n", path.collect::<String>()));
    let credentials = credentials(&operation.access);
    if !credentials.is_empty() {
        out.push_str("    headers={\n");
        for (name, before, variable) in credentials {
            match *before {
                "" => out.push_str(&format!("        \"{name}\": env[\"{variable}\"],\n")),
                before => out.push_str(&format!("        \"{name}\": f\"{before}{{env['{variable}']}}\",\n")),
            }
        }
        out.push_str("    },\n");
    }
    if let Some(body) = body(operation) {
        let mut literal = String::new();
        python_literal(body, 1, &mut literal);
        out.push_str(&format!("    json={literal},\n"));
    }
    out.push_str("    timeout=10,\n)\nanswer = response.json()\n");
    out.push_str("if not answer[\"success\"]:\n    raise SystemExit(f\"{answer['error']['code']}: {answer['message']}\")\n");
    out.push_str("print(answer[\"data\"])");
    out
}

/// A value as Python writes it.
fn python_literal(value: &Value, depth: usize, out: &mut String) {
    let indent = "    ".repeat(depth);
    match value {
        Value::Null => out.push_str("None"),
        Value::Bool(true) => out.push_str("True"),
        Value::Bool(false) => out.push_str("False"),
        // A string of JSON is one of Python, too.
        Value::Number(_) | Value::String(_) => out.push_str(&value.to_string()),
        Value::Array(items) if items.is_empty() => out.push_str("[]"),
        Value::Object(members) if members.is_empty() => out.push_str("{}"),
        Value::Array(items) => {
            out.push_str("[\n");
            for item in items {
                out.push_str(&format!("{indent}    "));
                python_literal(item, depth + 1, out);
                out.push_str(",\n");
            }
            out.push_str(&format!("{indent}]"));
        }
        Value::Object(members) => {
            out.push_str("{\n");
            for (name, member) in members {
                out.push_str(&format!("{indent}    {}: ", Value::from(name.as_str())));
                python_literal(member, depth + 1, out);
                out.push_str(",\n");
            }
            out.push_str(&format!("{indent}}}"));
        }
    }
}
