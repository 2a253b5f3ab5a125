// npm run attack, as a process: it only attacks a service that it started itself, and reports the result.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';

const ROOT = join(import.meta.dirname, '..', '..');

async function run(file: string, args: readonly string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [file, ...args], { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (text) => {
      output += String(text);
    });
  }
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output };
}

describe('npm run attack', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-attack-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each([
    'http://192.0.2.1:3000',
    'http://localhost:3000',
    'http://127.0.0.1.example.com:80',
    'http://[2001:db8::1]:80',
  ])('refuses to attack %s, which may be another machine', async (url) => {
    const plan = { attack: 'readiness', url, seed: 1, durationMs: 1_000, target: {} };
    const { code, output } = await run('bench/attack/attacker.mjs', [JSON.stringify(plan)]);
    expect(output).toContain('attacks are for loopback only');
    expect(code).toBe(1);
  });

  it('rejects an unknown attack and lists the known ones', async () => {
    const { code, output } = await run('bench/attack.mjs', ['--only', 'unread-asets']);
    expect(output).toMatch(/^error: .*unread-assets, .* Example: npm run attack -- [^\n]+\n$/);
    expect(code).toBe(1);
  });

  it('attacks its own service while honest callbacks arrive, and exits with 1 if a criterion is not met', async () => {
    const out = join(folder, 'report.json');
    const args = ['--only', 'unread-assets', '--seconds', '2', '--store', 'sqlite', '--seed', 'test', '--out', out];
    const { code, output } = await run('bench/attack.mjs', args);
    const { seed, rounds } = JSON.parse(readFileSync(out, 'utf8'));
    expect(seed).toBe('test');
    expect(rounds).toHaveLength(1);
    const [{ store, attack, control, underAttack, attacker, failed }] = rounds;
    expect({ store, attack }).toEqual({ store: 'sqlite', attack: 'unread-assets' });
    expect(control).toMatchObject({ refused: 0, failed: 0 });
    expect(Math.min(control.count, underAttack.count, attacker.connections)).toBeGreaterThan(0);
    expect(output).toMatch(failed.length === 0 ? /unread-assets: held / : /unread-assets: FAILED: /);
    expect(code).toBe(failed.length === 0 ? 0 : 1);
  });
});
