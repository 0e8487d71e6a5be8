/** Ends a run of the suite with its time per file: what a change made slow is seen in the change. */
export default class Slowest {
  #files = [];

  onTestResult({ path }, { perfStats, numPassingTests }) {
    this.#files.push({ path, seconds: perfStats.runtime / 1000, tests: numPassingTests });
  }

  onRunComplete(contexts, { startTime }) {
    if (this.#files.length < 10) return;
    const root = [...contexts][0]?.config.rootDir ?? '';
    const total = this.#files.reduce((sum, { seconds }) => sum + seconds, 0);
    const slowest = this.#files.sort((one, other) => other.seconds - one.seconds).slice(0, 20);
    const rows = slowest.map(
      ({ path, seconds, tests }) =>
        `${seconds.toFixed(1).padStart(7)} s ${String(tests).padStart(5)} tests  ${path.slice(root.length + 1)}`,
    );
    const wall = (Date.now() - startTime) / 1000;
    process.stderr.write(
      `\nSlowest files of ${this.#files.length} (${total.toFixed(0)} s of work in ${wall.toFixed(0)} s):\n${rows.join('\n')}\n`,
    );
  }
}
