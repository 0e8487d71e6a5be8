import { block, fileOf, json, payloadOf, signed } from './build.ts';
import { keys, sign } from './keys.ts';
import { accepted, refused, type Vector } from './vector.ts';

const good = signed();
const payload = json(payloadOf());
const signature = sign(keys.a, payload);
const base64 = payload.toString('base64');
const [first, second] = [block('LICENSE', base64), block('SIGNATURE', signature.toString('base64'))];

const tampered = (id: string, title: string, bytes: Buffer, by = signature): Vector =>
  refused('bad_signature', `tampered-${id}`, title, fileOf(bytes, by));
const edited = (from: string, to: string): Buffer => Buffer.from(payload.toString().replace(from, to));
const flipped = (bytes: Buffer, index: number): Buffer => {
  const copy = Buffer.from(bytes);
  copy[index]! ^= 1;
  return copy;
};
const { seq: _, ...withoutSeq } = payloadOf();

const forged: Vector[] = [
  tampered('activations', 'Five devices made nine', edited('"maxActivations":5', '"maxActivations":9')),
  tampered('exp', 'A year made longer', edited('"exp":1800007200', '"exp":1900007200')),
  tampered('exp-removed', 'exp taken out', edited('"exp":1800007200,', '')),
  tampered('feature', 'A feature added', edited('["enterprise"', '["beta","enterprise"')),
  tampered('product', 'Another product', edited('A2B3C7', 'A2B3C8')),
  tampered('spaces', 'The same JSON, with spaces', Buffer.from(JSON.stringify(payloadOf(), null, 1))),
  tampered('order', 'The same JSON, its members in another order', json({ seq: 1, ...withoutSeq })),
  tampered('line-end', 'A line end after the JSON', Buffer.concat([payload, Buffer.from('\n')])),
  tampered('types', 'Members of wrong types: the signature is looked at first', json({ ...payloadOf(), exp: 'never' })),
  tampered('signature', 'One bit of the signature', payload, flipped(signature, 40)),
  tampered('signature-r', 'One bit of the first half of the signature', payload, flipped(signature, 0)),
  tampered('zeros', 'A signature of zeros', payload, Buffer.alloc(64)),
  tampered('other', 'The signature of another licence', payload, sign(keys.a, json(payloadOf({ seq: 2 })))),
  tampered('hash', 'The signature of the SHA-256 of the payload', payload, signatureOfHash()),
  tampered('base64', 'The signature of the base64 text', payload, sign(keys.a, Buffer.from(base64))),
  tampered('s-plus-l', 'S + L instead of S: a second spelling of the signature', payload, malleable(signature)),
  refused('unknown_key', 'tampered-kid', 'One character of the kid', fileOf(edited('"kid":"1', '"kid":"2'), signature)),
];

function signatureOfHash(): Buffer {
  return sign(keys.a, Buffer.from('1042f4b55502a5703053f3593d8200dc3585216396df2cb6ac6d2a7ed1811046', 'hex'));
}

/** RFC 8032 wants S < L; lax verifiers take S + L too. */
function malleable(bytes: Buffer): Buffer {
  const order = 2n ** 252n + 27742317777372353535851937790883648493n;
  let sum = BigInt(`0x${Buffer.from(bytes.subarray(32)).reverse().toString('hex')}`) + order;
  const copy = Buffer.from(bytes);
  for (let index = 32; index < 64; index++, sum >>= 8n) copy[index] = Number(sum & 255n);
  return copy;
}

const replaced = (from: string | RegExp, to: string): string => good.replace(from, to);
const oneLine = `-----BEGIN LICENSE-----${base64}-----END LICENSE-----`;
const withBody = (body: string): string => `-----BEGIN LICENSE-----\n${body}\n-----END LICENSE-----\n${second}`;
const bodyOf = (text: string): string => text.split('\n').slice(1, -2).join('\n');

const spaced: Vector[] = [
  accepted('crlf', 'CRLF line ends', good.replaceAll('\n', '\r\n')),
  accepted('cr', 'CR line ends', good.replaceAll('\n', '\r')),
  accepted('no-line-ends', 'Everything in one line', good.replaceAll('\n', '')),
  accepted('no-last-line-end', 'No line end at the end', good.trimEnd()),
  accepted(
    'blank-lines',
    'Blank lines, blanks and tabs around and inside',
    `\n \t\r\n${good.replaceAll('\n', ' \n\t\n')}\n`,
  ),
  accepted('wrapped-64', 'Wrapped at 64 columns', wrapped64()),
];

function wrapped64(): string {
  const wrap = (text: string): string => text.replace(/.{64}(?=.)/g, '$&\n');
  return `-----BEGIN LICENSE-----\n${wrap(base64)}\n-----END LICENSE-----\n-----BEGIN SIGNATURE-----\n${wrap(signature.toString('base64'))}\n-----END SIGNATURE-----\n`;
}

const malformed: Vector[] = (
  [
    ['empty', 'Nothing', ''],
    ['blank', 'Only line ends', '\n\n'],
    ['license-only', 'No signature block', first],
    ['signature-only', 'No licence block', second],
    ['swapped-blocks', 'The signature block first', second + first],
    [
      'swapped-contents',
      'The signature in the licence block, the payload in the signature block',
      fileOf(signature, payload),
    ],
    ['twice', 'The whole file twice', good + good],
    ['two-licenses', 'Two licence blocks', first + first + second],
    ['two-signatures', 'Two signature blocks', first + second + second],
    ['nested', 'A block in a block', replaced('\n-----END LICENSE', `\n${oneLine}\n-----END LICENSE`)],
    ['lower-case', 'Markers in lower case', good.replaceAll('LICENSE', 'license')],
    ['four-dashes', 'Markers with four dashes', good.replaceAll('-----', '----')],
    ['six-dashes', 'Markers with six dashes', good.replaceAll('-----', '------')],
    ['licence', 'Markers spelled LICENCE', good.replaceAll('LICENSE', 'LICENCE')],
    ['marker-blank', 'Two blanks in a marker', replaced('BEGIN LICENSE', 'BEGIN  LICENSE')],
    ['end-missing', 'No END SIGNATURE', replaced('-----END SIGNATURE-----\n', '')],
    ['end-mixed', 'BEGIN LICENSE ends with END SIGNATURE', replaced('END LICENSE', 'END SIGNATURE')],
    ['text-before', 'Text before the blocks', `Your licence:\n${good}`],
    ['text-between', 'Text between the blocks', `${first}# signature\n${second}`],
    ['text-after', 'Text after the blocks', `${good}-- \nSent from a phone\n`],
    ['quoted', 'Quoted in a mail', good.replace(/^/gm, '> ')],
    ['bom', 'A byte order mark', `\ufeff${good}`],
    ['no-break-space', 'A no-break space', replaced('\n', '\u00a0\n')],
    ['form-feed', 'A form feed', replaced('\n', '\f')],
    ['nul', 'A NUL at the end', `${good}\u0000`],
    ['truncated', 'Cut off in the payload', good.slice(0, 300)],
    ['truncated-base64', 'One character of the payload lost', withBody(bodyOf(first).slice(0, -1))],
    ['truncated-group', 'Two characters of the signature lost', replaced('Aw==\n', '==\n')],
    ['no-padding', 'The payload without its padding', withBody(base64.replace(/=+$/, ''))],
    ['more-padding', 'Three signs of padding', replaced('Aw==\n', 'A===\n')],
    ['padding-inside', 'Padding inside the payload', withBody(`${base64.slice(0, 4)}QQ==${base64.slice(4)}`)],
    ['base64url', 'The signature in base64url', first + block('SIGNATURE', signature.toString('base64url'))],
    ['trailing-bits', 'Unused bits of the last character are not zero', replaced('Aw==\n', 'Ax==\n')],
    ['star', 'A character that is not base64', replaced('eyJ', 'ey*')],
    ['hex', 'The signature in hexadecimal', first + block('SIGNATURE', signature.toString('hex'))],
    ['signature-63', 'A signature of 63 bytes', fileOf(payload, signature.subarray(0, 63))],
    ['signature-65', 'A signature of 65 bytes', fileOf(payload, Buffer.concat([signature, Buffer.alloc(1)]))],
    ['signature-empty', 'An empty signature', `${first}-----BEGIN SIGNATURE-----\n-----END SIGNATURE-----\n`],
    ['payload-empty', 'An empty payload, genuinely signed', fileOf(Buffer.alloc(0), sign(keys.a, Buffer.alloc(0)))],
    ['json', 'The bare payload', payload],
    ['utf16', 'The file in UTF-16', Buffer.from(good, 'utf16le')],
  ] as const
).map(([id, title, file]) => refused('malformed', id, title, file));

export const broken = [...forged, ...spaced, ...malformed];
