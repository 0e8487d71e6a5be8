import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Api, TestApp } from '../../support/app.ts';
import { expectRefusal, UNKNOWN_ID } from '../../support/refusals.ts';
import { closeApps, credit, type Entity, putNote, startAt } from '../support.ts';

let app: TestApp;
let own: Entity;
let notes: Record<'issued' | 'draft' | 'voided' | 'other', Entity>;
/** Role customer, and a key with the customer: each with its path. */
let scoped: [string, Api][];
beforeAll(async () => {
  app = await startAt('2026-03-15T10:30:00.000Z');
  own = await app.given.invoice();
  const note = async (invoiceId: string, over: object = {}) => (await credit(app, invoiceId, '10.00', over)).body;
  const [issued, draft] = [await note(own.id), await note(own.id, { status: 'draft' })];
  const voided = (await putNote(app, (await note(own.id)).id, { status: 'void' })).body;
  notes = { issued, draft, voided, other: await note((await app.given.invoice()).id) };
  const { key } = await app.given.apiKey({ customerId: own.customerId, access: 'read' });
  const token = await app.given.portalSession(own.customerId);
  scoped = [
    ['/api/billing/credit-notes', app.withSession(token)],
    ['/api/v1/billing/credit-notes', app.withKey(key)],
  ];
});
afterAll(closeApps);

const idsOf = ({ body }: { body: Entity[] }) => body.map(({ id }) => id);

describe('listCreditNotes', () => {
  test('200 newest first, by invoice, customer and status, in pages', async () => {
    const { issued, draft, voided, other } = notes;
    const list = async (query: string) => idsOf(await app.api.get(`/api/billing/credit-notes?${query}`));
    expect(await list('')).toEqual([other.id, voided.id, draft.id, issued.id]);
    expect(await list(`invoiceId=${own.id}`)).toEqual([voided.id, draft.id, issued.id]);
    expect(await list(`customerId=${other.customerId}`)).toEqual([other.id]);
    expect(await list('status=draft')).toEqual([draft.id]);
    expect(await list(`status=issued&invoiceId=${own.id}`)).toEqual([issued.id]);
    expect(await list(`invoiceId=${UNKNOWN_ID}`)).toEqual([]);
    const first = await app.api.get('/api/billing/credit-notes?limit=3');
    const next = /<([^>]+)>; rel="next"/.exec(first.headers.link!)![1]!;
    expect([...idsOf(first), ...idsOf(await app.api.get(next))]).toEqual([other.id, voided.id, draft.id, issued.id]);
  });

  test('200 for scoped callers: own ones, and never drafts', async () => {
    const { issued, voided, other } = notes;
    for (const [path, api] of scoped) {
      expect(idsOf(await api.get(path))).toEqual([voided.id, issued.id]);
      expect(idsOf(await api.get(`${path}?status=draft`))).toEqual([]);
      expect(idsOf(await api.get(`${path}?customerId=${other.customerId}`))).toEqual([]);
      expect(idsOf(await api.get(`${path}?invoiceId=${other.invoiceId}`))).toEqual([]);
    }
  });

  test('200 for an operator key: everything', async () => {
    const operator = app.withKey((await app.given.apiKey({ access: 'read' })).key);
    expect((await operator.get('/api/v1/billing/credit-notes')).body).toHaveLength(4);
    expect((await operator.get(`/api/v1/billing/credit-notes/${notes.draft.id}`)).body).toEqual(notes.draft);
  });
});

describe('getCreditNote', () => {
  test('200 for the admin and for its customer', async () => {
    expect((await app.api.get(`/api/billing/credit-notes/${notes.draft.id}`)).body).toEqual(notes.draft);
    for (const [path, api] of scoped) expect((await api.get(`${path}/${notes.issued.id}`)).body).toEqual(notes.issued);
  });

  test('404 not_found for scoped callers when it is a draft or of another customer', async () => {
    for (const [path, api] of scoped)
      for (const id of [notes.draft.id, notes.other.id, UNKNOWN_ID])
        expectRefusal(await api.get(`${path}/${id}`), 404, 'not_found');
    expectRefusal(await app.api.get(`/api/billing/credit-notes/${UNKNOWN_ID}`), 404, 'not_found');
  });

  test('401 without credentials', async () => {
    for (const [path] of scoped) {
      expectRefusal(await app.anonymous.get(path), 401, 'unauthorized');
      expectRefusal(await app.anonymous.get(`${path}/${notes.issued.id}`), 401, 'unauthorized');
    }
  });
});
