//! Lists the files of the dashboard for `src/dashboard/files.rs`: those that `scripts/dashboard.sh` has built into
//! `dashboard/dist`, or none, so that a clone without Node.js builds as well.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// Copies of a file beside it, made by the build of the dashboard.
const BROTLI: &str = "br";
const GZIP: &str = "gz";

fn main() -> io::Result<()> {
    let dashboard = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("dashboard");
    let dist = dashboard.join("dist");
    let is_built = dist.join("index.html").is_file();
    // Cargo takes a path that does not exist for one that has changed, at every build.
    let watched = if is_built { &dist } else { &dashboard };
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={}", watched.display());

    let mut list = String::from("&[\n");
    if is_built {
        let mut files = Vec::new();
        find(&dist, &mut files)?;
        files.sort();
        for file in files.iter().filter(|file| !is_copy(file)) {
            write(&mut list, &dist, file);
        }
    }
    list.push(']');
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out.join("dashboard.rs"), list)
}

fn find(dir: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        match path.is_dir() {
            true => find(&path, files)?,
            false => files.push(path),
        }
    }
    Ok(())
}

fn is_copy(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == BROTLI || extension == GZIP)
}

fn write(list: &mut String, dist: &Path, file: &Path) {
    let copy = |extension: &str| {
        let copy = PathBuf::from(format!("{}.{extension}", file.display()));
        match copy.is_file() {
            true => format!("Some(include_bytes!({copy:?}))"),
            false => "None".to_owned(),
        }
    };
    let path = file.strip_prefix(dist).unwrap_or(file).display();
    let (brotli, gzip) = (copy(BROTLI), copy(GZIP));
    // Writing into a String cannot fail.
    let _ = writeln!(
        list,
        "File {{ path: {:?}, whole: include_bytes!({file:?}), brotli: {brotli}, gzip: {gzip} }},",
        format!("/{path}"),
    );
}
