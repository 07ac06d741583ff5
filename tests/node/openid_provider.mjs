// A provider of OpenID Connect, for tests of signing in with one: node-oidc-provider, which is certified.
//
// usage: openid_provider.mjs, with {"clientId", "clientSecret", "thin"} on standard input; with `thin` its ID tokens
// have no email address, which only its userinfo tells. Prints {"issuer"} once it listens, and runs until it is killed.
//
// Nobody types here: whoever comes to sign in is the account that was last sent to POST /as, as
// {"sub", "email", "email_verified"}. Without one they say no.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import Provider from "oidc-provider";

const given = JSON.parse(readFileSync(0, "utf8"));
const accounts = new Map();
let current = null;

const server = createServer();
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: given.clientId,
      client_secret: given.clientSecret,
      redirect_uris: ["http://127.0.0.1/callback"],
      response_types: ["code"],
      grant_types: ["authorization_code"],
    },
  ],
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
  conformIdTokenClaims: given.thin,
  cookies: { keys: ["a key for tests"] },
  features: { devInteractions: { enabled: false } },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...accounts.get(id) }) }),
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  loadExistingGrant: async ({ oidc }) => {
    const grant = new provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
    grant.addOIDCScope("openid email profile");
    await grant.save();
    return grant;
  },
  pkce: { methods: ["S256"], required: () => true },
});
// The dashboard's port is not known yet when this starts.
provider.Client.prototype.redirectUriAllowed = (uri) =>
  /^http:\/\/127\.0\.0\.1:[0-9]+\/v1\/console\/oidc\/[a-z]+\/callback$/.test(uri);

async function body(request) {
  let text = "";
  for await (const piece of request) text += piece;
  return JSON.parse(text);
}

const handle = provider.callback();
server.on("request", async (request, response) => {
  if (request.url === "/as") {
    const { sub, ...claims } = await body(request);
    current = sub ?? null;
    accounts.set(sub, claims);
    response.end();
  } else if (request.url.startsWith("/interaction/")) {
    const result = current ? { login: { accountId: current } } : { error: "access_denied" };
    await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
  } else {
    handle(request, response);
  }
});
console.log(JSON.stringify({ issuer }));
