import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

export const VECTORS = join(import.meta.dirname, '../../docs/licensing/vectors');

/** One entry of docs/licensing/vectors/index.json. */
export interface Vector {
  id: string;
  title: string;
  file: string;
  keys: string;
  now: string;
  nowUnix: number;
  productId: string;
  licenseKey?: string;
  graceDays: number;
  state: unknown;
  expect: { valid: boolean; reason?: string; inGracePeriod?: boolean; state?: unknown };
  dateOnly?: { valid: boolean; reason?: string };
}

export const readVector = (name: string): Buffer => readFileSync(join(VECTORS, name));
export const readVectorJson = <T>(name: string): T => JSON.parse(readVector(name).toString());
export const vectors = readVectorJson<{ vectors: Vector[] }>('index.json').vectors;

/** Where a program is on this machine, undefined when it is not. */
export function programPath(...names: string[]): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find((path) => existsSync(path));
}
