// A mail server that takes every mail and passes none on, for tests of mail: smtp-server.
//
// usage: smtp_sink.mjs, with {"tls", "key", "cert", "user", "password", "refuse"} on standard input: `tls` is "none",
// "starttls" or "tls", with the key and the certificate as PEM; with `user` it asks for the password; `refuse` is an
// address that it knows nobody of. Prints {"port"} once it listens, then each mail that it takes, as
// {"from", "to", "tls", "user", "text"}, and runs until it is killed.
import { readFileSync } from "node:fs";
import { SMTPServer } from "smtp-server";

const given = JSON.parse(readFileSync(0, "utf8"));

const server = new SMTPServer({
  secure: given.tls === "tls",
  hideSTARTTLS: given.tls !== "starttls",
  key: given.key,
  cert: given.cert,
  authOptional: !given.user,
  authMethods: ["PLAIN", "LOGIN"],
  allowInsecureAuth: true,
  logger: false,
  onAuth({ username, password }, _, done) {
    if (username === given.user && password === given.password) return done(null, { user: username });
    return done(new Error("Invalid username or password"));
  },
  onRcptTo({ address }, _, done) {
    if (address !== given.refuse) return done();
    return done(Object.assign(new Error(`No such user: ${address}`), { responseCode: 550 }));
  },
  async onData(stream, session, done) {
    let text = "";
    for await (const piece of stream) text += piece;
    const { mailFrom, rcptTo } = session.envelope;
    const to = rcptTo.map(({ address }) => address);
    console.log(JSON.stringify({ from: mailFrom.address, to, tls: session.secure, user: session.user ?? null, text }));
    done();
  },
});
// A client that goes away in between is no fault here.
server.on("error", () => {});
server.listen(given.port ?? 0, "127.0.0.1", () => console.log(JSON.stringify({ port: server.server.address().port })));
