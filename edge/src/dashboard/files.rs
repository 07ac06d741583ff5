//! The files themselves.

/// A file of the dashboard.
#[derive(Debug)]
pub(super) struct File {
    /// Its path, from the root of the listener.
    pub(super) path: &'static str,
    pub(super) whole: &'static [u8],
    /// Its bytes compressed, where that makes them fewer.
    pub(super) brotli: Option<&'static [u8]>,
    pub(super) gzip: Option<&'static [u8]>,
}

/// All of them; none in a binary that was built without. Written by `build.rs`.
pub(super) const FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/dashboard.rs"));

impl File {
    /// Its type, by its name. The build makes no others.
    pub(super) fn media_type(&self) -> &'static str {
        match self.path.rsplit_once('.').map_or("", |(_, extension)| extension) {
            "html" => "text/html; charset=utf-8",
            "js" => "text/javascript; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            "svg" => "image/svg+xml",
            "woff2" => "font/woff2",
            "txt" => "text/plain; charset=utf-8",
            _ => "application/octet-stream",
        }
    }
}
