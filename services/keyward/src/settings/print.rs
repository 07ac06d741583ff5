//! The settings as TOML, all of them: those that are not set stand there as comments.

use std::fmt::Write;

use serde_json::{Map, Value};

use super::Settings;

/// All settings in effect, as `keyward.toml` could hold them. Secrets are hidden.
pub fn to_toml(settings: &Settings) -> Result<String, serde_json::Error> {
    let Value::Object(root) = to_json(settings)? else { return Ok(String::new()) };
    let mut text = String::new();
    write_table(&mut text, "", &root, ["[", "]"]);
    Ok(text)
}

fn to_json(settings: &Settings) -> Result<Value, serde_json::Error> {
    let mut root = serde_json::to_value(settings)?;
    for service in settings.services.iter() {
        root[service.name()] = service.to_json()?;
        // One that runs in this process has no address, and is there to be seen.
        if let Value::Object(upstreams) = &mut root["edge"]["upstreams"] {
            upstreams.entry(service.name()).or_insert(Value::Null);
        }
    }
    Ok(root)
}

/// The tables of a list of tables, as `[[auth.oidc]]` has them. Any of their settings may be unset, which no inline table
/// can say.
fn listed(value: &Value) -> impl Iterator<Item = &Map<String, Value>> {
    let all = value.as_array().filter(|all| all.iter().all(Value::is_object));
    all.into_iter().flatten().filter_map(Value::as_object)
}

/// A table's own settings first, since whatever follows a header belongs to that.
fn write_table(text: &mut String, path: &str, table: &Map<String, Value>, [open, close]: [&str; 2]) {
    let is_table = |value: &Value| value.is_object() || listed(value).next().is_some();
    let (tables, own): (Vec<_>, Vec<_>) = table.iter().partition(|(_, value)| is_table(value));
    if !path.is_empty() && !own.is_empty() {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "\n{open}{path}{close}");
    }
    for (name, value) in own {
        let _ = match toml::Value::try_from(value) {
            Ok(value) => writeln!(text, "{name} = {value}"),
            // TOML has no null.
            Err(_) => writeln!(text, "# {name} is not set"),
        };
    }
    for (name, value) in tables {
        let below = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        if let Value::Object(table) = value {
            write_table(text, &below, table, ["[", "]"]);
        }
        for table in listed(value) {
            write_table(text, &below, table, ["[[", "]]"]);
        }
    }
}

#[cfg(test)]
mod tests {
    use extraction_svc::{ExtractionService, LlmConfig};
    use serde_json::json;
    use svc_core::secret::{HIDDEN, Secret};
    use svc_runtime::settings::Sources;

    use super::*;
    use crate::services::SERVICES;

    #[test]
    fn what_is_printed_is_what_is_read() {
        let mut settings = Settings::default();
        let parameters = json!({"seed": 1});
        let model = |name: &str| LlmConfig {
            name: name.to_owned(),
            parameters: parameters.as_object().unwrap().clone(),
            ..LlmConfig::default()
        };
        let extraction = settings.services.config_mut::<ExtractionService>().unwrap();
        extraction.llm = vec![model("one"), model("two")];
        let text = to_toml(&settings).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("keyward.toml");
        std::fs::write(&file, &text).unwrap();
        let sources = Sources { file: Some(file), ..Sources::default() };
        let read = Settings::load(SERVICES, &sources).unwrap();
        assert_eq!(to_json(&read).unwrap(), to_json(&settings).unwrap());
        assert!(text.contains("\n[edge.upstreams]\n# auth is not set\n"), "{text}");
        assert!(text.contains("\n[[extraction.llm]]\nallow_http = false\n# ca_file is not set\n"), "{text}");
    }

    #[test]
    fn secrets_are_hidden() {
        let mut settings = Settings::default();
        settings.database.url = Some(Secret::new("postgres://me:hush@host/db"));
        settings.edge.auth_token = Some(Secret::new("hush"));
        let text = to_toml(&settings).unwrap();
        assert!(!text.contains("hush"), "{text}");
        assert!(text.contains(&format!("auth_token = \"{HIDDEN}\"")), "{text}");
    }
}
