//! Declared fields: what members declare, and what it does to contacts.

use keyward_proto::contacts::v1::contact_field_service_client::ContactFieldServiceClient;
use keyward_proto::policy::v1::Role;
use tokio::task::JoinSet;

use super::*;

pub(super) async fn all(stack: &Stack) {
    a_field_from_its_declaration_to_its_end(stack, "1fb1").await;
    contacts_are_held_against_them(stack, "1fb2").await;
    what_is_stored_is_never_lost(stack, "1fb3").await;
    unique_values(stack, "1fb4").await;
    of_the_same_value_at_once_one_is_taken(stack, "1fb5").await;
    what_becomes_unique_has_to_be_so(stack, "1fb6").await;
    nothing_slips_by_while_a_field_becomes_unique(stack, "1fb7").await;
    what_is_no_field_is_refused(stack, "1fb8").await;
    keys_read_the_schema(stack, "1fb9").await;
    there_is_an_end_to_them(stack, "1fc1").await;
}

/// A member who declares fields.
struct Member {
    client: ContactFieldServiceClient<Upstream>,
    caller: Caller,
}

impl Stack {
    fn member(&self, agent: &str, role: Role) -> Member {
        let principal = Principal {
            subject: Subject::Member(KEY.to_owned()),
            role: Some(role),
            permissions: Vec::new(),
            ..Principal::clone(&self.caller(agent).principal)
        };
        Member {
            client: ContactFieldServiceClient::new(self.upstream.clone()),
            caller: self.caller_as(principal),
        }
    }

    fn admin(&self, agent: &str) -> Member {
        self.member(agent, Role::Admin)
    }
}

impl Member {
    async fn declare(&self, field: pb::ContactField, confirm: bool) -> Answer<pb::ContactField> {
        let message = pb::CreateContactFieldRequest {
            field: Some(field),
            confirm: Some(confirm),
            ..Default::default()
        };
        let answer = self.client.clone().create_contact_field(self.caller.request(message)).await;
        Ok(answer.map_err(status::to_error)?.into_inner().field.unwrap())
    }

    async fn list(&self) -> Vec<pb::ContactField> {
        let message = pb::ListContactFieldsRequest::default();
        self.client
            .clone()
            .list_contact_fields(self.caller.request(message))
            .await
            .unwrap()
            .into_inner()
            .fields
    }

    async fn get(&self, key: &str) -> Answer<pb::ContactField> {
        let message = pb::GetContactFieldRequest { key: key.to_owned(), ..Default::default() };
        let answer = self.client.clone().get_contact_field(self.caller.request(message)).await;
        Ok(answer.map_err(status::to_error)?.into_inner().field.unwrap())
    }

    async fn change(
        &self,
        key: &str,
        field: pb::ContactField,
        paths: &[&str],
        confirm: bool,
    ) -> Answer<pb::ContactField> {
        let message = pb::UpdateContactFieldRequest {
            key: key.to_owned(),
            field: Some(field),
            update_mask: Some(mask(paths)),
            confirm: Some(confirm),
            ..Default::default()
        };
        let answer = self.client.clone().update_contact_field(self.caller.request(message)).await;
        Ok(answer.map_err(status::to_error)?.into_inner().field.unwrap())
    }

    async fn remove(&self, key: &str, confirm: bool) -> Answer<()> {
        let message = pb::DeleteContactFieldRequest {
            key: key.to_owned(),
            confirm: Some(confirm),
            ..Default::default()
        };
        let answer = self.client.clone().delete_contact_field(self.caller.request(message)).await;
        answer.map(drop).map_err(status::to_error)
    }
}

fn field(key: &str, kind: pb::ContactFieldType) -> pb::ContactField {
    pb::ContactField { key: Some(key.to_owned()), r#type: kind.into(), ..Default::default() }
}

fn text(text: &str) -> Value {
    use prost::Message;
    let value = prost_types::Value { kind: Some(prost_types::value::Kind::StringValue(text.to_owned())) };
    Value::from_wire(value.encode_to_vec())
}

fn with(reference: &str, values: &[(&str, Value)]) -> pb::Contact {
    let custom_fields = values.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    pb::Contact { custom_fields, ..ann(Some(reference)) }
}

async fn a_field_from_its_declaration_to_its_end(stack: &Stack, agent: &str) {
    let (admin, user) = (stack.admin(agent), stack.member(agent, Role::User));
    let sent = pb::ContactField {
        title: Some(" Shoe size ".to_owned()),
        minimum: Some(1.0),
        default: Some(number(42.0)),
        ..field("shoeSize", pb::ContactFieldType::Number)
    };
    let declared = admin.declare(sent.clone(), false).await.unwrap();
    let expected = pb::ContactField {
        title: Some("Shoe size".to_owned()),
        required: Some(false),
        unique: Some(false),
        created_at: declared.created_at,
        updated_at: declared.created_at,
        ..sent.clone()
    };
    assert_eq!(declared, expected);
    admin.declare(field("email2", pb::ContactFieldType::Email), false).await.unwrap();
    assert_eq!(user.list().await, [declared.clone(), user.get("email2").await.unwrap()]);
    let again = admin.declare(sent, true).await;
    assert_eq!(refusal(again), (Reason::AlreadyExists, vec![("key".to_owned(), "duplicate")]));

    let new = pb::ContactField { title: Some("Size".to_owned()), ..Default::default() };
    let changed = admin.change("shoeSize", new, &["title", "default"], false).await.unwrap();
    let expected = pb::ContactField {
        title: Some("Size".to_owned()),
        default: None,
        updated_at: changed.updated_at,
        ..declared
    };
    assert_eq!(changed, expected);
    assert_eq!(user.get("shoeSize").await.unwrap(), changed);

    for answer in [
        user.declare(field("x", pb::ContactFieldType::Text), false).await.map(drop),
        user.change("shoeSize", changed.clone(), &["title"], false).await.map(drop),
        user.remove("shoeSize", false).await,
    ] {
        assert_eq!(reason(answer), Reason::PermissionDenied);
    }
    admin.remove("shoeSize", false).await.unwrap();
    assert_eq!(reason(admin.remove("shoeSize", false).await), Reason::NotFound);
    assert_eq!(reason(admin.get("shoeSize").await), Reason::NotFound);
    assert_eq!(reason(admin.change("shoeSize", changed, &["title"], false).await), Reason::NotFound);
    assert_eq!(user.list().await.len(), 1);
    // Keys have no part in it, and other agents have fields of their own.
    let key = Member { client: admin.client.clone(), caller: stack.caller(agent) };
    assert_eq!(reason(key.get("email2").await), Reason::PermissionDenied);
    assert!(stack.admin("1fc9").list().await.is_empty());
}

async fn contacts_are_held_against_them(stack: &Stack, agent: &str) {
    let (admin, caller) = (stack.admin(agent), stack.caller(agent));
    caller.create(with("before", &[("anything", number(1.0))])).await.unwrap();
    let plan = pb::ContactField {
        options: vec!["free".to_owned(), "pro".to_owned()],
        required: Some(true),
        ..field("plan", pb::ContactFieldType::Select)
    };
    admin.declare(plan, false).await.unwrap();
    let seats =
        pb::ContactField { default: Some(number(5.0)), ..field("seats", pb::ContactFieldType::Number) };
    admin.declare(seats, false).await.unwrap();
    admin.declare(field("phone", pb::ContactFieldType::Phone), false).await.unwrap();

    let sent = with("crm-1", &[("plan", text("pro")), ("phone", text("0049 170 1234567"))]);
    let stored = caller.create(sent).await.unwrap();
    let expected = [("plan", text("pro")), ("phone", text("+491701234567")), ("seats", number(5.0))];
    assert_eq!(stored.custom_fields, with("", &expected).custom_fields);

    let bad = with(
        "crm-2",
        &[("plan", text("gold")), ("phone", text("12")), ("seats", text("5")), ("x", number(1.0))],
    );
    let details = [
        "customFields.phone invalid",
        "customFields.plan invalid",
        "customFields.seats invalid",
        "customFields.x unknown_field",
    ];
    let told = |answer: Answer<pb::Contact>| {
        let (reason, fields) = refusal(answer);
        assert_eq!(reason, Reason::InvalidArgument);
        fields.into_iter().map(|(field, code)| format!("{field} {code}")).collect::<Vec<_>>()
    };
    assert_eq!(told(caller.create(bad.clone()).await), details);
    let put = caller
        .put(&by_ref("crm-3"), pb::Contact { external_reference_id: None, ..bad.clone() }, true, None)
        .await;
    assert_eq!(told(put.map(|put| put.contact.unwrap())), details);
    let paths = ["custom_fields.plan", "custom_fields.phone", "custom_fields.seats", "custom_fields.x"];
    assert_eq!(told(caller.update(&by_ref("crm-1"), bad, &paths).await), details);
    assert_eq!(told(caller.create(with("crm-2", &[])).await), ["customFields.plan required"]);
    let cleared = caller.update(&by_ref("crm-1"), pb::Contact::default(), &["custom_fields"]).await;
    assert_eq!(told(cleared), ["customFields.plan required"]);
    assert_eq!(told(caller.replace(&by_ref("before"), ann(None)).await), ["customFields.plan required"]);
    // A change of something else asks for nothing.
    assert_eq!(caller.update(&by_ref("before"), named("Bob"), &["name"]).await.unwrap().version, 2);
    assert_eq!(caller.get(&by_ref("crm-1")).await.unwrap(), stored);
    // Without fields everything is taken again.
    for key in ["plan", "seats", "phone"] {
        admin.remove(key, true).await.unwrap();
    }
    caller.create(with("crm-4", &[("x", number(1.0))])).await.unwrap();
}

async fn what_is_stored_is_never_lost(stack: &Stack, agent: &str) {
    let (admin, caller) = (stack.admin(agent), stack.caller(agent));
    for (number_of, value) in [text("five"), number(5.0), number(50.0)].into_iter().enumerate() {
        caller.create(with(&format!("crm-{number_of}"), &[("seats", value)])).await.unwrap();
    }
    caller.archive(&by_ref("crm-2"), None).await.unwrap();
    let conflict = |answer: Answer<pb::ContactField>, count: &str| {
        let error = answer.unwrap_err();
        assert_eq!(error.reason, Reason::Conflict);
        assert!(error.message.contains(count) && error.message.contains("confirm"), "{}", error.message);
    };
    let seats = pb::ContactField { maximum: Some(100.0), ..field("seats", pb::ContactFieldType::Number) };
    conflict(admin.declare(seats.clone(), false).await, "1 contact ");
    assert!(admin.list().await.is_empty());
    admin.declare(seats.clone(), true).await.unwrap();
    // Narrower: the archived contact counts, too.
    let narrow = pb::ContactField { maximum: Some(10.0), ..Default::default() };
    conflict(admin.change("seats", narrow.clone(), &["maximum"], false).await, "2 contacts ");
    assert_eq!(admin.get("seats").await.unwrap().maximum, Some(100.0));
    // Wider is no question.
    let wide = pb::ContactField { maximum: Some(1_000.0), ..Default::default() };
    admin.change("seats", wide, &["maximum"], false).await.unwrap();
    admin.change("seats", narrow, &["maximum"], true).await.unwrap();
    // All of them are shown and may be sent back, until they change.
    for (reference, value) in [("crm-0", text("five")), ("crm-2", number(50.0))] {
        let stored = caller.get(&by_ref(reference)).await.unwrap();
        assert_eq!(stored.custom_fields["seats"], value);
        caller.update(&by_ref(reference), named("Bob"), &["name"]).await.unwrap();
        caller.replace(&by_ref(reference), with(reference, &[("seats", value)])).await.unwrap();
        let other = with(reference, &[("seats", number(51.0))]);
        let refused = refusal(caller.update(&by_ref(reference), other, &["custom_fields.seats"]).await);
        assert_eq!(
            refused,
            (Reason::InvalidArgument, vec![("customFields.seats".to_owned(), "out_of_range")])
        );
    }
    conflict(admin.remove("seats", false).await.map(|()| unreachable!()), "3 contacts");
    admin.remove("seats", true).await.unwrap();
    for reference in ["crm-0", "crm-1", "crm-2"] {
        assert!(caller.get(&by_ref(reference)).await.unwrap().custom_fields.contains_key("seats"));
    }
}

async fn unique_values(stack: &Stack, agent: &str) {
    let (admin, caller) = (stack.admin(agent), stack.caller(agent));
    let code = pb::ContactField { unique: Some(true), ..field("code", pb::ContactFieldType::Text) };
    admin.declare(code, false).await.unwrap();
    let one = caller.create(with("crm-1", &[("code", text("A-1"))])).await.unwrap();
    let taken = |answer: Answer<pb::Contact>| {
        let error = answer.unwrap_err();
        assert_eq!(error.existing_id.as_deref(), Some(one.id.as_str()));
        let expected = (Reason::AlreadyExists, vec![("customFields.code".to_owned(), "duplicate")]);
        assert_eq!(refusal::<()>(Err(error)), expected);
    };
    taken(caller.create(with("crm-2", &[("code", text(" a-1 "))])).await);
    assert_eq!(reason(caller.get(&by_ref("crm-2")).await), Reason::NotFound);
    let two = caller.create(with("crm-2", &[("code", text("A-2"))])).await.unwrap();
    taken(caller.update(&by_ref("crm-2"), with("", &[("code", text("a-1"))]), &["custom_fields.code"]).await);
    taken(caller.replace(&by_ref("crm-2"), with("crm-2", &[("code", text("A-1"))])).await);
    let upsert = with("crm-3", &[("code", text("A-1"))]);
    taken(caller.put(&by_ref("crm-3"), upsert, true, None).await.map(|put| put.contact.unwrap()));
    assert_eq!(caller.get(&by_ref("crm-2")).await.unwrap(), two);
    // One's own value may be written in another way, given up and taken again.
    caller
        .update(&by_ref("crm-1"), with("", &[("code", text("a-1"))]), &["custom_fields.code"])
        .await
        .unwrap();
    caller.update(&by_ref("crm-1"), pb::Contact::default(), &["custom_fields.code"]).await.unwrap();
    caller
        .update(&by_ref("crm-2"), with("", &[("code", text("A-1"))]), &["custom_fields.code"])
        .await
        .unwrap();
    caller.create(with("crm-4", &[("code", text("A-2"))])).await.unwrap();
    // What is deleted has it no longer.
    caller.delete(&by_ref("crm-2"), None).await.unwrap();
    caller.create(with("crm-5", &[("code", text("A-1"))])).await.unwrap();
    // Another agent has its own, and a field that is unique no longer lets everyone have it.
    let no = pb::ContactField { unique: Some(false), ..Default::default() };
    admin.change("code", no, &["unique"], false).await.unwrap();
    caller.create(with("crm-6", &[("code", text("A-1"))])).await.unwrap();
}

async fn of_the_same_value_at_once_one_is_taken(stack: &Stack, agent: &str) {
    const CALLS: usize = 8;
    let (admin, caller) = (stack.admin(agent), stack.caller(agent));
    let code = pb::ContactField { unique: Some(true), ..field("code", pb::ContactFieldType::Text) };
    admin.declare(code, false).await.unwrap();
    for round in 0..5 {
        let mut calls = JoinSet::new();
        for call in 0..CALLS {
            let contact = with(&format!("crm-{round}-{call}"), &[("code", text(&format!("code {round}")))]);
            let caller = caller.clone();
            calls.spawn(async move { caller.create(contact).await });
        }
        let (mut created, mut holders) = (Vec::new(), Vec::new());
        for answer in calls.join_all().await {
            match answer {
                Ok(contact) => created.push(contact.id),
                Err(error) => {
                    assert_eq!(error.reason, Reason::AlreadyExists);
                    holders.push(error.existing_id.unwrap());
                }
            }
        }
        assert_eq!(created.len(), 1, "one has it");
        assert!(holders.iter().all(|holder| *holder == created[0]));
    }
    assert_eq!(caller.list(pb::ListContactsRequest::default()).await.unwrap().contacts.len(), 5);
}

async fn what_becomes_unique_has_to_be_so(stack: &Stack, agent: &str) {
    let (admin, caller) = (stack.admin(agent), stack.caller(agent));
    for (reference, code) in [("crm-1", "A"), ("crm-2", "a"), ("crm-3", "b")] {
        caller.create(with(reference, &[("code", text(code))])).await.unwrap();
    }
    let unique = pb::ContactField { unique: Some(true), ..field("code", pb::ContactFieldType::Text) };
    let not_unique = |answer: Answer<pb::ContactField>| {
        assert_eq!(refusal(answer), (Reason::Conflict, vec![("unique".to_owned(), "duplicate")]));
    };
    // No confirmation makes it true.
    not_unique(admin.declare(unique.clone(), true).await);
    admin.declare(field("code", pb::ContactFieldType::Text), false).await.unwrap();
    not_unique(admin.change("code", unique.clone(), &["unique"], true).await);
    caller.update(&by_ref("crm-2"), with("", &[("code", text("c"))]), &["custom_fields.code"]).await.unwrap();
    admin.change("code", unique, &["unique"], false).await.unwrap();
    for taken in ["A", "B", "c"] {
        let refused = caller.create(with("crm-4", &[("code", text(taken))])).await;
        assert_eq!(reason(refused), Reason::AlreadyExists, "{taken}");
    }
}

/// Contacts are created without end while a field becomes unique: either it does not, or no two have a value.
async fn nothing_slips_by_while_a_field_becomes_unique(stack: &Stack, agent: &str) {
    let (admin, caller) = (stack.admin(agent), stack.caller(agent));
    admin.declare(field("code", pb::ContactFieldType::Text), false).await.unwrap();
    for round in 0..8 {
        let mut calls = JoinSet::new();
        for call in 0..6 {
            let contact =
                with(&format!("crm-{round}-{call}"), &[("code", text(&format!("{round} {}", call / 2)))]);
            let caller = caller.clone();
            calls.spawn(async move { caller.create(contact).await.map(drop) });
        }
        let unique = pb::ContactField { unique: Some(true), ..Default::default() };
        let became = admin.change("code", unique, &["unique"], false).await.is_ok();
        for answer in calls.join_all().await {
            let fits = answer.is_ok() || answer.as_ref().is_err_and(|e| e.reason == Reason::AlreadyExists);
            assert!(fits, "{answer:?}");
        }
        let contacts =
            caller.list(pb::ListContactsRequest { limit: Some(100), ..Default::default() }).await.unwrap();
        let mut codes: Vec<&[u8]> =
            contacts.contacts.iter().map(|c| c.custom_fields["code"].wire()).collect();
        let all = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert!(!became || codes.len() == all, "round {round}: {} of {all} are different", codes.len());
        let any = pb::ContactField { unique: Some(false), ..Default::default() };
        admin.change("code", any, &["unique"], false).await.unwrap();
        for contact in contacts.contacts {
            caller.delete(&by_id(&contact), None).await.unwrap();
        }
    }
}

async fn what_is_no_field_is_refused(stack: &Stack, agent: &str) {
    let admin = stack.admin(agent);
    let refused = async |field: pb::ContactField| {
        let (reason, fields) = refusal(admin.declare(field, true).await);
        assert_eq!(reason, Reason::InvalidArgument);
        fields.into_iter().map(|(field, code)| format!("{field} {code}")).collect::<Vec<_>>()
    };
    assert_eq!(refused(pb::ContactField::default()).await, ["key required", "type required"]);
    let nothing = pb::ContactField { r#type: 99, ..field("a b", pb::ContactFieldType::Text) };
    assert_eq!(refused(nothing).await, ["type invalid", "key invalid"]);
    let made =
        pb::ContactField { created_at: Some(START.to_proto()), ..field("x", pb::ContactFieldType::Text) };
    assert_eq!(refused(made).await, ["createdAt immutable"]);
    let nan =
        pb::ContactField { default: Some(number(f64::NAN)), ..field("x", pb::ContactFieldType::Number) };
    assert_eq!(refused(nan).await, ["default invalid"]);
    assert!(admin.list().await.is_empty());

    let declared = admin.declare(field("x", pb::ContactFieldType::Number), false).await.unwrap();
    let (reason, fields) = refusal(
        admin.change("x", field("y", pb::ContactFieldType::Text), &["key", "type", "nope"], true).await,
    );
    let fields: Vec<_> = fields.iter().map(|(field, code)| format!("{field} {code}")).collect();
    assert_eq!(
        (reason, fields),
        (
            Reason::InvalidArgument,
            vec!["key immutable".to_owned(), "type immutable".to_owned(), "updateMask invalid".to_owned()]
        )
    );
    assert_eq!(admin.list().await, [declared]);
}

async fn keys_read_the_schema(stack: &Stack, agent: &str) {
    let (admin, caller) = (stack.admin(agent), stack.caller_with(agent, &["read"]));
    let schema = async || {
        let message = pb::GetContactSchemaRequest::default();
        let answer = caller.client.clone().get_contact_schema(caller.request(message)).await.unwrap();
        answer.into_inner().schema.unwrap()
    };
    let custom = |schema: prost_types::Struct| {
        let Some(prost_types::value::Kind::StructValue(properties)) =
            schema.fields["properties"].kind.clone()
        else {
            panic!("no properties");
        };
        let Some(prost_types::value::Kind::StructValue(custom)) =
            properties.fields["customFields"].kind.clone()
        else {
            panic!("no custom fields");
        };
        custom
    };
    assert!(!custom(schema().await).fields.contains_key("properties"));
    admin.declare(field("x", pb::ContactFieldType::Number), false).await.unwrap();
    assert!(custom(schema().await).fields.contains_key("properties"));
}

async fn there_is_an_end_to_them(stack: &Stack, agent: &str) {
    let admin = stack.admin(agent);
    for number in 0..100 {
        admin.declare(field(&format!("f{number}"), pb::ContactFieldType::Text), false).await.unwrap();
    }
    let refused = admin.declare(field("more", pb::ContactFieldType::Text), false).await;
    assert_eq!(reason(refused), Reason::Conflict);
    let keys: Vec<_> = admin.list().await.into_iter().map(|field| field.key.unwrap()).collect();
    assert_eq!(keys, (0..100).map(|number| format!("f{number}")).collect::<Vec<_>>());
}
