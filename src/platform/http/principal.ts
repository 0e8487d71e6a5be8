/** Who calls. `customerId` narrows what they may see (contract 1.11, scoping rule). */
export type Principal =
  | { kind: 'anonymous' }
  | {
      kind: 'user';
      userId: string;
      role: 'admin' | 'customer';
      customerId: string | null;
      sessionHash: string;
    }
  | { kind: 'apiKey'; keyId: string; access: 'read' | 'write'; customerId: string | null }
  | { kind: 'cron' };

/** null = every row; otherwise only rows of this customer. Required by every store that reads customer-owned rows. */
export type Scope = string | null;

export function scopeOf(principal: Principal): Scope {
  if (principal.kind === 'user') return principal.role === 'admin' ? null : (principal.customerId ?? 'nobody');
  if (principal.kind === 'apiKey') return principal.customerId;
  return 'nobody';
}
