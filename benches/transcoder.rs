//! The transcoder alone, in both directions: beside serde_json on structs that prost decodes and encodes, as a
//! hand-written gateway has it, and beside prost-reflect.

mod contact;

use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::Context;
use edge::fuzzing::Transcoding;
use edge::routes::Table;
use prost::Message;
use prost_reflect::{DynamicMessage, MessageDescriptor};
use serde::Serialize;
use serde::de::DeserializeOwned;
use svc_core::policy::built_in_descriptors;

use self::contact::{Bulk, Contact, CreateContact, GetContact, ListContacts};

const SERVICE: &str = "keyward.contacts.v1.ContactService";
const ONE: &str = "/v1/open/contacts/c1/chatbots/65f0c0ffee65f0c0ffee65f0";
const MANY: &str = "/v1/open/contacts/chatbots/65f0c0ffee65f0c0ffee65f0";

/// How many objects are in one another in the deep message.
const DEPTH: usize = 25;
/// Odd rounds, in each of which every way has its turn. The fastest counts: whatever else the machine does only adds.
const ROUNDS: usize = 15;

/// What one message takes, in microseconds.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TranscoderRow {
    /// Which message, and into what.
    what: String,
    /// The length of the JSON.
    json_bytes: usize,
    /// The edge's tables.
    tables_micros: f64,
    /// prost and serde_json with structs.
    serde_micros: f64,
    /// prost-reflect's messages.
    reflect_micros: f64,
}

/// The transcoder of a route.
fn route<'t>(table: &'t Table, method: &str, path: &'t str) -> anyhow::Result<Transcoding<'t>> {
    Transcoding::of(table, method, path).context("no such route")
}

/// Measures for about this long each.
pub fn measure(load: Duration) -> anyhow::Result<Vec<TranscoderRow>> {
    let pool = built_in_descriptors()?;
    let table = Table::build(&pool, &[SERVICE])?;
    let type_of = |name: &str| {
        let name = format!("keyward.contacts.v1.{name}");
        pool.get_message_by_name(&name).context("no such message")
    };
    let slice = load / (ROUNDS * 18) as u32;
    let mut rows = Vec::new();

    let (get, create) = (route(&table, "GET", ONE)?, route(&table, "POST", MANY)?);
    let (get_type, create_type) = (type_of("GetContactResponse")?, type_of("Contact")?);
    for (name, one) in [("one contact", Contact::sample(1)), ("a deep message", Contact::deep(DEPTH))] {
        let answer = GetContact { contact: Some(one.clone()) };
        rows.push(to_json(&format!("{name}, to JSON"), slice, &get, &get_type, &answer)?);
        let body = serde_json::to_vec(&one.draft())?;
        let row = to_wire::<Contact, CreateContact>(
            &format!("{name}, to protobuf"),
            slice,
            &create,
            &create_type,
            &body,
            |contact| CreateContact { contact: Some(contact) },
        )?;
        rows.push(row);
    }

    let contacts: Vec<Contact> = (0..100).map(Contact::sample).collect();
    let answer = ListContacts { contacts: contacts.clone() };
    let list_type = type_of("ListContactsResponse")?;
    rows.push(to_json("100 contacts, to JSON", slice, &route(&table, "GET", MANY)?, &list_type, &answer)?);
    let body = serde_json::to_vec(&Bulk { contacts: contacts.iter().map(Contact::draft).collect() })?;
    let bulk_path = format!("{MANY}:bulk");
    let bulk = route(&table, "POST", &bulk_path)?;
    let bulk_type = type_of("BulkUpsertContactsRequest")?;
    rows.push(to_wire::<Bulk, Bulk>("100 contacts, to protobuf", slice, &bulk, &bulk_type, &body, |bulk| {
        bulk
    })?);
    Ok(rows)
}

fn to_json<M: Message + Default + Serialize>(
    what: &str,
    slice: Duration,
    ours: &Transcoding<'_>,
    descriptor: &MessageDescriptor,
    message: &M,
) -> anyhow::Result<TranscoderRow> {
    let wire = message.encode_to_vec();
    let json = ours.to_json(&wire).context("it is not written")?;
    let [tables_micros, serde_micros, reflect_micros] = race(
        slice,
        [
            &mut || ours.to_json(&wire).map_or(0, |json| json.len()),
            &mut || {
                let json = M::decode(wire.as_slice()).ok().and_then(|m| serde_json::to_vec(&m).ok());
                json.map_or(0, |json| json.len())
            },
            &mut || {
                let message = DynamicMessage::decode(descriptor.clone(), wire.as_slice()).ok();
                message.and_then(|m| serde_json::to_vec(&m).ok()).map_or(0, |json| json.len())
            },
        ],
    );
    Ok(TranscoderRow {
        what: what.to_owned(),
        json_bytes: json.len(),
        tables_micros,
        serde_micros,
        reflect_micros,
    })
}

fn to_wire<J: DeserializeOwned, M: Message>(
    what: &str,
    slice: Duration,
    ours: &Transcoding<'_>,
    descriptor: &MessageDescriptor,
    json: &[u8],
    message: fn(J) -> M,
) -> anyhow::Result<TranscoderRow> {
    ours.to_wire(json).context("it is not read")?;
    // With the names of enums that it knows.
    let full = String::from_utf8(json.to_vec())?.replace(r#""CUSTOMER""#, r#""CONTACT_STAGE_CUSTOMER""#);
    let [tables_micros, serde_micros, reflect_micros] = race(
        slice,
        [
            &mut || ours.to_wire(json).map_or(0, |wire| wire.len()),
            &mut || {
                let read: Option<J> = serde_json::from_slice(json).ok();
                read.map_or(0, |read| message(read).encode_to_vec().len())
            },
            &mut || {
                let mut json = serde_json::Deserializer::from_str(&full);
                let message = DynamicMessage::deserialize(descriptor.clone(), &mut json).ok();
                message.map_or(0, |message| message.encode_to_vec().len())
            },
        ],
    );
    Ok(TranscoderRow {
        what: what.to_owned(),
        json_bytes: json.len(),
        tables_micros,
        serde_micros,
        reflect_micros,
    })
}

/// What each takes, in microseconds: they go round, so that a noisy moment of the machine meets each.
fn race<const N: usize>(slice: Duration, mut ways: [&mut dyn FnMut() -> usize; N]) -> [f64; N] {
    let mut fastest = [f64::INFINITY; N];
    for _ in 0..ROUNDS {
        for (way, fastest) in ways.iter_mut().zip(&mut fastest) {
            let began = Instant::now();
            let mut times = 0;
            while began.elapsed() < slice {
                for _ in 0..10 {
                    black_box(way());
                }
                times += 10;
            }
            *fastest = fastest.min(began.elapsed().as_secs_f64() * 1e6 / f64::from(times));
        }
    }
    fastest
}

/// Prints them for people.
pub fn print(rows: &[TranscoderRow]) {
    println!(
        "\n{:30} {:>9} {:>9} {:>13} {:>15}",
        "The transcoder, µs", "JSON B", "tables", "prost + serde", "prost-reflect"
    );
    for row in rows {
        println!(
            "{:30} {:>9} {:>9.2} {:>13.2} {:>15.2}",
            row.what, row.json_bytes, row.tables_micros, row.serde_micros, row.reflect_micros
        );
    }
}
