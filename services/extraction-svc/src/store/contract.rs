//! What every store must do, whatever the engine: one suite, run on each.

use std::time::Duration;

use serde_json::json;
use svc_core::clock::Timestamp;
use svc_db::testing::{START, TestEnvironment, idempotency_contract};

use super::*;
use crate::domain::{Accuracy, Field, JobResult, Options, Status, Usage};

const LEASE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn sqlite() {
    on(TestEnvironment::sqlite()).await;
}

#[tokio::test]
async fn postgres() {
    on(TestEnvironment::postgres().await).await;
}

/// A store and its writer. Each part of the suite has one of its own: the queue is about all organizations.
struct Kept {
    store: Arc<dyn Store>,
    writer: Writer,
    db: AnyDb,
}

async fn on(home: TestEnvironment) {
    let (store, writer, db) = open(&home.environment).await.unwrap();
    idempotency_contract(crate::NAME, &db, &home).await;
    let kept = Kept { store, writer, db };
    everything_that_is_kept_comes_back(&kept).await;
    every_query_sees_its_own_partition_only(&kept).await;
    lists_are_newest_first_and_filtered(&kept).await;
    kept.empty().await;
    organizations_take_turns(&kept).await;
    kept.empty().await;
    one_worker_is_left_for_others(&kept).await;
    kept.empty().await;
    a_job_ends_once(&kept).await;
    kept.empty().await;
    what_a_worker_left_is_begun_again_and_given_up_in_the_end(&kept).await;
    kept.empty().await;
    what_is_given_back_was_not_tried(&kept).await;
    kept.empty().await;
    workers_that_claim_at_once_get_each_job_once(&kept).await;
    kept.empty().await;
    lessons_are_learned_in_versions(&kept).await;
    kept.empty().await;
    jobs_expire(&kept).await;
    kept.empty().await;
    documents_expire_before_their_jobs(&kept).await;
    kept.empty().await;
    templates::contract(&kept).await;
    kept.empty().await;
    erasures::contract(&kept, &home).await;
    kept.db.close().await;
}

macro_rules! change {
    ($kept:expr, |$work:ident| $does:expr) => {{
        let mut $work = $kept.writer.begin().await.unwrap();
        let value = $does.await.unwrap();
        $work.commit().await.unwrap();
        value
    }};
}

// Below the macro that it uses.
mod erasures;
mod templates;

impl Kept {
    async fn add(&self, partition: &Partition, number: u32) -> Job {
        let job = job(partition, number);
        change!(self, |work| async {
            work.add_part(partition, &job.id, 0, b"one").await?;
            work.add_part(partition, &job.id, 1, b"two").await?;
            work.insert(partition, &job).await
        });
        job
    }

    async fn claim(&self, claim: &Claim, now: Timestamp) -> Option<Claimed> {
        change!(self, |work| work.claim(claim, now))
    }

    async fn end(&self, claimed: &Claimed, claim: &Claim, ended: &Ended, now: Timestamp) -> bool {
        change!(self, |work| work.end(claimed, claim, ended, now))
    }

    /// Ends and deletes all jobs.
    async fn empty(&self) {
        let now = at(1_000_000);
        let claim = Claim { most_of_one: 1_000, ..claim("last") };
        change!(self, |work| work.release(1, Failure::Internal, now));
        while let Some(claimed) = self.claim(&claim, now).await {
            assert!(self.end(&claimed, &claim, &Ended::failed(Failure::Internal), now).await);
        }
        while change!(self, |work| work.expire(at(2_000_000), 1_000)) > 0 {}
        while let Some(lesson) = change!(self, |work| work.claim_lesson(&claim, now)) {
            change!(self, |work| work.learned(&lesson, &claim, &Taught::default(), now));
        }
    }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp(START.0 + seconds * 1_000_000)
}

fn claim(worker: &str) -> Claim {
    Claim { worker: worker.to_owned(), lease: LEASE, most_of_one: 10 }
}

fn partition(organization: &str) -> Partition {
    Partition { organization_id: organization.to_owned(), agent_id: "agent".to_owned() }
}

fn job(partition: &Partition, number: u32) -> Job {
    let of =
        partition.organization_id.bytes().fold(7_u32, |sum, byte| sum.wrapping_mul(31) + u32::from(byte));
    Job {
        id: format!("{of:012x}{number:012x}"),
        status: Status::Queued,
        template: Some("invoice".to_owned()),
        template_version: Some(2),
        schema: r#"{"type":"object"}"#.to_owned(),
        lesson: "template/invoice".to_owned(),
        options: Options {
            languages: vec!["de".to_owned()],
            pages: Some("1-3".to_owned()),
            ..Options::default()
        },
        file_name: Some("Rechnung 7.pdf".to_owned()),
        content_type: Some("application/pdf".to_owned()),
        contact_file_id: Some("file".to_owned()),
        size_bytes: 6,
        page_count: None,
        pages_read: None,
        result: None,
        corrections: Vec::new(),
        failure: None,
        usage: None,
        lowest_confidence: None,
        created_at: at(number.into()),
        updated_at: at(number.into()),
        started_at: None,
        finished_at: None,
        document_deleted_at: None,
        attempts: 0,
    }
}

fn succeeded() -> Ended {
    let field = Field {
        path: "/total".to_owned(),
        value: json!(1.5),
        confidence: 0.75,
        source: None,
        uncalibrated: true,
    };
    Ended::Succeeded {
        page_count: 3,
        usage: Usage { pages: 2, fields: 1, ..Usage::default() },
        result: JobResult {
            data: json!({"total": 1.5}),
            fields: vec![field],
            detected: None,
            notices: Vec::new(),
        },
        chosen: None,
        reading: b"words".to_vec(),
    }
}

fn correction() -> Correction {
    Correction { path: "/total".to_owned(), value: json!(null), corrected_at: 5 }
}

async fn everything_that_is_kept_comes_back(kept: &Kept) {
    let of = partition("kept");
    let new = kept.add(&of, 1).await;
    assert_eq!(kept.store.find(&of, &new.id).await.unwrap(), Some(new.clone()));
    let mine = claim("a");
    let claimed = kept.claim(&mine, at(2)).await.unwrap();
    let running = Job {
        status: Status::Running,
        pages_read: Some(0),
        started_at: Some(at(2)),
        updated_at: at(2),
        attempts: 1,
        ..new
    };
    assert_eq!(kept.store.find(&of, &running.id).await.unwrap(), Some(running.clone()));
    for (part, content) in [(0, Some(b"one".to_vec())), (1, Some(b"two".to_vec())), (2, None)] {
        assert_eq!(kept.store.document_part(&of, &running.id, part).await.unwrap(), content);
    }
    let ended = succeeded();
    assert!(kept.end(&claimed, &mine, &ended, at(3)).await);
    change!(kept, |work| work.correct(&of, &running.id, &[correction()], at(4)));
    let Ended::Succeeded { result, usage, .. } = ended else { unreachable!() };
    let done = Job {
        status: Status::Succeeded,
        result: Some(result),
        usage: Some(usage),
        lowest_confidence: Some(0.75),
        page_count: Some(3),
        pages_read: Some(2),
        corrections: vec![correction()],
        finished_at: Some(at(3)),
        updated_at: at(4),
        ..running
    };
    assert_eq!(kept.store.find(&of, &done.id).await.unwrap(), Some(done.clone()));
    assert_eq!(kept.store.reading(&of, &done.id).await.unwrap(), Some(b"words".to_vec()));
    change!(kept, |work| work.delete(&of, &done.id));
    assert_eq!(kept.store.reading(&of, &done.id).await.unwrap(), None);
    assert_eq!(kept.store.find(&of, &done.id).await.unwrap(), None);
    assert_eq!(kept.store.document_part(&of, &done.id, 0).await.unwrap(), None);
}

async fn every_query_sees_its_own_partition_only(kept: &Kept) {
    let mine = partition("isolated");
    let job = kept.add(&mine, 1).await;
    let claimed = kept.claim(&claim("a"), at(2)).await.unwrap();
    assert!(kept.end(&claimed, &claim("a"), &succeeded(), at(3)).await);
    change!(kept, |work| work.correct(&mine, &job.id, &[correction()], at(4)));
    for other in [
        Partition { agent_id: "other".to_owned(), ..mine.clone() },
        Partition { organization_id: "other".to_owned(), ..mine.clone() },
    ] {
        assert_eq!(kept.store.find(&other, &job.id).await.unwrap(), None);
        assert_eq!(kept.store.status(&other, &job.id).await.unwrap(), None);
        assert_eq!(kept.store.document_part(&other, &job.id, 0).await.unwrap(), None);
        assert_eq!(kept.store.reading(&other, &job.id).await.unwrap(), None);
        let page =
            kept.store.list(&other, &Filter::default(), PageSize::new(None).unwrap(), None, true).await;
        let page = page.unwrap();
        assert_eq!((page.jobs.len(), page.total), (0, Some(0)));
        change!(kept, |work| async {
            assert_eq!(work.lock(&other, &job.id).await?, None);
            work.correct(&other, &job.id, &[], at(9)).await?;
            work.delete(&other, &job.id).await
        });
        let claimed = Claimed { partition: other, job: Job { attempts: 1, ..job.clone() } };
        assert!(!kept.end(&claimed, &claim("a"), &Ended::failed(Failure::Internal), at(9)).await);
    }
    let lesson = |organization: &str| Lesson {
        organization_id: organization.to_owned(),
        lesson: job.lesson.clone(),
        schema: job.schema.clone(),
        version: 1,
    };
    assert_eq!(kept.store.corrected(&lesson("other"), 10).await.unwrap().len(), 0);
    assert_eq!(kept.store.corrected(&lesson("isolated"), 10).await.unwrap().len(), 1);
    let found = kept.store.find(&mine, &job.id).await.unwrap().unwrap();
    assert_eq!((found.status, found.corrections), (Status::Succeeded, vec![correction()]));
}

async fn lists_are_newest_first_and_filtered(kept: &Kept) {
    let of = partition("list");
    let mut jobs = Vec::new();
    for number in 1..=5 {
        jobs.push(kept.add(&of, number).await);
    }
    // The oldest has failed.
    let claimed = loop {
        let claimed = kept.claim(&claim("a"), at(10)).await.unwrap();
        if claimed.partition == of {
            break claimed;
        }
    };
    assert!(kept.end(&claimed, &claim("a"), &Ended::failed(Failure::TooLarge), at(11)).await);
    let size = |size| PageSize::new(Some(size)).unwrap();
    let ids = |page: &Page| page.jobs.iter().map(|job| job.id.clone()).collect::<Vec<_>>();
    let newest: Vec<_> = jobs.iter().rev().map(|job| job.id.clone()).collect();
    let first = kept.store.list(&of, &Filter::default(), size(2), None, true).await.unwrap();
    assert_eq!((ids(&first), first.has_more, first.total), (newest[..2].to_vec(), true, Some(5)));
    assert!(first.jobs.iter().all(|job| job.schema.is_empty()));
    let after = Position::of(&first.jobs[1]);
    let rest = kept.store.list(&of, &Filter::default(), size(3), Some(&after), false).await.unwrap();
    assert_eq!((ids(&rest), rest.has_more, rest.total), (newest[2..].to_vec(), false, None));
    for (filter, found) in [
        (Filter { status: Some(Status::Failed), ..Filter::default() }, 4..5),
        (Filter { status: Some(Status::Queued), ..Filter::default() }, 0..4),
        (Filter { created_after: Some(at(3)), ..Filter::default() }, 0..2),
        (Filter { template: Some("invoice".to_owned()), ..Filter::default() }, 0..5),
        (Filter { template: Some("receipt".to_owned()), ..Filter::default() }, 0..0),
    ] {
        let page = kept.store.list(&of, &filter, size(10), None, true).await.unwrap();
        assert_eq!(ids(&page), newest[found.clone()].to_vec(), "{filter:?}");
        assert_eq!(page.total, Some(found.len() as i64), "{filter:?}");
    }
    assert_eq!(kept.store.waiting("list").await.unwrap(), 4);
}

async fn organizations_take_turns(kept: &Kept) {
    let (many, few) = (partition("many"), partition("few"));
    for number in 1..=4 {
        kept.add(&many, number).await;
    }
    for number in 5..=6 {
        kept.add(&few, number).await;
    }
    let mut order = Vec::new();
    for turn in 0..6 {
        let claimed = kept.claim(&claim("a"), at(10 + turn)).await.unwrap();
        order.push((claimed.partition.organization_id, claimed.job.created_at));
    }
    let order: Vec<_> = order.iter().map(|(organization, time)| (organization.as_str(), *time)).collect();
    let expected =
        [("many", 1), ("few", 5), ("many", 2), ("few", 6), ("many", 3), ("many", 4)].map(|(o, t)| (o, at(t)));
    assert_eq!(order, expected);
    assert!(kept.claim(&claim("a"), at(20)).await.is_none());
}

async fn one_worker_is_left_for_others(kept: &Kept) {
    let (many, late) = (partition("crowd"), partition("late"));
    for number in 1..=3 {
        kept.add(&many, number).await;
    }
    let bounded = Claim { most_of_one: 1, ..claim("a") };
    let first = kept.claim(&bounded, at(10)).await.unwrap();
    assert!(kept.claim(&bounded, at(11)).await.is_none(), "it has its share");
    // Another process has a share of its own.
    assert!(kept.claim(&Claim { most_of_one: 1, ..claim("b") }, at(12)).await.is_some());
    kept.add(&late, 4).await;
    assert_eq!(kept.claim(&bounded, at(13)).await.unwrap().partition, late);
    assert!(kept.end(&first, &bounded, &Ended::failed(Failure::Internal), at(14)).await);
    assert_eq!(kept.claim(&bounded, at(15)).await.unwrap().partition, many);
}

async fn a_job_ends_once(kept: &Kept) {
    let of = partition("once");
    kept.add(&of, 1).await;
    let (mine, other) = (claim("a"), claim("b"));
    let claimed = kept.claim(&mine, at(2)).await.unwrap();
    assert!(change!(kept, |work| work.hold(&claimed, &mine, 1, at(3))));
    assert_eq!(kept.store.find(&of, &claimed.job.id).await.unwrap().unwrap().pages_read, Some(1));
    assert_eq!(kept.store.status(&of, &claimed.job.id).await.unwrap(), Some(Status::Running));
    for not_mine in [
        (claimed.clone(), other.clone()),
        (Claimed { job: Job { attempts: 2, ..claimed.job.clone() }, ..claimed.clone() }, mine.clone()),
    ] {
        assert!(!change!(kept, |work| work.hold(&not_mine.0, &not_mine.1, 1, at(3))));
        assert!(!kept.end(&not_mine.0, &not_mine.1, &succeeded(), at(4)).await);
    }
    assert!(kept.end(&claimed, &mine, &succeeded(), at(5)).await);
    assert!(!kept.end(&claimed, &mine, &Ended::failed(Failure::Internal), at(6)).await);
    assert!(!change!(kept, |work| work.hold(&claimed, &mine, 1, at(7))));
    let job = kept.store.find(&of, &claimed.job.id).await.unwrap().unwrap();
    assert_eq!((job.status, job.finished_at), (Status::Succeeded, Some(at(5))));
}

async fn what_a_worker_left_is_begun_again_and_given_up_in_the_end(kept: &Kept) {
    let of = partition("left");
    let job = kept.add(&of, 1).await;
    let mut now = 2;
    for attempt in 1..=3 {
        let claimed = kept.claim(&claim("a"), at(now)).await.unwrap();
        assert_eq!(claimed.job.attempts, attempt);
        // While the lease lasts, nothing is released.
        assert_eq!(change!(kept, |work| work.release(3, Failure::Internal, at(now + 29))), 0);
        if attempt == 2 {
            assert_eq!(change!(kept, |work| work.lapse(at(now + 1))), 1);
            assert_eq!(change!(kept, |work| work.release(3, Failure::Internal, at(now + 1))), 1);
        } else {
            assert_eq!(change!(kept, |work| work.release(3, Failure::Internal, at(now + 30))), 1);
        }
        // Whoever had it can end it no more.
        assert!(!kept.end(&claimed, &claim("a"), &succeeded(), at(now + 31)).await);
        now += 31;
    }
    let job = kept.store.find(&of, &job.id).await.unwrap().unwrap();
    assert_eq!((job.status, job.failure), (Status::Failed, Some(Failure::Internal)));
    assert!(kept.claim(&claim("a"), at(now)).await.is_none());
}

async fn what_is_given_back_was_not_tried(kept: &Kept) {
    let of = partition("back");
    kept.add(&of, 1).await;
    kept.add(&of, 2).await;
    kept.claim(&claim("a"), at(3)).await.unwrap();
    let others = kept.claim(&claim("b"), at(3)).await.unwrap();
    assert_eq!(change!(kept, |work| work.give_back("a", at(4))), 1);
    let again = kept.claim(&claim("c"), at(5)).await.unwrap();
    assert_eq!((again.job.created_at, again.job.attempts), (at(1), 1));
    assert!(change!(kept, |work| work.hold(&others, &claim("b"), 1, at(6))));
}

async fn workers_that_claim_at_once_get_each_job_once(kept: &Kept) {
    const JOBS: u32 = 40;
    for number in 1..=JOBS {
        kept.add(&partition(&format!("at once {}", number % 5)), number).await;
    }
    let worker = |name: String| async move {
        let mut got = Vec::new();
        let mine = Claim { most_of_one: 1_000, ..claim(&name) };
        // Under SKIP LOCKED a claim may find nothing while others hold all turns.
        let mut idle = 0;
        while idle < 20 {
            match kept.claim(&mine, at(100)).await {
                Some(claimed) => got.push(claimed.job.id),
                None => {
                    idle += 1;
                    tokio::task::yield_now().await;
                }
            }
        }
        got
    };
    let got = futures::future::join_all((0..4).map(|number| worker(format!("worker {number}")))).await;
    let mut got: Vec<_> = got.into_iter().flatten().collect();
    let all = got.len();
    got.sort();
    got.dedup();
    assert_eq!((got.len(), all), (JOBS as usize, JOBS as usize));
}

async fn lessons_are_learned_in_versions(kept: &Kept) {
    let of = partition("lesson");
    let job = kept.add(&of, 1).await;
    let claimed = kept.claim(&claim("a"), at(2)).await.unwrap();
    assert!(kept.end(&claimed, &claim("a"), &succeeded(), at(3)).await);
    assert_eq!(kept.store.learning("lesson", &job.lesson).await.unwrap(), Learning::default());
    let teach = || async {
        change!(kept, |work| async {
            work.correct(&of, &job.id, &[correction()], at(4)).await?;
            work.teach("lesson", &job.lesson, &job.schema).await
        });
    };
    teach().await;
    let pending = kept.store.learning("lesson", &job.lesson).await.unwrap();
    assert_eq!((pending.pending, pending.active), (true, false));
    let lesson = change!(kept, |work| work.claim_lesson(&claim("a"), at(5))).unwrap();
    assert!(change!(kept, |work| work.claim_lesson(&claim("b"), at(6))).is_none(), "it is leased");
    let corrected = kept.store.corrected(&lesson, 10).await.unwrap();
    assert_eq!(corrected.len(), 1);
    assert_eq!(
        (corrected[0].reading.as_slice(), &corrected[0].corrections),
        (&b"words"[..], &vec![correction()])
    );
    // What comes in meanwhile is pending after it.
    teach().await;
    let accuracy = Some(Accuracy { before: 0.5, after: 0.75, documents: 3 });
    let taught = Taught { corrections: 1, model: Some(b"model".to_vec()), accuracy };
    assert!(!change!(kept, |work| work.learned(&lesson, &claim("b"), &taught, at(7))));
    assert!(change!(kept, |work| work.learned(&lesson, &claim("a"), &taught, at(7))));
    let learning =
        Learning { corrections: 1, pending: true, active: true, accuracy, learned_at: Some(at(7)) };
    assert_eq!(kept.store.learning("lesson", &job.lesson).await.unwrap(), learning);
    assert_eq!(kept.store.model("lesson", &job.lesson).await.unwrap(), Some(b"model".to_vec()));
    assert_eq!(kept.store.model("other", &job.lesson).await.unwrap(), None);
    // A worker that is gone delays it by its lease.
    let lesson = change!(kept, |work| work.claim_lesson(&claim("b"), at(8))).unwrap();
    assert!(change!(kept, |work| work.claim_lesson(&claim("c"), at(37))).is_none());
    let again = change!(kept, |work| work.claim_lesson(&claim("c"), at(38))).unwrap();
    assert!(!change!(kept, |work| work.learned(&lesson, &claim("b"), &taught, at(39))));
    assert!(change!(kept, |work| work.learned(&again, &claim("c"), &Taught::default(), at(39))));
    let learning = kept.store.learning("lesson", &job.lesson).await.unwrap();
    assert_eq!((learning.pending, learning.active), (false, false));
}

async fn jobs_expire(kept: &Kept) {
    let of = partition("expired");
    for number in 1..=3 {
        kept.add(&of, number).await;
    }
    for seconds in [10, 20] {
        let claimed = kept.claim(&claim("a"), at(seconds)).await.unwrap();
        assert!(kept.end(&claimed, &claim("a"), &succeeded(), at(seconds)).await);
        change!(kept, |work| work.correct(&of, &claimed.job.id, &[correction()], at(seconds)));
    }
    assert_eq!(change!(kept, |work| work.expire(at(20), 10)), 1);
    let page =
        kept.store.list(&of, &Filter::default(), PageSize::new(None).unwrap(), None, false).await.unwrap();
    assert_eq!(page.jobs.len(), 2);
    // What it taught is to be forgotten.
    assert!(kept.store.learning("expired", "template/invoice").await.unwrap().pending);
}

async fn documents_expire_before_their_jobs(kept: &Kept) {
    let of = partition("documents");
    let mut jobs = Vec::new();
    for number in 1..=2 {
        jobs.push(kept.add(&of, number).await);
        let claimed = kept.claim(&claim("a"), at(3)).await.unwrap();
        assert!(kept.end(&claimed, &claim("a"), &succeeded(), at(5)).await);
    }
    change!(kept, |work| work.correct(&of, &jobs[0].id, &[correction()], at(6)));
    for (ended_before, count) in [(at(5), 0), (at(6), 2), (at(6), 0)] {
        assert_eq!(change!(kept, |work| work.expire_documents(ended_before, 10, at(9))), count);
    }
    for job in &jobs {
        assert_eq!(kept.store.document_part(&of, &job.id, 0).await.unwrap(), None);
        let found = kept.store.find(&of, &job.id).await.unwrap().unwrap();
        assert_eq!((found.status, found.document_deleted_at), (Status::Succeeded, Some(at(9))));
    }
    let lesson = Lesson {
        organization_id: of.organization_id.clone(),
        lesson: jobs[0].lesson.clone(),
        schema: jobs[0].schema.clone(),
        version: 1,
    };
    assert_eq!(kept.store.corrected(&lesson, 10).await.unwrap().len(), 1, "it is learned from still");
    change!(kept, |work| work.correct(&of, &jobs[1].id, &[correction()], at(10)));
    assert_eq!(kept.store.corrected(&lesson, 10).await.unwrap().len(), 1, "what was read of it is gone");
}
