import { composePayload } from '../../licenses/signing/payload.ts';
import { isSignedBy } from '../../licenses/signing/signing-key.ts';
import { int, json, optionalInt } from '../../platform/db/columns.ts';
import type { Db } from '../../platform/db/connect.ts';
import type { Features } from '../plans/plan.ts';
import { type Check, MAX_IDS, pagesById, sqlCheck } from './check.ts';

/** INV18, INV19, and INV16 for licences: places, signatures and what was told. */
export const licenseChecks: Check[] = [
  sqlCheck(
    'INV18',
    'the places taken are not the devices registered',
    `select l.id from licenses l left join (
       select license_id, count(*) as devices from license_activations group by license_id
     ) a on a.license_id = l.id
     where l.current_activations <> coalesce(a.devices, 0) or (a.devices > 0 and l.activated_at is null)`,
  ),
  { invariant: 'INV18', detail: 'a device was registered beyond the limit', find: findBeyondLimit },
  { invariant: 'INV19', detail: 'a signature does not fit the licence or its key', find: findMissigned },
  sqlCheck(
    'INV16',
    'license.created is missing',
    `select l.id from licenses l left join (
       select distinct resource_id from events where type = 'license.created'
     ) e on e.resource_id = l.id where e.resource_id is null`,
  ),
  sqlCheck(
    'INV16',
    'the event of the state of a licence is missing',
    `select l.id from licenses l left join (
       select distinct resource_id, type from events where type like 'license.%'
     ) e on e.resource_id = l.id and e.type = 'license.' || l.status
     where l.status <> 'active' and e.resource_id is null`,
  ),
];

/** Every registration was told with the places taken and the limit at that time. */
async function findBeyondLimit(db: Db): Promise<string[]> {
  const wrong: string[] = [];
  const pages = pagesById<{ id: string; body: string }>(
    db,
    `select id, body from events where id > ? and type = 'license.activated' order by id`,
  );
  for await (const page of pages) {
    for (const { id, body } of page) {
      const { reason, currentActivations, maxActivations } = JSON.parse(body).data;
      if (reason === 'device' && maxActivations !== null && currentActivations > maxActivations) wrong.push(id);
    }
    if (wrong.length > MAX_IDS) break;
  }
  return wrong.slice(0, MAX_IDS + 1);
}

interface Row {
  id: string;
  license_key: string;
  customer_id: string;
  product_id: string;
  features: string;
  max_activations: unknown;
  expires_at: string | null;
  seq: unknown;
  kid: string;
  signed_at: string;
  signed_payload: string;
  signature: string;
  public_key: string | null;
  unsigned_since: string | null;
}

async function findMissigned(db: Db): Promise<string[]> {
  const wrong: string[] = [];
  const pages = pagesById<Row>(
    db,
    `select l.*, k.public_key from licenses l left join signing_keys k on k.kid = l.kid
     where l.id > ? and l.signed_payload is not null order by l.id`,
  );
  for await (const page of pages) {
    for (const row of page) if (!isWellSigned(row)) wrong.push(row.id);
    if (wrong.length > MAX_IDS) break;
  }
  return wrong.slice(0, MAX_IDS + 1);
}

/**
 * The names in a payload are those at signing; everything else is what the licence says now (rules L10), unless it waits to
 * be signed again (L15): then only that the signature is genuine.
 */
function isWellSigned(row: Row): boolean {
  return isGenuine(row) && (row.unsigned_since !== null || row.signed_payload === statementOf(row));
}

const isGenuine = ({ public_key: key, signed_payload: payload, signature }: Row): boolean =>
  key !== null && isSignedBy(key, Buffer.from(payload), Buffer.from(signature, 'base64'));

function statementOf(row: Row): string {
  const { customerName, productName } = readNames(row.signed_payload);
  return composePayload({
    licenseKey: row.license_key,
    customerId: row.customer_id,
    customerName,
    productId: row.product_id,
    productName,
    features: json<Features>(row.features),
    maxActivations: optionalInt(row.max_activations),
    signedAt: row.signed_at,
    expiresAt: row.expires_at,
    seq: int(row.seq),
    kid: row.kid,
  });
}

/** A payload that cannot be read has no names, and is not what the licence states. */
function readNames(payload: string): { customerName: string; productName: string } {
  try {
    return JSON.parse(payload);
  } catch {
    return { customerName: '', productName: '' };
  }
}
