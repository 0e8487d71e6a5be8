import { benchBillingRun } from './billing-run/run.ts';
import { benchCatchUp, benchRunners } from './billing-run/several.ts';
import { benchHttp } from './http/run.ts';
import { benchLicenses } from './licenses/run.ts';
import { benchLimits } from './limits/run.ts';
import type { DatabaseName } from './support/databases.ts';
import { usageTable } from './usage/run.ts';

/** `npm run bench [-- http|billing-run|runners|catch-up|usage|licenses|limits]`: ratios measured in one run; figures depend on the machine. */
const wanted = process.argv.slice(2);
const databases = (process.env.DATABASES ?? 'sqlite,postgres').split(',') as DatabaseName[];
const sizes = (process.env.SIZES ?? '1000,10000,100000').split(',').map(Number);
const several = Number(process.env.SEVERAL ?? 10_000);

if (wanted.length === 0 || wanted.includes('http')) {
  process.stdout.write('## The whole pipeline against bare Express with the same SQL\n\n');
  for (const name of databases) process.stdout.write(`${await benchHttp(name)}\n\n`);
}
if (wanted.length === 0 || wanted.includes('billing-run')) {
  process.stdout.write('## The billing run against raw multi-row INSERTs of the same rows\n\n');
  process.stdout.write(`${await benchBillingRun(databases, sizes)}\n`);
}
if (wanted.length === 0 || wanted.includes('runners')) {
  process.stdout.write('\n## Several runners at once on Postgres\n\n');
  process.stdout.write(`${await benchRunners(several)}\n`);
}
if (wanted.length === 0 || wanted.includes('catch-up')) {
  process.stdout.write('\n## The first run after eight weeks of downtime\n\n');
  process.stdout.write(`${await benchCatchUp(databases, several)}\n`);
}
if (wanted.length === 0 || wanted.includes('usage')) {
  process.stdout.write('## Usage in batches of 1 000 against raw multi-row INSERTs of the same rows\n\n');
  process.stdout.write(`${await usageTable(databases)}\n`);
}
if (wanted.length === 0 || wanted.includes('licenses')) {
  process.stdout.write('\n## The public licence checks against bare Express with the same SQL\n\n');
  for (const name of databases) process.stdout.write(`${await benchLicenses(name)}\n\n`);
}
if (wanted.length === 0 || wanted.includes('limits')) {
  process.stdout.write('\n## How long one request can hold the process\n\n');
  process.stdout.write(`${await benchLimits()}\n`);
}
