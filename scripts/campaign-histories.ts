import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';

/*
 * Many long random histories (test/properties): npm run campaign:histories -- [sqlite|postgres] [name of one file]
 * RUNS histories (200) of up to STEPS steps (60) from SEED (chosen and printed). The seed and path that a failure
 * prints replay it: SEED=… SEED_PATH=… RUNS=1 npm run campaign:histories
 */
const [database = 'sqlite', file = ''] = process.argv.slice(2);
const { RUNS = '200', STEPS = '60', SEED = String(randomInt(2 ** 31)) } = process.env;
console.log(`${RUNS} histories of up to ${STEPS} steps on ${database}, SEED=${SEED}`);
const jest = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', 'node_modules/jest/bin/jest.js'];
const { status } = spawnSync(process.execPath, [...jest, '--maxWorkers=1', `test/properties/${file}`], {
  stdio: 'inherit',
  env: { ...process.env, TEST_DATABASE: database, RUNS, STEPS, SEED },
});
process.exitCode = status ?? 1;
