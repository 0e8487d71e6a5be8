import ts from 'typescript';

/** One change of a source text that its tests ought to notice: `text` in place of what stands from `start` to `end`. */
export interface Mutant {
  kind: 'boundary' | 'equality' | 'arithmetic' | 'boolean' | 'condition' | 'constant' | 'statement';
  start: number;
  end: number;
  text: string;
}

type Swap = [Mutant['kind'], string];
const { SyntaxKind } = ts;
const SWAPS: Partial<Record<ts.SyntaxKind, Swap>> = {
  [SyntaxKind.LessThanToken]: ['boundary', '<='],
  [SyntaxKind.LessThanEqualsToken]: ['boundary', '<'],
  [SyntaxKind.GreaterThanToken]: ['boundary', '>='],
  [SyntaxKind.GreaterThanEqualsToken]: ['boundary', '>'],
  [SyntaxKind.EqualsEqualsEqualsToken]: ['equality', '!=='],
  [SyntaxKind.ExclamationEqualsEqualsToken]: ['equality', '==='],
  [SyntaxKind.PlusToken]: ['arithmetic', '-'],
  [SyntaxKind.MinusToken]: ['arithmetic', '+'],
  [SyntaxKind.AsteriskToken]: ['arithmetic', '/'],
  [SyntaxKind.SlashToken]: ['arithmetic', '*'],
  [SyntaxKind.PercentToken]: ['arithmetic', '*'],
  [SyntaxKind.PlusEqualsToken]: ['arithmetic', '-='],
  [SyntaxKind.MinusEqualsToken]: ['arithmetic', '+='],
  [SyntaxKind.AmpersandAmpersandToken]: ['boolean', '||'],
  [SyntaxKind.BarBarToken]: ['boolean', '&&'],
};

const isText = (node: ts.Node): boolean => ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node);

/** Another value of a literal; what names a module or a member is no value. */
function otherLiteral(node: ts.Node): string | undefined {
  if (ts.isNumericLiteral(node)) return String(Number(node.text) + 1);
  if (ts.isBigIntLiteral(node)) return `${BigInt(node.text.slice(0, -1)) + 1n}n`;
  if (!isText(node) || ts.isPropertyAssignment(node.parent)) return undefined;
  return (node as ts.StringLiteral).text === '' ? "'mutant'" : "''";
}

/** What is done instead of a node, as `[kind, the node that is replaced, text]`. */
function changesOf(node: ts.Node, source: ts.SourceFile): [Mutant['kind'], ts.Node, string][] {
  const negated = (condition: ts.Expression): [Mutant['kind'], ts.Node, string] => [
    'condition',
    condition,
    `!(${condition.getText(source)})`,
  ];
  if (ts.isBinaryExpression(node)) {
    const swap = SWAPS[node.operatorToken.kind];
    return swap ? [[swap[0], node.operatorToken, swap[1]]] : [];
  }
  if (ts.isPrefixUnaryExpression(node)) {
    const bare = node.operand.getText(source);
    if (node.operator === SyntaxKind.ExclamationToken) return [['boolean', node, bare]];
    return node.operator === SyntaxKind.MinusToken ? [['arithmetic', node, bare]] : [];
  }
  if (node.kind === SyntaxKind.TrueKeyword) return [['boolean', node, 'false']];
  if (node.kind === SyntaxKind.FalseKeyword) return [['boolean', node, 'true']];
  if (ts.isConditionalExpression(node)) return [negated(node.condition)];
  if (ts.isIfStatement(node)) return [negated(node.expression)];
  if (ts.isExpressionStatement(node)) return [['statement', node, ';']];
  if (ts.isReturnStatement(node) && node.expression) return [['statement', node, 'return undefined;']];
  const other = otherLiteral(node);
  return other === undefined ? [] : [['constant', node, other]];
}

/** Every mutant of a TypeScript text, in the order in which they stand in it. Types and imports have none. */
export function mutantsOf(text: string): Mutant[] {
  const source = ts.createSourceFile('source.ts', text, ts.ScriptTarget.Latest, true);
  const found: Mutant[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isTypeNode(node) || ts.isImportDeclaration(node) || ts.isInterfaceDeclaration(node)) return;
    for (const [kind, replaced, instead] of changesOf(node, source))
      found.push({ kind, start: replaced.getStart(source), end: replaced.getEnd(), text: instead });
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found.sort((a, b) => a.start - b.start);
}

/** The text with the mutant in it. */
export const mutated = (text: string, { start, end, text: instead }: Mutant): string =>
  text.slice(0, start) + instead + text.slice(end);

/** The line in which a mutant stands, beginning at 1. */
export const lineOf = (text: string, { start }: Mutant): number => text.slice(0, start).split('\n').length;

/** Numbers from 0 to below 1 that are the same for the same seed (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** At most `count` of them, chosen by the seed alone, in their own order. */
export function sample<T>(all: readonly T[], count: number, seed: number): T[] {
  const next = random(seed);
  const drawn = all.map((item, at) => ({ item, at, rank: next() })).sort((a, b) => a.rank - b.rank);
  return drawn
    .slice(0, count)
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
