//! Settings: a TOML file, over it the environment, over it flags. An unknown setting is refused,
//! naming the nearest.

mod list;
mod service_links;
mod value;

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use list::TextOrList;
use service_links::is_service_link;
use value::Node;

/// What names of environment variables start with; two underscores separate the levels.
pub const ENV_PREFIX: &str = "KEYWARD_";

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("{path}: {error}")]
    File {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        error: std::io::Error,
    },
    /// The file is not TOML.
    #[error("{path}: {message}")]
    Toml {
        /// Which file.
        path: PathBuf,
        /// What is wrong and where. Never the value itself, which may be a secret.
        message: String,
    },
    /// There is no such setting.
    #[error("unknown setting `{name}`{}", suggest(.nearest))]
    Unknown {
        /// What was given.
        name: String,
        /// The setting that was probably meant.
        nearest: Option<String>,
    },
    /// A setting has a value that it cannot have.
    #[error("setting `{name}`: {message}")]
    Invalid {
        /// Which setting.
        name: String,
        /// What is wrong.
        message: String,
    },
}

fn suggest(nearest: &Option<String>) -> String {
    nearest.as_ref().map(|name| format!(": did you mean `{name}`?")).unwrap_or_default()
}

/// Where settings come from.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// `--config`.
    pub file: Option<PathBuf>,
    /// The variables that start with [`ENV_PREFIX`]. One that is empty, or tells where a Service of
    /// Kubernetes is, sets nothing.
    pub environment: Vec<(String, String)>,
    /// `--set name=value`.
    pub flags: Vec<(String, String)>,
}

/// Reads the settings. `T`'s defaults stand where no source says otherwise.
pub fn load<T: DeserializeOwned + Serialize + Default>(sources: &Sources) -> Result<T, SettingsError> {
    Tree::read(sources)?.rest()
}

/// What all sources say together, before it is known what each setting is.
pub struct Tree {
    root: Node,
    /// Every setting that there is, as far as sections were taken.
    known: Vec<String>,
}

impl Tree {
    /// Reads the sources.
    pub fn read(sources: &Sources) -> Result<Tree, SettingsError> {
        let mut root = match &sources.file {
            Some(path) => from_file(path)?,
            None => Node::empty(),
        };
        for (name, text) in &sources.environment {
            let Some(levels) = name.strip_prefix(ENV_PREFIX) else { continue };
            // Empty is how Compose's `${X:-}` and a ConfigMap say that something is not set.
            if text.is_empty() || is_service_link(name, text) {
                continue;
            }
            let path: Vec<String> = levels.to_ascii_lowercase().split("__").map(str::to_owned).collect();
            set(&mut root, &path, text)?;
        }
        for (name, text) in &sources.flags {
            let path: Vec<String> = name.split('.').map(str::to_owned).collect();
            set(&mut root, &path, text)?;
        }
        Ok(Tree { root, known: Vec::new() })
    }

    /// Takes a section out, e.g. `contacts`.
    pub fn section<T>(&mut self, name: &str) -> Result<T, SettingsError>
    where
        T: DeserializeOwned + Serialize + Default,
    {
        let section = self.root.take(name).unwrap_or_else(Node::empty);
        self.typed(section, name)
    }

    /// All that is left. What is not a setting is refused.
    pub fn rest<T: DeserializeOwned + Serialize + Default>(mut self) -> Result<T, SettingsError> {
        let root = std::mem::replace(&mut self.root, Node::empty());
        self.typed(root, "")
    }

    fn typed<T>(&mut self, node: Node, at: &str) -> Result<T, SettingsError>
    where
        T: DeserializeOwned + Serialize + Default,
    {
        if let Ok(default) = serde_json::to_value(T::default()) {
            collect(&default, at.to_owned(), &mut self.known);
        }
        let mut unknown = Vec::new();
        let mut note = |path: serde_ignored::Path<'_>| unknown.push(path.to_string());
        let deserializer = serde_ignored::Deserializer::new(node, &mut note);
        let mut track = serde_path_to_error::Track::new();
        let loaded = T::deserialize(serde_path_to_error::Deserializer::new(deserializer, &mut track));
        let loaded = loaded.map_err(|error| {
            // A section that is a single value has no path below it.
            let path = track.path().to_string();
            let name = if path == "." && !at.is_empty() { at.to_owned() } else { below(at, &path) };
            SettingsError::Invalid { name, message: error.to_string() }
        })?;
        match unknown.into_iter().next() {
            Some(name) => Err(SettingsError::unknown(below(at, &name), &self.known)),
            None => Ok(loaded),
        }
    }
}

impl SettingsError {
    /// A setting that is none of those that are known. Names the closest, if it is close enough to be meant.
    pub fn unknown(name: String, known: &[String]) -> SettingsError {
        let close = known.iter().map(|known| (strsim::jaro_winkler(known, &name), known));
        let close = close.filter(|(score, _)| *score > 0.8).max_by(|a, b| a.0.total_cmp(&b.0));
        let nearest = close.map(|(_, known)| known.clone());
        SettingsError::Unknown { name, nearest }
    }
}

/// The name of a setting of a section.
fn below(section: &str, name: &str) -> String {
    if section.is_empty() { name.to_owned() } else { format!("{section}.{name}") }
}

fn from_file(path: &Path) -> Result<Node, SettingsError> {
    let failed = |error| SettingsError::File { path: path.to_owned(), error };
    let text = std::fs::read_to_string(path).map_err(failed)?;
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        let line = error.span().map_or(1, |span| text[..span.start].lines().count().max(1));
        SettingsError::Toml { path: path.to_owned(), message: format!("line {line}: {}", error.message()) }
    })?;
    Ok(Node::from(toml::Value::Table(table)))
}

fn set(root: &mut Node, path: &[String], text: &str) -> Result<(), SettingsError> {
    root.set(path, text).map_err(|()| SettingsError::Invalid {
        name: path.join("."),
        message: "is a single value, not a group of settings".to_owned(),
    })
}

fn collect(value: &serde_json::Value, path: String, names: &mut Vec<String>) {
    if let serde_json::Value::Object(members) = value {
        for (name, member) in members {
            collect(member, below(&path, name), names);
        }
    }
    if !path.is_empty() {
        names.push(path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use svc_core::secret::Secret;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(default)]
    struct All {
        data_dir: String,
        edge: Edge,
    }

    impl Default for All {
        fn default() -> All {
            All { data_dir: "./data".into(), edge: Edge::default() }
        }
    }

    #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
    #[serde(default)]
    struct Edge {
        listen: Option<String>,
        cap: u32,
        tls: bool,
        proxies: Vec<String>,
        token: Option<Secret>,
    }

    fn with(environment: &[(&str, &str)], flags: &[(&str, &str)]) -> Result<All, SettingsError> {
        let own = |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
        load(&Sources { file: None, environment: own(environment), flags: own(flags) })
    }

    #[test]
    fn later_sources_win_and_text_becomes_what_is_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keyward.toml");
        std::fs::write(&path, "data_dir = 'a'\n[edge]\ncap = 1\nlisten = 'file'\n").unwrap();
        let all: All = load(&Sources {
            file: Some(path),
            environment: vec![
                ("KEYWARD_EDGE__CAP".into(), "2".into()),
                ("KEYWARD_EDGE__TLS".into(), "true".into()),
                ("KEYWARD_EDGE__TOKEN".into(), "12345".into()),
                ("PATH".into(), "/bin".into()),
            ],
            flags: vec![
                ("edge.cap".into(), "3".into()),
                ("edge.proxies".into(), "10.0.0.1, 10.0.0.2".into()),
            ],
        })
        .unwrap();
        let edge = Edge {
            listen: Some("file".into()),
            cap: 3,
            tls: true,
            proxies: vec!["10.0.0.1".into(), "10.0.0.2".into()],
            token: Some(Secret::new("12345")),
        };
        assert_eq!(all, All { data_dir: "a".into(), edge });
    }

    #[test]
    fn an_empty_variable_sets_nothing() {
        let names = ["DATA_DIR", "EDGE__LISTEN", "EDGE__CAP", "EDGE__TLS", "EDGE__PROXIES", "EDGE__TOKEN"];
        let names = names.map(|name| format!("{ENV_PREFIX}{name}"));
        let empty = names.each_ref().map(|name| (name.as_str(), ""));
        assert_eq!(with(&empty, &[]).unwrap(), All::default());

        // What the file says stays.
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keyward.toml");
        std::fs::write(&path, "[edge]\ncap = 1\n").unwrap();
        let environment = names.map(|name| (name, String::new())).to_vec();
        let all: All = load(&Sources { file: Some(path), environment, flags: Vec::new() }).unwrap();
        assert_eq!(all.edge.cap, 1);
    }

    #[test]
    fn where_services_of_kubernetes_are_is_no_setting() {
        let links = [("KEYWARD_PORT", "tcp://10.96.0.1:80"), ("KEYWARD_EDGE_SERVICE_HOST", "10.96.0.1")];
        assert_eq!(with(&links, &[]).unwrap(), All::default());
        for (name, value, says) in [
            ("KEYWARD_PORT", "8080", "unknown setting `port`"),
            ("KEYWARD_EGDE__LISTEN", "x", "unknown setting `egde`: did you mean `edge`?"),
        ] {
            assert_eq!(with(&[(name, value)], &[]).unwrap_err().to_string(), says);
        }
    }

    #[test]
    fn refusals_name_the_setting() {
        for (result, says) in [
            (
                with(&[("KEYWARD_EDGE__LISTN", "x")], &[]),
                "unknown setting `edge.listn`: did you mean `edge.listen`?",
            ),
            (with(&[("KEYWARD_ZZZ", "x")], &[]), "unknown setting `zzz`"),
            (with(&[], &[("edge.cap", "many")]), "setting `edge.cap`: `many` is not a whole number"),
            (with(&[], &[("edge.cap", "-1")]), "setting `edge.cap`: `-1` is not a whole number"),
            (with(&[], &[("edge.tls", "yes")]), "setting `edge.tls`: `yes` is neither true nor false"),
            (with(&[], &[("data_dir", "1"), ("data_dir.x", "1")]), "setting `data_dir.x`: is a single value"),
        ] {
            let error = result.unwrap_err().to_string();
            assert!(error.starts_with(says), "{error}");
        }
    }
}
