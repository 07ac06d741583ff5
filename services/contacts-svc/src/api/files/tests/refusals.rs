//! What is refused, and that nothing is left of it.

use svc_core::error::Fault;

use super::*;
use crate::domain::FILES_MAX;

/// The reason, and the fields with their codes.
fn refusal<T: std::fmt::Debug>(outcome: Result<T, Error>) -> (Reason, Vec<(String, Fault)>) {
    let error = outcome.unwrap_err();
    (error.reason, error.violations.into_iter().map(|v| (v.field, v.fault)).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_as_it_was_said_leaves_nothing() {
    each_with(
        |config| config.max_bytes = 6 * 1024 * 1024,
        async |home| {
            let metadata = pb::UploadFileMetadata::default;
            let said = |size: i32| pb::UploadFileMetadata { size_bytes: Some(size), ..metadata() };
            let typed =
                |named: &str| pb::UploadFileMetadata { content_type: Some(named.to_owned()), ..metadata() };
            let hashed = |hash: &str| pb::UploadFileMetadata { sha256: Some(hash.to_owned()), ..metadata() };
            let large = bytes(6 * 1024 * 1024 + 1);
            let large: Vec<&[u8]> = large.chunks(1024 * 1024).collect();
            let (page, program) = (&b"<!doctype html><script>"[..], &b"MZ\x90\0\x03\0\0\0"[..]);
            let too_long = vec![0; 1024 * 1024 + 1];
            for (metadata, chunks, field, fault) in [
                (metadata(), &[][..], "file", Fault::TooShort),
                (metadata(), &[&b""[..]], "file", Fault::TooShort),
                (said(4), &[b"hello"], "sizeBytes", Fault::Invalid),
                (said(6), &[b"hello"], "sizeBytes", Fault::Invalid),
                (said(0), &[b"hello"], "sizeBytes", Fault::OutOfRange),
                (said(6 * 1024 * 1024 + 1), &[b"hello"], "sizeBytes", Fault::OutOfRange),
                (said(i32::MIN), &[b"hello"], "sizeBytes", Fault::OutOfRange),
                (hashed(&"0".repeat(64)), &[b"hello"], "sha256", Fault::Invalid),
                (hashed("nonsense"), &[b"hello"], "sha256", Fault::Invalid),
                (typed("image/png"), &[program], "contentType", Fault::Invalid),
                (typed("image/png"), &[page], "contentType", Fault::Invalid),
                (typed("text/plain"), &[page], "contentType", Fault::Invalid),
                (typed("text/plain"), &[program], "contentType", Fault::Invalid),
                (typed("nonsense"), &[b"hello"], "contentType", Fault::Invalid),
                (named(".."), &[b"hello"], "fileName", Fault::Invalid),
                (named("a\0"), &[b"hello"], "fileName", Fault::Invalid),
                (named("a\u{202E}gpj.exe"), &[b"hello"], "fileName", Fault::Invalid),
                (named(&"a".repeat(256)), &[b"hello"], "fileName", Fault::TooLong),
                (named(""), &[b"hello"], "fileName", Fault::TooShort),
                (metadata(), &[&too_long[..]], "chunk", Fault::TooLong),
            ] {
                let shown = format!("{metadata:?}");
                let outcome = refusal(home.upload(metadata, chunks).await);
                assert_eq!(outcome, (Reason::InvalidArgument, vec![(field.to_owned(), fault)]), "{shown}");
            }
            assert_eq!(refusal(home.upload(metadata(), &large).await), (Reason::BodyTooLarge, vec![]));
            for contact in [KEY, "nonsense", ""] {
                let nobody = home.upload_to(contact, metadata(), &[b"hello"]).await;
                assert_eq!(refusal(nobody), (Reason::NotFound, vec![]));
            }
            let other = messages(&home.contact, metadata(), &[b"hello"]);
            let other = home.upload_messages(OTHER_AGENT, other, None).await;
            assert_eq!(refusal(other), (Reason::NotFound, vec![]));
            assert!(home.files().await.is_empty());
            home.has_objects(0).await;
            // As much as may be.
            let most: Vec<&[u8]> = large[..6].to_vec();
            home.upload(metadata(), &most).await.unwrap();
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_have_an_order() {
    each(async |home| {
        let all = messages(&home.contact, named("a"), &[b"hello"]);
        let [first, chunk] = [all[0].clone(), all[1].clone()];
        let nobody = pb::UploadFileRequest { reference: None, ..first.clone() };
        let nothing = pb::UploadFileRequest::default();
        for (what, messages, field) in [
            ("none", vec![], "metadata"),
            ("no metadata", vec![chunk.clone()], "metadata"),
            ("metadata behind", vec![chunk.clone(), first.clone()], "metadata"),
            ("metadata twice", vec![first.clone(), first.clone()], "metadata"),
            ("no contact", vec![nobody, chunk.clone()], "ref"),
            ("nothing", vec![first.clone(), nothing], "chunk"),
        ] {
            let (reason, fields) = refusal(home.upload_messages(AGENT, messages, None).await);
            assert_eq!((reason, fields[0].0.as_str()), (Reason::InvalidArgument, field), "{what}");
        }
        let all_of_another = pb::UploadFileRequest { agent_id: OTHER_AGENT.to_owned(), ..first };
        let other = home.upload_messages(AGENT, vec![all_of_another, chunk], None).await;
        assert_eq!(reason(other), Reason::AgentMismatch);
        home.has_objects(0).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_has_so_many_files_and_uploads_so_many_places() {
    each_with(
        |config| config.max_uploads = 1,
        async |home| {
            home.fill(FILES_MAX).await;
            let full = home.upload(named("one more"), &[b"x"]).await;
            assert_eq!(reason(full), Reason::Conflict);
            home.has_objects(0).await;

            let contact = home.new_contact("crm-2").await;
            let (sender, running) = home.waiting(&contact, &bytes(2 * PIECE)).await;
            let refused = home.upload_to(&contact, named("b"), &[b"x"]).await.unwrap_err();
            assert_eq!(refused.reason, Reason::Overloaded);
            assert!(refused.retry_after.is_some());
            drop(sender);
            running.await.unwrap().unwrap();
            home.upload_to(&contact, named("b"), &[b"x"]).await.unwrap();
        },
    )
    .await;
}
