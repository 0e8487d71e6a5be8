import { createHash } from 'node:crypto';
import { stripTypeScriptTypes } from 'node:module';

/** What the worker has put into the one file that it mutates, while it does. */
const instead = (source, path) => (globalThis.mutation?.path === path ? globalThis.mutation.text : source);

/** As test/support/strip-types.mjs, with the mutant in its place. */
export default {
  process: (source, path) => ({ code: stripTypeScriptTypes(instead(source, path)) }),
  getCacheKey: (source, path) => createHash('sha1').update(path).update(instead(source, path)).digest('hex'),
};
