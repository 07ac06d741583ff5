//! Reads that arrive together.

use futures::future::join_all;

use super::*;

/// How often reads are tried to arrive together: the database may answer each before the next one is made.
const ROUNDS: usize = 1_000;

/// Whether reads of both kinds were made together.
fn were_together(home: &TestEnvironment) -> bool {
    let metrics = home.environment.metrics.encode().unwrap();
    ["contacts_finds_by_id_batched_total", "contacts_finds_by_reference_batched_total"].iter().all(|name| {
        let count = metrics.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        count.trim().parse::<u64>().unwrap() > 0
    })
}

pub(super) async fn each_sees_its_own_partition_only(store: &Kept, home: &TestEnvironment) {
    let mine = partition("together");
    let others = [
        Partition { agent_id: "another of together".to_owned(), ..mine.clone() },
        Partition { organization_id: "another of together".to_owned(), ..mine.clone() },
    ];
    let kept = [contact(&mine, 1), contact(&mine, 2), contact(&others[0], 3), contact(&others[1], 4)];
    for (contact, partition) in kept.iter().zip([&mine, &mine, &others[0], &others[1]]) {
        assert!(insert(store, partition, contact).await);
    }
    let absent = contact(&mine, 9);
    let quoted = Locator::Reference("\"], [\"a\u{1f}\\".to_owned());
    // PostgreSQL has no text with it, and fails whatever statement it is in.
    let impossible = Locator::Reference("nul \0".to_owned());
    let mut asked = Vec::new();
    for locator in kept.iter().flat_map(|contact| [by_id(contact), by_reference(contact)]) {
        for partition in [&mine, &others[0], &others[1]] {
            asked.push((partition, locator.clone()));
        }
    }
    asked.extend([(&mine, by_id(&absent)), (&mine, by_reference(&absent)), (&mine, quoted)]);
    for with_impossible in [false, true] {
        if with_impossible {
            asked.insert(3, (&mine, impossible.clone()));
        }
        let mut rounds = 0;
        while rounds == 0 || !were_together(home) {
            assert!(rounds < ROUNDS, "they never arrived together");
            rounds += 1;
            let found =
                join_all(asked.iter().map(|(partition, locator)| store.find(partition, locator))).await;
            for ((partition, locator), found) in asked.iter().zip(found) {
                let fits = |contact: &&Contact, owner: &Partition| {
                    owner == *partition && (by_id(contact) == *locator || by_reference(contact) == *locator)
                };
                let owners = [&mine, &mine, &others[0], &others[1]];
                let wanted = kept.iter().zip(owners).find(|(contact, owner)| fits(contact, owner));
                match found {
                    Err(_) => assert_eq!(*locator, impossible),
                    Ok(found) => {
                        assert_eq!(found.as_ref(), wanted.map(|(contact, _)| contact), "{locator:?}")
                    }
                }
            }
        }
    }
}
