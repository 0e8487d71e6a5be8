import { AppError } from '../../platform/errors.ts';
import { askJson, type OutboundAnswer, OutboundError } from '../../platform/outbound.ts';
import type { Access, Question, Rate, TaxCapability } from '../../providers/tax.ts';

/** A failed call: about this place only, or such that the next place would fail alike. */
export class TaxProviderError extends AppError {
  readonly everywhere: boolean;

  constructor(message: string, everywhere: boolean) {
    super('provider_error', message);
    this.everywhere = everywhere;
  }
}

const MAX_BYTES = 256 * 1024;
/** What a provider says about one place rather than about us. */
const ABOUT_THE_PLACE = new Set([400, 404, 406, 422]);

/**
 * The rate of a place. Throws TaxProviderError whenever there is no rate that can be believed: a failure is never 0 %
 * (rules V4). Its message names provider and problem, and nothing of the request or the answer.
 */
export async function askRate(provider: TaxCapability, question: Question, access: Access): Promise<Rate> {
  const answer = await askJson({
    method: 'POST',
    ...provider.request(question, access),
    timeoutMs: access.timeoutMs,
    maxBytes: MAX_BYTES,
  }).catch((error: unknown): never => {
    const problem = error instanceof OutboundError ? error.problem : 'unreachable';
    throw new TaxProviderError(`The tax provider ${provider.title} is ${problem}.`, true);
  });
  return readRate(provider, question, answer);
}

function readRate(provider: TaxCapability, question: Question, { status, body }: OutboundAnswer): Rate {
  const place = [question.country, question.state, question.zip].filter(Boolean).join(' ');
  if (status !== 200)
    throw new TaxProviderError(
      `The tax provider ${provider.title} answered ${status} about ${place}.`,
      !ABOUT_THE_PLACE.has(status),
    );
  try {
    return provider.read(body, question);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new TaxProviderError(`The tax provider ${provider.title} gave no rate for ${place} that can be used.`, false);
  }
}
