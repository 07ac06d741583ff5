// Calls ContactService over gRPC-Web at Keyward's edge, as a page does, with the client of Connect.
//
// usage: contacts_over_grpc_web.mjs ADDRESS DESCRIPTORS HTTP_VERSION, with {"apiKey", "apiSecret", "otherAgent"} on
// standard input. DESCRIPTORS is a FileDescriptorSet, so nothing is generated. Prints what came of each call, as JSON.
import { readFileSync } from "node:fs";
import { createFileRegistry, fromBinary, fromJson, toJson } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-node";

const [address, descriptors, httpVersion] = process.argv.slice(2);
const given = JSON.parse(readFileSync(0, "utf8"));
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(descriptors)));
const service = registry.getService("keyward.contacts.v1.ContactService");
const client = createClient(service, createGrpcWebTransport({ baseUrl: `http://${address}`, httpVersion }));

const key = { "x-api-key": given.apiKey, "x-api-secret": given.apiSecret };
const wrong = { ...key, "x-api-secret": given.apiSecret.slice(0, -1) };
const contact = { externalReferenceId: "ada", name: "Ada", email: "ada@example.com" };
const calls = [
  ["create", "createContact", { contact }, key],
  ["create again", "createContact", { contact }, key],
  ["create nothing", "createContact", { contact: {} }, key],
  ["get", "getContact", { ref: "ada" }, key],
  ["list", "listContacts", { limit: 1 }, key],
  ["replace", "replaceContact", { ref: "bob", upsert: true, contact: { email: "b@example.com" } }, key],
  ["delete", "deleteContact", { ref: "ada" }, key],
  ["get what is gone", "getContact", { ref: "ada" }, key],
  ["of another agent", "getContact", { agentId: given.otherAgent, ref: "bob" }, key],
  ["export", "exportContacts", {}, key],
  ["no credentials", "getContact", { ref: "bob" }, {}],
  ["a wrong secret", "getContact", { ref: "bob" }, wrong],
];

async function make(name, message, headers) {
  const method = service.method[name];
  const sent = fromJson(method.input, message);
  let rateLimit = null;
  const options = { headers, timeoutMs: 20_000, onHeader: (said) => (rateLimit = said.get("ratelimit")) };
  try {
    if (method.methodKind === "server_streaming") {
      const answer = [];
      for await (const one of client[name](sent, options)) answer.push(toJson(method.output, one, { registry }));
      return { answer };
    }
    const answer = await client[name](sent, options);
    return { answer: toJson(method.output, answer, { registry }), rateLimit };
  } catch (error) {
    if (!(error instanceof ConnectError)) throw error;
    return { code: codeName(error.code), message: error.rawMessage, ...details(error) };
  }
}

// As gRPC writes it: NOT_FOUND for NotFound.
function codeName(code) {
  return Code[code].replace(/(?!^)([A-Z])/g, "_$1").toUpperCase();
}

// The reason of the ErrorInfo, and the fields of the BadRequest.
function details(error) {
  const told = {};
  for (const { type, value } of error.details) told[type] = fromBinary(registry.getMessage(type), value);
  const info = told["google.rpc.ErrorInfo"];
  const violations = told["google.rpc.BadRequest"]?.fieldViolations ?? [];
  return { domain: info.domain, reason: info.reason, fields: violations.map(({ field }) => field) };
}

const outcomes = [];
for (const [name, ...call] of calls) outcomes.push({ call: name, ...(await make(...call)) });
console.log(JSON.stringify(outcomes));
