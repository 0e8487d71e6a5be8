import type { AppError } from '../../platform/errors.ts';
import type { Runtime } from '../../platform/work.ts';
import { type TaxProvider, taxOf } from '../../providers/list.ts';
import type { Access, Question } from '../../providers/tax.ts';
import { taxSecret } from '../../settings/provider-store.ts';
import { askRate, TaxProviderError } from './provider.ts';
import { keyOf } from './quote.ts';
import { loadQuotes, saveQuote } from './store.ts';

const AT_ONCE = 4;
/** After so many failures in a row that are not about a place, the rest is not asked any more. */
const GIVE_UP_AFTER = 3;

/**
 * Asks the provider what no valid quote answers, a few at once and nothing twice, and keeps the rates. Talks to the
 * network: never called inside a transaction (rules X2). Answers the failure of each question that has no rate, by key.
 */
export async function fetchQuotes(
  runtime: Runtime,
  provider: TaxProvider,
  questions: readonly Question[],
): Promise<Map<string, AppError>> {
  const failures = new Map<string, AppError>();
  const known = await loadQuotes(runtime.database.read, provider, questions, runtime.clock.now());
  const open = [...new Map(questions.map((question) => [keyOf(question), question])).entries()];
  const queue = open.filter(([key]) => !known.has(key));
  const secret = queue.length > 0 ? await taxSecret(runtime, provider) : undefined;
  let inARow = 0;
  let last: TaxProviderError | undefined;
  const work = async (): Promise<void> => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const [key, question] = next;
      try {
        if (last && inARow >= GIVE_UP_AFTER) throw last;
        await shared(runtime, provider, key, () => fetchOne(runtime, provider, secret, question));
        inARow = 0;
      } catch (error) {
        if (!(error instanceof TaxProviderError)) {
          queue.length = 0; // the others ask no more either
          throw error;
        }
        last = error;
        inARow = error.everywhere ? inARow + 1 : 0;
        failures.set(key, error);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return failures;
}

/** Throws TaxProviderError. */
async function fetchOne(
  runtime: Runtime,
  name: TaxProvider,
  secret: string | undefined,
  question: Question,
): Promise<void> {
  const provider = taxOf(name);
  if (secret === undefined)
    throw new TaxProviderError(`The tax provider ${provider.title} is enabled, but its key is not set.`, true);
  const { origins, timeoutMs } = runtime.config.providers;
  const now = runtime.clock.now();
  const access: Access = { url: origins[name]!, secret, timeoutMs, id: runtime.newIdAt(now) };
  const rate = await askRate(provider, question, access).catch((error: unknown) => {
    if (error instanceof TaxProviderError) runtime.log.warn({ provider: name, problem: error.message }, 'no tax rate');
    throw error;
  });
  await runtime.database.transaction((db) => saveQuote(db, { ...rate, question, provider: name, fetchedAt: now }));
}

const running = new WeakMap<Runtime['vault'], Map<string, Promise<void>>>();

/** Two that ask the same at the same time share one call. */
function shared(runtime: Runtime, provider: string, key: string, ask: () => Promise<void>): Promise<void> {
  const mine = running.get(runtime.vault) ?? new Map<string, Promise<void>>();
  running.set(runtime.vault, mine);
  const name = `${provider} ${key}`;
  const known = mine.get(name);
  if (known) return known;
  const asked = ask().finally(() => mine.delete(name));
  mine.set(name, asked);
  return asked;
}
