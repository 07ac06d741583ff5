"""Calls Keyward with the client that openapi-python-client made of /openapi.json.

Usage: python_client.py DIRECTORY: where the package `keyward_client` is.
"""

import os
import sys

sys.path.insert(0, sys.argv[1])

from keyward_client import AuthenticatedClient, Client
from keyward_client.api.api_keys import create_api_key, get_current_key
from keyward_client.api.contacts import (
    create_contact,
    delete_contact,
    get_contact,
    list_contacts,
    replace_contact,
)
from keyward_client.api.health import get_health
from keyward_client.models.contact_input import ContactInput
from keyward_client.models.contact_stage import ContactStage
from keyward_client.models.create_api_key_request import CreateApiKeyRequest
from keyward_client.models.error import Error
from keyward_client.models.error_code import ErrorCode
from keyward_client.models.error_detail_code import ErrorDetailCode

URL, AGENT = os.environ["KW_URL"], os.environ["KW_AGENT_ID"]


def by_key(key, secret):
    """A client of the data API."""
    return Client(base_url=URL, headers={"X-API-Key": key, "X-API-Secret": secret})


def refused(answer, code):
    """The error of a refusal with this code."""
    assert isinstance(answer, Error), answer
    assert not answer.success and answer.error.code == code, answer
    assert len(answer.error.request_id) == 24, answer
    return answer.error


health = get_health.sync(client=Client(base_url=URL))
assert health.data.status == "SERVING", health

# A key, by the console.
console = AuthenticatedClient(base_url=URL, token=os.environ["KW_TOKEN"])
permissions = [f"contacts:{action}" for action in ("create", "read", "update", "delete")]
request = CreateApiKeyRequest.from_dict({"name": "Python", "permissions": permissions})
made = create_api_key.sync(AGENT, client=console, body=request)
assert made.message == "API key created successfully.", made
assert made.data.key.name == "Python" and made.data.key.rate_limits.per_minute == 60, made
client = by_key(made.data.key.api_key, made.data.secret)
assert get_current_key.sync(client=client).data.agent.id == AGENT

# A contact comes and goes.
contact = ContactInput.from_dict(
    {"externalReferenceId": "python/1", "email": "ada@example.com", "stage": "LEAD", "customFields": {"size": 42}}
)
created = create_contact.sync_detailed(AGENT, client=client, body=contact)
assert created.status_code == 201 and created.headers["ETag"] == '"1"', created
assert created.parsed.data.stage == ContactStage.LEAD and created.parsed.data.name is None, created
assert created.parsed.data.custom_fields.to_dict() == {"size": 42}, created

listed = list_contacts.sync(AGENT, client=client, limit=1)
assert [found.id for found in listed.data] == [created.parsed.data.id], listed
assert listed.pagination.limit == 1 and not listed.pagination.has_more, listed

found = get_contact.sync("python/1", AGENT, client=client)
assert found.data == created.parsed.data, found

contact = ContactInput.from_dict({"mobileNumber": "+447700900123"})
replaced = replace_contact.sync("python/1", AGENT, client=client, body=contact, if_match='"1"')
assert replaced.data.email is None and replaced.data.version == 2, replaced
stale = replace_contact.sync("python/1", AGENT, client=client, body=contact, if_match='"1"')
refused(stale, ErrorCode.PRECONDITION_FAILED)

assert delete_contact.sync("python/1", AGENT, client=client).data is None
refused(get_contact.sync("python/1", AGENT, client=client), ErrorCode.NOT_FOUND)

# Errors.
bad = create_contact.sync(AGENT, client=client, body=ContactInput.from_dict({"email": "nonsense"}))
detail = refused(bad, ErrorCode.INVALID_ARGUMENT).details[0]
assert (detail.field, detail.code) == ("email", ErrorDetailCode.INVALID), detail
wrong = by_key(made.data.key.api_key, os.environ["KW_API_SECRET"])
refused(get_current_key.sync(client=wrong), ErrorCode.INVALID_CREDENTIALS)
