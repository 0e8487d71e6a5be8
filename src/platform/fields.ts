import { AppError, type Fields, invalid } from './errors.ts';

/**
 * Reads one member; a refusal becomes the sentence of that member, so that all failing members are reported
 * (contract 1.8.1). Returns undefined when it was refused.
 */
export function readMember<T>(fields: Fields, name: string, read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof RangeError) && !(error instanceof AppError && error.code === 'validation_error'))
      throw error;
    fields[name] ??= (error instanceof AppError && error.fields?.[name]) || error.message;
    return undefined;
  }
}

/** Throws AppError `validation_error` when a member was refused. */
export function refuseFields(fields: Fields): void {
  for (const _ in fields) throw invalid(fields);
}
