import type { Operations } from '../../../generated/operations.gen.ts';
import type { Snapshot } from '../db/snapshot.ts';
import type { Fields } from '../errors.ts';
import type { Work } from '../work.ts';
import type { Page } from './pagination.ts';
import type { Principal, Scope } from './principal.ts';

/** What a handler gets beside its input. `db` is the transaction or the snapshot of the request; in manual ones a read handle. */
export interface Context extends Work {
  readonly principal: Principal;
  readonly scope: Scope;
  /** Value of If-Match: a version, `*`, or undefined when it was not sent. */
  readonly ifMatch: number | '*' | undefined;
  /**
   * Fires at the deadline of the request (contract 1.15) and, for a GET, when the caller has gone: whatever works
   * outside the database (threads, calls) ends with it. Never for cron.
   */
  readonly signal: AbortSignal;
  readonly userAgent: string | null;
  /** The raw session cookie, for logout. */
  readonly sessionToken: string | undefined;
  /** True when the call came in under /api/v1. */
  readonly v1: boolean;
  /** Cleans and validates one item of a batch (`x-batch: true`) by a schema of the contract, like any other body. */
  judge(schema: string, item: unknown): { value: unknown; fields?: Fields | undefined };
  /** Only in operations marked `x-transaction: manual`: one committed transaction per call. */
  transaction<T>(run: (context: Context) => Promise<T>): Promise<T>;
  /** Only in operations marked `x-transaction: manual`: reads of several statements. */
  snapshot: Snapshot;
}

/** An answer with a chosen status, headers, or a body that is not JSON. */
export interface Reply<S extends number = number, B = unknown> {
  readonly kind: 'reply';
  status: S;
  body: B;
  headers: Record<string, string>;
  /** Makes the Link header of a page whose list is a member of the body. */
  next?: Page<unknown>['next'];
}
export const reply = <S extends number, B>(status: S, body: B, headers: Record<string, string> = {}): Reply<S, B> => ({
  kind: 'reply',
  status,
  body,
  headers,
});

type Part<D, P extends string> = P extends keyof D ? Exclude<D[P], undefined> : never;
type Member<P extends string, T> = [T] extends [never] ? unknown : { [K in P]: T };
/** Built from the parts alone, without the URL: so an operation and its v1 twin have the same input type. */
type Input<Path, Query, B> = Member<'path', Path> & Member<'query', Query> & Member<'body', B>;
type Body<B> = [B] extends [never]
  ? // biome-ignore lint/suspicious/noConfusingVoidType: a handler of a 204 returns nothing
    void
  : unknown extends B
    ? unknown
    : B extends (infer T)[]
      ? Page<T>
      : B extends Blob | File
        ? Uint8Array
        : B;
type IsUnion<T, U = T> = T extends unknown ? ([U] extends [T] ? false : true) : never;
type Answer<R> =
  IsUnion<keyof R> extends true
    ? { [S in keyof R & number]: Reply<S, Body<R[S]>> }[keyof R & number]
    : Body<R[keyof R]> | Reply<keyof R & number, Body<R[keyof R]>>;

type Handler<O> = O extends { data: infer D; responses: infer R }
  ? (input: Input<Part<D, 'path'>, Part<D, 'query'>, Part<D, 'body'>>, context: Context) => Promise<Answer<R>>
  : never;

/** The handlers of one tag: missing, extra or ill-typed ones do not compile. */
export type Handlers<Tag extends keyof Operations> = { [Id in keyof Operations[Tag]]: Handler<Operations[Tag][Id]> };

/** Every tag of the contract with its handlers. */
export type AllHandlers = { [Tag in keyof Operations]: Handlers<Tag> };
