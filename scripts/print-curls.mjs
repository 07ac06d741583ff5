// Reads what `keyward setup --output json` printed from stdin and prints two calls to paste.

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const { agentId, apiKey, apiSecret, ownerToken } = JSON.parse(Buffer.concat(chunks).toString());

const address = process.env.KEYWARD_EDGE__LISTEN ?? '127.0.0.1:8080';
const contacts = `http://${address}/v1/open/contacts/chatbots/${agentId}`;
const credentials = `-H 'X-API-Key: ${apiKey}' -H 'X-API-Secret: ${apiSecret}'`;
const contact = { externalReferenceId: 'customer-1', name: 'Ada Lovelace', email: 'ada@example.com' };

console.log(`
Keyward is set up. These secrets are shown this once.

List the contacts of the agent, from another terminal:

curl ${credentials} '${contacts}'

Create a contact:

curl ${credentials} -H 'Content-Type: application/json' -d '${JSON.stringify(contact)}' '${contacts}'

The owner's token, for the management API (Authorization: Bearer ...):

${ownerToken}
`);
