//! Exports, and what an import makes of them.

use keyward_proto::contacts::v1 as pb;
use svc_core::error::Reason;
use svc_runtime::grpc::status;

use super::{Answer, Caller, Stack, ann, by_ref, number, reason, text};

pub(super) async fn all(stack: &Stack) {
    csv_and_lines(&stack.caller("d01")).await;
    an_export_comes_back_unchanged(&stack.caller("d02")).await;
    many_contacts_each_once(&stack.caller("d03")).await;
}

impl Caller {
    /// The media type and the content.
    async fn export(&self, request: pb::ExportContactsRequest, accept: &str) -> Answer<(String, String)> {
        let mut request = self.request(request);
        request.metadata_mut().insert("accept", accept.parse().unwrap());
        let mut pieces =
            self.client.clone().export_contacts(request).await.map_err(status::to_error)?.into_inner();
        let (mut content_type, mut content) = (String::new(), Vec::new());
        while let Some(piece) = pieces.message().await.map_err(status::to_error)? {
            content_type.push_str(&piece.content_type);
            content.extend(piece.data);
        }
        Ok((content_type, String::from_utf8(content).unwrap()))
    }

    async fn csv(&self) -> String {
        let any = pb::ContactStatusFilter::Any.into();
        let request = pb::ExportContactsRequest { status: Some(any), ..Default::default() };
        self.export(request, "text/csv").await.unwrap().1
    }
}

async fn csv_and_lines(caller: &Caller) {
    let names = "id,status,createdAt,updatedAt,archivedAt,version,externalReferenceId,name,email,mobileNumber,gender,stage,\
                 source,tags,notes,customFields\r\n";
    assert_eq!(caller.csv().await, names);
    let empty = caller.export(pb::ExportContactsRequest::default(), "application/x-ndjson").await.unwrap();
    assert_eq!(empty, ("application/x-ndjson".to_owned(), String::new()));

    let sent = pb::Contact {
        name: Some("=cmd|' /C calc'!A0".to_owned()),
        mobile_number: Some("+491701234567".to_owned()),
        stage: Some(pb::ContactStage::Lead.into()),
        tags: vec!["a".to_owned(), "b;c".to_owned()],
        notes: Some("one\n\"two\"".to_owned()),
        custom_fields: [("n".to_owned(), number(1.5)), ("t".to_owned(), text("-x"))].into(),
        ..ann(Some("@1"))
    };
    let contact = caller.create(sent).await.unwrap();
    let (content_type, csv) = caller.export(pb::ExportContactsRequest::default(), "").await.unwrap();
    assert_eq!(content_type, "text/csv; charset=utf-8");
    let at = svc_core::clock::Timestamp::from_proto(contact.created_at.as_ref().unwrap()).unwrap();
    let row = format!(
        "{},ACTIVE,{at},{at},,1,\"'@1\",\"'=cmd|' /C calc'!A0\",ann@example.com,\"'+491701234567\",,LEAD,,\"a;b\\;c\",\
         \"one\n\"\"two\"\"\",\"{{\"\"n\"\":1.5,\"\"t\"\":\"\"-x\"\"}}\"\r\n",
        contact.id
    );
    assert_eq!(csv, format!("{names}{row}"));

    let request =
        pb::ExportContactsRequest { format: Some(pb::ExportFormat::Ndjson.into()), ..Default::default() };
    let (content_type, lines) = caller.export(request, "text/csv").await.unwrap();
    assert_eq!(content_type, "application/x-ndjson");
    let line: serde_json::Value = serde_json::from_str(lines.strip_suffix('\n').unwrap()).unwrap();
    let expected = serde_json::json!({
        "id": contact.id, "externalReferenceId": "@1", "name": "=cmd|' /C calc'!A0", "email": "ann@example.com",
        "mobileNumber": "+491701234567", "gender": null, "stage": "LEAD", "status": "ACTIVE", "source": null,
        "tags": ["a", "b;c"], "notes": "one\n\"two\"", "customFields": {"n": 1.5, "t": "-x"},
        "createdAt": at.to_string(), "updatedAt": at.to_string(), "archivedAt": null, "version": 1
    });
    assert_eq!(line, expected);
    let refused = pb::ExportContactsRequest { status: Some(9), ..Default::default() };
    assert_eq!(reason(caller.export(refused, "").await), Reason::InvalidArgument);
}

/// Whatever a contact holds, an import of its export changes nothing.
async fn an_export_comes_back_unchanged(caller: &Caller) {
    let texts = ["=1", "+1", "-1", "@x", "'=1", "''", "a,b;c", "\"q\"", "Zoë 🙂", "\\", "{}", "null", "'"];
    for (index, value) in (0..).zip(texts) {
        let sent = pb::Contact {
            name: Some(value.to_owned()),
            gender: Some(value.chars().take(50).collect()),
            notes: Some(format!("{value}\r\n{value}")),
            tags: vec![value.to_owned(), format!("{value};")],
            custom_fields: [("t".to_owned(), text(value)), ("n".to_owned(), number(-0.1 * f64::from(index)))]
                .into(),
            ..ann(Some(&format!("{value}{index}")))
        };
        caller.create(sent).await.unwrap();
    }
    caller.create(ann(None)).await.unwrap();
    let before = caller.csv().await;
    let import = caller.import(&before).await;
    let all = i32::try_from(texts.len()).unwrap() + 1;
    assert_eq!((import.rows, import.unchanged, import.failed), (all, all, 0), "{:?}", import.errors);
    assert_eq!(caller.csv().await, before);
}

async fn many_contacts_each_once(caller: &Caller) {
    let csv: String = (0..1_100).map(|number| format!("r{number},a{number}@example.com\n")).collect();
    caller.import(&format!("externalReferenceId,email\n{csv}")).await;
    caller.replace(&by_ref("r7"), ann(None)).await.unwrap();
    let lines = caller.csv().await;
    assert_eq!(lines.lines().count(), 1_101);
    let mut ids: Vec<&str> = lines.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 1_100);
}
