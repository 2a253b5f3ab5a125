// npm run accuracy, as a process: in virtual time, in real time, and the goals that hold.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { closeOnce } from '../leftovers.js';

const ROOT = join(import.meta.dirname, '..', '..');

class Accuracy {
  output = '';
  readonly ended: Promise<number | null>;
  readonly #child: ChildProcess;

  constructor(args: readonly string[], env: Record<string, string> = {}) {
    const { PATH, HOME } = process.env;
    const options = { cwd: ROOT, env: { PATH, HOME, ...env } };
    this.#child = spawn(process.execPath, ['bench/accuracy.mjs', ...args], options);
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (text) => {
        this.output += String(text);
      });
    }
    this.ended = once(this.#child, 'close').then(([code]) => code as number | null);
    closeOnce(() => void this.#child.kill());
  }

  /** The cells of a receiver's row, by column. */
  async row(receiver: 'Rollcall' | 'naive'): Promise<Record<string, string>> {
    expect([await this.ended, this.output]).toEqual([0, expect.any(String)]);
    const rows = this.output.split('\n').map((line) => line.split('│').map((cell) => cell.trim().replaceAll("'", '')));
    const names = rows.find((row) => row[1] === '(index)') ?? [];
    const cells = rows.find((row) => row[1] === receiver) ?? [];
    return Object.fromEntries(names.map((name, index) => [name, cells[index] ?? '']));
  }
}

const run = ['flaky-mobile', '--participants', '60', '--seconds', '20'];
const disorder = [...run, '--duplicates', '5%', '--reorder', '20%', '--overlap', '1%'];
const lossy = [...run, '--loss', '5%', '--duplicates', '5%', '--reorder', '20%', '--overlap', '10%'];

describe('npm run accuracy', () => {
  /** They run in real time, so they are started first and checked last. */
  let liveDisorder: Accuracy;
  let liveLossy: Accuracy;
  beforeAll(() => {
    liveDisorder = new Accuracy([...disorder, '--live']);
    liveLossy = new Accuracy([...lossy, '--live']);
  });

  it('meets the goals', async () => {
    const quick = new Accuracy(['all', '--quick']);
    expect([await quick.ended, quick.output]).toEqual([0, expect.stringMatching(/\n\d+ cells in \d+ s\n$/)]);
    expect(quick.output).toContain(
      'met: Without loss, clocks within 5 s, dead sockets noticed within 5 s: 100 % right, and nothing announced',
    );
    expect(quick.output).toContain('met: Clocks wrong by 2 s or 30 s, without loss: at least 99.9 % right');
    expect(quick.output).toContain('met: 1 % lost: every wrong answer follows an event that was not reported');
  });

  it('prints the causes of wrong answers', async () => {
    const wrong = new Accuracy(['meeting', '--loss', '20%']);
    expect(await wrong.ended).toBe(0);
    expect(wrong.output).toMatch(/Causes of wrong answers: .*\d % first connect of a device/);
    const right = new Accuracy(['meeting']);
    expect(await right.ended).toBe(0);
    expect(right.output).toContain('Causes of wrong answers: none');
  });

  it('runs a day of shifts in seconds', async () => {
    const day = await new Accuracy(['shifts-24h', '--participants', '30']).row('Rollcall');
    expect(Number(day['participant-seconds'])).toBeGreaterThan(30 * 8 * 3_600);
    expect(day['right, delay aside']).toBe('100 %');
  });

  it('accepts OVERLAP_MS, and rejects a value that is not a time', async () => {
    const overlapping = ['meeting', '--overlap', '50%', '--overlap-within', '30s'];
    const rightWith = async (env: Record<string, string>) =>
      Number.parseFloat((await new Accuracy(overlapping, env).row('Rollcall'))['right, delay aside'] ?? '');
    expect(await rightWith({})).toBeGreaterThan(await rightWith({ OVERLAP_MS: '0' }));
    const rejected = new Accuracy(overlapping, { OVERLAP_MS: '1s' });
    expect(await rejected.ended).toBe(1);
    expect(rejected.output).toMatch(/^error: OVERLAP_MS must be a whole number of milliseconds\. Example: [^\n]+\n$/);
  });

  it('has a page that starts with the worst cell, and explains every cell under 99.9 %', () => {
    const page = readFileSync(join(ROOT, 'docs', 'accuracy.md'), 'utf8');
    const [worst] = /\n\*\*Worst cell: .*/.exec(page) ?? [];
    const [, explained = ''] =
      /\n## Every cell under 99\.9 %\n\nWorst first\.\n\n[^\n]+\n[^\n]+\n([\s\S]*?)\n\n/.exec(page) ?? [];
    const rows = explained.split('\n').map((line) => line.split(' | '));
    expect(worst).toContain(rows[0]?.[2]);
    for (const row of rows) expect(row[3]).toMatch(/^\d+\.\d{3} % [a-z ]+/);
  });

  it('finds Rollcall right in every participant-second when nothing is lost, also in real time', async () => {
    for (const accuracy of [new Accuracy(disorder), liveDisorder]) {
      const rollcall = await accuracy.row('Rollcall');
      expect(Number(rollcall['participant-seconds'])).toBeGreaterThan(1_000);
      expect(rollcall).toMatchObject({
        'right, delay aside': '100 %',
        'wrongly connected': '0 %',
        'wrongly gone': '0 %',
        'never happened': '0',
        'too late': '0',
        missed: expect.stringMatching(/^0 of \d+$/),
      });
      // The naive receiver must be wrong: it reports each interruption as a departure.
      expect(Number((await accuracy.row('naive'))['never happened'])).toBeGreaterThan(10);
    }
  });

  it.each(['Rollcall', 'naive'] as const)('measures the same for %s in virtual and in real time', async (receiver) => {
    const [virtual, live] = await Promise.all([new Accuracy(lossy), liveLossy].map((one) => one.row(receiver)));
    // The same webhooks are lost, so the same announcements are wrong, except one at the time limit.
    for (const column of ['never happened', 'too late', 'missed']) {
      const difference = Number.parseInt(live?.[column] ?? '', 10) - Number.parseInt(virtual?.[column] ?? '', 10);
      expect([column, Math.abs(difference) <= 1]).toEqual([column, true]);
    }
    // Live answers are sampled once a second, of some 60 participants.
    const seconds = (row?: Record<string, string>) => Number(row?.['participant-seconds']);
    expect(Math.abs(seconds(live) / seconds(virtual) - 1)).toBeLessThan(0.05);
    for (const column of ['right, delay aside', 'wrongly connected', 'wrongly gone']) {
      const points = Number.parseFloat(live?.[column] ?? '') - Number.parseFloat(virtual?.[column] ?? '');
      expect([column, Math.abs(points) < 0.5]).toEqual([column, true]);
    }
  });
});
