"""Keeps a CRM of 10,000 people and Keyward the same with docs/examples/sync.py, which is killed again and again
while both sides change. In the end both are equal, and nobody is there twice.

Usage: sync_journey.py SYNC_PY CRM_FILE, with KEYWARD_URL, KEYWARD_KEY and KEYWARD_SECRET.
"""

import importlib.util
import json
import os
import random
import signal
import subprocess
import sys
import time

SYNC, CRM = sys.argv[1:]
PEOPLE = int(os.environ.get("SYNC_PEOPLE", "10000"))
KILLS = int(os.environ.get("SYNC_KILLS", "12"))
SEED = int(os.environ.get("SYNC_SEED") or random.randrange(1 << 32))

spec = importlib.util.spec_from_file_location("sync", SYNC)
sync = importlib.util.module_from_spec(spec)
spec.loader.exec_module(sync)

print(f"seed {SEED}", flush=True)
chance = random.Random(SEED)
keyward = sync.Keyward(*(os.environ[name] for name in ("KEYWARD_URL", "KEYWARD_KEY", "KEYWARD_SECRET")))
crm = sync.Crm(CRM)


def person(number, **more):
    data = dict.fromkeys(sync.FIELDS)
    data.update(name=f"Person {number} Zoë", email=f"person-{number}@example.com", tags=["a;b", f"t{number % 7}"])
    # Some say more than fits into one call together.
    notes = "long" * 750 if number % 10 == 0 else None
    data.update(customFields={"number": number, "text": "=1+2"}, notes=notes, **more)
    return data


def in_crm(sql, values):
    with crm.transaction():
        crm.db.execute(sql, values)


def some_refs(count):
    rows = crm.db.execute("SELECT ref FROM people WHERE NOT deleted AND ref <> 'crm-1-odd' ORDER BY ref").fetchall()
    return [ref for (ref,) in chance.sample(rows, min(count, len(rows)))]


def change_crm(round_number):
    for ref in some_refs(20):
        (data,) = crm.db.execute("SELECT data FROM people WHERE ref = ?", (ref,)).fetchone()
        data = dict(json.loads(data), notes=f"CRM {round_number}", name=chance.choice([None, f"Renamed {round_number}"]))
        in_crm("UPDATE people SET data = ?, revision = revision + 1 WHERE ref = ?", (sync.dump(data), ref))
    for ref in some_refs(3):
        in_crm("UPDATE people SET deleted = 1, revision = revision + 1 WHERE ref = ?", (ref,))
    for number in range(3):
        number = PEOPLE + round_number * 10 + number
        in_crm("INSERT INTO people (ref, data) VALUES (?, ?)", (f"crm-{number}", sync.dump(person(number))))


def change_keyward(round_number):
    refs = some_refs(20)
    contacts = [{"externalReferenceId": ref, "source": f"keyward {round_number}"} for ref in refs]
    # Not by the script's own way: only what is set is changed. Those that are gone are made anew, if they can be.
    keyward.call("POST", f"/v1/open/contacts/chatbots/{keyward.agent}:bulk", {"contacts": contacts})
    for ref in some_refs(3):
        try:
            keyward.call("DELETE", f"/v1/open/contacts/{ref}/chatbots/{keyward.agent}")
        except sync.Refused as refused:
            assert refused.status == 404, refused
    for number, ref in enumerate(some_refs(3)):
        try:
            renamed = {"externalReferenceId": f"renamed-{round_number}-{number}"}
            keyward.call("PATCH", f"/v1/open/contacts/{ref}/chatbots/{keyward.agent}", renamed)
        except sync.Refused as refused:
            assert refused.status == 404, refused
    for number in range(3):
        contact = {"name": "Made in Keyward", "email": f"keyward-{round_number}-{number}@example.com"}
        keyward.call("POST", f"/v1/open/contacts/chatbots/{keyward.agent}", contact)


def all_of_keyward():
    contacts, after = [], {}
    while True:
        page = keyward.contacts(status="ANY", sort="createdAt", limit=100, **after)
        contacts += page["data"]
        if not page["pagination"]["hasMore"]:
            return contacts
        after = {"cursor": page["pagination"]["nextCursor"]}


# Whom Keyward does not take, among the others.
in_crm("INSERT INTO people (ref, data) VALUES (?, ?)", ("crm-1-odd", sync.dump(person(-1, stage="Lead"))))
with crm.transaction():
    rows = [(f"crm-{number}", sync.dump(person(number))) for number in range(PEOPLE)]
    crm.db.executemany("INSERT INTO people (ref, data) VALUES (?, ?)", rows)
change_keyward(0)

command = [sys.executable, SYNC, CRM]
killed = 0
for round_number in range(1, KILLS + 1):
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    time.sleep(chance.uniform(0.05, 2.5))
    change_crm(round_number)
    change_keyward(round_number)
    time.sleep(chance.uniform(0, 0.5))
    running.send_signal(signal.SIGKILL)
    killed += running.wait() == -signal.SIGKILL
assert killed > 0, "the script always ended before it was killed"
# The last one may have told Keyward of something that it did not note: the run after it finds that out.
subprocess.run(command, check=True, timeout=600)

contacts = all_of_keyward()
problems = crm.db.execute("SELECT ref, problem FROM people WHERE problem IS NOT NULL OR deleted OR revision > sent")
((odd, why),) = problems.fetchall()
assert odd == "crm-1-odd" and "stage" in why, (odd, why)
in_crm("DELETE FROM people WHERE ref = ?", (odd,))
people = {ref: json.loads(data) for ref, data in crm.db.execute("SELECT ref, data FROM people")}
refs = [contact["externalReferenceId"] for contact in contacts]
emails = [contact["email"] for contact in contacts]
assert None not in refs and len(set(refs)) == len(refs), "somebody is there twice"
assert len(set(emails)) == len(emails), "somebody is there twice"
assert set(refs) == set(people), sorted(set(refs) ^ set(people))[:10]
for contact in contacts:
    fields = {field: contact[field] for field in sync.FIELDS}
    person_of = people[contact["externalReferenceId"]]
    assert {name: value or None for name, value in fields.items()} == {
        name: value or None for name, value in person_of.items()
    }, (fields, person_of)
assert len(contacts) > PEOPLE * 0.9, len(contacts)
print(f"equal: {len(contacts)} contacts, killed {killed} times", flush=True)
