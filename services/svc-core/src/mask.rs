//! Paths of field masks.

/// The name of a member of a map that a path names: as it is where that is plain, else in backticks (AIP-161). `None` where
/// the path names something else.
#[must_use]
pub fn member(path: &str, map: &str) -> Option<String> {
    let written = path.strip_prefix(map)?.strip_prefix('.')?;
    match written.strip_prefix('`') {
        Some(quoted) => quoted.strip_suffix('`').map(|name| name.replace("``", "`")),
        None if written.contains(['.', '`']) => None,
        None => Some(written.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members() {
        for (path, name) in [
            ("map.shoeSize", Some("shoeSize")),
            ("map.`a.b`", Some("a.b")),
            ("map.````", Some("`")),
            ("map.``", Some("")),
            ("map.a.b", None),
            ("map.`a", None),
            ("map", None),
            ("mapa", None),
            ("other.a", None),
        ] {
            assert_eq!(member(path, "map").as_deref(), name, "{path}");
        }
    }
}
