/** One change that no rule allows, and every invariant it must break: those named and no other. */
export interface Corruption {
  name: string;
  sql: string[];
  breaks: string[];
  /** Part of the id that must be named. */
  names?: string;
}

export const first = (table: string, where: string) => `(select min(id) from ${table} where ${where})`;
