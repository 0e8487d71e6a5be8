import { json, payloadOf, signed, signedBytes, signedJson } from './build.ts';
import { keys } from './keys.ts';
import { accepted, refused, type Vector } from './vector.ts';

const { kid: _, ...withoutKid } = payloadOf();
const LIMIT = 65_536;

/** Features near the 16 KiB that a licence may have. */
const many = Object.fromEntries(
  Array.from({ length: 100 }, (_, index) => [`feature_${index}`.padEnd(64, '_'), 'x'.repeat(80)]),
);
const large = signed({ features: many });

const unicode = {
  customerName: 'Société Générale – 株式会社例 – شركة المثال – חברה – Ελλάς – 😀👩‍👩‍👧 – e\u0301 é \u202Eabc\u202C',
  productName: 'Проект "Ⅷ" \\ \u2028',
  features: { größe: true, 漢字: 'はい', '😀': 1, ['__proto__']: true, constructor: 'x', toString: 0 },
};

const contents: Vector[] = [
  accepted('rules', 'The vector of rules 16.4', signed()),
  accepted('never-expires', 'No exp: never expires', signed({ expires: null }), { now: '2100-01-01T00:00:00Z' }),
  accepted('unlimited-activations', 'No maxActivations', signed({ maxActivations: null })),
  accepted('no-features', 'No features at all', signed({ features: {} })),
  accepted('unicode', 'Names in many scripts, astral, right-to-left, combining, escaped', signed(unicode)),
  accepted(
    'unknown-members',
    'Members that a later server may add are ignored',
    signedJson({ version: 2, ...payloadOf(), notes: { deep: [1, [2, { exp: 0 }]] }, Exp: 1, SEQ: 0 }),
  ),
  accepted('large', 'Features of nearly 16 KiB', large),
  accepted('at-limit', '65536 bytes', large.padEnd(LIMIT)),
  refused('malformed', 'over-limit', '65537 bytes', large.padEnd(LIMIT + 1)),
  refused('malformed', 'huge', 'Very many blanks before a genuine file', `${' '.repeat(200_000)}${signed()}`),
];

const signers: Vector[] = [
  accepted('rotated-oldest', 'Signed before two rotations', signed(), { keys: 'rotated' }),
  accepted('rotated-middle', 'Signed between two rotations', signed({ key: keys.b }), { keys: 'rotated' }),
  accepted('rotated-newest', 'Signed after two rotations', signed({ key: keys.c }), { keys: 'rotated' }),
  refused(
    'unknown_key',
    'rotated-unknown',
    'Signed by a key that the product does not know yet',
    signed({ key: keys.c }),
  ),
  refused('unknown_key', 'foreign', 'Signed by a stranger, who says so', signed({ key: keys.foreign })),
  refused(
    'bad_signature',
    'foreign-lying',
    'Signed by a stranger with the kid of the trusted key',
    signedJson(payloadOf(), keys.foreign),
  ),
  accepted('kid-missing', 'No kid: every trusted key is tried', signedJson(withoutKid, keys.b), { keys: 'rotated' }),
  accepted('kid-missing-one', 'No kid, one trusted key', signedJson(withoutKid)),
  refused(
    'bad_signature',
    'kid-missing-foreign',
    'No kid, signed by a stranger',
    signedJson(withoutKid, keys.foreign),
    { keys: 'rotated' },
  ),
  refused(
    'bad_signature',
    'kid-lying',
    'The kid of one trusted key, the signature of another',
    signedJson(payloadOf({ key: keys.a }), keys.b),
    { keys: 'rotated' },
  ),
  refused(
    'unknown_key',
    'kid-lying-foreign',
    'The kid of a stranger, the signature of the trusted key',
    signedJson(payloadOf({ key: keys.foreign })),
  ),
  refused('unknown_key', 'kid-empty', 'An empty kid is not a missing one', signedJson({ ...payloadOf(), kid: '' })),
  refused('malformed', 'kid-null', 'kid is null', signedJson({ ...payloadOf(), kid: null })),
  refused(
    'malformed',
    'kid-number',
    'kid is a number, and a stranger has signed',
    signedJson({ ...payloadOf(), kid: 1 }, keys.foreign),
  ),
];

const { iat: _iat, ...withoutIat } = payloadOf();
const { exp: _exp, ...withoutExp } = payloadOf();

/** Genuine signatures over what no server of ours signs. */
const payloads: Vector[] = [
  ['payload-text', 'Not JSON', Buffer.from('licence')],
  ['payload-array', 'A JSON array', json([payloadOf()])],
  ['payload-null', 'JSON null', json(null)],
  ['payload-two', 'Two JSON objects', Buffer.concat([json(payloadOf()), json(payloadOf())])],
  ['payload-utf8', 'Not UTF-8', Buffer.from(JSON.stringify(payloadOf({ customerName: 'Société' })), 'latin1')],
  ['payload-bom', 'A byte order mark before the JSON', Buffer.concat([Buffer.from('\ufeff'), json(payloadOf())])],
  ['payload-utf16', 'UTF-16', Buffer.from(JSON.stringify(payloadOf()), 'utf16le')],
  ['exp-text', 'exp is a text', json({ ...payloadOf(), exp: '1800007200' })],
  ['exp-null', 'exp is null', json({ ...payloadOf(), exp: null })],
  ['exp-fraction', 'exp is not whole', json({ ...payloadOf(), exp: 1800007200.5 })],
  ['exp-negative', 'exp is negative', json({ ...payloadOf(), exp: -1 })],
  ['exp-missing', 'No exp, but expiresAt names a day', json(withoutExp)],
  ['iat-missing', 'No iat', json(withoutIat)],
  ['seq-zero', 'seq is 0', json({ ...payloadOf(), seq: 0 })],
  ['seq-true', 'seq is true', json({ ...payloadOf(), seq: true })],
  ['activations-zero', 'maxActivations is 0', json({ ...payloadOf(), maxActivations: 0 })],
  ['activations-null', 'maxActivations is null', json({ ...payloadOf(), maxActivations: null })],
  ['features-object', 'features is an object', json({ ...payloadOf(), features: { pro: true } })],
  ['features-numbers', 'features holds a number', json({ ...payloadOf(), features: ['pro', 1] })],
  ['entitlements-array', 'entitlements is an array', json({ ...payloadOf(), entitlements: [] })],
  ['id-lower', 'licenseId is in lower case', json({ ...payloadOf(), licenseId: 'rustbill-7k3f' })],
  ['id-proto', 'licenseId is __proto__', json({ ...payloadOf(), licenseId: '__proto__' })],
  ['date-time', 'expiresAt is not a date', json({ ...payloadOf(), expiresAt: '2027-01-15T10:00:00Z' })],
  ['product-number', 'productId is a number', json({ ...payloadOf(), productId: 1 })],
].map(([id, title, bytes]) =>
  refused('malformed', `signed-${id}`, `Genuinely signed: ${title}`, signedBytes(bytes as Buffer)),
);

export const genuine = [...contents, ...signers, ...payloads];
