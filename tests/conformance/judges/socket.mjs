// npm graphql-ws as the client: what it gets, and what it makes of each close code.
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';

const [url, token, pid] = process.argv.slice(2);
const address = `${url.replace('http', 'ws')}/graphql`;
const FOLLOW = 'subscription { vehicleChanged { cursor } }';
const kind = (data) => JSON.parse(data).type;
let checks = 0;

// A client that is disposed of while it connects rejects a promise that nobody holds. What counts is what it saw.
process.on('unhandledRejection', (reason) => {
  if (reason?.type !== 'close') throw reason;
});

/** A socket that does something wrong, behind a client that does not know. */
const sending = (send) => class extends WebSocket {
  send(data) {
    send(data, (text) => super.send(text), this);
  }
};

function client(options = {}) {
  const seen = { closed: [], connecting: 0 };
  const client = createClient({
    url: address,
    webSocketImpl: WebSocket,
    connectionParams: { token },
    retryAttempts: 1,
    retryWait: () => new Promise((resolve) => setTimeout(resolve, 100)),
    on: {
      connecting: () => seen.connecting++,
      closed: (event) => seen.closed.push(event.code),
    },
    ...options,
  });
  return { client, seen };
}

function check(name, holds, said) {
  checks += 1;
  if (holds) return;
  console.error(`${name}: ${said}`);
  process.exitCode = 1;
}

const until = async (condition, most = 8000) => {
  for (let waited = 0; !condition() && waited < most; waited += 20) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

/** The code that the client sees first, and whether it tries again. */
async function closes(code, again, options, query = FOLLOW) {
  const { client: one, seen } = client(options);
  const end = one.subscribe({ query }, { next() {}, error() {}, complete() {} });
  await until(() => seen.closed.length > 0);
  if (again) await until(() => seen.connecting > 1, 2000);
  else await new Promise((resolve) => setTimeout(resolve, 400));
  check(code, seen.closed[0] === code, `closed with ${seen.closed[0]}`);
  check(code, seen.connecting > 1 === again, again ? 'the client gives up' : 'the client tries again');
  end();
  // Whoever disposes of a client while it connects is told how that ended.
  await (async () => one.dispose())().catch(() => {});
}

async function answers() {
  const { client: one } = client();
  const get = async (query) => {
    for await (const answer of one.iterate({ query })) return answer;
  };
  const queried = await get('{ stations(first: 1) { nodes { id } } }');
  check('query', queried.data.stations.nodes.length === 1, JSON.stringify(queried));
  const refused = await get('{ nonsense }').catch((errors) => errors);
  check('error', refused[0]?.extensions?.code === 'GRAPHQL_VALIDATION_FAILED', JSON.stringify(refused));
  const heard = one.iterate({ query: 'subscription { fleetEvents { cursor kind } }' });
  const first = heard.next();
  await new Promise((resolve) => setTimeout(resolve, 200));
  const number = `C-${Date.now()}`;
  const create = `mutation { createCustomer(input: {name: "${number}"}) { customer { id } userErrors { code } } }`;
  const station = `mutation { createStation(input: {name: "${number}", shortCode: "${number}", capacity: 1, position: {latitude: 1, longitude: 1}}) { station { id } userErrors { code } } }`;
  const created = await get(create);
  check('mutation', created.data.createCustomer.customer !== null, JSON.stringify(created));
  await get(station);
  const event = await Promise.race([first, new Promise((resolve) => setTimeout(resolve, 3000))]);
  check('subscription', event?.value?.data?.fleetEvents?.cursor, JSON.stringify(event));
  await heard.return();
  await one.dispose();
}

async function tooMany() {
  const open = [client(), client()];
  const ends = open.map(({ client: one }) => one.subscribe({ query: FOLLOW }, { next() {}, error() {}, complete() {} }));
  await new Promise((resolve) => setTimeout(resolve, 500));
  await closes(1013, true, {});
  ends.forEach((end) => end());
  await Promise.all(open.map(({ client: one }) => one.dispose()));
}

await answers();
await closes(4400, false, { webSocketImpl: sending((data, send) => send(kind(data) === 'subscribe' ? '{' : data)) });
await closes(4401, false, {
  webSocketImpl: sending((data, send) => {
    if (kind(data) === 'connection_init') send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query: FOLLOW } }));
    else send(data);
  }),
});
await closes(4403, true, { connectionParams: { token: 'nonsense' } });
await closes(4406, false, {
  webSocketImpl: class extends WebSocket {
    constructor(where) {
      super(where, 'graphql-ws');
    }
  },
});
await closes(4408, true, { webSocketImpl: sending((data, send) => kind(data) !== 'connection_init' && send(data)) });
await closes(4409, false, { webSocketImpl: sending((data, send) => (send(data), kind(data) === 'subscribe' && send(data))) });
await closes(4429, false, { webSocketImpl: sending((data, send) => (send(data), kind(data) === 'connection_init' && send(data))) });
await tooMany();
if (pid) {
  const stopped = closes(1012, true, {});
  await new Promise((resolve) => setTimeout(resolve, 500));
  process.kill(Number(pid), 'SIGTERM');
  await stopped;
}
console.log(`graphql-ws: ${checks} checks of answers and close codes`);
process.exit();
