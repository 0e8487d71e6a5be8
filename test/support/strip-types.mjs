import { stripTypeScriptTypes } from 'node:module';

/** Jest runs exactly what production runs: the source with its types blanked out, lines and columns unchanged. */
export default { process: (source) => ({ code: stripTypeScriptTypes(source) }) };
