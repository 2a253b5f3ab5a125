// The simulator's commands, as processes.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { type Service, startService } from '../e2e/service.js';
import { eventually } from '../eventually.js';
import { Receiver } from './receiver.js';

const ROOT = join(import.meta.dirname, '..', '..');

const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> };

/** What npm would run. It is run without npm, which takes longer than most of the commands. */
function programOf(script: string): string[] {
  return (scripts[script] ?? '').replace(/^exec /, '').split(' ');
}

/** `name`: an npm script, which is run without npm, or an npm command line. */
class Command {
  output = '';
  readonly #child: ChildProcess;
  readonly ended: Promise<number | null>;

  constructor(name: string, args: readonly string[], env: Record<string, string> = {}) {
    const { PATH, HOME } = process.env;
    const options = { cwd: ROOT, env: { PATH, HOME, ...env }, detached: true };
    const [program = '', ...before] = name.startsWith('npm ') ? `${name} --`.split(' ') : programOf(name);
    this.#child = spawn(program, [...before, ...args], { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (text) => {
        this.output += String(text);
      });
    }
    this.ended = once(this.#child, 'close').then(([code]) => code as number | null);
  }

  /** Signals all of its processes, like a terminal. */
  interrupt(signal: 'SIGINT' | 'SIGKILL' = 'SIGINT'): void {
    if (this.#child.exitCode === null && this.#child.signalCode === null) process.kill(-(this.#child.pid ?? 0), signal);
  }

  says(pattern: RegExp): Promise<void> {
    return eventually(() => expect(this.output).toMatch(pattern));
  }
}

describe('the commands', () => {
  const commands: Command[] = [];
  const services: Service[] = [];
  const run = (...parameters: ConstructorParameters<typeof Command>) => {
    const command = new Command(...parameters);
    commands.push(command);
    return command;
  };
  const service = async () => {
    const started = await startService();
    services.push(started);
    return started;
  };
  afterEach(async () => {
    for (const command of commands.splice(0)) command.interrupt('SIGKILL');
    for (const one of services.splice(0)) await one.stop();
  });

  it('simulate plays a scenario and prints a summary that matches the service', async () => {
    const { url, request } = await service();
    const options = ['--participants', '40', '--seconds', '3', '--duplicates', '10%', '--seed', 'x'];
    const command = run('simulate', ['contact-center', ...options, '--callback', `${url}/callbacks/bandwidth`]);
    expect(await command.ended).toBe(0);
    expect(command.output).toMatch(/participants +40/);
    expect(command.output).toMatch(/responses +\d+ × 204\n/);
    expect(command.output).toContain('100 %');
    const { json } = await request('/v1/participants?state=connected,reconnecting,gone&limit=1000');
    expect(json.items).toHaveLength(40);
    expect((await request('/v1/occupancy')).json).toMatchObject({ connected: 0 });
  });

  it('simulate reports webhooks that were not accepted, and fails', async () => {
    const receiver = await Receiver.start(() => ({ status: 503 }));
    const retries = ['--attempts', '2', '--backoff', '1ms'];
    const options = ['--participants', '10', '--seconds', '1', ...retries];
    const command = run('simulate', ['ghosts', ...options, '--callback', `http://${receiver.host}/`]);
    expect(await command.ended).toBe(1);
    receiver.stop();
    expect(command.output).toMatch(/responses +(\d+) × 503\n/);
    const [, sent] = /sent +(\d+) in/.exec(command.output) ?? [];
    expect(command.output).toContain(`${sent} sent again`);
    expect(receiver.received).toHaveLength(Number(sent) * 2);
  });

  it.each([
    ['simulate', ['massdrop', '--callback', 'http://127.0.0.1/'], /Did you mean mass-drop\? Scenarios: meeting, /],
    [
      'simulate',
      ['nobody', '--callback', 'http://127.0.0.1/'],
      /'nobody' is invalid for argument 'scenario'\. Scenarios: meeting, /,
    ],
    ['simulate', ['meeting'], /'--callback <url>' is missing\./],
    ['simulate', ['meeting', '--calback', 'http://x'], /unknown option '--calback' \(Did you mean --callback\?\)/],
    ['simulate', ['meeting', '--callback', 'http://x', '--loss', '1'], /--loss.*Use a percentage/],
    [
      'simulate',
      ['meeting', '--callback', 'http://x', '--rate', '1', '--seconds', '9'],
      /need a run of 250 s, more than 9 s/,
    ],
    ['simulator', ['--scenario', 'ghost'], /Did you mean ghosts\?/],
    ['simulator', ['--allowed-hosts', 'http://x'], /--allowed-hosts.*Use host names/],
    ['simulator', ['--callback-hosts', 'x:80'], /--callback-hosts.*Use host names/],
    ['accuracy', ['flaky'], /Did you mean flaky-mobile\?/],
    ['accuracy', ['all', '--loss', '1%'], /'--loss' is for one scenario, not for all\./],
    ['accuracy', ['all', '--live'], /'--live' is for one scenario, not for all\./],
    ['accuracy', ['meeting', '--quick'], /'--quick' is for all scenarios\./],
    ['accuracy', ['meeting', '--clock-offset', '-2'], /--clock-offset.*Use a time with its unit, from -10m to 10m/],
  ])('%s %j is rejected in one line, with an example', async (name, args, message) => {
    const command = run(name, args);
    expect(await command.ended).toBe(1);
    expect(command.output).toMatch(message);
    expect(command.output).toMatch(new RegExp(`^error: [^\\n]+[.)] Example: npm run ${name} -- [^\\n]+\\n$`));
  });

  it.each(['simulate', 'accuracy'])('%s without arguments shows its help, and fails', async (name) => {
    const command = run(name, []);
    expect(await command.ended).toBe(1);
    expect(command.output).toMatch(
      new RegExp(`^Usage: npm run ${name} --[^]+Example:\\n +npm run ${name} -- meeting `),
    );
    const help = run(name, ['--help']);
    expect(await help.ended).toBe(0);
    expect(help.output).toBe(command.output);
  });

  it('simulate has an example that works', async () => {
    const { url } = await service();
    const help = run('npm run --silent simulate', ['--help']);
    expect(await help.ended).toBe(0);
    const [, example = ''] = /npm run simulate -- (meeting .+)\n/.exec(help.output) ?? [];
    expect(example).toContain('http://127.0.0.1:3000');
    // The same, but shorter.
    const args = example.replace('http://127.0.0.1:3000', url).replace('--seconds 10', '--seconds 1').split(' ');
    const command = run('npm run --silent simulate', args);
    expect(await command.ended).toBe(0);
    expect(command.output).toMatch(/responses +\d+ × 204\n/);
  });

  it('simulate exits on Ctrl-C while it waits to retry a webhook', async () => {
    const receiver = await Receiver.start(() => ({ status: 503 }));
    const retries = ['--attempts', '20', '--backoff', '10m'];
    const command = run('simulate', [
      'ghosts',
      '--participants',
      '1',
      '--seconds',
      '1',
      ...retries,
      '--callback',
      `http://${receiver.host}/`,
    ]);
    await eventually(() => expect(receiver.received.length).toBeGreaterThan(0));
    command.interrupt();
    expect(await command.ended).toBe(1);
    receiver.stop();
    expect(command.output).toMatch(/responses +\d+ × 503\n/);
  });

  it('simulator listens, and exits on SIGINT', async () => {
    const command = run('simulator', ['--port', '0']);
    await command.says(/listens on http:\/\/127\.0\.0\.1:\d+ /);
    const [, url = ''] = /listens on (\S+)/.exec(command.output) ?? [];
    expect((await fetch(`${url}/control`)).status).toBe(200);
    const second = run('simulator', ['--port', new URL(url).port]);
    expect(await second.ended).toBe(1);
    expect(second.output).toContain('EADDRINUSE');
    command.interrupt();
    expect(await command.ended).toBe(0);
  });

  it('simulator, started as in docker-compose.yml, accepts its host name and may send to Rollcall', async () => {
    const compose = readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8');
    const [, list = ''] = /command: \["node", "simulator\/dist\/main.js", (.*)\]/.exec(compose) ?? [];
    const command = run('simulator', [...JSON.parse(`[${list}]`), '--host', '127.0.0.1', '--port', '0']);
    await command.says(/listens on/);
    const [, url = ''] = /listens on (\S+)/.exec(command.output) ?? [];
    const create = async (host: string, callbackUrl: string) => {
      const headers = { host, 'content-type': 'application/json' };
      const creating = request(`${url}/control/participants`, { method: 'POST', headers });
      creating.end(JSON.stringify({ callbackUrl }));
      const [response] = (await once(creating, 'response')) as [IncomingMessage];
      response.resume();
      return response.statusCode;
    };
    expect(await create('simulator:3001', 'http://rollcall:3000/callbacks/bandwidth')).toBe(201);
    expect(await create('127.0.0.1:3001', 'http://rollcall:3000/callbacks/bandwidth')).toBe(201);
    expect(await create('simulator:3001', 'http://redis:6379/')).toBe(400);
    expect(await create('rollcall:3001', 'http://rollcall:3000/callbacks/bandwidth')).toBe(403);
  });

  it('simulate sends to any given host', async () => {
    const receiver = await Receiver.start();
    const callback = `http://${receiver.host.replace('127.0.0.1', '0.0.0.0')}/`;
    const command = run('simulate', ['ghosts', '--participants', '1', '--seconds', '1', '--callback', callback]);
    expect(await command.ended).toBe(0);
    receiver.stop();
    expect(receiver.received.length).toBeGreaterThan(0);
  });

  it.each([
    ['a meeting', [], /room-1 +[\da-f]{8} +new → connected/],
    ['a meeting of BRTC', ['--source', 'brtc'], /room-1 +e-[\da-f]{6} +new → connected/],
    ['the webhooks about a meeting', ['--webhooks'], /tag\.occupied +room-1 +msg_\S+ +genuine/],
  ])('demo shows %s, and Ctrl-C stops all of its processes', async (_, options, connected) => {
    const command = run('demo', options, { PORT: '0', SIMULATOR_PORT: '0' });
    await command.says(connected);
    const [, participants = '', page = ''] =
      /(http\S+\/v1\/participants)[\s\S]*simulator +(http\S+)/.exec(command.output) ?? [];
    const { items } = (await (await fetch(participants)).json()) as { items: unknown[] };
    expect(items.length).toBeGreaterThan(0);
    expect(await (await fetch(page)).text()).toContain('Provider simulator');
    command.interrupt();
    expect(await command.ended).toBe(0);
    await expect(fetch(participants)).rejects.toThrow();
    await expect(fetch(page)).rejects.toThrow();
  });

  it('demo refuses a source that it does not know, and options that it does not have', async () => {
    for (const options of [['--source', 'zoom'], ['--sources', 'brtc'], ['brtc']]) {
      const command = run('demo', options);
      expect(await command.ended).toBe(1);
      expect(command.output).toContain('Example: npm run demo -- --source brtc');
    }
  });
});
