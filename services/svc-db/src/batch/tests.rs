use std::collections::HashSet;

use futures::future::join_all;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;

use super::*;
use crate::{AnyDb, Migrator, Sqlite, open, sql};
use svc_runtime::service::{DatabaseConfig, Environment};

/// Fails a statement that it is in, which has changed nothing then.
const BAD: u32 = 1_000;
/// Loses the connection of a statement that it is in.
const LOST: u32 = 2_000;

/// Statements that end when the test lets them.
struct Gated<const READS: bool> {
    began: mpsc::UnboundedSender<Vec<u32>>,
    may_end: Arc<Semaphore>,
}

impl<const READS: bool> Gated<READS> {
    async fn ask(
        &self,
        connection: &mut <Sqlite as sqlx::Database>::Connection,
        questions: &[u32],
    ) -> Result<(), DbError> {
        let _ = self.began.send(questions.to_vec());
        self.may_end.acquire().await.unwrap().forget();
        if questions.contains(&LOST) {
            return Err(sqlx::Error::WorkerCrashed.into());
        }
        let text = if questions.contains(&BAD) { "SELECT nothing" } else { "SELECT 1" };
        sql::<Sqlite>(text).all(connection).await.map(drop)
    }
}

impl<const READS: bool> Questions<Sqlite> for Gated<READS> {
    type Question = u32;
    type Answer = u32;
    const READS: bool = READS;

    async fn one(
        &self,
        connection: &mut <Sqlite as sqlx::Database>::Connection,
        question: &u32,
    ) -> Result<u32, DbError> {
        self.ask(connection, &[*question]).await.map(|()| *question)
    }

    async fn many(
        &self,
        connection: &mut <Sqlite as sqlx::Database>::Connection,
        questions: &[u32],
    ) -> Result<Vec<u32>, DbError> {
        self.ask(connection, questions).await.map(|()| questions.to_vec())
    }
}

struct Fixture<const READS: bool> {
    batcher: Arc<Batcher<Sqlite, Gated<READS>>>,
    began: mpsc::UnboundedReceiver<Vec<u32>>,
    may_end: Arc<Semaphore>,
    db: Db<Sqlite>,
    _directory: tempfile::TempDir,
}

impl<const READS: bool> Fixture<READS> {
    async fn new() -> Fixture<READS> {
        Fixture::patient(Duration::from_secs(60)).await
    }

    async fn patient(patience: Duration) -> Fixture<READS> {
        let directory = tempfile::tempdir().unwrap();
        let environment = Environment::system(directory.path().to_owned(), DatabaseConfig::default());
        let migrator = || Migrator { migrations: vec![].into(), ..Migrator::DEFAULT };
        let AnyDb::Sqlite(db) = open(&environment, "test", migrator(), migrator()).await.unwrap() else {
            unreachable!("it is SQLite without a URL")
        };
        let (sender, began) = mpsc::unbounded_channel();
        let may_end = Arc::new(Semaphore::new(0));
        let questions = Gated { began: sender, may_end: may_end.clone() };
        let batcher = Batcher::new(db.clone(), questions, "test", patience, &environment.metrics);
        Fixture { batcher: Arc::new(batcher), began, may_end, db, _directory: directory }
    }

    /// Asks these, in this order.
    async fn ask(&self, questions: impl IntoIterator<Item = u32>) -> Vec<JoinHandle<Result<u32, DbError>>> {
        let mut asked = Vec::new();
        for question in questions {
            let batcher = self.batcher.clone();
            asked.push(tokio::spawn(async move { batcher.ask(question).await }));
            // On the one thread there is, it goes as far as it can.
            tokio::task::yield_now().await;
        }
        asked
    }

    /// What the next statement asks.
    async fn next(&mut self) -> Vec<u32> {
        self.began.recv().await.unwrap()
    }

    fn end(&self, statements: usize) {
        self.may_end.add_permits(statements);
    }
}

async fn answers(asked: Vec<JoinHandle<Result<u32, DbError>>>) -> Vec<Result<u32, DbError>> {
    join_all(asked).await.into_iter().map(Result::unwrap).collect()
}

fn oks(answers: &[Result<u32, DbError>]) -> Vec<u32> {
    answers.iter().flatten().copied().collect()
}

#[tokio::test]
async fn what_arrives_during_a_statement_is_the_next_one_in_its_order() {
    let mut test = Fixture::<true>::new().await;
    let asked = test.ask(0..=MAX_TOGETHER as u32 + 2).await;
    assert_eq!(test.next().await, [0], "nobody waits for others");
    test.end(1);
    assert_eq!(test.next().await, (1..=MAX_TOGETHER as u32).collect::<Vec<_>>());
    let late = test.ask([500]).await;
    test.end(1);
    assert_eq!(test.next().await, [MAX_TOGETHER as u32 + 1, MAX_TOGETHER as u32 + 2, 500]);
    test.end(1);
    assert_eq!(oks(&answers(asked).await), (0..=MAX_TOGETHER as u32 + 2).collect::<Vec<_>>());
    assert_eq!(oks(&answers(late).await), [500]);
    assert_eq!(test.batcher.batches(), (2, MAX_TOGETHER as u64 + 3));
    let alone = test.ask([7]).await;
    assert_eq!(test.next().await, [7], "it is over when nobody waits");
    test.end(1);
    assert_eq!(oks(&answers(alone).await), [7]);
}

#[tokio::test]
async fn what_is_ready_in_the_same_moment_is_asked_together() {
    let mut test = Fixture::<true>::new().await;
    let ask = |question| {
        let batcher = test.batcher.clone();
        tokio::spawn(async move { batcher.ask(question).await })
    };
    let mut asked: Vec<_> = (0..4).map(ask).collect();
    tokio::task::yield_now().await;
    // The first one has had the turn, which goes on to the others.
    asked.remove(0).abort();
    assert_eq!(test.next().await, [1, 2, 3]);
    test.end(1);
    assert_eq!(oks(&answers(asked).await), [1, 2, 3]);
}

#[tokio::test]
async fn who_has_gone_is_not_asked_for() {
    let mut test = Fixture::<false>::new().await;
    let asked = test.ask(0..4).await;
    assert_eq!(test.next().await, [0]);
    for gone in [&asked[0], &asked[2]] {
        gone.abort();
    }
    // The first of all had the turn, which goes on to those that wait.
    assert_eq!(test.next().await, [1, 3]);
    test.end(1);
    let answers = join_all(asked).await;
    let answers: Vec<_> = answers.into_iter().map(|answer| answer.ok().map(Result::unwrap)).collect();
    assert_eq!(answers, [None, Some(1), None, Some(3)]);
}

#[tokio::test]
async fn too_many_are_refused_at_once() {
    let mut test = Fixture::<true>::new().await;
    let mut asked = test.ask(0..=MAX_WAITING as u32).await;
    let refused = test.batcher.ask(9_999).await;
    assert!(matches!(refused, Err(DbError::Unavailable(_))), "{refused:?}");
    for gone in asked.drain(2..) {
        gone.abort();
    }
    assert_eq!(test.next().await, [0]);
    test.end(1);
    assert_eq!(test.next().await, [1], "those that have gone leave their room");
    test.end(1);
    assert_eq!(oks(&answers(asked).await), [0, 1]);
}

#[tokio::test]
async fn a_question_that_fails_fails_alone() {
    async fn fails_alone<const READS: bool>() {
        let mut test = Fixture::<READS>::new().await;
        let asked = test.ask([0, 1, BAD, 3]).await;
        assert_eq!(test.next().await, [0]);
        test.end(1);
        assert_eq!(test.next().await, [1, BAD, 3]);
        test.end(4);
        let again: HashSet<_> = [test.next().await, test.next().await, test.next().await].into();
        assert_eq!(again, [vec![1], vec![BAD], vec![3]].into());
        let answers = answers(asked).await;
        assert!(matches!(answers[2], Err(DbError::Failed(_))), "{answers:?}");
        assert_eq!(oks(&answers), [0, 1, 3]);
    }
    fails_alone::<true>().await;
    // SQLite says that it has changed nothing.
    fails_alone::<false>().await;
}

#[tokio::test]
async fn what_may_have_been_done_is_not_done_again() {
    let mut test = Fixture::<false>::new().await;
    let asked = test.ask([0, 1, LOST, 3]).await;
    test.end(2);
    let answers = answers(asked).await;
    assert_eq!(oks(&answers), [0]);
    assert!(answers[1..].iter().all(|answer| matches!(answer, Err(DbError::Unavailable(_)))), "{answers:?}");
    assert_eq!((test.next().await, test.next().await), (vec![0], vec![1, LOST, 3]));
    assert!(test.began.try_recv().is_err());
}

#[tokio::test]
async fn what_only_reads_is_asked_again_when_the_connection_was_lost() {
    let mut test = Fixture::<true>::new().await;
    let asked = test.ask([0, 1, LOST]).await;
    // Those two together; then each alone, and the one that loses its connection once more.
    test.end(2 + 2 + 1);
    let answers = answers(asked).await;
    assert_eq!(oks(&answers), [0, 1]);
    assert!(matches!(answers[2], Err(DbError::Unavailable(_))), "{answers:?}");
    let mut statements = Vec::new();
    while let Ok(statement) = test.began.try_recv() {
        statements.push(statement);
    }
    statements.sort();
    assert_eq!(statements, [vec![0], vec![1], vec![1, LOST], vec![LOST], vec![LOST]]);
}

#[tokio::test]
async fn a_statement_that_never_ends_holds_up_nobody() {
    let patience = Duration::from_millis(200);
    let mut test = Fixture::<true>::patient(patience).await;
    // Time stands until both have asked, or the first one might be slow for the second.
    tokio::time::pause();
    let hangs = test.ask([0]).await;
    let waits = test.ask([1]).await;
    tokio::time::advance(patience).await;
    tokio::time::resume();
    assert_eq!(test.next().await, [0]);
    let late = test.ask([2]).await;
    assert_eq!(test.next().await, [1, 2]);
    // It is given up, and they are asked by themselves.
    let alone: HashSet<_> = [test.next().await, test.next().await].into();
    assert_eq!(alone, [vec![1], vec![2]].into());
    // The one that hangs, and these two. What was given up takes none.
    test.end(3);
    assert_eq!(oks(&answers(waits).await), [1]);
    assert_eq!(oks(&answers(late).await), [2]);
    assert_eq!(oks(&answers(hangs).await), [0]);
}

#[tokio::test]
async fn a_database_that_is_closed_fails_each() {
    let mut test = Fixture::<false>::new().await;
    let asked = test.ask(0..3).await;
    assert_eq!(test.next().await, [0]);
    let db = test.db.clone();
    let closing = tokio::spawn(async move { db.close().await });
    tokio::task::yield_now().await;
    test.end(1);
    let answers = answers(asked).await;
    assert_eq!(oks(&answers), [0]);
    assert!(answers[1..].iter().all(|answer| matches!(answer, Err(DbError::Unavailable(_)))), "{answers:?}");
    closing.await.unwrap();
    assert!(test.batcher.ask(4).await.is_err());
}
