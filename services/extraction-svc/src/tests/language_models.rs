//! Jobs that ask a language model.

use super::*;

/// A job that names an engine.
fn by_engine(name: &str, document: &str) -> Vec<pb::CreateJobRequest> {
    let mut parts = request(document, schema());
    if let Some(Part::Metadata(metadata)) = &mut parts[0].part {
        metadata.options =
            Some(pb::ExtractionOptions { engine: Some(name.to_owned()), ..Default::default() });
    }
    parts
}

#[tokio::test]
async fn a_language_model_is_asked_by_its_name_where_the_organization_may() {
    for (engine, home) in TestEnvironment::each().await {
        let running = Running::on(&home).await;
        let made = running.create_with(by_engine("parrot", "hello")).await.unwrap();
        let ended = running.get(&made.id, 60).await.unwrap();
        assert_eq!(text_of(&ended), "parrot: hello", "{engine}");
        assert_eq!(ended.options.unwrap().engine.as_deref(), Some("parrot"));
        let usage = ended.usage.unwrap();
        assert_eq!((usage.model_input_tokens, usage.model_output_tokens), (5, 7));
        // What came to nothing has its price, too.
        let made = running.create_with(by_engine("parrot", RAMBLES)).await.unwrap();
        let ended = running.get(&made.id, 60).await.unwrap();
        assert_eq!(
            (ended.status(), ended.error.unwrap().code.as_str()),
            (pb::JobStatus::Failed, "engine_unavailable")
        );
        let usage = ended.usage.unwrap();
        assert_eq!(
            (usage.pages, usage.fields, usage.model_input_tokens, usage.model_output_tokens),
            (1, 0, 6, 7)
        );
        // The one that comes with Keyward needs not be named, and costs no tokens.
        let made = running.create_with(by_engine("embedded", "hello")).await.unwrap();
        let ended = running.get(&made.id, 60).await.unwrap();
        assert_eq!((text_of(&ended), ended.usage.unwrap().model_input_tokens), ("hello", 0));
        // Each organization is told of those that it may ask.
        for (organization, names) in [(ORGANIZATION, vec!["embedded", "parrot"]), (OTHER, vec!["embedded"])] {
            let mut client = running.client();
            let asked = client.list_engines(by(pb::ListEnginesRequest::default(), organization)).await;
            let engines = asked.unwrap().into_inner().engines;
            let built_in: Vec<_> = engines.iter().map(|engine| engine.built_in).collect();
            assert!(built_in[0] && built_in[1..].iter().all(|is| !is), "{engine}: {engines:?}");
            assert_eq!(engines.iter().map(|e| e.name.as_str()).collect::<Vec<_>>(), names, "{engine}");
        }
        // What others may ask is not there.
        let refused = running.create_with(by_engine("magpie", "hello")).await.unwrap_err();
        assert_eq!(status::reason(&refused), Reason::InvalidArgument);
        let asked = running.client().create_job(by(stream::iter(by_engine("parrot", "hello")), OTHER)).await;
        assert_eq!(status::reason(&asked.unwrap_err()), Reason::InvalidArgument);
        running.service.close().await;
    }
}

#[tokio::test]
async fn while_a_model_thinks_the_worker_has_another_job() {
    let home = TestEnvironment::sqlite();
    let running = Running::with(&home, &Config { workers: 1, ..Config::default() }).await;
    running.service.start_long_work();
    let thinking = running.create_with(by_engine("parrot", THINKS)).await.unwrap();
    running.pipeline.entered.notified().await;
    // Another organization's, which needs no model.
    let parts = stream::iter(request("hello", schema()));
    let made = running.client().create_job(by(parts, OTHER)).await.unwrap().into_inner().job.unwrap();
    let get = pb::GetJobRequest { id: made.id, wait: Some(60), ..Default::default() };
    let ended = running.client().get_job(by(get, OTHER)).await.unwrap().into_inner().job.unwrap();
    assert_eq!(text_of(&ended), "hello");
    assert_eq!(running.get(&thinking.id, 0).await.unwrap().status(), pb::JobStatus::Running);
    running.pipeline.release.notify_one();
    assert_eq!(text_of(&running.get(&thinking.id, 60).await.unwrap()), "parrot: think");
    running.service.close().await;
}
