//! What every store must do: one suite, run on a disk and on S3.

use std::ops::Range;

use futures::TryStreamExt;

use super::testing::{Fault, S3, Way};
use super::write::Writer;
use super::*;

/// More than a part of S3, and no multiple of one.
const LARGE: usize = 12 * 1024 * 1024 + 7;
const PIECE: usize = 64 * 1024;

fn on_disk(home: &tempfile::TempDir) -> Objects {
    Objects::open(&FilesConfig::default(), home.path()).unwrap()
}

fn on_s3(prefix: &str) -> Objects {
    Objects::open(&S3::server().config(prefix), std::path::Path::new("/nowhere")).unwrap()
}

#[tokio::test]
async fn disk() {
    let home = tempfile::tempdir().unwrap();
    all(&on_disk(&home)).await;
}

#[tokio::test]
async fn s3() {
    all(&on_s3("objects/s3")).await;
}

async fn all(objects: &Objects) {
    what_is_written_is_read(objects).await;
    what_is_not_finished_is_not_there(objects).await;
    what_has_changed_is_noticed(objects).await;
    assert_eq!(objects.all().await, Vec::<String>::new());
}

fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 31 % 251) as u8).collect()
}

/// Pushes and flushes as an upload does. Gives the id of the parts.
async fn push(writer: &mut Writer, content: &[u8]) -> Result<Option<String>, ObjectError> {
    let mut id = None;
    for piece in content.chunks(PIECE) {
        writer.push(piece);
        while writer.is_full() {
            if let Some(begun) = writer.begin().await? {
                id = Some(begun.to_owned());
            }
            writer.flush().await?;
        }
    }
    Ok(id)
}

async fn write(objects: &Objects, key: &str, content: &[u8]) -> Result<(), ObjectError> {
    let mut writer = objects.writer(key);
    push(&mut writer, content).await?;
    writer.finish().await
}

async fn read(
    objects: &Objects,
    key: &str,
    size: usize,
    range: Range<usize>,
) -> Result<Vec<u8>, ObjectError> {
    let range = range.start as u64..range.end as u64;
    let pieces: Vec<Vec<u8>> = objects.read(key, size as u64, range).await?.try_collect().await?;
    Ok(pieces.concat())
}

async fn what_is_written_is_read(objects: &Objects) {
    for (key, length) in
        [("o/a/c/one", 1), ("o/a/c/small", 1_000), ("o/a/c/piece", 512 * 1024), ("o/a/c/large", LARGE)]
    {
        let content = bytes(length);
        write(objects, key, &content).await.unwrap();
        assert!(read(objects, key, length, 0..length).await.unwrap() == content, "{key}");
        for range in [0..1, length - 1..length, length / 3..length / 2 + 1] {
            let part = read(objects, key, length, range.clone()).await.unwrap();
            assert!(part == content[range.clone()], "{key} {range:?}");
        }
        objects.delete(key, None).await.unwrap();
        assert!(matches!(read(objects, key, length, 0..1).await, Err(ObjectError::Missing)), "{key}");
        // Once more is no error.
        objects.delete(key, None).await.unwrap();
    }
}

async fn what_is_not_finished_is_not_there(objects: &Objects) {
    let mut writer = objects.writer("o/a/c/broken");
    let id = push(&mut writer, &bytes(LARGE)).await.unwrap();
    assert_eq!(id.is_some(), !objects.is_on_disk());
    assert!(matches!(read(objects, "o/a/c/broken", LARGE, 0..1).await, Err(ObjectError::Missing)));
    objects.delete("o/a/c/broken", id.as_deref()).await.unwrap();
    if id.is_some() {
        writer.push(&bytes(PIECE));
        let refused = writer.flush().await;
        assert!(refused.is_err(), "its parts are gone: {refused:?}");
    }
    // As after kill -9: the writer does nothing any more.
    std::mem::forget(writer);
    assert_eq!(objects.all().await, Vec::<String>::new());
}

async fn what_has_changed_is_noticed(objects: &Objects) {
    let key = "o/a/c/changed";
    write(objects, key, &bytes(1_000)).await.unwrap();
    for (size, range) in [(999, 0..999), (1_001, 0..1_001), (1_001, 990..1_001), (2_000, 1_500..2_000)] {
        let outcome = read(objects, key, size, range.clone()).await;
        assert!(outcome.is_err(), "{size} {range:?}");
    }
    objects.delete(key, None).await.unwrap();
}

#[tokio::test]
async fn folders_go_with_the_last_object_in_them() {
    let home = tempfile::tempdir().unwrap();
    let objects = on_disk(&home);
    for key in ["o/a/c/one", "o/a/c/two"] {
        write(&objects, key, b"x").await.unwrap();
    }
    let folder = home.path().join("files/o/a/c");
    objects.delete("o/a/c/one", None).await.unwrap();
    assert!(folder.is_dir());
    objects.delete("o/a/c/two", None).await.unwrap();
    assert!(!home.path().join("files/o").exists());
    assert!(home.path().join("files").is_dir());
}

#[tokio::test]
async fn a_disk_that_takes_nothing_is_away() {
    let home = tempfile::tempdir().unwrap();
    let objects = on_disk(&home);
    // A folder cannot be made where a file is.
    std::fs::write(home.path().join("files/o"), "").unwrap();
    for content in [bytes(10), bytes(LARGE)] {
        let outcome = write(&objects, "o/a/c/one", &content).await;
        assert!(matches!(outcome, Err(ObjectError::Unavailable(_))), "{outcome:?}");
    }
}

#[tokio::test]
async fn without_a_place_there_are_no_files() {
    let objects = Objects::open(&FilesConfig::default(), std::path::Path::new("/dev/null")).unwrap();
    for content in [bytes(10), bytes(LARGE)] {
        let outcome = write(&objects, "o/a/c/one", &content).await;
        assert!(matches!(outcome, Err(ObjectError::Nowhere)), "{outcome:?}");
    }
    let outcome = read(&objects, "o/a/c/one", 10, 0..10).await;
    assert!(matches!(outcome, Err(ObjectError::Nowhere)), "{outcome:?}");
    assert!(matches!(objects.delete("o/a/c/one", None).await, Err(ObjectError::Nowhere)));
}

#[tokio::test]
async fn what_a_wrong_secret_asks_is_refused() {
    let mut config = S3::server().config("objects/secret");
    config.secret_access_key = Some(svc_core::secret::Secret::new("wrong".to_owned()));
    let objects = Objects::open(&config, std::path::Path::new("/nowhere")).unwrap();
    let error = write(&objects, "o/a/c/one", b"x").await.unwrap_err();
    assert!(matches!(error, ObjectError::Unavailable(_)), "{error:?}");
    assert_eq!(Error::from(error).reason, svc_core::error::Reason::Unavailable);
}

#[tokio::test]
async fn faults_of_s3_end_in_time_and_leave_nothing() {
    let server = S3::server();
    let way = Way::to(&server.endpoint).await;
    let patient = FilesConfig { endpoint: Some(way.endpoint.clone()), ..server.config("objects/faults") };
    let config = FilesConfig { timeout_seconds: 2, ..patient.clone() };
    let objects = Objects::open(&config, std::path::Path::new("/nowhere")).unwrap();
    // For what goes well: a server in Python may need longer on a busy machine.
    let patient = Objects::open(&patient, std::path::Path::new("/nowhere")).unwrap();
    let direct = on_s3("objects/faults");
    write(&direct, "o/there", &bytes(LARGE)).await.unwrap();
    for fault in [
        Fault::Answers500,
        Fault::Stalls,
        Fault::CutsRequests(0),
        Fault::CutsRequests(3 * 1024 * 1024),
        Fault::CutsAnswers(0),
    ] {
        way.set(fault);
        let began = std::time::Instant::now();
        for content in [bytes(100), bytes(LARGE)] {
            // Of a small one the cut is too late.
            let is_late = matches!(fault, Fault::CutsRequests(1..)) && content.len() == 100;
            let outcome = write(if is_late { &patient } else { &objects }, "o/new", &content).await;
            assert_eq!(outcome.is_ok(), is_late, "{fault:?} {}", content.len());
            direct.delete("o/new", None).await.unwrap();
        }
        if !matches!(fault, Fault::CutsRequests(1..)) {
            assert!(read(&objects, "o/there", LARGE, 0..LARGE).await.is_err(), "{fault:?}");
            assert!(objects.delete("o/there", None).await.is_err(), "{fault:?}");
        }
        assert!(began.elapsed() < Duration::from_secs(30), "{fault:?} {:?}", began.elapsed());
    }
    // In the midst of a download nothing is lost that a second request can bring.
    way.set(Fault::CutsAnswers(3 * 1024 * 1024));
    let read_on = read(&objects, "o/there", LARGE, 0..LARGE).await;
    assert!(read_on.is_err() || read_on.is_ok_and(|content| content == bytes(LARGE)));
    way.set(Fault::None);
    write(&patient, "o/new", &bytes(LARGE)).await.unwrap();
    assert!(read(&patient, "o/new", LARGE, 0..LARGE).await.unwrap() == bytes(LARGE));
    for key in ["o/new", "o/there"] {
        patient.delete(key, None).await.unwrap();
    }
    assert_eq!(direct.all().await, Vec::<String>::new());
}
