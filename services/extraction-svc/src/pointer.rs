//! JSON Pointers (RFC 6901).

/// A name as a step of a pointer.
pub(crate) fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// The steps of a pointer, each as the name that it stands for.
pub(crate) fn steps(pointer: &str) -> impl Iterator<Item = String> {
    pointer.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_comes_back_as_it_was() {
        for (name, step) in
            [("", ""), ("a b", "a b"), ("a/b", "a~1b"), ("~", "~0"), ("~1", "~01"), ("/~0", "~1~00")]
        {
            assert_eq!(escaped(name), step);
            assert_eq!(steps(&format!("/first/{step}")).collect::<Vec<_>>(), ["first", name]);
        }
        assert_eq!(steps("").count(), 0);
    }
}
