//! Imports, from their first byte to their report.

use futures::StreamExt;
use futures::stream;
use keyward_proto::contacts::v1 as pb;
use std::time::Duration;
use svc_core::error::{Error, Reason};
use svc_core::idempotency::RequestDigest;
use svc_runtime::grpc::{idempotency, status};

use super::{Answer, Caller, Stack, ann, by_ref, number, reason, refusal, text};

pub(super) async fn all(stack: &Stack) {
    rows_become_contacts(&stack.caller("c01")).await;
    every_row_by_itself(&stack.caller("c02")).await;
    files_as_programs_write_them(stack).await;
    columns_of_other_names(&stack.caller("c04")).await;
    what_is_refused_before_anything_is_read(&stack.caller("c05")).await;
    a_dry_run_writes_nothing(&stack.caller("c06")).await;
    people_who_are_there(stack).await;
    many_rows_and_many_errors(&stack.caller("c08")).await;
    an_import_is_found_while_it_runs(&stack.caller("c09")).await;
    an_import_goes_on_where_it_stood(&stack.caller("c10")).await;
    an_import_takes_effect_once(&stack.caller("c11")).await;
    imports_belong_to_their_agent(stack).await;
    by_our_own_id(&stack.caller("c13")).await;
    groups_that_name_the_same(stack).await;
    an_import_without_a_key_fails(&stack.caller("c15")).await;
}

/// What is said of an import before its content.
fn head() -> pb::ImportContactsRequest {
    let metadata = pb::ImportContactsMetadata { content_type: Some("text/csv".to_owned()) };
    let part = Some(pb::import_contacts_request::Part::Metadata(metadata));
    pb::ImportContactsRequest { part, ..Default::default() }
}

fn chunk(bytes: &[u8]) -> pb::ImportContactsRequest {
    let part = Some(pb::import_contacts_request::Part::Chunk(bytes.to_vec()));
    pb::ImportContactsRequest { part, ..Default::default() }
}

impl Caller {
    async fn import_as(&self, head: pb::ImportContactsRequest, content: &[u8]) -> Answer<pb::ContactImport> {
        // In pieces that part whatever can be parted.
        let pieces: Vec<_> = content.chunks(1_000_003.min(content.len() / 3 + 1)).map(chunk).collect();
        Ok(self.send(stream::iter([vec![head], pieces].concat()), None).await?.1)
    }

    pub(super) async fn import(&self, content: &str) -> pb::ContactImport {
        self.import_as(head(), content.as_bytes()).await.unwrap()
    }

    /// Whether it is the answer of an earlier call, and the import.
    async fn send(
        &self,
        messages: impl futures::Stream<Item = pb::ImportContactsRequest> + Send + 'static,
        digest: Option<&RequestDigest>,
    ) -> Answer<(bool, pb::ContactImport)> {
        let mut request = self.request(messages);
        if let Some(digest) = digest {
            request.metadata_mut().insert(idempotency::DIGEST, digest.to_text().parse().unwrap());
        }
        let response = self.client.clone().import_contacts(request).await.map_err(status::to_error)?;
        let replayed = idempotency::is_replayed(response.metadata().as_ref());
        Ok((replayed, response.into_inner().contact_import.unwrap()))
    }

    async fn get_import(&self, id: &str) -> Answer<pb::ContactImport> {
        let message = pb::GetContactImportRequest { id: id.to_owned(), ..Default::default() };
        let answer = self.client.clone().get_contact_import(self.request(message)).await;
        Ok(answer.map_err(status::to_error)?.into_inner().contact_import.unwrap())
    }

    async fn imports(
        &self,
        message: pb::ListContactImportsRequest,
    ) -> Answer<pb::ListContactImportsResponse> {
        let answer = self.client.clone().list_contact_imports(self.request(message)).await;
        Ok(answer.map_err(status::to_error)?.into_inner())
    }

    async fn import_errors(
        &self,
        message: pb::ListContactImportErrorsRequest,
    ) -> Answer<pb::ListContactImportErrorsResponse> {
        let answer = self.client.clone().list_contact_import_errors(self.request(message)).await;
        Ok(answer.map_err(status::to_error)?.into_inner())
    }

    async fn count(&self) -> usize {
        let mut message = pb::ListContactsRequest { limit: Some(100), ..Default::default() };
        let mut count = 0;
        loop {
            let page = self.list(message.clone()).await.unwrap();
            count += page.contacts.len();
            match page.pagination.unwrap().next_cursor {
                Some(cursor) => message.cursor = Some(cursor),
                None => return count,
            }
        }
    }
}

/// Rows, created, updated, unchanged, failed.
fn counts(import: &pb::ContactImport) -> [i32; 5] {
    [import.rows, import.created, import.updated, import.unchanged, import.failed]
}

/// The lines that were refused, each with its fields and codes.
fn errors(import: &pb::ContactImport) -> Vec<(i32, Vec<(String, String)>)> {
    let details = |error: &pb::ImportError| {
        let details = &error.error.as_ref().unwrap().details;
        (error.line, details.iter().map(|detail| (detail.field.clone(), detail.code.clone())).collect())
    };
    import.errors.iter().map(details).collect()
}

fn of(line: i32, details: &[(&str, &str)]) -> (i32, Vec<(String, String)>) {
    (line, details.iter().map(|(field, code)| ((*field).to_owned(), (*code).to_owned())).collect())
}

async fn rows_become_contacts(caller: &Caller) {
    let import = caller
        .import(
            "externalReferenceId,name,email,mobileNumber,gender,stage,source,tags,notes,customFields.size,customFields\r\n\
             crm-1,\"Lovelace, Ada\",Ada@Example.com,+49 170 1234567,female,lead,web,a;b\\;c,\"one\r\ntwo\",42,\"{\"\"x\"\": [1]}\"\r\n\
             \r\n\
             ,Bob,bob@example.com,,,,,,,,\r\n",
        )
        .await;
    assert_eq!((import.status(), counts(&import)), (pb::ContactImportStatus::Finished, [2, 2, 0, 0, 0]));
    assert!(import.finished_at.is_some() && !import.dry_run && import.errors.is_empty());
    let ada = caller.get(&by_ref("crm-1")).await.unwrap();
    let list = prost_types::value::Kind::ListValue(prost_types::ListValue {
        values: vec![prost_types::Value { kind: Some(prost_types::value::Kind::NumberValue(1.0)) }],
    });
    let expected = pb::Contact {
        id: ada.id.clone(),
        external_reference_id: Some("crm-1".to_owned()),
        name: Some("Lovelace, Ada".to_owned()),
        email: Some("Ada@Example.com".to_owned()),
        mobile_number: Some("+491701234567".to_owned()),
        gender: Some("female".to_owned()),
        stage: Some(pb::ContactStage::Lead.into()),
        source: Some("web".to_owned()),
        tags: vec!["a".to_owned(), "b;c".to_owned()],
        notes: Some("one\r\ntwo".to_owned()),
        custom_fields: [("size".to_owned(), text("42")), ("x".to_owned(), super::value(list))].into(),
        ..ada.clone()
    };
    assert_eq!(ada, expected);

    // The same again changes nothing but for the row without a reference, which nobody can know again.
    let again = caller
        .import(
            "externalReferenceId,name,email\ncrm-1,\"Lovelace, Ada\",Ada@Example.com\n,Bob,bob@example.com\n",
        )
        .await;
    assert_eq!(counts(&again), [2, 1, 0, 1, 0]);
    assert_eq!(caller.get(&by_ref("crm-1")).await.unwrap(), ada);
    // An empty cell leaves what is there.
    let some = caller.import("externalReferenceId,name,notes\ncrm-1,,new").await;
    assert_eq!(counts(&some), [1, 0, 1, 0, 0]);
    let now = caller.get(&by_ref("crm-1")).await.unwrap();
    assert_eq!(
        (now.name.as_deref(), now.notes.as_deref(), now.version),
        (Some("Lovelace, Ada"), Some("new"), 2)
    );
}

async fn every_row_by_itself(caller: &Caller) {
    let import = caller
        .import(
            "externalReferenceId,name,email,mobileNumber,stage\n\
             good-1,Ann,ann@example.com,,\n\
             bad-1,Ann,no address,12,KUNDE\n\
             bad-2,Ann\n\
             bad-3,Ann,a@example.com,,,more\n\
             bad-4,\"Ann\" X,a@example.com,,\n\
             bad-5,An\0n,a@example.com,,\n\
             bad-6,,,,\n\
             schema,Ann,a@example.com,,\n\
             good-2,\"two\nlines are no name\",a@example.com,,\n\
             good-3,Zoë 🙂,a@example.com,,\n\
             bad-7,\"never closed,a@example.com,,\n\
             lost,Ann,a@example.com,,\n",
        )
        .await;
    assert_eq!(counts(&import), [11, 2, 0, 0, 9]);
    let row = &[("row", "invalid")][..];
    assert_eq!(
        errors(&import),
        [
            of(3, &[("stage", "invalid"), ("email", "invalid"), ("mobileNumber", "invalid")]),
            of(4, row),
            of(5, row),
            of(6, row),
            of(7, row),
            of(8, &[("email", "required")]),
            of(9, &[("externalReferenceId", "invalid")]),
            of(10, &[("name", "invalid")]),
            of(13, row),
        ]
    );
    assert_eq!(caller.count().await, 2);
    for lost in ["bad-7", "lost", "bad-5"] {
        assert_eq!(reason(caller.get(&by_ref(lost)).await), Reason::NotFound, "{lost}");
    }
}

async fn files_as_programs_write_them(stack: &Stack) {
    let text =
        "externalReferenceId;name;email;mobileNumber\r\nä-1;\"Zoë; Ö\";zoe@example.com;0049 170 1234567\r\n";
    let utf_16 = |bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(bytes).collect()
    };
    let files = [
        text.as_bytes().to_vec(),
        format!("\u{feff}{text}").into_bytes(),
        utf_16(u16::to_le_bytes),
        utf_16(u16::to_be_bytes),
        format!("sep=;\r\n{text}").into_bytes(),
        text.replace("\r\n", "\n").into_bytes(),
        text.replace("\r\n", "\r").into_bytes(),
        text.trim_end().as_bytes().to_vec(),
    ];
    for (number, file) in files.iter().enumerate() {
        let caller = stack.caller(&format!("c03{number}"));
        let import = caller.import_as(head(), file).await.unwrap();
        assert_eq!(counts(&import), [1, 1, 0, 0, 0], "{number}");
        let contact = caller.get(&by_ref("ä-1")).await.unwrap();
        assert_eq!(contact.name.as_deref(), Some("Zoë; Ö"), "{number}");
        assert_eq!(contact.mobile_number.as_deref(), Some("+491701234567"), "{number}");
    }
    // Half a character is a fault of its row only.
    let caller = stack.caller("c038");
    let broken = [&b"externalReferenceId,email\na,a\xC3@example.com\nb,b@example.com\n"[..]].concat();
    let import = caller.import_as(head(), &broken).await.unwrap();
    assert_eq!((counts(&import), errors(&import)), ([2, 1, 0, 0, 1], vec![of(2, &[("row", "invalid")])]));
}

async fn columns_of_other_names(caller: &Caller) {
    let mapping = [
        ("Kunden-Nr.", "externalReferenceId"),
        ("E-Mail", "email"),
        ("Handy", "mobileNumber"),
        ("Umsatz", "customFields.revenue"),
        ("Foto", ""),
    ];
    let head = pb::ImportContactsRequest {
        mapping: mapping.map(|(name, to)| (name.to_owned(), to.to_owned())).into(),
        region: Some("DE".to_owned()),
        ..head()
    };
    let csv = "Kunden-Nr.;E-Mail;Handy;Umsatz;Foto;name\n7;;0170 1234567;'=1+2;x.png;'+1\n8;;12;;;\n";
    let import = caller.import_as(head, csv.as_bytes()).await.unwrap();
    assert_eq!(errors(&import), [of(3, &[("mobileNumber", "invalid")])]);
    let contact = caller.get(&by_ref("7")).await.unwrap();
    assert_eq!(contact.mobile_number.as_deref(), Some("+491701234567"));
    assert_eq!(contact.name.as_deref(), Some("+1"));
    assert_eq!(contact.custom_fields, [("revenue".to_owned(), text("=1+2"))].into());
}

async fn what_is_refused_before_anything_is_read(caller: &Caller) {
    let csv = "externalReferenceId,email\na,a@example.com\n";
    let with = |change: fn(&mut pb::ImportContactsRequest)| {
        let mut request = head();
        change(&mut request);
        request
    };
    for (request, csv, field, code) in [
        (head(), "", "header", "invalid"),
        (head(), "\n", "", "unknown_field"),
        (head(), "email,Photo\n", "Photo", "unknown_field"),
        (head(), "email,email\n", "email", "duplicate"),
        (head(), "a\0b,email\n", "header", "invalid"),
        (head(), "\"email", "header", "invalid"),
        (with(|r| r.delimiter = Some("|".to_owned())), csv, "delimiter", "invalid"),
        (with(|r| r.locale = Some("tlh".to_owned())), csv, "locale", "invalid"),
        (with(|r| r.date_format = Some("DDMMYY".to_owned())), csv, "dateFormat", "invalid"),
        (with(|r| r.region = Some("XX".to_owned())), csv, "region", "invalid"),
        (with(|r| r.on_duplicate = Some("ask".to_owned())), csv, "onDuplicate", "invalid"),
        (with(|r| r.label = Some(" ".to_owned())), csv, "label", "too_short"),
    ] {
        let refused = caller.import_as(request, csv.as_bytes()).await;
        assert!(refused.is_err(), "{csv:?} {field}");
        let (reason, details) = refusal(refused);
        assert_eq!(reason, Reason::InvalidArgument, "{csv:?}");
        assert_eq!((details[0].0.as_str(), details[0].1), (field, code), "{csv:?}");
    }
    for media_type in ["application/json", "", "text/csv; charset=latin1"] {
        let metadata = pb::ImportContactsMetadata { content_type: Some(media_type.to_owned()) };
        let part = Some(pb::import_contacts_request::Part::Metadata(metadata));
        let refused = caller.import_as(pb::ImportContactsRequest { part, ..head() }, csv.as_bytes()).await;
        assert_eq!(reason(refused), Reason::UnsupportedMediaType, "{media_type:?}");
    }
    assert_eq!(caller.count().await, 0);
    let none = caller.imports(pb::ListContactImportsRequest::default()).await.unwrap();
    assert!(none.imports.is_empty(), "what was refused is no import");
}

async fn a_dry_run_writes_nothing(caller: &Caller) {
    caller.create(ann(Some("there"))).await.unwrap();
    let before = caller.get(&by_ref("there")).await.unwrap();
    let csv = "externalReferenceId,name,email\nnew,New,new@example.com\nthere,Other,o@example.com\nbad,,\n";
    let dry = pb::ImportContactsRequest { dry_run: Some(true), ..head() };
    let import = caller.import_as(dry, csv.as_bytes()).await.unwrap();
    assert!(import.dry_run);
    assert_eq!((counts(&import), errors(&import)), ([3, 1, 1, 0, 1], vec![of(4, &[("email", "required")])]));
    assert_eq!((caller.count().await, caller.get(&by_ref("there")).await.unwrap()), (1, before));
    assert_eq!(counts(&caller.import(csv).await), [3, 1, 1, 0, 1]);
    assert_eq!(caller.count().await, 2);

    // Each row again, far enough behind to be decided without the first ones.
    let mut csv = "externalReferenceId,name,email\n".to_owned();
    for (number, name) in
        (0..1_500).map(|n| (n, "D")).chain((0..1_500).map(|n| (n, if n < 700 { "D" } else { "E" })))
    {
        csv.push_str(&format!("d{number},{name},{number}@example.com\n"));
    }
    let dry = pb::ImportContactsRequest { dry_run: Some(true), ..head() };
    let import = caller.import_as(dry, csv.as_bytes()).await.unwrap();
    assert_eq!((counts(&import), caller.count().await), ([3_000, 1_500, 800, 700, 0], 2));
}

async fn people_who_are_there(stack: &Stack) {
    let csv = "name,email,mobileNumber\nA,ANN@example.com,\nB,,+49 170 1\nC,new@example.com,+491700000001\nD,NEW@example.com,\n";
    for (word, expected, count) in
        [("allow", [4, 3, 0, 0, 1], 4), ("reject", [4, 1, 0, 0, 3], 2), ("update", [4, 1, 2, 0, 1], 2)]
    {
        let caller = stack.caller(&format!("c07{}", expected[1] * 10 + expected[2]));
        caller.create(ann(None)).await.unwrap();
        let head = pb::ImportContactsRequest { on_duplicate: Some(word.to_owned()), ..head() };
        let import = caller.import_as(head, csv.as_bytes()).await.unwrap();
        assert_eq!((counts(&import), caller.count().await), (expected, count), "{word}");
    }
    // Who may be several others is nobody in particular.
    let caller = stack.caller("c0799");
    for _ in 0..2 {
        caller.create(ann(None)).await.unwrap();
    }
    let head = pb::ImportContactsRequest { on_duplicate: Some("update".to_owned()), ..head() };
    let import = caller.import_as(head, b"name,email\nA,ann@example.com\n").await.unwrap();
    assert_eq!(
        (counts(&import), import.errors[0].error.as_ref().unwrap().code.as_str()),
        ([1, 0, 0, 0, 1], "conflict")
    );
}

async fn many_rows_and_many_errors(caller: &Caller) {
    let row = |number: u32| match number % 10 {
        0 => format!("r{number},no address,\n"),
        _ => format!("r{number},a{number}@example.com,{}\n", "x".repeat(300)),
    };
    let csv = format!("externalReferenceId,email,notes\n{}", (0..5_000).map(row).collect::<String>());
    let import = caller.import(&csv).await;
    assert_eq!(counts(&import), [5_000, 4_500, 0, 0, 500]);
    assert_eq!(import.errors.len(), 100);
    assert_eq!((import.errors[0].line, import.errors[99].line), (2, 992));
    assert_eq!(caller.get_import(&import.id).await.unwrap(), import);
    let mut message =
        pb::ListContactImportErrorsRequest { id: import.id.clone(), limit: Some(70), ..Default::default() };
    let mut lines = Vec::new();
    loop {
        let page = caller.import_errors(message.clone()).await.unwrap();
        lines.extend(page.errors.iter().map(|error| error.line));
        match page.pagination.unwrap().next_cursor {
            Some(cursor) => message.cursor = Some(cursor),
            None => break,
        }
    }
    assert_eq!(lines, (0..500).map(|number| number * 10 + 2).collect::<Vec<_>>());
    assert_eq!(counts(&caller.import(&csv).await), [5_000, 0, 0, 4_500, 500]);
    assert_eq!(caller.count().await, 4_500);
}

/// A client that sends what it is told to, when it is told to.
fn channel()
-> (tokio::sync::mpsc::Sender<Vec<u8>>, impl futures::Stream<Item = pb::ImportContactsRequest> + Send) {
    let (sender, receiver) = tokio::sync::mpsc::channel::<Vec<u8>>(1);
    let chunks = stream::unfold(receiver, |mut receiver| async move {
        let bytes = receiver.recv().await?;
        Some((chunk(&bytes), receiver))
    });
    let first = pb::ImportContactsRequest { label: Some("nightly".to_owned()), ..head() };
    (sender, stream::iter([first]).chain(chunks))
}

impl Caller {
    /// The import of this label, once it is as wanted.
    async fn import_when(&self, is: impl Fn(&pb::ContactImport) -> bool) -> pb::ContactImport {
        let message =
            pb::ListContactImportsRequest { label: Some("nightly".to_owned()), ..Default::default() };
        for _ in 0..600 {
            let mut page = self.imports(message.clone()).await.unwrap();
            if let Some(import) = page.imports.pop().filter(&is) {
                return import;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the import is not as it should be");
    }
}

async fn an_import_is_found_while_it_runs(caller: &Caller) {
    let (sender, messages) = channel();
    let importing = tokio::spawn({
        let caller = caller.clone();
        async move { caller.send(messages, None).await }
    });
    sender.send(b"externalReferenceId,email\na,a@example.com\nb,b@exam".to_vec()).await.unwrap();
    // What is whole is written although more is to come.
    let import = caller.import_when(|import| import.rows == 1).await;
    assert_eq!((import.status(), import.created), (pb::ContactImportStatus::Running, 1));
    assert!(caller.get(&by_ref("a")).await.is_ok());
    sender.send(b"ple.com\n".to_vec()).await.unwrap();
    drop(sender);
    let (_, ended) = importing.await.unwrap().unwrap();
    assert_eq!((ended.id, ended.created, ended.label.as_deref()), (import.id, 2, Some("nightly")));
}

async fn an_import_goes_on_where_it_stood(caller: &Caller) {
    let csv = |rows: std::ops::Range<u32>| -> String {
        // Without references: whoever is written twice is there twice.
        rows.map(|number| format!("Person {number},p{number}@example.com\n")).collect()
    };
    let digest = RequestDigest::of("key", "POST", "/import", None, b"");
    let (sender, messages) = channel();
    let importing = tokio::spawn({
        let (caller, digest) = (caller.clone(), digest);
        async move { caller.send(messages, Some(&digest)).await }
    });
    sender.send(format!("name,email\n{}", csv(0..1_500)).into_bytes()).await.unwrap();
    caller.import_when(|import| import.rows == 1_500).await;

    let whole = format!("name,email\n{}", csv(0..3_000));
    let again = async |content: &str| {
        let messages = stream::iter([head(), chunk(content.as_bytes())]);
        caller.send(messages, Some(&digest)).await
    };
    // While it runs, nobody else carries it out.
    assert_eq!(again(&whole).await.unwrap_err().reason, Reason::RequestInProgress);
    importing.abort();
    let stopped = caller.import_when(|import| import.status() == pb::ContactImportStatus::Interrupted).await;
    assert_eq!(stopped.finished_at, None);

    // Other content is another import.
    let other = whole.replace("Person 7,", "Person 7!,");
    assert_eq!(again(&other).await.unwrap_err().reason, Reason::IdempotencyKeyReused);
    assert_eq!(again("name,email\n").await.unwrap_err().reason, Reason::IdempotencyKeyReused);
    let (replayed, import) = again(&whole).await.unwrap();
    assert_eq!((replayed, import.id.as_str()), (false, stopped.id.as_str()));
    assert_eq!(
        (import.status(), counts(&import)),
        (pb::ContactImportStatus::Finished, [3_000, 3_000, 0, 0, 0])
    );
    assert_eq!(caller.count().await, 3_000, "each row was written once");

    let (replayed, same) = again(&whole).await.unwrap();
    assert_eq!((replayed, same), (true, import));
    assert_eq!(
        again(&format!("{whole}X,x@example.com\n")).await.unwrap_err().reason,
        Reason::IdempotencyKeyReused
    );
    assert_eq!(caller.count().await, 3_000);
}

async fn an_import_takes_effect_once(caller: &Caller) {
    let digest = RequestDigest::of("key", "POST", "/import", None, b"");
    let send = async || {
        let messages = stream::iter([head(), chunk(b"email\na@example.com\n")]);
        caller.send(messages, Some(&digest)).await
    };
    let (one, two, three) = tokio::join!(send(), send(), send());
    let carried_out =
        [&one, &two, &three].into_iter().filter(|answer| matches!(answer, Ok((false, _)))).count();
    assert_eq!(carried_out, 1, "{one:?} {two:?} {three:?}");
    assert_eq!(caller.count().await, 1);
    // With another query it is another request.
    let other = RequestDigest::of("key", "POST", "/import", Some("dryRun=true"), b"");
    let messages = stream::iter([head(), chunk(b"email\na@example.com\n")]);
    let refused: Answer<_> = caller.send(messages, Some(&other)).await;
    assert_eq!(reason(refused), Reason::IdempotencyKeyReused);
    // After a day the key is free.
    caller.clock.advance(Duration::from_secs(24 * 60 * 60));
    assert!(!send().await.unwrap().0);
    assert_eq!(caller.count().await, 2);
}

async fn imports_belong_to_their_agent(stack: &Stack) {
    let (mine, theirs) = (stack.caller("c121"), stack.caller("c122"));
    let mut ids = Vec::new();
    for _ in 0..3 {
        // Ids are in the order of their milliseconds.
        mine.clock.advance(Duration::from_millis(1));
        ids.insert(0, mine.import("email\nx\n").await.id);
    }
    let not_found = |error: Error| assert_eq!(error.reason, Reason::NotFound);
    not_found(theirs.get_import(&ids[0]).await.unwrap_err());
    let message = pb::ListContactImportErrorsRequest { id: ids[0].clone(), ..Default::default() };
    not_found(theirs.import_errors(message).await.unwrap_err());
    not_found(mine.get_import("65f0c0ffee65f0c0ffee65f0").await.unwrap_err());
    not_found(mine.get_import("no id").await.unwrap_err());
    assert!(theirs.imports(pb::ListContactImportsRequest::default()).await.unwrap().imports.is_empty());

    let first =
        mine.imports(pb::ListContactImportsRequest { limit: Some(2), ..Default::default() }).await.unwrap();
    let cursor = first.pagination.unwrap().next_cursor;
    let message =
        pb::ListContactImportsRequest { limit: Some(2), cursor: cursor.clone(), ..Default::default() };
    let second = mine.imports(message.clone()).await.unwrap();
    let found: Vec<_> = first.imports.iter().chain(&second.imports).map(|import| import.id.clone()).collect();
    assert_eq!((found, second.pagination.unwrap().next_cursor), (ids, None));
    assert_eq!(reason(theirs.imports(message).await), Reason::InvalidCursor);
}

async fn by_our_own_id(caller: &Caller) {
    let contact = caller
        .create(pb::Contact { custom_fields: [("n".to_owned(), number(1.0))].into(), ..ann(Some("r")) });
    let contact = contact.await.unwrap();
    let csv = format!(
        "id,status,externalReferenceId,name,version\n{id},ARCHIVED,r,New,9\n{id},,other,,\n{absent},,,X,\n",
        id = contact.id,
        absent = super::ABSENT_ID
    );
    let import = caller.import(&csv).await;
    assert_eq!(counts(&import), [3, 0, 1, 0, 2]);
    assert_eq!(errors(&import)[0], of(3, &[("externalReferenceId", "immutable")]));
    assert_eq!(import.errors[1].error.as_ref().unwrap().code, "not_found");
    let now = caller.get(&by_ref("r")).await.unwrap();
    assert_eq!((now.name.as_deref(), now.status(), now.version), (Some("New"), pb::ContactStatus::Active, 2));
}

/// Groups are written two at a time, and come to what they come to one after the other.
async fn groups_that_name_the_same(stack: &Stack) {
    let row = |number: u32, of: u32| {
        format!("r{},Name {},a{}@example.com\n", number % of, number / of, number % of)
    };
    for (agent, of, expected) in
        // Each row of the second half, and of all groups behind the first, names what another group has written.
        [("c141", 2_500, [5_000, 2_500, 2_500, 0, 0]), ("c142", 700, [5_000, 700, 4_300, 0, 0])]
    {
        let caller = stack.caller(agent);
        let rows: String = (0..5_000).map(|number| row(number, of)).collect();
        let import = caller.import(&format!("externalReferenceId,name,email\n{rows}")).await;
        assert_eq!(counts(&import), expected, "{agent}");
        assert_eq!(caller.count().await, of as usize, "{agent}");
        let last = caller.get(&by_ref("r0")).await.unwrap();
        assert_eq!(last.name, Some(format!("Name {}", 4_999 / of)), "{agent}");
    }
}

async fn an_import_without_a_key_fails(caller: &Caller) {
    let (sender, messages) = channel();
    let importing = tokio::spawn({
        let caller = caller.clone();
        async move { caller.send(messages, None).await }
    });
    sender.send(b"email\na@example.com\nb@exam".to_vec()).await.unwrap();
    caller.import_when(|import| import.rows == 1).await;
    importing.abort();
    // Nobody can go on with it.
    let failed = caller.import_when(|import| import.status() == pb::ContactImportStatus::Failed).await;
    assert_eq!((counts(&failed), failed.error.unwrap().code.as_str()), ([1, 1, 0, 0, 0], "request_timeout"));
    assert!(failed.finished_at.is_some());
    assert_eq!(caller.count().await, 1);
}
