//! The settings as TOML, all of them: those that are not set stand there as comments.

use std::fmt::Write;

use serde_json::{Map, Value};

use super::Settings;

/// All settings in effect, as `keyward.toml` could hold them. Secrets are hidden.
pub fn to_toml(settings: &Settings) -> Result<String, serde_json::Error> {
    let Value::Object(root) = to_json(settings)? else { return Ok(String::new()) };
    let mut text = String::new();
    write_table(&mut text, "", &root);
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

/// A table's own settings first, since whatever follows a header belongs to that.
fn write_table(text: &mut String, path: &str, table: &Map<String, Value>) {
    let (tables, own): (Vec<_>, Vec<_>) = table.iter().partition(|(_, value)| value.is_object());
    if !path.is_empty() && !own.is_empty() {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "\n[{path}]");
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
            write_table(text, &below, table);
        }
    }
}

#[cfg(test)]
mod tests {
    use svc_core::secret::{HIDDEN, Secret};
    use svc_runtime::settings::Sources;

    use super::*;
    use crate::services::SERVICES;

    #[test]
    fn what_is_printed_is_what_is_read() {
        let settings = Settings::default();
        let text = to_toml(&settings).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("keyward.toml");
        std::fs::write(&file, &text).unwrap();
        let sources = Sources { file: Some(file), ..Sources::default() };
        let read = Settings::load(SERVICES, &sources).unwrap();
        assert_eq!(to_json(&read).unwrap(), to_json(&settings).unwrap());
        assert!(text.contains("\n[edge.upstreams]\n# auth is not set\n"), "{text}");
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
