// Whether the server finds a document valid, against npm graphql's validate.
import { readFileSync } from 'node:fs';
import { buildSchema, parse, specifiedRules, validate } from 'graphql';
import WebSocket from 'ws';
import { CHANGES, change } from './oracle/broken.mjs';
import { Random } from './oracle/random.mjs';
import { Writer } from './oracle/valid.mjs';

const [url, sdl, wanted = '1000', seed = '1'] = process.argv.slice(2);
const schema = buildSchema(readFileSync(sdl, 'utf8'));
// Where the server is known to differ, and why it stays so.
const KNOWN = [
  // An ID is a string or a number of 64 bits; the parser of async-graphql keeps no longer ones.
  ({ kind, message }) => kind === 'int beyond 64 bits' && /expected type "ID"/.test(message),
  // It may be valid, and is more than one document may ask for.
  ({ code, message }) => code === 'QUERY_REJECTED' && /more than one secret|too complex|too deep/.test(message),
];
const INVALID = ['GRAPHQL_PARSE_FAILED', 'GRAPHQL_VALIDATION_FAILED', 'QUERY_REJECTED'];

function documents() {
  const random = new Random(Number(seed));
  const kinds = Object.keys(CHANGES);
  const made = [];
  const seen = new Set();
  for (let turn = 0; made.length < Number(wanted); turn++) {
    const operation = random.pick(['query', 'query', 'query', 'mutation', 'subscription']);
    const { text, values } = new Writer(schema, random).document(operation);
    // Every third document is left as it is.
    const kind = turn % 3 === 0 ? 'nothing' : kinds[turn % kinds.length];
    const changed = change(kind, random, text);
    if (changed === null || seen.has(changed)) continue;
    seen.add(changed);
    made.push({ kind, operation, text: changed, values });
  }
  return made;
}

/** What npm graphql says; empty when it is valid. */
function judged(text) {
  try {
    return validate(schema, parse(text), specifiedRules).map((error) => error.message);
  } catch (error) {
    return [error.message];
  }
}

/** The code of the server's refusal of the document itself; null when it is valid. */
class Server {
  #next = 0;
  #waiting = new Map();

  static async connect() {
    const server = new Server();
    server.socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
    await new Promise((resolve, reject) => server.socket.once('open', resolve).once('error', reject));
    server.socket.on('message', (data) => server.#hear(JSON.parse(data)));
    server.socket.on('close', (code) => { throw new Error(`the server closed with ${code}`); });
    await new Promise((resolve) => { server.ready = resolve; server.#send({ type: 'connection_init' }); });
    return server;
  }

  #send(message) {
    this.socket.send(JSON.stringify(message));
  }

  #hear(message) {
    if (message.type === 'connection_ack') this.ready();
    if (message.type === 'ping') this.#send({ type: 'pong' });
    const heard = this.#waiting.get(message.id);
    if (heard && ['next', 'error', 'complete'].includes(message.type)) {
      this.#waiting.delete(message.id);
      heard(message);
    }
  }

  async answer(query, variables) {
    const id = String(this.#next++);
    // A subscription that is valid says nothing; it is asked to end.
    const message = await new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#send({ id, type: 'subscribe', payload: { query, variables, operationName: operationName(query) } });
      setTimeout(() => resolve({ type: 'silence' }), 200);
    });
    this.#waiting.delete(id);
    if (message.type === 'silence') this.#send({ id, type: 'complete' });
    const errors = message.type === 'error' ? message.payload : message.payload?.errors ?? [];
    return errors.find((error) => INVALID.includes(error.extensions?.code) && !error.path) ?? null;
  }

  close() {
    this.socket.removeAllListeners('close');
    this.socket.close();
  }
}

function operationName(text) {
  try {
    const operations = parse(text).definitions.filter((definition) => definition.kind === 'OperationDefinition');
    return operations.length > 1 ? operations[0].name?.value : undefined;
  } catch {
    return undefined;
  }
}

const server = await Server.connect();
const all = documents();
let [valid, wrong, known] = [0, 0, 0];
for (const { kind, text, values } of all) {
  const messages = judged(text);
  valid += messages.length === 0;
  const refused = await server.answer(text, values);
  if ((refused === null) === (messages.length === 0)) continue;
  if (refused && KNOWN.some((one) => one({ kind, code: refused.extensions.code, message: refused.message }))) {
    known += 1;
    continue;
  }
  wrong += 1;
  if (wrong <= 30) console.error(`${kind}: graphql says ${messages[0] ?? 'valid'}, the server says ${refused?.message ?? 'valid'}\n${text}\n`);
}
server.close();
console.log(`graphql: ${all.length} documents, ${valid} valid, ${all.length - valid} invalid, ${wrong} disagreements, ${known} known`);
process.exit(wrong === 0 && all.length >= Number(wanted) ? 0 : 1);
