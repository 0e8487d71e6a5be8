export interface OutboundRequest {
  method: 'GET' | 'POST';
  url: string;
  headers: Record<string, string>;
  body?: string;
  timeoutMs: number;
  maxBytes: number;
}

/** `body` is parsed JSON in which every number is its text, so that no decimal goes through a float. */
export interface OutboundAnswer {
  status: number;
  body: unknown;
}

export type OutboundProblem = 'unreachable' | 'too slow' | 'redirected' | 'too long' | 'not JSON';

/** Why a service outside gave no answer that can be read. Names the problem only: causes may hold headers or addresses. */
export class OutboundError extends Error {
  readonly problem: OutboundProblem;

  constructor(problem: OutboundProblem) {
    super(`The service outside is ${problem}.`);
    this.name = 'OutboundError';
    this.problem = problem;
  }
}

/**
 * Asks a service outside, once: no redirect is followed, no more than `maxBytes` are read, and everything together takes
 * no longer than `timeoutMs`. Never called inside a transaction (rules X2). Throws OutboundError.
 */
export async function askJson(request: OutboundRequest): Promise<OutboundAnswer> {
  const { method, url, headers, body, timeoutMs } = request;
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const answer = await fetch(url, {
      method,
      headers,
      redirect: 'manual',
      signal,
      ...(body === undefined ? {} : { body }),
    });
    if (answer.status >= 300 && answer.status < 400) {
      await answer.body?.cancel();
      throw new OutboundError('redirected');
    }
    const text = await readText(answer, request.maxBytes);
    return { status: answer.status, body: parse(text) };
  } catch (error) {
    if (error instanceof OutboundError) throw error;
    throw new OutboundError(signal.aborted ? 'too slow' : 'unreachable');
  }
}

async function readText(answer: Response, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of answer.body ?? []) {
    size += chunk.length;
    if (size > maxBytes) throw new OutboundError('too long'); // leaving the loop cancels the rest
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text, (_, value, context?: { source?: string }) =>
      typeof value === 'number' ? (context?.source ?? String(value)) : value,
    );
  } catch {
    throw new OutboundError('not JSON');
  }
}
