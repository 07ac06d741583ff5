//! What stores must do with jobs that go since something was deleted elsewhere.

use svc_core::erasure::{Erased, Erasure};
use svc_core::idempotency::{IdempotentCall, Kept as KeptAnswer, RequestDigest};
use svc_db::IdempotencyRecords;

use super::*;

pub(super) async fn contract(kept: &Kept, home: &TestEnvironment) {
    jobs_of_files_go_in_pieces(kept).await;
    kept.empty().await;
    jobs_of_an_agent_go(kept).await;
    kept.empty().await;
    answers_forget_a_deleted_job(kept, home).await;
}

fn erasure(number: u32, of: &Partition, what: Erased) -> Erasure {
    Erasure { id: format!("{number:024x}"), of: of.clone(), what, at: at(0) }
}

/// Takes it, and gives what is to be looked after.
async fn take(kept: &Kept, erasure: &Erasure) -> Taken {
    // Whoever hands it on may do so twice.
    for seconds in [20, 21] {
        change!(kept, |work| work.take_erasure(erasure, at(seconds)));
    }
    let [taken] = kept.store.erasures_due(at(21), 10).await.unwrap().try_into().unwrap();
    let expected = Taken {
        id: erasure.id.clone(),
        of: erasure.of.clone(),
        what: erasure.what.clone(),
        taken_at: at(20),
    };
    assert_eq!(taken, expected);
    taken
}

async fn add(kept: &Kept, of: &Partition, number: u32, file: Option<&str>) -> Job {
    let job = Job { contact_file_id: file.map(str::to_owned), ..job(of, number) };
    change!(kept, |work| async {
        work.add_part(of, &job.id, 0, b"one").await?;
        work.insert(of, &job).await
    });
    job
}

async fn is_there(kept: &Kept, of: &Partition, job: &Job) -> bool {
    let job_is = kept.store.find(of, &job.id).await.unwrap().is_some();
    assert_eq!(kept.store.document_part(of, &job.id, 0).await.unwrap().is_some(), job_is);
    job_is
}

async fn jobs_of_files_go_in_pieces(kept: &Kept) {
    let of = partition("erased");
    let other = Partition { agent_id: "other".to_owned(), ..of.clone() };
    let elsewhere = partition("erased elsewhere");
    let first = add(kept, &of, 1, Some("file 1")).await;
    let claimed = kept.claim(&claim("a"), at(10)).await.unwrap();
    assert!(kept.end(&claimed, &claim("a"), &succeeded(), at(11)).await);
    change!(kept, |work| work.correct(&of, &first.id, &[correction()], at(12)));
    let mut gone = vec![first.clone()];
    for (number, file) in [(2, "file 1"), (3, "file 2\""), (4, "file 2\"")] {
        gone.push(add(kept, &of, number, Some(file)).await);
    }
    let stay = [
        (&of, add(kept, &of, 5, Some("file 3")).await),
        (&of, add(kept, &of, 6, None).await),
        (&other, add(kept, &other, 7, Some("file 1")).await),
        (&elsewhere, add(kept, &elsewhere, 8, Some("file 1")).await),
    ];

    let files = ["file 1", "file 2\"", "no such file"].map(str::to_owned).to_vec();
    let taken = take(kept, &erasure(1, &of, Erased::ContactFiles(files))).await;
    let erase = async |seconds: i64| change!(kept, |work| work.erase(&taken, 3, at(seconds)));
    assert_eq!((erase(22).await, erase(22).await), (Look::Deleted, Look::Deleted));
    for job in &gone {
        assert!(!is_there(kept, &of, job).await);
    }
    assert_eq!(kept.store.reading(&of, &first.id).await.unwrap(), None);
    // What it taught is to be forgotten.
    assert!(kept.store.learning("erased", &first.lesson).await.unwrap().pending);
    assert_eq!(erase(23).await, Look::None);
    assert_eq!(kept.store.erasures_due(at(24), 10).await.unwrap(), []);

    // A call that was under way makes one more.
    let late = add(kept, &of, 9, Some("file 1")).await;
    let last = taken.taken_at.plus(LOOKED_AFTER);
    assert_eq!(kept.store.erasures_due(last.minus(Duration::from_secs(1)), 10).await.unwrap(), []);
    assert_eq!(kept.store.erasures_due(last, 10).await.unwrap(), std::slice::from_ref(&taken));
    if !kept.store.is_of_one_process() {
        let mut theirs = kept.writer.begin().await.unwrap();
        assert!(theirs.lock(&of, &late.id).await.unwrap().is_some());
        assert_eq!(change!(kept, |work| work.erase(&taken, 3, last)), Look::Busy);
    }
    for look in [Look::Deleted, Look::Over] {
        assert_eq!(change!(kept, |work| work.erase(&taken, 3, last)), look);
    }
    assert!(!is_there(kept, &of, &late).await);
    assert_eq!(kept.store.erasures_due(at(1_000_000), 10).await.unwrap(), []);
    for (of, job) in &stay {
        assert!(is_there(kept, of, job).await, "{job:?}");
    }
}

async fn jobs_of_an_agent_go(kept: &Kept) {
    let of = partition("gone");
    let other = Partition { agent_id: "other".to_owned(), ..of.clone() };
    let gone = [add(kept, &of, 1, Some("file")).await, add(kept, &of, 2, None).await];
    let stays = add(kept, &other, 3, Some("file")).await;
    let taken = take(kept, &erasure(2, &of, Erased::Agent)).await;
    for look in [Look::Deleted, Look::None] {
        assert_eq!(change!(kept, |work| work.erase(&taken, 10, at(22))), look);
    }
    for job in &gone {
        assert!(!is_there(kept, &of, job).await);
    }
    assert!(is_there(kept, &other, &stays).await);
}

async fn answers_forget_a_deleted_job(kept: &Kept, home: &TestEnvironment) {
    let of = partition("answers");
    let tasks = home.environment.supervisor.of("answers");
    let records = IdempotencyRecords::new("answers", kept.db.clone(), &home.environment, &tasks);
    let call = |key: &str| IdempotentCall {
        organization_id: of.organization_id.clone(),
        subject: "key/answers".to_owned(),
        digest: RequestDigest::of(key, "POST", "/", None, b"{}"),
    };
    let answer = |id: &str| KeptAnswer::Answer { message: b"its name".to_vec(), id: Some(id.to_owned()) };
    let (gone, stays) = (add(kept, &of, 1, None).await, add(kept, &of, 2, None).await);
    for job in [&gone, &stays] {
        let mut work = kept.writer.begin().await.unwrap();
        records.keep(work.records(), (call(&job.id), answer(&job.id))).await.unwrap().unwrap();
        work.commit().await.unwrap();
    }
    change!(kept, |work| work.delete(&of, &gone.id));
    let withheld = KeptAnswer::Withheld { id: Some(gone.id.clone()) };
    assert_eq!(records.find(&call(&gone.id)).await.unwrap().unwrap(), Some(withheld));
    assert_eq!(records.find(&call(&stays.id)).await.unwrap().unwrap(), Some(answer(&stays.id)));
    tasks.stop().await;
}
