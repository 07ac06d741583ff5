// A provider of OpenID Connect that does wrong what it is told to, for tests of what is not believed.
//
// usage: odd_openid_provider.mjs. Prints {"issuer"} once it listens, and runs until it is killed. It does what was
// last sent to POST /do, as {"kind", "sub", "email"}; see `faults`. Without a fault its answers are good.
import { createServer } from "node:http";
import { generateKeyPair, exportJWK, SignJWT, UnsecuredJWT } from "jose";

const CLIENT = "keyward";
const now = () => Math.floor(Date.now() / 1000);
const [good, other] = await Promise.all([generateKeyPair("ES256"), generateKeyPair("ES256")]);
const jwk = { ...(await exportJWK(good.publicKey)), kid: "good", alg: "ES256", use: "sig" };

const server = createServer();
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const issuer = `http://127.0.0.1:${server.address().port}`;

let told = {};
// Of each code, what has to come back in its token.
const nonces = new Map();

// What becomes of the claims of a good token, or of the token.
const faults = {
  nonce: (claims) => ({ ...claims, nonce: "another" }),
  "no nonce": ({ nonce, ...claims }) => claims,
  audience: (claims) => ({ ...claims, aud: "another" }),
  "two audiences": (claims) => ({ ...claims, aud: [CLIENT, "another"] }),
  party: (claims) => ({ ...claims, azp: "another" }),
  expired: (claims) => ({ ...claims, iat: now() - 700, exp: now() - 100 }),
  issuer: (claims) => ({ ...claims, iss: "https://another.example.com" }),
  "no subject": (claims) => ({ ...claims, sub: "" }),
  unverified: (claims) => ({ ...claims, email_verified: false }),
  "not said to be verified": ({ email_verified, ...claims }) => claims,
};

async function token(code) {
  const good_claims = {
    iss: issuer,
    sub: told.sub,
    aud: CLIENT,
    iat: now(),
    exp: now() + 3600,
    nonce: nonces.get(code),
    email: told.email,
    email_verified: true,
  };
  const claims = faults[told.kind]?.(good_claims) ?? good_claims;
  switch (told.kind) {
    case "none":
      return new UnsecuredJWT(claims).encode();
    case "shared secret":
      return new SignJWT(claims).setProtectedHeader({ alg: "HS256" }).sign(new TextEncoder().encode("secret".repeat(6)));
    case "another key":
      return new SignJWT(claims).setProtectedHeader({ alg: "ES256", kid: "good" }).sign(other.privateKey);
    case "unknown key":
      return new SignJWT(claims).setProtectedHeader({ alg: "ES256", kid: "unknown" }).sign(other.privateKey);
    default:
      return new SignJWT(claims).setProtectedHeader({ alg: "ES256", kid: "good" }).sign(good.privateKey);
  }
}

async function body(request) {
  let text = "";
  for await (const piece of request) text += piece;
  return text;
}

function json(response, status, value) {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(value));
}

const paths = {
  "/do": async (request, response) => {
    told = JSON.parse(await body(request));
    json(response, 200, {});
  },
  "/.well-known/openid-configuration": (_, response) => {
    json(response, told.kind === "away" ? 503 : 200, {
      issuer: told.kind === "names another" ? "https://another.example.com" : issuer,
      authorization_endpoint: `${issuer}/auth`,
      token_endpoint: `${issuer}/token`,
      jwks_uri: `${issuer}/jwks`,
      response_types_supported: ["code"],
      subject_types_supported: ["public"],
      // It may say so; that makes no token without a signature good.
      id_token_signing_alg_values_supported: ["ES256", "HS256", "none"],
    });
  },
  "/jwks": (_, response) => json(response, 200, { keys: [jwk] }),
  "/auth": (_, response, query) => {
    const code = `code-${nonces.size}`;
    nonces.set(code, query.get("nonce"));
    const back = new URL(query.get("redirect_uri"));
    back.searchParams.set("code", code);
    back.searchParams.set("state", told.kind === "state" ? "another" : query.get("state"));
    if (told.kind === "says another issuer") back.searchParams.set("iss", "https://another.example.com");
    response.writeHead(303, { location: back.href });
    response.end();
  },
  "/token": async (request, response) => {
    const code = new URLSearchParams(await body(request)).get("code");
    const answer = { access_token: "a", token_type: "Bearer", id_token: await token(code) };
    switch (told.kind) {
      case "token refused":
        return json(response, 400, { error: "invalid_grant" });
      case "token fails":
        return json(response, 500, {});
      case "no token":
        return json(response, 200, { access_token: "a", token_type: "Bearer" });
      case "no JSON":
        return response.end("<html>");
      case "huge":
        return json(response, 200, { ...answer, filler: "x".repeat(1_000_000) });
      case "redirected":
        response.writeHead(307, { location: `${issuer}/token` });
        return response.end();
      case "silent":
        return undefined;
      default:
        return json(response, 200, answer);
    }
  },
};

server.on("request", async (request, response) => {
  const url = new URL(request.url, issuer);
  const handler = paths[url.pathname];
  await (handler ? handler(request, response, url.searchParams) : json(response, 404, {}));
});
console.log(JSON.stringify({ issuer }));
