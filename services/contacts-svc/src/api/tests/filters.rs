//! Filters and orders, alone and together, held against what they say, and pages while others write.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;

use super::*;

pub(super) async fn all(stack: &Stack) {
    every_filter_and_order_shows_what_it_says(&stack.caller("ca")).await;
    texts_are_found_within_fields(&stack.caller("cb")).await;
    what_cannot_be_asked_for_is_named(&stack.caller("cc")).await;
    totals_are_counted(&stack.caller("cd")).await;
    what_is_there_throughout_is_seen_once(stack).await;
    what_changes_is_found_as_it_is(&stack.caller("ce")).await;
}

type Ask = fn(&mut pb::ListContactsRequest);
type AskWith = Box<dyn Fn(&mut pb::ListContactsRequest)>;

fn asked(asks: &[Ask]) -> pb::ListContactsRequest {
    let mut request = pb::ListContactsRequest::default();
    asks.iter().for_each(|ask| ask(&mut request));
    request
}

/// All pages of a list.
async fn pages(caller: &Caller, request: &pb::ListContactsRequest, limit: i32) -> Vec<pb::Contact> {
    let mut request = pb::ListContactsRequest { limit: Some(limit), ..request.clone() };
    let mut seen = Vec::new();
    loop {
        let page = caller.list(request.clone()).await.unwrap();
        assert!(page.contacts.len() <= limit as usize);
        seen.extend(page.contacts);
        let pagination = page.pagination.unwrap();
        assert_eq!(pagination.has_more, pagination.next_cursor.is_some());
        match pagination.next_cursor {
            Some(cursor) => request.cursor = Some(cursor),
            None => return seen,
        }
    }
}

fn text(text: &str) -> Value {
    json(prost_types::value::Kind::StringValue(text.to_owned()))
}

fn json(kind: prost_types::value::Kind) -> Value {
    use prost::Message;
    Value::from_wire(prost_types::Value { kind: Some(kind) }.encode_to_vec())
}

const COUNT: usize = 60;

/// The contact of a number: its values repeat with different periods, so that filters cut each other.
fn numbered(number: usize) -> pb::Contact {
    let stage = [pb::ContactStage::Lead, pb::ContactStage::Customer, pb::ContactStage::Prospect][number % 3];
    let mut contact = pb::Contact {
        external_reference_id: number.is_multiple_of(2).then(|| format!("crm-{number}")),
        name: (!number.is_multiple_of(5))
            .then(|| format!("{} {number:02}", ["anna", "Bert", "Ärzte"][number % 3])),
        email: Some(format!("{}@Example.com", ["one", "two", "three", "four"][number % 4])),
        mobile_number: number.is_multiple_of(6).then(|| format!("+4917012345{:02}", number % 12)),
        stage: Some(stage.into()),
        tags: if number.is_multiple_of(4) { vec!["vip".into(), "four".into()] } else { vec!["all".into()] },
        ..pb::Contact::default()
    };
    contact.custom_fields.insert("plan".into(), text(["gold", "silver"][number % 2]));
    contact.custom_fields.insert("seats".into(), super::number((number % 3) as f64));
    contact
}

async fn every_filter_and_order_shows_what_it_says(caller: &Caller) {
    let mut all = Vec::new();
    for number in 0..COUNT {
        let created = caller.create(numbered(number)).await.unwrap();
        caller.clock.advance(Duration::from_millis(if number.is_multiple_of(3) { 0 } else { 10 }));
        all.push(created);
    }
    // Some change, in another order than they came.
    for number in (0..COUNT).rev().filter(|number| number % 7 == 3) {
        caller.clock.advance(Duration::from_millis(5));
        let contact = pb::Contact { external_reference_id: None, ..numbered(number) };
        all[number] = caller.replace(&by_id(&all[number]), contact).await.unwrap();
    }
    let middle = all[COUNT / 2].created_at;
    let late = all[3].created_at;
    type Fits = Box<dyn Fn(&pb::Contact) -> bool>;
    let after = |time: Option<prost_types::Timestamp>, than: Option<prost_types::Timestamp>| {
        let key = |time: Option<prost_types::Timestamp>| time.map(|time| (time.seconds, time.nanos));
        key(time) > key(than)
    };
    let field =
        |contact: &pb::Contact, name: &str, value: &Value| contact.custom_fields.get(name) == Some(value);
    let filters: Vec<(&str, AskWith, Fits)> = vec![
        ("none", Box::new(|_| {}), Box::new(|_| true)),
        (
            "email",
            Box::new(|r| r.email = Some("TWO@example.COM".into())),
            Box::new(|c| c.email() == "two@Example.com"),
        ),
        (
            "mobileNumber",
            Box::new(|r| r.mobile_number = Some("+491701234506".into())),
            Box::new(|c| c.mobile_number() == "+491701234506"),
        ),
        (
            "externalReferenceId",
            Box::new(|r| r.external_reference_id = Some("crm-8".into())),
            Box::new(|c| c.external_reference_id() == "crm-8"),
        ),
        (
            "stage",
            Box::new(|r| r.stage = Some(pb::ContactStage::Customer.into())),
            Box::new(|c| c.stage() == pb::ContactStage::Customer),
        ),
        (
            "tag",
            Box::new(|r| r.tag = Some("vip".into())),
            Box::new(|c| c.tags.iter().any(|tag| tag == "vip")),
        ),
        ("tag: VIP", Box::new(|r| r.tag = Some("VIP".into())), Box::new(|_| false)),
        (
            "customFields.plan",
            Box::new(|r| drop(r.custom_fields.insert("plan".into(), "gold".into()))),
            Box::new(move |c| field(c, "plan", &text("gold"))),
        ),
        (
            "customFields.seats",
            Box::new(|r| drop(r.custom_fields.insert("seats".into(), "2".into()))),
            Box::new(move |c| field(c, "seats", &super::number(2.0))),
        ),
        (
            "search: ANNA",
            Box::new(|r| r.search = Some("ANNA".into())),
            Box::new(|c| c.name().to_lowercase().contains("anna")),
        ),
        ("search: är", Box::new(|r| r.search = Some("är".into())), Box::new(|c| c.name().contains("Är"))),
        (
            "createdAfter",
            Box::new(move |r| r.created_after = middle),
            Box::new(move |c| after(c.created_at, middle)),
        ),
        (
            "createdBefore",
            Box::new(move |r| r.created_before = middle),
            Box::new(move |c| after(middle, c.created_at)),
        ),
        (
            "updatedAfter",
            Box::new(move |r| r.updated_after = late),
            Box::new(move |c| after(c.updated_at, late)),
        ),
    ];
    for sort in [None, Some("createdAt"), Some("-updatedAt"), Some("updatedAt"), Some("name"), Some("-name")]
    {
        let mut expected = all.clone();
        expected.sort_by(|a, b| in_order(sort.unwrap_or("-createdAt"), a, b));
        for (number, (name, ask, fits)) in filters.iter().enumerate() {
            for (other_name, other, other_fits) in &filters[number..] {
                let mut request =
                    pb::ListContactsRequest { sort: sort.map(str::to_owned), ..Default::default() };
                ask(&mut request);
                other(&mut request);
                // Two values of one parameter: the later one counts.
                if name.split(':').next() == other_name.split(':').next() && name != other_name {
                    continue;
                }
                let expected: Vec<&str> = expected
                    .iter()
                    .filter(|contact| fits(contact) && other_fits(contact))
                    .map(|contact| contact.id.as_str())
                    .collect();
                let limit = if number.is_multiple_of(2) { 7 } else { 100 };
                let seen = pages(caller, &request, limit).await;
                let seen: Vec<&str> = seen.iter().map(|contact| contact.id.as_str()).collect();
                assert_eq!(seen, expected, "{name}, {other_name}, {sort:?}");
            }
        }
    }
}

/// The order as the contract has it.
fn in_order(sort: &str, a: &pb::Contact, b: &pb::Contact) -> std::cmp::Ordering {
    let (descends, by) = match sort.strip_prefix('-') {
        Some(by) => (true, by),
        None => (false, sort),
    };
    let time = |time: &Option<prost_types::Timestamp>| time.map(|time| (time.seconds, time.nanos));
    let directed = |order: std::cmp::Ordering| if descends { order.reverse() } else { order };
    let order = match by {
        "createdAt" => directed(time(&a.created_at).cmp(&time(&b.created_at))),
        "updatedAt" => directed(time(&a.updated_at).cmp(&time(&b.updated_at))),
        _ => match (&a.name, &b.name) {
            (Some(a), Some(b)) => directed(a.to_ascii_lowercase().cmp(&b.to_ascii_lowercase())),
            (a, b) => a.is_none().cmp(&b.is_none()),
        },
    };
    order.then_with(|| directed(a.id.cmp(&b.id)))
}

async fn texts_are_found_within_fields(caller: &Caller) {
    let mut contact = pb::Contact {
        external_reference_id: Some("CRM/ä 1'; DROP TABLE contacts".to_owned()),
        name: Some("Zoë Ångström 🙂".to_owned()),
        email: Some("zoe.a@Example.com".to_owned()),
        mobile_number: Some("+491701234567".to_owned()),
        notes: Some("only notes say hidden".to_owned()),
        ..pb::Contact::default()
    };
    let list = prost_types::ListValue {
        values: vec![prost_types::Value {
            kind: Some(prost_types::value::Kind::StringValue("Second \"element\"".into())),
        }],
    };
    contact.custom_fields.insert("list".into(), json(prost_types::value::Kind::ListValue(list)));
    contact.custom_fields.insert("city".into(), text("São Paulo"));
    contact.custom_fields.insert("seats".into(), number(12345.0));
    caller.create(contact).await.unwrap();
    caller.create(named("Somebody else")).await.unwrap();
    for (search, found) in [
        ("zoë", true),
        ("ZOE\u{308} ÅNG", true),
        ("ström 🙂", true),
        ("z", true),
        ("🙂", true),
        ("example.com", true),
        ("A@EXAMPLE", true),
        ("1701234", true),
        ("+49170", true),
        ("crm/Ä 1'; drop", true),
        ("são p", true),
        ("second \"el", true),
        ("  paulo ", true),
        ("zoe angstrom", false),
        ("hidden", false),
        ("12345.0", false),
        ("ström zoë", false),
        ("OR 1=1", false),
        ("*", false),
        ("%", false),
        ("_oë", false),
        ("\"zoë\" OR \"x\"", false),
    ] {
        let request = pb::ListContactsRequest { search: Some(search.to_owned()), ..Default::default() };
        let seen = pages(caller, &request, 10).await;
        let seen = seen.iter().any(|contact| contact.name().starts_with("Zo"));
        assert_eq!(seen, found, "{search:?}");
    }
}

async fn what_cannot_be_asked_for_is_named(caller: &Caller) {
    let out_of_range = || Some(prost_types::Timestamp { seconds: i64::MAX, nanos: 0 });
    let table: Vec<(&str, &str, AskWith)> = vec![
        ("search", "too_short", Box::new(|r| r.search = Some(String::new()))),
        ("search", "too_short", Box::new(|r| r.search = Some("  ".into()))),
        ("search", "too_long", Box::new(|r| r.search = Some("x".repeat(201)))),
        ("search", "invalid", Box::new(|r| r.search = Some("a\0b".into()))),
        ("externalReferenceId", "too_short", Box::new(|r| r.external_reference_id = Some(String::new()))),
        ("externalReferenceId", "too_long", Box::new(|r| r.external_reference_id = Some("x".repeat(129)))),
        ("email", "too_short", Box::new(|r| r.email = Some(String::new()))),
        ("email", "too_long", Box::new(|r| r.email = Some("x".repeat(255)))),
        ("mobileNumber", "invalid", Box::new(|r| r.mobile_number = Some("nobody".into()))),
        ("stage", "invalid", Box::new(|r| r.stage = Some(99))),
        ("status", "invalid", Box::new(|r| r.status = Some(99))),
        ("tag", "too_short", Box::new(|r| r.tag = Some(String::new()))),
        ("tag", "too_long", Box::new(|r| r.tag = Some("x".repeat(51)))),
        ("createdAfter", "out_of_range", Box::new(move |r| r.created_after = out_of_range())),
        ("createdBefore", "out_of_range", Box::new(move |r| r.created_before = out_of_range())),
        ("updatedAfter", "out_of_range", Box::new(move |r| r.updated_after = out_of_range())),
        ("customFields", "invalid", Box::new(|r| drop(r.custom_fields.insert("a.b".into(), "x".into())))),
        (
            "customFields.x",
            "too_long",
            Box::new(|r| drop(r.custom_fields.insert("x".into(), "y".repeat(1_025)))),
        ),
        (
            "customFields",
            "too_long",
            Box::new(|r| r.custom_fields = (0..11).map(|i| (i.to_string(), String::new())).collect()),
        ),
        ("sort", "invalid", Box::new(|r| r.sort = Some("email".into()))),
        ("sort", "invalid", Box::new(|r| r.sort = Some("--name".into()))),
        ("sort", "invalid", Box::new(|r| r.sort = Some(String::new()))),
        ("limit", "out_of_range", Box::new(|r| r.limit = Some(0))),
    ];
    for (field, code, ask) in table {
        let mut request = pb::ListContactsRequest::default();
        ask(&mut request);
        let expected = (Reason::InvalidArgument, vec![(field.to_owned(), code)]);
        assert_eq!(refusal(caller.list(request).await), expected);
    }
    // All at once.
    let request =
        asked(&[|r| r.limit = Some(0), |r| r.sort = Some("x".into()), |r| r.tag = Some(String::new())]);
    let (_, details) = refusal(caller.list(request).await);
    assert_eq!(details.len(), 3, "{details:?}");
}

async fn totals_are_counted(caller: &Caller) {
    let total = async |asks: &[Ask]| {
        let mut request = asked(asks);
        request.include_total = Some(true);
        request.limit = Some(1);
        caller.list(request).await.unwrap().pagination.unwrap().total
    };
    assert_eq!(total(&[]).await, Some(0));
    for number in 0..5 {
        caller.create(numbered(number)).await.unwrap();
    }
    let gone = caller.create(numbered(5)).await.unwrap();
    caller.delete(&by_id(&gone), None).await.unwrap();
    assert_eq!(total(&[]).await, Some(5));
    let any: Ask = |r| r.status = Some(pb::ContactStatusFilter::Any.into());
    let archived: Ask = |r| r.status = Some(pb::ContactStatusFilter::Archived.into());
    assert_eq!((total(&[any]).await, total(&[archived]).await), (Some(5), Some(0)));
    assert_eq!(total(&[|r| r.tag = Some("vip".into())]).await, Some(2));
    assert_eq!(total(&[|r| r.search = Some("crm".into()), any]).await, Some(3));
    assert_eq!(caller.list(asked(&[])).await.unwrap().pagination.unwrap().total, None);
}

/// What a filter finds follows every change, and what is gone is found by none.
async fn what_changes_is_found_as_it_is(caller: &Caller) {
    let mut contact = named("Before");
    contact.tags = vec!["old".into(), "both".into()];
    contact.custom_fields.insert("plan".into(), text("gold"));
    let created = caller.create(contact).await.unwrap();
    let found = async |ask: Ask| pages(caller, &asked(&[ask]), 10).await.len();
    let old: [Ask; 3] = [
        |r| r.tag = Some("old".into()),
        |r| r.search = Some("before".into()),
        |r| drop(r.custom_fields.insert("plan".into(), "gold".into())),
    ];
    let new: [Ask; 3] = [
        |r| r.tag = Some("new".into()),
        |r| r.search = Some("after".into()),
        |r| drop(r.custom_fields.insert("plan".into(), "silver".into())),
    ];
    let both: Ask = |r| r.tag = Some("both".into());
    for (old_found, new_found) in [(1, 0), (0, 1), (0, 0)] {
        for ask in old {
            assert_eq!(found(ask).await, old_found);
        }
        for ask in new {
            assert_eq!(found(ask).await, new_found);
        }
        assert_eq!(found(both).await, old_found + new_found);
        if old_found == 1 {
            let mut contact = named("After");
            contact.tags = vec!["new".into(), "both".into()];
            contact.custom_fields.insert("plan".into(), text("silver"));
            caller.replace(&by_id(&created), contact).await.unwrap();
        } else if new_found == 1 {
            caller.delete(&by_id(&created), None).await.unwrap();
        }
    }
}

/// While others create, change and delete, whoever reads on sees each contact that is there and fits throughout once,
/// and nothing twice.
async fn what_is_there_throughout_is_seen_once(stack: &Stack) {
    const STAY: usize = 60;
    let caller = stack.caller("cf");
    let mut stay = HashSet::new();
    let mut come_and_go = Vec::new();
    for number in 0..STAY * 2 {
        let created = caller.create(numbered(number * 4)).await.unwrap();
        caller.clock.advance(Duration::from_micros(300));
        match number.is_multiple_of(2) {
            true => drop(stay.insert(created.id)),
            false => come_and_go.push(created),
        }
    }
    let stop = Arc::new(AtomicBool::new(false));
    let mut writers = JoinSet::new();
    for (writer, some) in come_and_go.chunks(20).enumerate() {
        let (caller, some, stop) = (caller.clone(), some.to_vec(), stop.clone());
        writers.spawn(async move {
            for (number, contact) in some.into_iter().enumerate().cycle().take(400) {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                let which = by_id(&contact);
                match (number + writer) % 3 {
                    0 => drop(caller.delete(&which, None).await),
                    1 => drop(
                        caller
                            .replace(&which, pb::Contact { external_reference_id: None, ..numbered(4) })
                            .await,
                    ),
                    _ => {
                        let new = pb::Contact { external_reference_id: None, ..numbered(8) };
                        drop(caller.create(new).await);
                        caller.clock.advance(Duration::from_micros(100));
                    }
                }
            }
        });
    }
    let asks: [Ask; 6] = [
        |_| {},
        |r| r.sort = Some("createdAt".into()),
        |r| r.status = Some(pb::ContactStatusFilter::Any.into()),
        |r| r.tag = Some("vip".into()),
        |r| r.search = Some("@example".into()),
        |r| {
            r.custom_fields.insert("plan".into(), "gold".into());
            r.status = Some(pb::ContactStatusFilter::Any.into());
            r.sort = Some("createdAt".into());
        },
    ];
    for ask in asks {
        for limit in [1, 7, 40] {
            let seen = pages(&caller, &asked(&[ask]), limit).await;
            let ids: Vec<&str> = seen.iter().map(|contact| contact.id.as_str()).collect();
            let different: HashSet<&str> = ids.iter().copied().collect();
            assert_eq!(different.len(), ids.len(), "nothing is seen twice");
            let missed = stay.iter().filter(|id| !different.contains(id.as_str())).count();
            assert_eq!(missed, 0, "nothing is missed that was there throughout");
        }
    }
    stop.store(true, Ordering::Relaxed);
    writers.join_all().await;
}
