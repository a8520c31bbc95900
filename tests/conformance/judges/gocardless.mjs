// GoCardless's own SDK as a client of the stand-in that our tests trust: it understands every
// answer, finds no field or value that its types do not know, and believes the signatures.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import { GoCardlessClient } from 'gocardless-nodejs/client';
import { Environments } from 'gocardless-nodejs/constants';
import * as errors from 'gocardless-nodejs/errors';
import * as webhooks from 'gocardless-nodejs/webhooks';
import { Shapes } from './gocardless/shape.mjs';

const shapes = new Shapes();
const deliveries = [];
const mailbox = createServer(async (request, response) => {
  deliveries.push({ body: await text(request), signature: request.headers['webhook-signature'] });
  response.writeHead(204).end();
});
await new Promise((done) => mailbox.listen(0, '127.0.0.1', done));
const peer = spawn(process.argv[2], [`http://127.0.0.1:${mailbox.address().port}/`], {
  stdio: ['pipe', 'pipe', 'inherit'],
});
const lines = createInterface(peer.stdout)[Symbol.asyncIterator]();
const { url, accessToken, webhookSecret, mandate } = JSON.parse((await lines.next()).value);

function client(token, options) {
  const client = new GoCardlessClient(token, Environments.Sandbox, options);
  client._api._baseUrl = url;
  return client;
}
const gocardless = client(accessToken);
const strict = client(accessToken, { raiseOnIdempotencyConflict: true });

// What the SDK gives, without what it adds.
function checked(type, { __response__, ...resource }) {
  shapes.check(type, resource);
  return resource;
}

const run = (scenario, resource) => gocardless.scenarioSimulators.run(scenario, { links: { resource } });

async function mandates() {
  const request = await gocardless.billingRequests.create(
    { mandate_request: { currency: 'GBP', scheme: 'bacs' }, metadata: { customer: 'one' } },
    'set-up-1',
  );
  checked('BillingRequest', request);
  const flow = await gocardless.billingRequestFlows.create({
    redirect_uri: 'https://shop.example/back',
    exit_uri: 'https://shop.example/back',
    prefilled_customer: { given_name: 'Ann', family_name: 'Dyke', email: 'ann@example.com' },
    links: { billing_request: request.id },
  });
  assert.ok(checked('BillingRequestFlow', flow).authorisation_url.startsWith(url));
  await run('billing_request_fulfilled', request.id);
  const agreed = checked('BillingRequest', await gocardless.billingRequests.find(request.id));
  assert.equal(agreed.status, 'fulfilled');
  const made = agreed.links.mandate_request_mandate;
  assert.equal(checked('Mandate', await gocardless.mandates.find(made)).status, 'pending_submission');
  await run('mandate_activated', made);
  assert.equal((await gocardless.mandates.find(made)).status, 'active');
}

const asked = (amount) => ({ amount, currency: 'GBP', description: 'Ride', links: { mandate } });

async function payments() {
  const payment = checked('Payment', await gocardless.payments.create(asked(1250), 'payment-1'));
  const again = await gocardless.payments.create(asked(1250), 'payment-1');
  assert.equal(again.id, payment.id);
  await assert.rejects(strict.payments.create(asked(9), 'payment-1'), (error) => {
    assert.ok(error instanceof errors.IdempotentCreationConflictError, error);
    return error.conflictingResourceId === payment.id;
  });
  const status = async () => (await gocardless.payments.find(payment.id)).status;
  for (const [scenario, then] of [
    ['payment_submitted', 'submitted'],
    ['payment_confirmed', 'confirmed'],
    ['payment_paid_out', 'paid_out'],
    ['payment_late_failure', 'failed'],
  ]) {
    await run(scenario, payment.id);
    assert.equal(await status(), then);
  }
  const events = [];
  for await (const event of gocardless.events.all({ payment: payment.id, limit: 2 })) {
    events.push(checked('Event', event).action);
  }
  assert.deepEqual(events, ['failed', 'paid_out', 'confirmed', 'submitted', 'created']);

  const other = await gocardless.payments.create(asked(100));
  const cancelled = checked('Payment', await gocardless.payments.cancel(other.id));
  assert.equal(cancelled.status, 'cancelled');
  await assert.rejects(gocardless.payments.cancel(other.id), errors.InvalidStateError);
  const all = [];
  for await (const one of gocardless.payments.all({ mandate, limit: 1 })) all.push(one.id);
  assert.deepEqual(all, [other.id, payment.id]);
}

async function instant() {
  const request = await gocardless.billingRequests.create({
    payment_request: { amount: 700, currency: 'EUR', description: 'Ride' },
  });
  await run('billing_request_fulfilled_and_payment_paid_out', request.id);
  const paid = checked('BillingRequest', await gocardless.billingRequests.find(request.id));
  const payment = await gocardless.payments.find(paid.links.payment_request_payment);
  assert.equal(checked('Payment', payment).status, 'paid_out');

  const parts = { amount: 300, total_amount_confirmation: 300, links: { payment: payment.id } };
  const refund = checked('Refund', await gocardless.refunds.create(parts, 'refund-1'));
  assert.equal((await gocardless.refunds.create(parts, 'refund-1')).id, refund.id);
  await assert.rejects(gocardless.refunds.create(parts, 'refund-2'), errors.InvalidStateError);
  // Of an instant payment it goes by itself.
  assert.equal(checked('Refund', await gocardless.refunds.find(refund.id)).status, 'paid');
  const { refunds } = await gocardless.refunds.list({ payment: payment.id });
  assert.deepEqual(refunds.map((one) => checked('Refund', one).id), [refund.id]);
  assert.equal((await gocardless.payments.find(payment.id)).amount_refunded, 300);

  const open = await gocardless.billingRequests.create({
    payment_request: { amount: 1, currency: 'GBP' },
  });
  assert.equal((await gocardless.billingRequests.cancel(open.id)).status, 'cancelled');
}

async function instalments() {
  const instalments = ['2035-02-01', '2035-03-01'].map((charge_date) => ({ charge_date, amount: 500 }));
  const schedule = await gocardless.instalmentSchedules.createWithDates(
    { name: 'Lease', currency: 'GBP', total_amount: 1000, instalments, links: { mandate } },
    'schedule-1',
  );
  assert.equal(checked('InstalmentSchedule', schedule).status, 'pending');
  const made = checked('InstalmentSchedule', await gocardless.instalmentSchedules.find(schedule.id));
  assert.equal(made.status, 'active');
  const dates = [];
  for (const id of made.links.payments) {
    dates.push(checked('Payment', await gocardless.payments.find(id)).charge_date);
  }
  assert.deepEqual(dates, ['2035-02-01', '2035-03-01']);
}

async function refusals() {
  const create = (fields, key) => gocardless.payments.create({ ...asked(100), ...fields }, key);
  const { ValidationFailedError, InvalidApiUsageError, AuthenticationError } = errors;
  await assert.rejects(create({ amount: 0 }), ValidationFailedError);
  await assert.rejects(create({ currency: 'EUR' }), ValidationFailedError);
  await assert.rejects(create({ colour: 'red' }), ValidationFailedError);
  await assert.rejects(create({ links: { mandate: 'MD0' } }), InvalidApiUsageError);
  await assert.rejects(create({}, 'k'.repeat(129)), InvalidApiUsageError);
  await assert.rejects(gocardless.payments.find('PM0'), InvalidApiUsageError);
  await assert.rejects(gocardless.payments.list({ colour: 'red' }), InvalidApiUsageError);
  await assert.rejects(client('wrong').payments.list({}), AuthenticationError);
}

// Every event is told once; what a call made may be told after its answer.
async function messages() {
  const all = new Set();
  for await (const event of gocardless.events.all({ limit: 500 })) all.add(event.id);
  const count = () => deliveries.reduce((sum, { body }) => sum + JSON.parse(body).events.length, 0);
  for (let wait = 0; wait < 500 && count() < all.size; wait += 1) await setTimeout(20);
  const told = deliveries.flatMap(({ body, signature }) => {
    assert.throws(() => webhooks.parse(`${body} `, webhookSecret, signature));
    assert.throws(() => webhooks.parse(body, 'another', signature));
    const { events, webhookId } = webhooks.parseWithMeta(body, webhookSecret, signature);
    assert.ok(webhookId);
    return events.map((event) => checked('Event', event).id);
  });
  assert.equal(told.length, all.size);
  assert.deepEqual(new Set(told), all);
  return told.length;
}

let failed;
try {
  for (const judge of [mandates, payments, instant, instalments, refusals]) await judge();
  const told = await messages();
  console.log(`gocardless-nodejs: ${shapes.checked} answers and events fit its types, ${told} of them signed`);
} catch (error) {
  console.error(error.stack);
  failed = true;
}
peer.stdin.end();
mailbox.close();
mailbox.closeAllConnections();
process.exit(failed ? 1 : 0);
