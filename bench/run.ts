import { benchBillingRun } from './billing-run/run.ts';
import { benchHttp } from './http/run.ts';
import type { DatabaseName } from './support/databases.ts';
import { usageTable } from './usage/run.ts';

/** `npm run bench [-- http|billing-run|usage]`: ratios measured in one run; absolute figures depend on the machine. */
const wanted = process.argv.slice(2);
const databases: DatabaseName[] = ['sqlite', 'postgres'];
const sizes = (process.env.SIZES ?? '1000,10000').split(',').map(Number);

if (wanted.length === 0 || wanted.includes('http')) {
  process.stdout.write('## The whole pipeline against bare Express with the same SQL\n\n');
  for (const name of databases) process.stdout.write(`${await benchHttp(name)}\n\n`);
}
if (wanted.length === 0 || wanted.includes('billing-run')) {
  process.stdout.write('## The billing run against raw multi-row INSERTs of the same rows\n\n');
  process.stdout.write(`${benchBillingRun(databases, sizes)}\n`);
}
if (wanted.length === 0 || wanted.includes('usage')) {
  process.stdout.write('## Usage in batches of 1 000 against raw multi-row INSERTs of the same rows\n\n');
  process.stdout.write(`${await usageTable(databases)}\n`);
}
