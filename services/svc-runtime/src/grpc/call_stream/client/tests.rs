use super::*;

/// A call of `length` bytes with this token, and who waits for its answer.
fn pending(id: u64, token: Option<&'static str>, length: usize) -> (PendingCall, oneshot::Receiver<Outcome>) {
    let (answer, answered) = oneshot::channel();
    let call = pb::Call { id, message: vec![0; length].into(), ..pb::Call::default() };
    let token = token.map(HeaderValue::from_static);
    (PendingCall { call, token, ends: Instant::now() + Duration::from_secs(60), answer }, answered)
}

#[test]
fn a_message_has_each_token_once_and_nothing_of_who_gave_up() {
    let calls = [Some("a"), Some("b"), None, Some("a"), Some("gone")];
    let (mut waiting, mut listening): (Vec<_>, Vec<_>) =
        calls.iter().zip(1..).map(|(token, id)| pending(id, *token, 1)).unzip();
    drop(listening.pop());
    let (mut unanswered, mut sent) = (Unanswered::new(), 7);
    let request = message(&mut waiting, &mut unanswered, &mut sent);
    assert_eq!(request.principals, ["a", "b"]);
    let calls: Vec<_> = request.calls.iter().map(|call| (call.id, call.principal)).collect();
    assert_eq!(calls, [(1, 1), (2, 2), (3, 0), (4, 1)]);
    assert!(request.calls.iter().all(|call| (30_000_000..=60_000_000).contains(&call.time_micros)));
    assert!(waiting.is_empty() && unanswered.len() == 4);
    // By its place it is told which calls a service that stops has taken.
    assert_eq!((sent, unanswered[&1].place, unanswered[&4].place), (11, 7, 10));
}

#[test]
fn a_message_is_full_by_its_bytes() {
    let (mut waiting, _listening): (Vec<_>, Vec<_>) = (1..=9).map(|id| pending(id, None, MAX_PIECE)).unzip();
    let (mut unanswered, mut sent) = (Unanswered::new(), 0);
    for (calls, left) in [(4, 5), (4, 1), (1, 0)] {
        let request = message(&mut waiting, &mut unanswered, &mut sent);
        assert_eq!((request.calls.len(), waiting.len()), (calls, left));
    }
}

#[test]
fn an_answer_that_is_too_long_is_given_up() {
    let (call, answered) = pending(1, None, 0);
    let mut unanswered = Unanswered::from([(
        1,
        SentCall { place: 0, pieces: BytesMut::zeroed(MAX_ANSWER), answer: call.answer },
    )]);
    let mut cancelled = Vec::new();
    let piece = pb::Answer { id: 1, message: Bytes::from_static(b"x"), more: true, ..pb::Answer::default() };
    take(vec![piece], &mut unanswered, &mut cancelled);
    let answer = answered.blocking_recv().unwrap().unwrap();
    assert_eq!(wire::read_answer(answer).unwrap_err().code(), Code::OutOfRange);
    assert!(unanswered.is_empty() && cancelled == [1]);
}
