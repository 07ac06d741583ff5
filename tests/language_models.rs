//! Document extraction by a language model, as an operator sets it up and an integration asks for it: a real model, small
//! enough to make things up, behind a real server.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::extraction::{documents, ended, schema};
use crate::harness::{LanguageModel, Processes};

const KEY: &str = "sk-0f6a53f6b1c84e0f";
const INVOICE: &str = "\
Fjord Supply Co.\n\
Invoice number: INV-2041\n\
Invoice date: 2026-03-14\n\
Customer: Ada Lindqvist\n\
Total due: 1,250.50 EUR\n";

/// A document as text, and what is to be found in it.
fn body(engine: &str) -> Value {
    json!({
        "document": {"contentBase64": STANDARD.encode(INVOICE)},
        "fileName": "invoice.txt",
        "options": {"engine": engine},
        "schema": schema(),
    })
}

#[tokio::test]
async fn a_small_model_answers_and_what_it_makes_up_is_null() {
    let model = LanguageModel::start(KEY).await;
    let secret = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(secret.path(), KEY).unwrap();
    let settings = format!(
        "[[extraction.llm]]\nname = \"local\"\nurl = \"{}\"\nmodel = \"smollm2\"\nkey = \"file:{}\"\n\
         organizations = [\"*\"]\nwindow_characters = 4000\nmax_output_tokens = 200\n\n\
         [[extraction.llm]]\nname = \"others\"\nurl = \"{}\"\nmodel = \"smollm2\"\n\n\
         [[extraction.llm]]\nname = \"without-key\"\nurl = \"{}\"\nmodel = \"smollm2\"\norganizations = [\"*\"]\n",
        model.url,
        secret.path().display(),
        model.url,
        model.url,
    );
    let mut keyward = Processes::with_file(&settings).await;
    let queued = keyward.send(keyward.by_key("POST", &documents(&keyward)).json(&body("local"))).await;
    let id = queued.success(202, "Document extraction queued.")["id"].as_str().unwrap().to_owned();
    let job = ended(&keyward, &id).await;
    assert_eq!((&job["status"], &job["options"]["engine"]), (&json!("SUCCEEDED"), &json!("local")), "{job}");
    assert_eq!(job["result"]["data"]["invoiceNumber"], "INV-2041", "{job}");
    // The document has none. A model of this size names one all the same.
    assert_eq!(job["result"]["data"]["iban"], Value::Null, "{job}");
    for field in job["result"]["fields"].as_array().unwrap() {
        if field["value"].is_null() {
            assert_eq!(field["source"], Value::Null, "{field}");
            continue;
        }
        assert_eq!(field["method"], "MODEL", "{field}");
        assert!(INVOICE.contains(field["source"]["text"].as_str().unwrap()), "{field}");
        assert!(field["source"]["boundingBox"]["width"].as_f64().unwrap() > 0.0, "{field}");
    }
    for tokens in ["modelInputTokens", "modelOutputTokens"] {
        assert!(job["usage"][tokens].as_u64().unwrap() > 0, "{tokens}: {}", job["usage"]);
    }

    // Nobody's, and none; and one whose endpoint refuses us.
    for engine in ["others", "odd"] {
        let refused = keyward.send(keyward.by_key("POST", &documents(&keyward)).json(&body(engine))).await;
        assert_eq!(refused.refusal(400, "invalid_argument")[0]["field"], "options.engine", "{engine}");
    }
    let queued = keyward.send(keyward.by_key("POST", &documents(&keyward)).json(&body("without-key"))).await;
    let id = queued.success(202, "Document extraction queued.")["id"].as_str().unwrap().to_owned();
    let job = ended(&keyward, &id).await;
    assert_eq!(job["error"]["code"], "engine_unavailable", "{job}");

    let metrics = keyward.all[0].metrics().await;
    for line in [
        "extraction_model_requests_total{engine=\"local\",outcome=\"answered\"} 1",
        "extraction_model_requests_total{engine=\"without-key\",outcome=\"refused\"} 1",
    ] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
    // Neither the key nor what the document says is told to whoever reads the log.
    let log = keyward.all[0].log();
    for secret in [KEY, "INV-2041"] {
        assert!(!log.contains(secret), "{log}");
    }
    keyward.terminate().await;
}
