//! The settings as TOML, all of them: those that are not set stand there as comments.

use std::fmt::Write;

use serde_json::{Map, Value};

use super::Settings;

/// All settings in effect, as `keyward.toml` could hold them. Secrets are hidden.
pub fn to_toml(settings: &Settings) -> Result<String, serde_json::Error> {
    let Value::Object(root) = serde_json::to_value(settings)? else { return Ok(String::new()) };
    let mut text = String::new();
    write_table(&mut text, "", &root);
    Ok(text)
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

    use super::*;

    #[test]
    fn what_is_printed_is_what_is_read() {
        let settings = Settings::default();
        let text = to_toml(&settings).unwrap();
        let read: Settings = toml::from_str(&text).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), serde_json::to_value(&settings).unwrap());
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
