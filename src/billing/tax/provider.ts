import { AppError } from '../../platform/errors.ts';
import { askJson, type OutboundAnswer, OutboundError, type OutboundRequest } from '../../platform/outbound.ts';
import type { Question, Rate } from './quote.ts';

/** How one external provider is asked for the rate of a place, and how its answer is read. */
export interface TaxProvider {
  readonly title: string;
  request(question: Question, access: Access): Pick<OutboundRequest, 'url' | 'headers' | 'body'>;
  /** Throws RangeError for whatever is not the expected answer. */
  read(body: unknown, question: Question): Rate;
}

export interface Access {
  readonly url: string;
  readonly secret: string;
  readonly timeoutMs: number;
  /** Names this one call, so that a provider that sees it twice does its work once. */
  readonly id: string;
}

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
export async function askRate(provider: TaxProvider, question: Question, access: Access): Promise<Rate> {
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

function readRate(provider: TaxProvider, question: Question, { status, body }: OutboundAnswer): Rate {
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

/** Helpers of the readers: an expected member, or RangeError. */
export function objectOf(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new RangeError('is no object');
  return value as Record<string, unknown>;
}

export function listOf(value: unknown): unknown[] {
  if (!Array.isArray(value)) throw new RangeError('is no list');
  return value;
}

export function textOf(value: unknown): string {
  if (typeof value !== 'string') throw new RangeError('is no text');
  return value;
}
