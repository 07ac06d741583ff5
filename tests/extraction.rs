//! Document extraction, as integrations and members use it: the real binary reads in its sandbox.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::harness::{Answer, Api, Processes};

const INVOICE: &str = "\
Fjord Supply Co.\n\
\n\
Invoice number: INV-2041\n\
Invoice date: 2026-03-14\n\
Customer: Ada Lindqvist\n\
\n\
Total due: 1,250.50 EUR\n";

pub(crate) fn schema() -> Value {
    json!({
        "type": "object",
        "title": "Invoice",
        "properties": {
            "invoiceNumber": {"type": "string", "title": "Invoice number"},
            "invoiceDate": {"type": "string", "format": "date", "title": "Invoice date"},
            "totalDue": {"type": "number", "title": "Total due"},
            "iban": {"type": "string", "title": "IBAN"},
        },
    })
}

pub(crate) fn documents(api: &Api) -> String {
    format!("/v1/open/document-extraction/chatbots/{}", api.agent)
}

pub(crate) fn job(api: &Api, id: &str) -> String {
    format!("/v1/open/document-extraction/{id}/chatbots/{}", api.agent)
}

/// A form as browsers and HTTP clients make it: text parts, then the file.
fn form(request: RequestBuilder, parts: &[(&str, &str)], name: &str, document: &[u8]) -> RequestBuilder {
    const BOUNDARY: &str = "0f6a53f6b1c84e0f";
    let mut body = Vec::new();
    for (name, text) in parts {
        let head = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
        body.extend_from_slice(format!("{head}{text}\r\n").as_bytes());
    }
    let head = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n"
    );
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(document);
    body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
    request.header("content-type", format!("multipart/form-data; boundary={BOUNDARY}")).body(body)
}

async fn upload(api: &Api, name: &str, document: &[u8]) -> Answer {
    let schema = schema().to_string();
    api.send(form(api.by_key("POST", &documents(api)), &[("schema", &schema)], name, document)).await
}

/// Queues a document, and gives the id of its job.
pub(crate) async fn queue(api: &Api, name: &str, document: &[u8]) -> String {
    let queued = upload(api, name, document).await;
    let data = queued.success(202, "Document extraction queued.");
    let id = data["id"].as_str().unwrap().to_owned();
    assert_eq!(queued.header("location"), job(api, &id));
    id
}

/// The job once it has ended, however busy the machine is.
pub(crate) async fn ended(api: &Api, id: &str) -> Value {
    let path = format!("{}?wait=60", job(api, id));
    loop {
        let answer = api.send(api.by_key("GET", &path)).await;
        let job = answer.success(200, "Document extraction retrieved.");
        if job["status"] != "QUEUED" && job["status"] != "RUNNING" {
            return job.clone();
        }
    }
}

fn field<'a>(job: &'a Value, path: &str) -> &'a Value {
    job["result"]["fields"].as_array().unwrap().iter().find(|field| field["path"] == path).unwrap()
}

/// A PDF of one page with a line of text for each of these.
fn pdf(lines: &[&str]) -> Vec<u8> {
    let mut text = String::from("BT /F1 12 Tf 72 760 Td 16 TL\n");
    for line in lines {
        text.push_str(&format!("({line}) Tj T*\n"));
    }
    text.push_str("ET\n");
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R \
         /Resources << /Font << /F1 5 0 R >> >> >>"
            .to_owned(),
        format!("<< /Length {} >>\nstream\n{text}endstream", text.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned(),
    ];
    let mut pdf = String::from("%PDF-1.4\n");
    let mut offsets = Vec::new();
    for (number, object) in (1..).zip(&objects) {
        offsets.push(pdf.len());
        pdf.push_str(&format!("{number} 0 obj\n{object}\nendobj\n"));
    }
    let start = pdf.len();
    pdf.push_str(&format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1));
    for offset in offsets {
        pdf.push_str(&format!("{offset:010} 00000 n \n"));
    }
    pdf.push_str(&format!(
        "trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n",
        objects.len() + 1
    ));
    pdf.into_bytes()
}

#[tokio::test]
async fn values_come_with_their_proof() {
    let keyward = Processes::together(&[]).await;
    let lines: Vec<&str> = INVOICE.lines().filter(|line| !line.is_empty()).collect();
    for (name, document) in [("invoice.txt", INVOICE.as_bytes().to_vec()), ("invoice.pdf", pdf(&lines))] {
        let id = queue(&keyward, name, &document).await;
        let job = ended(&keyward, &id).await;
        assert_eq!(job["status"], "SUCCEEDED", "{name}: {job}");
        let data = &job["result"]["data"];
        assert_eq!(data["invoiceNumber"], "INV-2041", "{name}: {job}");
        assert_eq!(data["invoiceDate"], "2026-03-14", "{name}");
        assert_eq!(data["totalDue"], 1250.5, "{name}");
        // Nothing in the document is one.
        assert_eq!(data["iban"], Value::Null, "{name}");
        let total = field(&job, "/totalDue");
        let source = &total["source"];
        assert!(source["text"].as_str().unwrap().contains("1,250.50"), "{name}: {total}");
        assert_eq!((&source["page"], &total["method"]), (&json!(1), &json!("TEXT")), "{name}");
        for side in ["left", "top", "width", "height"] {
            let side = source["boundingBox"][side].as_f64().unwrap();
            assert!((0.0..=1.0).contains(&side), "{name}: {total}");
        }
        assert_eq!(field(&job, "/iban")["source"], Value::Null, "{name}");
        assert_eq!((&job["pageCount"], &job["usage"]["pages"]), (&json!(1), &json!(1)), "{name}");
    }
}

#[tokio::test]
async fn a_job_from_its_begin_to_its_end() {
    let mut keyward = Processes::apart(&[]).await;
    let body = json!({
        "document": {"contentBase64": STANDARD.encode(INVOICE)},
        "schema": schema(),
        "fileName": "invoice.txt",
    });
    let queued = keyward.send(keyward.by_key("POST", &documents(&keyward)).json(&body)).await;
    let data = queued.success(202, "Document extraction queued.");
    assert_eq!((&data["status"], &data["fileName"]), (&json!("QUEUED"), &json!("invoice.txt")));
    let id = data["id"].as_str().unwrap().to_owned();
    assert_eq!(ended(&keyward, &id).await["status"], "SUCCEEDED");

    let list =
        keyward.send(keyward.by_key("GET", &format!("{}?status=SUCCEEDED", documents(&keyward)))).await;
    let list = list.success(200, "Document extractions retrieved.");
    assert_eq!((list.as_array().unwrap().len(), &list[0]["id"]), (1, &json!(id)));
    assert_eq!(list[0]["result"], Value::Null);
    // None that is cancelled is kept.
    let list =
        keyward.send(keyward.by_key("GET", &format!("{}?status=CANCELLED", documents(&keyward)))).await;
    assert_eq!(list.ok(), &json!([]));

    let corrections = json!({"corrections": [
        {"path": "/invoiceNumber", "value": "INV-9999"},
        {"path": "/totalDue", "value": null},
    ]});
    let corrected = keyward.send(keyward.by_key("PATCH", &job(&keyward, &id)).json(&corrections)).await;
    let corrected = corrected.success(200, "Document extraction updated.");
    assert_eq!(corrected["corrections"][0]["value"], "INV-9999");
    assert_eq!(corrected["corrections"][1]["value"], Value::Null, "the document does not hold it");
    assert_eq!(corrected["result"]["data"]["invoiceNumber"], "INV-2041", "the machine's value stays");
    // The same by the names of properties.
    let fields = json!({"fields": {"invoiceNumber": "INV-9998", "totalDue": null}});
    let corrected = keyward.send(keyward.by_key("PATCH", &job(&keyward, &id)).json(&fields)).await;
    let corrected = corrected.success(200, "Document extraction updated.");
    let values: Vec<_> = corrected["corrections"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (&one["path"], &one["value"]))
        .collect();
    assert_eq!(values, [(&json!("/invoiceNumber"), &json!("INV-9998")), (&json!("/totalDue"), &Value::Null)]);
    for (wrong, field) in [
        (json!({"corrections": [{"path": "/odd", "value": 1}]}), "corrections[0].value"),
        (json!({"corrections": [{"path": "/totalDue", "value": "much"}]}), "corrections[0].value"),
        (json!({"corrections": [{"path": "/invoiceDate", "value": "2026-13-99"}]}), "corrections[0].value"),
        (json!({"fields": {"totalDue": "much"}}), "fields.totalDue"),
        (json!({"status": "FAILED"}), "status"),
    ] {
        let refused = keyward.send(keyward.by_key("PATCH", &job(&keyward, &id)).json(&wrong)).await;
        assert_eq!(refused.refusal(400, "invalid_argument")[0]["field"], field, "{wrong}");
    }

    // Members see the same, in paths of their own.
    let path = format!("/v1/console/agents/{}/documents/{id}", keyward.agent);
    assert_eq!(keyward.send(keyward.by_member("GET", &path)).await.ok()["id"], json!(id));

    keyward
        .send(keyward.by_key("DELETE", &job(&keyward, &id)))
        .await
        .success(200, "Document extraction deleted.");
    for method in ["DELETE", "GET"] {
        keyward.send(keyward.by_key(method, &job(&keyward, &id))).await.refusal(404, "not_found");
    }
    keyward.terminate().await;
}

#[tokio::test]
async fn members_see_pages_as_they_were_read_and_as_they_look() {
    let keyward = Processes::together(&[]).await;
    let lines: Vec<&str> = INVOICE.lines().filter(|line| !line.is_empty()).collect();
    let id = queue(&keyward, "invoice.pdf", &pdf(&lines)).await;
    let total = ended(&keyward, &id).await;
    let path = |agent: &str, id: &str| format!("/v1/console/agents/{agent}/documents/{id}");
    let own = path(&keyward.agent, &id);
    let get = async |path: &str| keyward.send(keyward.by_member("GET", path)).await;

    let page = get(&format!("{own}/pages/1")).await;
    let page = page.success(200, "Page retrieved.");
    assert_eq!(
        (&page["number"], &page["synthetic"], &page["method"]),
        (&json!(1), &json!(false), &json!("TEXT"))
    );
    assert_eq!((&page["previous"], &page["next"]), (&Value::Null, &Value::Null));
    // The value's box holds the word that it was read from.
    let words = page["words"].as_array().unwrap();
    let word = words.iter().find(|word| word["text"] == "1,250.50").unwrap();
    let (outer, inner) = (&field(&total, "/totalDue")["source"]["boundingBox"], &word["boundingBox"]);
    for (side, size) in [("left", "width"), ("top", "height")] {
        let at = |of: &Value, name: &str| of[name].as_f64().unwrap();
        let middle = at(inner, side) + at(inner, size) / 2.0;
        assert!((at(outer, side)..=at(outer, side) + at(outer, size)).contains(&middle), "{outer} {inner}");
    }
    // Lists say how sure the least sure value is.
    let list = get(&format!("/v1/console/agents/{}/documents", keyward.agent)).await;
    assert!((0.0..=1.0).contains(&list.ok()[0]["lowestConfidence"].as_f64().unwrap()), "{:?}", list.body);

    let picture = keyward.by_member("GET", &format!("{own}/pages/1/image")).send().await.unwrap();
    let header = |name: &str| picture.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(picture.status().as_u16(), 200);
    for (name, value) in [
        ("content-type", "image/jpeg"),
        ("x-content-type-options", "nosniff"),
        ("content-disposition", "attachment"),
        ("cross-origin-resource-policy", "same-origin"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(header(name), value, "{name}");
    }
    assert!(picture.bytes().await.unwrap().starts_with(b"\xff\xd8\xff"));

    // Another agent, another page, and a format that has none to see.
    let other = keyward.new_agent("Other", &["document-extraction:read"]).await;
    let flat = queue(&keyward, "invoice.txt", INVOICE.as_bytes()).await;
    ended(&keyward, &flat).await;
    let flat = path(&keyward.agent, &flat);
    assert_eq!(get(&format!("{flat}/pages/1")).await.ok()["synthetic"], true);
    for (path, status, code) in [
        (format!("{own}/pages/2"), 404, "not_found"),
        (format!("{own}/pages/0"), 400, "invalid_argument"),
        (format!("{own}/pages/2/image"), 404, "not_found"),
        (format!("{flat}/pages/1/image"), 404, "not_found"),
        (format!("{}/pages/1", path(&other.agent, &id)), 404, "not_found"),
        (format!("{}/pages/1/image", path(&other.agent, &id)), 404, "not_found"),
        (format!("{}/pages/1/image", path("65f0c0ffee65f0c0ffee65f0", &id)), 404, "not_found"),
    ] {
        get(&path).await.refusal(status, code);
    }
    // Pages of a deleted document are gone.
    keyward.send(keyward.by_member("DELETE", &own)).await.ok();
    for path in [format!("{own}/pages/1"), format!("{own}/pages/1/image")] {
        get(&path).await.refusal(404, "not_found");
    }
}

#[tokio::test]
async fn a_file_that_a_contact_has_is_a_document() {
    for keyward in [Processes::together(&[]).await, Processes::apart(&[]).await] {
        let mut keyward = keyward;
        keyward.new_contact("crm-1").await;
        let files = format!("/v1/open/contacts/crm-1/files/chatbots/{}", keyward.agent);
        let request = keyward.by_key("POST", &files);
        let file = keyward.send(form(request, &[], "invoice.txt", INVOICE.as_bytes())).await;
        let file = file.success(201, "File uploaded.")["id"].as_str().unwrap().to_owned();
        let body = |id: &str| json!({"document": {"contactFileId": id}, "schema": schema()});
        let queued = keyward.send(keyward.by_key("POST", &documents(&keyward)).json(&body(&file))).await;
        let data = queued.success(202, "Document extraction queued.");
        assert_eq!((&data["contactFileId"], &data["fileName"]), (&json!(file), &json!("invoice.txt")));
        assert_eq!(data["sizeBytes"], json!(INVOICE.len()));
        let job = ended(&keyward, data["id"].as_str().unwrap()).await;
        assert_eq!(job["result"]["data"]["invoiceNumber"], "INV-2041", "{job}");

        // Those of others and those that are none are not there, and a key needs the permission.
        for id in ["65f0c0ffee65f0c0ffee65f0", "odd"] {
            let request = keyward.by_key("POST", &documents(&keyward)).json(&body(id));
            keyward.send(request).await.refusal(404, "not_found");
        }
        let key = keyward.new_key(&["document-extraction:create"]).await;
        let without = keyward.with_key(&key);
        let request = without.by_key("POST", &documents(&without)).json(&body(&file));
        without.send(request).await.refusal(403, "permission_denied");
        keyward.terminate().await;
    }
}

#[tokio::test]
async fn an_organization_has_templates_of_its_own() {
    let keyward = Processes::together(&[]).await;
    const TEMPLATES: &str = "/v1/console/extraction-templates";
    let own = json!({"name": "fjord-invoice", "title": "Invoice of Fjord", "schema": schema()});
    let made = keyward.send(keyward.by_member("POST", TEMPLATES).json(&own)).await;
    let data = made.success(201, "Template created.");
    assert_eq!((&data["version"], &data["builtIn"]), (&json!(1), &json!(false)));
    assert_eq!(made.header("location"), format!("{TEMPLATES}/fjord-invoice"));
    for name in ["fjord-invoice", "invoice"] {
        let again = json!({"name": name, "title": "Another", "schema": schema()});
        let again = keyward.send(keyward.by_member("POST", TEMPLATES).json(&again)).await;
        // Its name is all that it goes by, so there is no id to tell.
        assert_eq!((again.status, &again.body["error"]["code"]), (409, &json!("already_exists")));
    }
    let listed = format!("/v1/open/document-extraction/templates/chatbots/{}", keyward.agent);
    let listed = keyward.send(keyward.by_key("GET", &listed)).await;
    let names: Vec<_> = listed.ok().as_array().unwrap().iter().map(|one| one["name"].clone()).collect();
    assert_eq!((names.len(), &names[6]), (7, &json!("fjord-invoice")), "built-in ones first: {names:?}");

    let options =
        json!({"template": "fjord-invoice", "document": {"contentBase64": STANDARD.encode(INVOICE)}});
    let queued = keyward.send(keyward.by_key("POST", &documents(&keyward)).json(&options)).await;
    let data = queued.success(202, "Document extraction queued.");
    assert_eq!((&data["template"], &data["templateVersion"]), (&json!("fjord-invoice"), &json!(1)));
    assert_eq!(ended(&keyward, data["id"].as_str().unwrap()).await["result"]["data"]["totalDue"], 1250.5);

    let version = json!({"title": "Invoice of Fjord", "schema": schema()});
    let versions = format!("{TEMPLATES}/fjord-invoice/versions");
    let added = keyward.send(keyward.by_member("POST", &versions).json(&version)).await;
    assert_eq!(added.success(201, "Template version created.")["version"], 2);
    let one = format!("{TEMPLATES}/fjord-invoice");
    keyward.send(keyward.by_member("DELETE", &one)).await.success(200, "Template deleted.");
    keyward.send(keyward.by_member("GET", &one)).await.refusal(404, "not_found");

    // What a document is of may be left to it.
    let detect =
        json!({"options": {"detectType": true}, "document": {"contentBase64": STANDARD.encode(INVOICE)}});
    let queued = keyward.send(keyward.by_key("POST", &documents(&keyward)).json(&detect)).await;
    let job = ended(&keyward, queued.ok()["id"].as_str().unwrap()).await;
    assert_eq!((&job["template"], &job["templateVersion"]), (&json!("invoice"), &json!(1)), "{job}");
    assert_eq!(job["result"]["detectedTemplate"]["name"], "invoice");
}

#[tokio::test]
async fn an_upload_that_is_repeated_makes_one_job() {
    let keyward = Processes::together(&[]).await;
    let send = async |document: &[u8], name: &str| {
        let request = keyward.by_key("POST", &documents(&keyward)).header("Idempotency-Key", "once");
        keyward.send(form(request, &[("schema", &schema().to_string())], name, document)).await
    };
    let first = send(INVOICE.as_bytes(), "invoice.txt").await;
    let id = first.success(202, "Document extraction queued.")["id"].clone();
    let again = send(INVOICE.as_bytes(), "invoice.txt").await;
    assert_eq!((&again.ok()["id"], again.header("idempotent-replayed")), (&id, "true"));
    send(b"another document", "invoice.txt").await.refusal(422, "idempotency_key_reused");
    let list = keyward.send(keyward.by_key("GET", &documents(&keyward))).await;
    assert_eq!(list.ok().as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_key_does_what_it_may_with_documents() {
    let keyward = Processes::together(&[]).await;
    let id = queue(&keyward, "invoice.txt", INVOICE.as_bytes()).await;
    ended(&keyward, &id).await;
    for (permission, allowed) in [
        ("document-extraction:read", "GET"),
        ("document-extraction:update", "PATCH"),
        ("document-extraction:delete", "DELETE"),
    ] {
        let key = keyward.new_key(&[permission]).await;
        let with = keyward.with_key(&key);
        for method in ["GET", "PATCH", "DELETE"] {
            let request = with.by_key(method, &job(&with, &id));
            let answer = with.send(if method == "PATCH" { request.json(&json!({})) } else { request }).await;
            match method == allowed {
                true => drop(answer.ok().clone()),
                false => drop(answer.refusal(403, "permission_denied").clone()),
            }
        }
        upload(&with, "invoice.txt", INVOICE.as_bytes()).await.refusal(403, "permission_denied");
    }
}

#[tokio::test]
async fn what_cannot_be_read_fails_by_its_code_and_disturbs_no_other() {
    let keyward = Processes::together(&[]).await;
    let whole = pdf(&["Invoice number: INV-2041"]);
    let cut = &whole[..whole.len() / 3];
    let mut ids = Vec::new();
    for (name, document, code) in [
        ("cut.pdf", cut.to_vec(), "unreadable_document"),
        ("no picture.png", b"\x89PNG\r\n\x1a\nrubbish".to_vec(), "unreadable_document"),
        ("no archive.docx", b"PK\x03\x04rubbish".to_vec(), "unreadable_document"),
    ] {
        ids.push((name, queue(&keyward, name, &document).await, code));
    }
    let good = queue(&keyward, "invoice.txt", INVOICE.as_bytes()).await;
    assert_eq!(ended(&keyward, &good).await["status"], "SUCCEEDED");
    for (name, id, code) in ids {
        let job = ended(&keyward, &id).await;
        assert_eq!(
            (&job["status"], &job["error"]["code"]),
            (&json!("FAILED"), &json!(code)),
            "{name}: {job}"
        );
    }
    upload(&keyward, "program", b"\x7fELF\x02\x01\x01\0").await.refusal(415, "unsupported_media_type");
}

#[tokio::test]
async fn no_job_is_lost_or_run_twice_to_its_end_when_everything_is_killed() {
    let mut keyward = Processes::together(&[]).await;
    let mut ids = Vec::new();
    for number in 0..6 {
        let document = format!("{INVOICE}\nPage note {number}\n");
        ids.push(queue(&keyward, "invoice.txt", document.as_bytes()).await);
    }
    let mut process = keyward.all.pop().unwrap();
    process.kill().await;
    keyward.start_together().await;
    for id in ids {
        // What a worker had is another's when its lease is over.
        let job = ended(&keyward, &id).await;
        assert_eq!(job["status"], "SUCCEEDED", "{job}");
        assert_eq!(job["result"]["data"]["invoiceNumber"], "INV-2041");
    }
}
