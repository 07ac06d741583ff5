#!/usr/bin/env python3
"""Keeps a CRM and Keyward the same, both ways. Needs Python 3.9 and nothing else.

    export KEYWARD_URL=http://127.0.0.1:8080 KEYWARD_KEY=kw_live_… KEYWARD_SECRET=kws_live_…
    python3 sync.py crm.db                  # once
    python3 sync.py crm.db --every 60       # again and again
    python3 sync.py crm.db --every 3600 --webhook 127.0.0.1:9000   # and whenever a webhook says so

The CRM is a table in SQLite here: write `Crm` anew for another one. What makes this safe against a crash at any
moment is little, and all of it is in `pull` and `push`:

* What Keyward says is written to the CRM in the same transaction as the cursor behind it. After a crash the same page
  is read again, and writing it twice is writing it once.
* What the CRM says is sent by the CRM's own id (`externalReferenceId`), so sending it twice changes nothing. A row counts
  as sent only when Keyward has answered, and only if nobody has changed it meanwhile.
* Where both sides have changed the same contact, the CRM wins.
* Whose reference is changed in Keyward is known again by Keyward's id, and keeps that one row.
* Somebody whom Keyward refuses holds nobody else up: why stands beside that row.

A webhook only wakes this up: what happened is read from the feed of changes, which has everything once, in order.
"""

import argparse
import base64
import hashlib
import hmac
import http.server
import json
import os
import sqlite3
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

# What both sides have. The CRM's own id is beside it.
FIELDS = ("name", "email", "mobileNumber", "gender", "stage", "source", "tags", "notes", "customFields")
# How many are sent at once, and in how many bytes: a body has at most 1 MiB.
AT_ONCE = 500
BYTES_AT_ONCE = 512 * 1024
TRIES = 12


class Refused(Exception):
    """An answer that is no success."""

    def __init__(self, status, error):
        super().__init__(f"{status} {error.get('code')}: {error.get('message')}")
        self.status, self.code, self.details = status, error.get("code"), error


class Keyward:
    """The API. What may pass is tried again; a webhook, a proxy or a restart costs a pause."""

    def __init__(self, url, key, secret):
        self.url, self.headers = url.rstrip("/"), {"X-API-Key": key, "X-API-Secret": secret}
        self.agent = self.call("GET", "/v1/open/key")["data"]["agent"]["id"]

    def call(self, method, path, body=None, **query):
        url = self.url + path + ("?" + urllib.parse.urlencode(query) if query else "")
        data = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        headers = dict(self.headers, **({"Content-Type": "application/json"} if data else {}))
        for tried in range(1, TRIES + 1):
            pause = min(0.2 * 2**tried, 30)
            try:
                request = urllib.request.Request(url, data, headers, method=method)
                with urllib.request.urlopen(request, timeout=120) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as answer:
                try:
                    said = json.load(answer)
                    error = {"message": said.get("message"), **(said.get("error") or {})}
                except (ValueError, AttributeError, TypeError):
                    error = {"code": "unknown", "message": "no JSON"}
                if answer.code not in (408, 409, 429, 502, 503, 504) or tried == TRIES:
                    raise Refused(answer.code, error) from None
                if answer.code == 409 and error.get("code") != "request_in_progress":
                    raise Refused(answer.code, error) from None
                pause = max(pause, float(answer.headers.get("Retry-After") or 0))
            except (OSError, ValueError):
                if tried == TRIES:
                    raise
            time.sleep(pause)

    def contacts(self, suffix="", **query):
        return self.call("GET", f"/v1/open/contacts/chatbots/{self.agent}{suffix}", **query)

    def bulk(self, contacts):
        # `replace`: a field that the CRM has cleared is cleared, too.
        body = {"replace": True, "contacts": contacts}
        return self.call("POST", f"/v1/open/contacts/chatbots/{self.agent}:bulk", body)["data"]["results"]

    def one(self, method, contact_id, body=None):
        return self.call(method, f"/v1/open/contacts/mantisid/{contact_id}/chatbots/{self.agent}", body)


class Crm:
    """People in SQLite. `revision` grows with every change that is made here, `sent` is the one that Keyward has."""

    def __init__(self, path):
        self.db = sqlite3.connect(path, timeout=60, isolation_level=None)
        self.db.executescript(
            """
            PRAGMA journal_mode = WAL;
            CREATE TABLE IF NOT EXISTS people (
                ref TEXT PRIMARY KEY,
                data TEXT NOT NULL,                 -- FIELDS as JSON
                revision INTEGER NOT NULL DEFAULT 1,
                sent INTEGER NOT NULL DEFAULT 0,
                deleted INTEGER NOT NULL DEFAULT 0, -- to be deleted in Keyward, too
                keyward_id TEXT,
                problem TEXT                        -- why Keyward did not take it
            );
            CREATE INDEX IF NOT EXISTS people_by_keyward_id ON people (keyward_id);
            CREATE INDEX IF NOT EXISTS people_to_send ON people (ref) WHERE revision > sent;
            CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value TEXT);
            """
        )

    def transaction(self):
        """All of it or nothing: `with crm.transaction():`."""
        self.db.execute("BEGIN IMMEDIATE")
        return self.db

    def cursor(self):
        row = self.db.execute("SELECT value FROM state WHERE name = 'cursor'").fetchone()
        return row and row[0]

    def set_cursor(self, cursor):
        self.db.execute("INSERT OR REPLACE INTO state VALUES ('cursor', ?)", (cursor,))

    def take(self, contact):
        """Writes what Keyward has, unless the CRM has something newer to say."""
        ref, data = contact["externalReferenceId"], dump({field: contact.get(field) for field in FIELDS})
        # Under another reference until now: the row moves, unless somebody has that reference already.
        of = (contact["id"], ref)
        self.db.execute("UPDATE OR IGNORE people SET ref = ?2 WHERE keyward_id = ?1 AND ref <> ?2", of)
        self.db.execute("DELETE FROM people WHERE keyward_id = ? AND ref <> ? AND revision <= sent", of)
        self.db.execute("UPDATE people SET keyward_id = NULL WHERE keyward_id = ? AND ref <> ?", of)
        self.db.execute(
            "INSERT INTO people (ref, data, revision, sent, keyward_id) VALUES (?1, ?2, 1, 1, ?3) "
            "ON CONFLICT (ref) DO UPDATE SET keyward_id = ?3, "
            "data = CASE WHEN revision > sent THEN data ELSE ?2 END",
            (ref, data, contact["id"]),
        )

    def drop(self, keyward_id):
        """Keyward has no such contact any more. What the CRM has changed since comes back by the next `push`."""
        self.db.execute("DELETE FROM people WHERE keyward_id = ? AND revision <= sent", (keyward_id,))
        self.db.execute("UPDATE people SET keyward_id = NULL WHERE keyward_id = ?", (keyward_id,))

    def to_send(self):
        rows = self.db.execute(
            "SELECT ref, data, revision, deleted, keyward_id FROM people WHERE revision > sent ORDER BY ref LIMIT ?",
            (AT_ONCE,),
        )
        batch, size = [], 0
        for row in rows:
            size += len(row[1].encode()) + len(row[0].encode()) + 50
            if batch and size > BYTES_AT_ONCE:
                break
            batch.append(row)
        return batch

    def was_sent(self, ref, revision, keyward_id, problem):
        self.db.execute(
            "UPDATE people SET sent = ?2, keyward_id = coalesce(?3, keyward_id), problem = ?4 WHERE ref = ?1",
            (ref, revision, keyward_id, problem),
        )

    def was_deleted(self, ref, revision):
        self.db.execute("DELETE FROM people WHERE ref = ? AND revision = ? AND deleted", (ref, revision))


def dump(data):
    return json.dumps(data, sort_keys=True, ensure_ascii=False)


def with_reference(keyward, contact):
    """A contact that was made in Keyward gets a reference: by its id, so that it is the same after a crash."""
    if contact["externalReferenceId"]:
        return contact
    try:
        return keyward.one("PATCH", contact["id"], {"externalReferenceId": "keyward-" + contact["id"]})["data"]
    except Refused as refused:
        if refused.status == 404:
            return None
        raise


def pull(keyward, crm):
    """Takes over what happened in Keyward."""
    if crm.cursor() is None:
        pull_all(keyward, crm)
    while True:
        try:
            page = keyward.contacts(":changes", since=crm.cursor(), limit=100)
        except Refused as refused:
            # The cursor is older than what is kept: begin again.
            if refused.code != "invalid_cursor":
                raise
            pull_all(keyward, crm)
            continue
        changes = [(change["contactId"], change["contact"]) for change in page["data"]]
        changes = [(of, contact and with_reference(keyward, contact)) for of, contact in changes]
        with crm.transaction():
            for contact_id, contact in changes:
                if contact:
                    crm.take(contact)
                else:
                    crm.drop(contact_id)
            if page["pagination"]["nextCursor"]:
                crm.set_cursor(page["pagination"]["nextCursor"])
            elif page["data"]:
                crm.set_cursor(page["data"][-1]["cursor"])
        if not page["pagination"]["hasMore"]:
            return


def pull_all(keyward, crm):
    """Takes over all contacts, and the cursor from before that: what happens meanwhile is read after it."""
    cursor = keyward.contacts(":changes", latest="true")["pagination"]["nextCursor"]
    seen, after = set(), {}
    while True:
        page = keyward.contacts(status="ANY", sort="createdAt", limit=100, **after)
        contacts = [with_reference(keyward, contact) for contact in page["data"]]
        with crm.transaction():
            for contact in filter(None, contacts):
                crm.take(contact)
                seen.add(contact["id"])
        if not page["pagination"]["hasMore"]:
            break
        after = {"cursor": page["pagination"]["nextCursor"]}
    with crm.transaction():
        known = crm.db.execute("SELECT keyward_id FROM people WHERE keyward_id IS NOT NULL").fetchall()
        for (keyward_id,) in known:
            if keyward_id not in seen:
                crm.drop(keyward_id)
        crm.set_cursor(cursor)


def hand_over(keyward, rows):
    """Sends people, and gives the result of each. One that is none in form fails a whole call: it is found by halves."""
    contacts = []
    for ref, data, *_ in rows:
        fields = {name: value for name, value in json.loads(data).items() if value is not None}
        contacts.append(dict(fields, externalReferenceId=ref))
    try:
        return keyward.bulk(contacts)
    except Refused as refused:
        if refused.status not in (400, 413):
            raise
        if len(rows) == 1:
            return [{"id": None, "status": "FAILED", "error": {"message": str(refused)}}]
        half = len(rows) // 2
        return hand_over(keyward, rows[:half]) + hand_over(keyward, rows[half:])


def moved(keyward, known, result):
    """The contact of a row that had one and was sent as a new one: its reference was changed at this moment."""
    if not known or result["status"] != "CREATED":
        return None
    try:
        contact = keyward.one("GET", known)["data"]
    except Refused as refused:
        # It was deleted, and the CRM wants it back.
        if refused.status != 404:
            raise
        return None
    keyward.one("DELETE", result["id"])
    return contact


def push(keyward, crm):
    """Hands over what happened in the CRM."""
    while rows := crm.to_send():
        kept = [row for row in rows if not row[3]]
        if kept:
            results = hand_over(keyward, kept)
            renamed = {ref: moved(keyward, known, result) for (ref, *_, known), result in zip(kept, results)}
            with crm.transaction():
                for (ref, _, revision, *_), result in zip(kept, results):
                    error = result["error"]
                    if renamed[ref]:
                        crm.take(renamed[ref])
                    else:
                        crm.was_sent(ref, revision, result["id"], error and error["message"])
        for ref, _, revision, deleted, keyward_id in rows:
            if not deleted:
                continue
            try:
                if keyward_id:
                    keyward.one("DELETE", keyward_id)
                else:
                    path = urllib.parse.quote(ref, safe="")
                    keyward.call("DELETE", f"/v1/open/contacts/{path}/chatbots/{keyward.agent}")
            except Refused as refused:
                if refused.status != 404:
                    raise
            with crm.transaction():
                crm.was_deleted(ref, revision)


class Doorbell(threading.Event):
    """Listens for webhooks (standardwebhooks.com) and rings."""

    def listen(self, address, secret):
        key = base64.b64decode(secret.removeprefix("whsec_"))
        doorbell = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(min(int(self.headers.get("Content-Length") or 0), 1 << 20))
                sent = self.headers.get("webhook-id", ""), self.headers.get("webhook-timestamp", "0")
                signed = b".".join([sent[0].encode(), sent[1].encode(), body])
                wanted = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
                given = self.headers.get("webhook-signature", "").split()
                fresh = sent[1].isdigit() and abs(time.time() - int(sent[1])) < 300
                good = fresh and any(hmac.compare_digest(wanted, one) for one in given)
                self.send_response(204 if good else 401)
                self.end_headers()
                if good:
                    doorbell.set()

            def log_message(self, *_):
                pass

        host, port = address.rsplit(":", 1)
        server = http.server.ThreadingHTTPServer((host, int(port)), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()


def main():
    arguments = argparse.ArgumentParser(description="Keeps a CRM and Keyward the same, both ways.")
    arguments.add_argument("crm", help="the SQLite file")
    arguments.add_argument("--every", type=float, metavar="SECONDS", help="again after so many seconds")
    arguments.add_argument("--webhook", metavar="HOST:PORT", help="listen there (KEYWARD_WEBHOOK_SECRET)")
    given = arguments.parse_args()
    settings = ("KEYWARD_URL", "KEYWARD_KEY", "KEYWARD_SECRET")
    if missing := [name for name in settings if not os.environ.get(name)]:
        arguments.error(f"set {', '.join(missing)} in the environment")
    keyward = Keyward(*(os.environ[name] for name in settings))
    crm, doorbell = Crm(given.crm), Doorbell()
    if given.webhook:
        doorbell.listen(given.webhook, os.environ["KEYWARD_WEBHOOK_SECRET"])
    while True:
        doorbell.clear()
        pull(keyward, crm)
        push(keyward, crm)
        # What Keyward has made of it: a number in its one form, say.
        pull(keyward, crm)
        print("equal", flush=True)
        if given.every is None:
            return
        doorbell.wait(given.every)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Refused as refused:
        sys.exit(f"Keyward refuses: {refused}")
