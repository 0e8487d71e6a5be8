/** The standard CJK collections of the PDF format, named but not embedded (assets/fonts/README.md). */
export type Collection = 'gb1' | 'cns1' | 'japan1' | 'korea1';

const KANA = /[\u3040-\u30ff]/;
const HANGUL = /[\uac00-\ud7a3]/;
const BY_COUNTRY: Readonly<Record<string, Collection>> = {
  JP: 'japan1',
  KR: 'korea1',
  TW: 'cns1',
  HK: 'cns1',
  MO: 'cns1',
};
/** GB1 has every character of the others but hangul. */
const ENCODINGS: Readonly<Record<Exclude<Collection, 'gb1'>, string>> = {
  japan1: 'shift_jis',
  korea1: 'euc-kr',
  cns1: 'big5',
};

/** Han characters look different from country to country: kana and hangul tell, else the country of the customer. */
export function preferredCollection(text: string, country: string | null): Collection {
  if (KANA.test(text)) return 'japan1';
  if (HANGUL.test(text)) return 'korea1';
  return BY_COUNTRY[country ?? ''] ?? 'gb1';
}

/** The preferred collection when it has the character, else one that does. */
export function collectionOf(character: string, preferred: Collection): Collection {
  if (HANGUL.test(character)) return 'korea1';
  return preferred !== 'gb1' && charactersOf(preferred).has(character) ? preferred : 'gb1';
}

const known = new Map<Collection, ReadonlySet<string>>();

/** What the double-byte encoding of the country can write; the collections were made from these. */
function charactersOf(collection: Exclude<Collection, 'gb1'>): ReadonlySet<string> {
  let characters = known.get(collection);
  if (!characters) {
    const bytes: number[] = [];
    for (let lead = 0x81; lead <= 0xfe; lead += 1)
      for (let trail = 0x40; trail <= 0xfe; trail += 1) if (trail !== 0x7f) bytes.push(lead, trail);
    characters = new Set(new TextDecoder(ENCODINGS[collection]).decode(new Uint8Array(bytes)));
    known.set(collection, characters);
  }
  return characters;
}
