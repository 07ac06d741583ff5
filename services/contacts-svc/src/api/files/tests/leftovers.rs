//! Objects that no file has: they go, and no others do.

use std::path::PathBuf;

use svc_core::clock::LATEST;

use super::*;
use crate::change::Changed;
use crate::domain::{Actor, File, Partition};
use crate::files::MAY_TAKE;

impl Home {
    pub(super) fn actor(&self) -> Actor {
        let partition = Partition { organization_id: ORGANIZATION.to_owned(), agent_id: AGENT.to_owned() };
        Actor { partition, actor_id: KEY.to_owned(), request_id: None, member: None }
    }

    /// Adds files that have no bytes.
    pub(super) async fn fill(&self, files: u64) {
        let (actor, contact) = (self.actor(), self.contact.clone());
        let (partition, now) = (actor.partition.clone(), self.environment.environment.clock.now());
        let ids = self.environment.environment.ids.clone();
        let making = self.service.files.changes.make(&actor, |work| {
            Box::pin(async move {
                for number in 0..files {
                    let file = File {
                        id: ids.next(),
                        contact_id: contact.clone(),
                        name: "a".to_owned(),
                        content_type: "text/plain".to_owned(),
                        description: None,
                        size: 1,
                        sha256: "0".repeat(64),
                        object_key: format!("nowhere/{contact}/{number}"),
                        created_at: now,
                    };
                    work.insert_file(&partition, &file).await?;
                }
                Ok(Changed::no_contact(()))
            })
        });
        making.await.unwrap();
    }

    /// Where the bytes of the only file are, on a disk.
    fn only_object(&self) -> PathBuf {
        let mut found = self.environment.path().join("files");
        while found.is_dir() {
            found = std::fs::read_dir(found).unwrap().next().unwrap().unwrap().path();
        }
        found
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_go_with_their_contact() {
    each(async |home| {
        let other = home.new_contact("crm-2").await;
        for name in ["a", "b", "c"] {
            home.upload(named(name), &[name.as_bytes()]).await.unwrap();
        }
        let kept = home.upload_to(&other, named("d"), &[b"kept"]).await.unwrap();
        home.has_objects(4).await;
        let file = home.files().await.remove(0);
        home.delete_contact(&home.contact).await;
        assert_eq!(reason(home.get(AGENT, &home.contact, &file.id).await), Reason::NotFound);
        assert_eq!(reason(home.list(Home::list_of(&home.contact)).await), Reason::NotFound);
        home.has_objects(1).await;
        assert_eq!(home.download(AGENT, &kept, &[]).await.unwrap().content, b"kept");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_with_all_the_files_that_it_may_have_is_deleted() {
    each(async |home| {
        home.fill(crate::domain::FILES_MAX).await;
        home.delete_contact(&home.contact).await;
        home.has_objects(0).await;
        assert_eq!(home.service.files.store.due(LATEST, LATEST, 1).await.unwrap(), []);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_runs_is_left_alone_and_one_that_breaks_off_is_collected() {
    each(async |home| {
        let large = bytes(7 * 1024 * 1024);
        for breaks_off in [false, true] {
            let (sender, running) = home.waiting(&home.contact, &large).await;
            home.later(MAY_TAKE - Duration::from_secs(1));
            home.service.files.collector.collect().await;
            if breaks_off {
                running.abort();
                assert!(running.await.unwrap_err().is_cancelled());
                drop(sender);
                home.has_objects(1).await;
            } else {
                drop(sender);
                let file = running.await.unwrap().unwrap();
                assert!(home.download(AGENT, &file, &[]).await.unwrap().content == large);
                home.later(2 * MAY_TAKE);
                home.has_objects(1).await;
            }
        }
        assert_eq!(home.files().await.len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_whose_time_is_over_makes_no_file() {
    each(async |home| {
        let (sender, running) = home.waiting(&home.contact, &bytes(2 * PIECE)).await;
        // It counts as dead, and is collected.
        home.later(MAY_TAKE);
        home.service.files.collector.collect().await;
        drop(sender);
        assert_eq!(reason(running.await.unwrap()), Reason::Unavailable);
        assert!(home.files().await.is_empty());
        // What it wrote after that goes, too.
        home.has_objects(0).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_that_is_deleted_during_an_upload_gets_no_file() {
    each(async |home| {
        let (sender, running) = home.waiting(&home.contact, &bytes(2 * PIECE)).await;
        home.delete_contact(&home.contact).await;
        drop(sender);
        assert_eq!(reason(running.await.unwrap()), Reason::NotFound);
        home.has_objects(0).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_have_changed_are_never_taken_for_whole() {
    for (engine, environment) in TestEnvironment::each().await {
        let home = Home::open(environment, FilesConfig::default()).await;
        for length in [5, 300_000] {
            let content = bytes(length);
            let file =
                home.upload(named("a"), &content.chunks(1024 * 1024).collect::<Vec<_>>()).await.unwrap();
            let path = home.only_object();
            let mut changed = content.clone();
            *changed.last_mut().unwrap() ^= 1;
            std::fs::write(&path, &changed).unwrap();
            let outcome = home.download(AGENT, &file, &[]).await.unwrap();
            assert_eq!(outcome.failed, Some(Reason::Internal), "{engine}");
            assert!(outcome.content.len() < length, "the end is missing");
            std::fs::write(&path, &content[1..]).unwrap();
            assert_eq!(reason(home.download(AGENT, &file, &[]).await), Reason::Internal);
            std::fs::remove_file(&path).unwrap();
            assert_eq!(reason(home.download(AGENT, &file, &[]).await), Reason::Internal);
            home.delete(AGENT, &home.contact, &file.id).await.unwrap();
            home.has_objects(0).await;
        }
        home.service.close().await;
    }
}
