import { AppError, type Fields } from '../errors.ts';
import { cleanJson } from './body.ts';
import type { Contract } from './contract.ts';
import type { Context } from './operations.ts';
import { createSchemaValidation, type Engine } from './validation.ts';

/** What the router does with a body, for one item of a batch: a malformed one fails nobody else. */
export function createJudge({ untrimmed }: Contract, engine: Engine): Context['judge'] {
  const fieldsOf = createSchemaValidation(engine);
  return (schema, item) => {
    const { value, problem } = cleaned(item, untrimmed);
    return { value, fields: problem ?? fieldsOf(schema, value) };
  };
}

function cleaned(item: unknown, untrimmed: ReadonlySet<string>): { value: unknown; problem?: Fields | undefined } {
  try {
    return { value: cleanJson(item, untrimmed) };
  } catch (error) {
    if (error instanceof AppError && error.code === 'validation_error') return { value: item, problem: error.fields };
    throw error;
  }
}
