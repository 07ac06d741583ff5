// Calls Keyward with openapi-fetch and the types that openapi-typescript made of /openapi.json.

import assert from "node:assert/strict";
import createClient from "openapi-fetch";

import type { components, paths } from "./api.js";

type Contact = components["schemas"]["Contact"];

function variable(name: string): string {
  const value = process.env[name];
  assert(value, `${name} is not set`);
  return value;
}

const baseUrl = variable("KW_URL");
const agentId = variable("KW_AGENT_ID");

// A key, by the console.
const console_ = createClient<paths, "application/json">({
  baseUrl,
  headers: { Authorization: `Bearer ${variable("KW_TOKEN")}` },
});
const made = await console_.POST("/v1/console/agents/{agentId}/api-keys", {
  params: { path: { agentId } },
  body: {
    name: "TypeScript",
    permissions: ["contacts:create", "contacts:read", "contacts:update", "contacts:delete"],
  },
});
assert(made.data, JSON.stringify(made.error));
assert.equal(made.data.data.key.rateLimits.perMinute, 60);

const client = createClient<paths, "application/json">({
  baseUrl,
  headers: { "X-API-Key": made.data.data.key.apiKey, "X-API-Secret": made.data.data.secret },
});
const key = await client.GET("/v1/open/key");
assert.equal(key.data?.data.agent.id, agentId);

// A contact comes and goes.
const ref = "typescript/1";
const created = await client.POST("/v1/open/contacts/chatbots/{agentId}", {
  params: { path: { agentId } },
  body: { externalReferenceId: ref, email: "ada@example.com", stage: "LEAD", tags: ["vip"] },
});
assert.equal(created.response.status, 201);
assert(created.data, JSON.stringify(created.error));
const contact: Contact = created.data.data;
assert.equal(contact.stage, "LEAD");
assert.equal(contact.name, null);

const listed = await client.GET("/v1/open/contacts/chatbots/{agentId}", {
  params: { path: { agentId }, query: { limit: 1 } },
});
assert.deepEqual(listed.data?.data, [contact]);
assert.deepEqual(listed.data?.pagination, { limit: 1, hasMore: false, nextCursor: null });

const path = { ref, agentId };
const found = await client.GET("/v1/open/contacts/{ref}/chatbots/{agentId}", { params: { path } });
assert.deepEqual(found.data?.data, contact);

const body = { mobileNumber: "+447700900123" };
const header = { "If-Match": found.response.headers.get("ETag") ?? "" };
const replaced = await client.PUT("/v1/open/contacts/{ref}/chatbots/{agentId}", {
  params: { path, header },
  body,
});
assert.equal(replaced.data?.data.version, 2);
const stale = await client.PUT("/v1/open/contacts/{ref}/chatbots/{agentId}", {
  params: { path, header },
  body,
});
assert.equal(stale.error?.error.code, "precondition_failed");

const deleted = await client.DELETE("/v1/open/contacts/{ref}/chatbots/{agentId}", { params: { path } });
assert.equal(deleted.data?.message, "Contact deleted.");

// An error.
const gone = await client.GET("/v1/open/contacts/{ref}/chatbots/{agentId}", { params: { path } });
assert.equal(gone.response.status, 404);
assert.equal(gone.error?.error.code, "not_found");
assert.equal(gone.error?.error.requestId, gone.response.headers.get("X-Request-Id"));
