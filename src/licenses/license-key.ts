import { randomInt } from 'node:crypto';

const ALPHABET = 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789';

/** `{prefix}-XXXX-XXXX-XXXX` with 60 random bits, of symbols that are not mistaken for each other (rules L2). */
export function drawLicenseKey(prefix: string, draw: (below: number) => number = randomInt): string {
  const block = () => Array.from({ length: 4 }, () => ALPHABET[draw(ALPHABET.length)]).join('');
  return [prefix, block(), block(), block()].join('-');
}
