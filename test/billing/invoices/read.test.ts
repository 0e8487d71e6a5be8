import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Api, startApp, type TestApp } from '../../support/app.ts';
import { expectRefusal, UNKNOWN_ID } from '../../support/refusals.ts';
import { dunning, type Entity, pay, putInvoice } from '../support.ts';

let app: TestApp;
let own: Record<'draft' | 'paid' | 'void' | 'overdue' | 'due' | 'open', Entity>;
let other: Entity;
let customerId: string;
let subscriptionId: string;
let portal: Api;
let key: Api;
beforeAll(async () => {
  app = await startApp({ config: { sessionExpiryDays: 365 } });
  const sub = await app.given.subscription();
  customerId = sub.customerId;
  subscriptionId = sub.id;
  const open = (await app.api.get(`/api/billing/invoices?subscriptionId=${sub.id}`)).body[0];
  const make = (over: Entity = {}) => app.given.invoice({ customerId, ...over });
  const draft = await make({ status: 'draft' });
  const paid = await make();
  await pay(app, paid.id, '100.00');
  const voided = await make();
  await putInvoice(app, voided.id, { status: 'void' });
  const overdue = await make({ dueDate: app.clock.now() });
  await dunning(app);
  other = await app.given.invoice();
  app.clock.advance({ days: 1 });
  const due = await make({ dueDate: app.clock.now() }); // due, and no run came yet
  own = { open, draft, paid, void: voided, overdue, due };
  portal = app.withSession(await app.given.portalSession(customerId));
  key = app.withKey((await app.given.apiKey({ customerId, access: 'read' })).key);
});
afterAll(() => app.close());

const ids = (rows: Entity[]) => rows.map(({ id }) => id);
const list = async (query: string, api = app.api, base = '/api') =>
  ids((await api.get(`${base}/billing/invoices?${query}`)).body);
const of = (...names: (keyof typeof own)[]) => names.map((name) => own[name].id);

describe('listInvoices', () => {
  test('200 filtered by status, customer, subscription, which add up', async () => {
    expect(await list(`customerId=${customerId}`)).toEqual(of('due', 'overdue', 'void', 'paid', 'draft', 'open'));
    for (const status of ['draft', 'paid', 'void', 'overdue'] as const)
      expect(await list(`status=${status}`)).toEqual(of(status));
    expect(await list(`status=issued&customerId=${customerId}`)).toEqual(of('due', 'open'));
    expect(await list(`subscriptionId=${subscriptionId}`)).toEqual(of('open'));
    expect(await list(`subscriptionId=${subscriptionId}&status=paid`)).toEqual([]);
    expect(await list(`customerId=${UNKNOWN_ID}`)).toEqual([]);
  });

  test('200 overdue=true: overdue, or issued and due; overdue=false: the rest, drafts included', async () => {
    const mine = `customerId=${customerId}`;
    expect(await list(`overdue=true&${mine}`)).toEqual(of('due', 'overdue'));
    expect(await list(`overdue=false&${mine}`)).toEqual(of('void', 'paid', 'draft', 'open'));
  });

  test('200 from and to by createdAt, half open, at any offset', async () => {
    const mine = `customerId=${customerId}`;
    const [first, second] = [own.open.createdAt, own.due.createdAt];
    expect(await list(`${mine}&from=${second}`)).toEqual(of('due'));
    expect(await list(`${mine}&from=${first}&to=${second}`)).toEqual(of('overdue', 'void', 'paid', 'draft', 'open'));
    const offset = encodeURIComponent(second.replace('T10:30:00.000Z', 'T12:30:00+02:00'));
    expect(await list(`${mine}&from=${offset}`)).toEqual(of('due'));
    expectRefusal(
      await app.api.get(`/api/billing/invoices?from=${second}&to=${second}`),
      400,
      'validation_error',
      'to',
    );
  });

  test('200 in pages', async () => {
    const seen: string[] = [];
    let path: string | undefined = `/api/billing/invoices?customerId=${customerId}&limit=4`;
    while (path) {
      const answer = await app.api.get(path);
      seen.push(...ids(answer.body));
      path = /^<([^>]+)>; rel="next"$/.exec(answer.headers.link ?? '')?.[1];
    }
    expect(seen).toEqual(of('due', 'overdue', 'void', 'paid', 'draft', 'open'));
  });

  test.each([
    ['status=open', 'status'],
    ['overdue=yes', 'overdue'],
    ['from=yesterday', 'from'],
    ['subscriptionId=1', 'subscriptionId'],
    ['cursor=x', 'cursor'],
  ])('400 validation_error for ?%s', async (query, field) => {
    expectRefusal(await app.api.get(`/api/billing/invoices?${query}`), 400, 'validation_error', field);
  });

  test.each(['session', 'key'])(
    '200 a %s of a customer: own rows without drafts, a filter only narrows',
    async (kind) => {
      const [api, base] = kind === 'session' ? ([portal, '/api'] as const) : ([key, '/api/v1'] as const);
      expect(await list('', api, base)).toEqual(of('due', 'overdue', 'void', 'paid', 'open'));
      expect(await list('status=draft', api, base)).toEqual([]);
      expect(await list('overdue=false', api, base)).toEqual(of('void', 'paid', 'open'));
      expect(await list(`customerId=${other.customerId}`, api, base)).toEqual([]);
    },
  );
});

describe('getInvoice', () => {
  test('200 with payments, newest first, and credit notes', async () => {
    const invoice = await app.given.invoice({ customerId });
    const first = (await pay(app, invoice.id, '40.00')).body;
    const second = (await pay(app, invoice.id, '70.00')).body;
    const { body, headers } = await app.api.get(`/api/billing/invoices/${invoice.id}`);
    expect(headers.etag).toBe(`"${body.version}"`);
    expect(body).toMatchObject({ status: 'paid', amountPaid: '100.00', creditNotes: [] });
    expect(body.payments).toEqual([second, first]);
    const twin = (await key.get(`/api/v1/billing/invoices/${invoice.id}`)).body;
    expect(twin).toEqual({ ...body, pdfUrl: `/api/v1/billing/invoices/${invoice.id}/pdf` });
  });

  test("404 not_found for an unknown one and, for a customer's caller, a draft and someone else's", async () => {
    expectRefusal(await app.api.get(`/api/billing/invoices/${UNKNOWN_ID}`), 404, 'not_found');
    for (const id of [own.draft.id, other.id]) {
      expect((await app.api.get(`/api/billing/invoices/${id}`)).status).toBe(200);
      expectRefusal(await portal.get(`/api/billing/invoices/${id}`), 404, 'not_found');
      expectRefusal(await key.get(`/api/v1/billing/invoices/${id}`), 404, 'not_found');
    }
  });

  test('a draft shows the present name of the customer, an issued invoice the name of its issue', async () => {
    const customer = await app.given.customer({ name: 'Before' });
    const draft = await app.given.invoice({ customerId: customer.id, status: 'draft' });
    const issued = await app.given.invoice({ customerId: customer.id });
    await app.api.put(`/api/customers/${customer.id}`, { name: 'After' });
    const nameOf = async (id: string) => (await app.api.get(`/api/billing/invoices/${id}`)).body.customerName;
    expect([await nameOf(draft.id), await nameOf(issued.id)]).toEqual(['After', 'Before']);
    expect((await putInvoice(app, draft.id, { status: 'issued' })).body.customerName).toBe('After');
    await app.api.put(`/api/customers/${customer.id}`, { name: 'Later' });
    expect([await nameOf(draft.id), await nameOf(issued.id)]).toEqual(['After', 'Before']);
    const named = (await app.api.get(`/api/billing/invoices?customerId=${customer.id}`)).body;
    expect(named.map(({ customerName }: Entity) => customerName)).toEqual(['Before', 'After']);
  });
});
