const PLAIN = /^[^\s<>()[\]\\,;:"@\p{Cc}]{1,64}@[^\s<>()[\]\\,;:"@\p{Cc}]{1,255}$/u;

/** One address and nothing else: no name, no list, nothing that could end a header or add a recipient. */
export const isPlainAddress = (text: string): boolean => text.length <= 255 && PLAIN.test(text);

/** Text for a header: control characters and line ends become spaces, so that it stays one header. */
export const oneLine = (text: string): string =>
  text
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim()
    .slice(0, 200);
