/** Bytes by key, those used last; never more than a fixed number of bytes. */
export interface ByteCache {
  get(key: string): Uint8Array | undefined;
  set(key: string, bytes: Uint8Array): void;
}

/** `limit` in bytes; what takes more than a quarter of it is not kept. */
export function createByteCache(limit: number): ByteCache {
  const kept = new Map<string, Uint8Array>();
  let size = 0;
  const forget = (key: string): void => {
    size -= kept.get(key)?.byteLength ?? 0;
    kept.delete(key);
  };
  return {
    get(key) {
      const bytes = kept.get(key);
      if (!bytes) return undefined;
      kept.delete(key);
      kept.set(key, bytes); // the last one to go now
      return bytes;
    },
    set(key, bytes) {
      forget(key);
      if (bytes.byteLength > limit / 4) return;
      kept.set(key, bytes);
      size += bytes.byteLength;
      for (const oldest of kept.keys()) {
        if (size <= limit) return;
        forget(oldest);
      }
    },
  };
}
