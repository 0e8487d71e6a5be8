import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export interface SourceFile {
  /** From the root of the project, e.g. `src/platform/money.ts`. */
  path: string;
  text: string;
  tree: ts.SourceFile;
  /** What it imports: paths from the root, or names of packages. Types count. */
  imports: string[];
  /** Those that are still there when the types are gone. */
  runtimeImports: string[];
}

/** `src/billing/plans/store.ts` -> `billing/plans`; a file directly in a folder of features is one of its own. */
export function featureOf(path: string): string {
  const [first, second, third] = path.replace(/^src\//, '').split('/');
  if (path.startsWith('generated/')) return 'generated';
  if (second === undefined) return first!.replace('.ts', '');
  return first === 'billing' ? `billing/${third === undefined ? second.replace('.ts', '') : second}` : first!;
}

/** Every TypeScript file of `src`, declarations of others' packages aside. */
export function sourceFiles(): SourceFile[] {
  return globSync('src/**/*.ts', { cwd: ROOT })
    .filter((path) => !path.endsWith('.d.ts'))
    .sort()
    .map((path) => {
      const text = readFileSync(join(ROOT, path), 'utf8');
      const tree = ts.createSourceFile(path, text, ts.ScriptTarget.ESNext, true);
      return { path, text, tree, imports: importsOf(path, tree), runtimeImports: importsOf(path, tree, isRuntime) };
    });
}

function importsOf(path: string, tree: ts.SourceFile, counts: (node: ts.Node) => boolean = () => true): string[] {
  const found: string[] = [];
  for (const node of walk(tree)) {
    const isImport = ts.isImportDeclaration(node) || ts.isExportDeclaration(node);
    const name = isImport ? node.moduleSpecifier : isDynamicImport(node) ? node.arguments[0] : undefined;
    if (!name || !ts.isStringLiteral(name) || !counts(node)) continue;
    const local = name.text.startsWith('.');
    found.push(local ? relative(ROOT, join(ROOT, dirname(path), name.text)) : name.text);
  }
  return found;
}

function isRuntime(node: ts.Node): boolean {
  if (ts.isExportDeclaration(node)) return !node.isTypeOnly;
  if (!ts.isImportDeclaration(node)) return true;
  const clause = node.importClause;
  const names = clause?.namedBindings;
  const onlyTypes = names && ts.isNamedImports(names) && !clause.name && names.elements.every((one) => one.isTypeOnly);
  return !clause || !(clause.phaseModifier === ts.SyntaxKind.TypeKeyword || onlyTypes);
}

const isDynamicImport = (node: ts.Node): node is ts.CallExpression =>
  ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword;

/** The node and everything below it. */
export function* walk(node: ts.Node): Generator<ts.Node> {
  yield node;
  for (const child of node.getChildren()) yield* walk(child);
}

const lineOf = (tree: ts.SourceFile, position: number): number => tree.getLineAndCharacterOfPosition(position).line + 1;

/** Places of a file where `matches` finds something, as `path:line`. */
export function placesOf({ path, tree }: SourceFile, matches: (node: ts.Node) => boolean): string[] {
  return [...walk(tree)].filter(matches).map((node) => `${path}:${lineOf(tree, node.getStart())}`);
}

/** Functions and methods with their number of lines, comments above them aside. */
export function functionsOf({ path, tree }: SourceFile): { place: string; lines: number }[] {
  return [...walk(tree)]
    .filter((node) => ts.isFunctionLike(node) && 'body' in node && node.body !== undefined)
    .map((node) => {
      const start = lineOf(tree, node.getStart());
      return { place: `${path}:${start}`, lines: lineOf(tree, node.end) - start + 1 };
    });
}

/** `object.member`, whether it is called or not. */
export const isMember = (object: string, member?: string) => (node: ts.Node) =>
  ts.isPropertyAccessExpression(node) &&
  node.expression.getText() === object &&
  (member === undefined || node.name.text === member);

/** `new Date()`: the clock of the machine. */
export const isNewDate = (node: ts.Node): boolean =>
  ts.isNewExpression(node) && node.expression.getText() === 'Date' && (node.arguments?.length ?? 0) === 0;

export const isAny = (node: ts.Node): boolean => node.kind === ts.SyntaxKind.AnyKeyword;
