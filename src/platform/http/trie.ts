import { memo } from '../memo.ts';

/** Path look-up that costs one map access per segment, however many paths the contract has. */
export interface RouteNode<T> {
  literals: Map<string, RouteNode<T>>;
  parameter?: RouteNode<T>;
  route?: { value: T; names: string[] };
}

const node = <T>(): RouteNode<T> => ({ literals: new Map() });

/** Builds the trie of templates such as `/api/products/{id}`. */
export function buildTrie<T>(routes: { path: string; value: T }[]): RouteNode<T> {
  const root = node<T>();
  for (const { path, value } of routes) {
    const names: string[] = [];
    let at = root;
    for (const segment of path.split('/').slice(1)) {
      if (segment.startsWith('{')) {
        names.push(segment.slice(1, -1));
        at = at.parameter ??= node();
      } else {
        at = memo(at.literals, segment, node<T>);
      }
    }
    at.route = { value, names };
  }
  return root;
}

/** A literal segment wins over a parameter. A segment that is not valid percent-encoding matches nothing. */
export function findRoute<T>(
  root: RouteNode<T>,
  path: string,
): { value: T; params: Record<string, string> } | undefined {
  const segments = path.split('/').slice(1);
  const values: string[] = [];
  const hit = walk(root, segments, 0, values);
  if (!hit) return undefined;
  const params: Record<string, string> = {};
  try {
    for (const [i, name] of hit.names.entries()) params[name] = decodeURIComponent(values[i]!);
  } catch {
    return undefined;
  }
  return { value: hit.value, params };
}

function walk<T>(at: RouteNode<T>, segments: string[], i: number, values: string[]): RouteNode<T>['route'] {
  if (i === segments.length) return at.route;
  const segment = segments[i]!;
  const literal = at.literals.get(segment);
  if (literal) {
    const hit = walk(literal, segments, i + 1, values);
    if (hit) return hit;
  }
  if (!at.parameter || segment === '') return undefined;
  values.push(segment);
  const hit = walk(at.parameter, segments, i + 1, values);
  if (!hit) values.pop();
  return hit;
}
