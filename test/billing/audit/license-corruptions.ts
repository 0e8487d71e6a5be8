import { type Corruption, first } from './corruption.ts';

const SIGNED = first('licenses', 'seq > 0');
const ACTIVE = first('licenses', `status = 'active' and seq = 0`);

/** Each member that a signature states, changed behind its back. */
const unsigned = (change: string): Corruption => ({
  name: `a signed licence with another ${change.split(' ')[0]}`,
  sql: [`update licenses set ${change} where id = ${SIGNED}`],
  breaks: ['INV19'],
});

export const licenses: Corruption[] = [
  {
    name: 'a place taken by nobody',
    sql: [`update licenses set current_activations = current_activations + 1 where id = ${ACTIVE}`],
    breaks: ['INV18'],
  },
  { name: 'a device that nobody counted', sql: ['delete from license_activations'], breaks: ['INV18'] },
  {
    name: 'a device beyond the limit',
    sql: [
      `update events set body = replace(body, '"maxActivations":2', '"maxActivations":1') where type = 'license.activated'`,
    ],
    breaks: ['INV18'],
  },
  unsigned('max_activations = 99'),
  unsigned(`features = '{"pro":false}'`),
  unsigned(`expires_at = '2031-01-01T00:00:00.000Z'`),
  unsigned(`product_id = customer_id`),
  unsigned(`seq = seq + 1`),
  unsigned(`signed_at = '2026-01-01T00:00:00.000Z'`),
  unsigned(`signed_payload = replace(signed_payload, 'Pro', 'Max')`),
  unsigned(`signed_payload = 'no JSON'`),
  unsigned(`signature = 'AAAA'`),
  unsigned(`kid = 'x'`),
  { name: 'a public key is gone', sql: [`delete from signing_keys where status = 'retired'`], breaks: ['INV19'] },
  ...['created', 'revoked', 'suspended', 'expired'].map((type) => ({
    name: `license.${type} is gone`,
    sql: [
      `update events set type = 'x.y', body = replace(body, '"type":"license.${type}"', '"type":"x.y"')
       where type = 'license.${type}'`,
    ],
    breaks: type === 'created' ? ['INV16'] : ['INV16', 'INV28'],
  })),
  {
    name: 'a licence that nobody made',
    sql: [`delete from audit_log where entity_type = 'license'`],
    breaks: ['INV22'],
  },
];
