import { readFileSync } from 'node:fs';
import ts from 'typescript';

/** Prints the errors of a file, as `[[line, code], …]`, when its `@ts-expect-error` are plain comments. */
const [file, project] = process.argv.slice(2) as [string, string];
const text = readFileSync(file, 'utf8').replaceAll('@ts-expect-error', 'expected');
const { config } = ts.readConfigFile(project, ts.sys.readFile);
const { options } = ts.parseJsonConfigFileContent(config, ts.sys, project.replace(/[^/]*$/, ''));
const host = ts.createCompilerHost(options);
const readFile = host.readFile.bind(host);
host.readFile = (name) => (name === file ? text : readFile(name));
const program = ts.createProgram([file], options, host);
const source = program.getSourceFile(file)!;
const errors = program
  .getSemanticDiagnostics(source)
  .map(({ start, code }) => [source.getLineAndCharacterOfPosition(start!).line, `TS${code}`]);
process.stdout.write(JSON.stringify(errors));
