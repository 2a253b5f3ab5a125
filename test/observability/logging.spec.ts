// Client input in log lines is shown escaped, and cannot affect a terminal or mislead the reader.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { pino } from 'pino';
import { escapeJson } from '../../src/observability/log-escaping.js';
import { terminalFormat } from '../../src/observability/logging.js';
import { eventually } from '../eventually.js';
import { findProgram } from '../find-program.js';
import { closeOnce } from '../leftovers.js';
import { codePoint } from '../unicode-text.js';

const MAIN = join(import.meta.dirname, '..', '..', 'dist', 'main.js');
const RANGES = [
  [0x00, 0x1f],
  [0x7f, 0x9f],
  [0x61c, 0x61c],
  [0x200e, 0x200f],
  [0x2028, 0x202e],
  [0x2066, 0x2069],
] as const;
const UNSAFE = RANGES.flatMap(([first, last]) =>
  Array.from({ length: last - first + 1 }, (_, index) => String.fromCharCode(first + index)),
);
const LONE_SURROGATES = ['\ud83d', '\ude00'];

const unsafeIn = (text: string) => UNSAFE.filter((character) => text.includes(character));
const shownAs = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** Text with any characters, mostly the unsafe ones. */
const anyText = fc.string({
  unit: fc.oneof(
    fc.constantFrom(...UNSAFE, ...LONE_SURROGATES),
    fc.string({ unit: codePoint, minLength: 1, maxLength: 1 }),
  ),
});
/** Excludes members to which pino or pino-pretty give a special meaning. */
const anyKey = anyText.filter((key) => !['level', 'time', 'msg', 'err', '__proto__'].includes(key));
const anyMembers = fc.dictionary(
  anyKey,
  fc.oneof(anyText, fc.integer(), fc.array(anyText), fc.dictionary(anyKey, fc.oneof(anyText, fc.boolean()))),
  { noNullPrototype: true },
);

/** The line that pino writes, configured as in createLog. */
function lineOf(use: (log: pino.Logger) => void): string {
  let line = '';
  const write = (text: string) => {
    line += text;
  };
  use(pino({ base: null }, { write }));
  return line;
}

describe('a JSON log line', () => {
  it('contains no unsafe characters, and decodes to the same data', () => {
    fc.assert(
      fc.property(anyMembers, anyText, (members, message) => {
        const line = escapeJson(lineOf((log) => log.warn(members, '%s', message)));
        expect(line.endsWith('}\n')).toBe(true);
        expect(unsafeIn(line.slice(0, -1))).toEqual([]);
        const { level, time, msg, ...rest } = JSON.parse(Buffer.from(line).toString());
        expect({ level, time, msg }).toEqual({ level: 40, time: expect.any(Number), msg: message });
        expect(rest).toEqual(members);
      }),
    );
  });

  it('is unchanged if it has no unsafe characters', () => {
    const line = lineOf((log) => log.warn({ event: 'naïve 日本 😀 \\u202e' }, 'said'));
    expect(escapeJson(line)).toBe(line);
  });
});

describe('a log line on a terminal', () => {
  it('is a single line without unsafe characters, whatever its keys, values and message', async () => {
    const format = await terminalFormat({ colorize: false });
    fc.assert(
      fc.property(anyMembers, anyText, (members, message) => {
        const text = format(lineOf((log) => log.warn(members, '%s', message)));
        expect(text.endsWith('\n')).toBe(true);
        expect(unsafeIn(text.slice(0, -1))).toEqual([]);
      }),
    );
  });

  it('shows each unsafe character as its code point', async () => {
    const format = await terminalFormat({ colorize: false });
    for (const character of UNSAFE) {
      const text = format(lineOf((log) => log.warn({ [`k${character}k`]: `v${character}v` }, `m${character}m`)));
      const shown = shownAs(character);
      expect(text).toContain(`m${shown}m {"k${shown}k":"v${shown}v"}\n`);
    }
  });

  it('keeps the line breaks of a stack trace, but no others in an error', async () => {
    const format = await terminalFormat({ colorize: false });
    const cause = new TypeError('inner\r\nFAKE');
    const error = new Error(`outer\nFAKE\u001b[2J\u202e`, { cause });
    const lines = format(lineOf((log) => log.error({ err: error, other: error }, 'failed'))).split('\n');
    expect(lines.filter((line) => /^\s*at /.test(line))).not.toEqual([]);
    expect(lines.filter((line) => /^\s*(at|caused by:)? *FAKE/.test(line))).toEqual([]);
    expect(lines.flatMap(unsafeIn)).toEqual([]);
    expect(lines.join('\n')).toContain('Error: outer\\u000aFAKE\\u001b[2J\\u202e\n');
    expect(lines.join('\n')).toContain('caused by: TypeError: inner\\u000d\\u000aFAKE\n');
  });
});

describe('the fatal log line of a failing process', () => {
  const failing = `import { exitWithFatal } from '${new URL('../../dist/runtime/exit-with-fatal.js', import.meta.url).href}';
    process.stdout.isTTY = process.argv[1] === 'terminal';
    exitWithFatal('it failed', new Error(String.fromCharCode(...process.argv.slice(2).map(Number))));`;
  const lineOn = (output: 'terminal' | 'pipe') => {
    const codes = UNSAFE.map((character) => String(character.charCodeAt(0)));
    const args = ['--input-type=module', '--eval', failing, output, ...codes];
    return spawnSync(process.execPath, args, { encoding: 'utf8' }).stdout;
  };

  it('is escaped as well', () => {
    const [terminal = '', ...frames] = lineOn('terminal').split('\n');
    expect(terminal).toBe(`FATAL: Error: ${UNSAFE.map(shownAs).join('')}`);
    expect(frames.flatMap(unsafeIn)).toEqual([]);
    const json = lineOn('pipe');
    expect(unsafeIn(json.trimEnd())).toEqual([]);
    expect(JSON.parse(json).err.stack).toContain(`Error: ${UNSAFE.join('')}\n`);
  });
});

describe('the log of the service', () => {
  /** Identifiers may contain any characters except control characters. */
  const participantId = ['\u061c', '\u200f', '\u2028', '\u2029', '\u202e', '\u2066'].join('');
  const remove = (url: string) =>
    fetch(`${url}/v1/participants/${encodeURIComponent(participantId)}`, { method: 'DELETE' });
  let folder: string;
  let stop: () => Promise<unknown>;
  let output: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'rollcall-log-'));
    output = '';
  });
  afterEach(async () => {
    await stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Resolves with the URL of the service when it listens. */
  async function start(program: string, args: readonly string[]): Promise<string> {
    const { PATH, HOME } = process.env;
    const service = spawn(program, args, { env: { PATH, HOME, PORT: '0', DATA_DIR: folder, NO_COLOR: '1' } });
    const ended = once(service, 'close');
    stop = closeOnce(() => {
      service.stdin.write('\u0003'); // Ctrl-C, if it runs on a terminal
      if (program === process.execPath) service.kill();
      return ended;
    });
    service.stdout.on('data', (text) => {
      output += String(text);
    });
    await eventually(() => expect(output).toMatch(/listens on http:\S+/));
    return /listens on (http:\S+)/.exec(output)?.[1] ?? '';
  }

  it('shows an identifier escaped on a terminal', async () => {
    const command = `exec '${process.execPath}' '${MAIN}'`;
    const url = await start(findProgram(['script'], 'util-linux'), ['-qefc', command, '/dev/null']);
    await remove(url);
    await eventually(() => expect(output).toMatch(/request refused.*\r\n$/));
    const shown = output.replaceAll('\r\n', '');
    expect(shown).toContain(`"participantId":"${participantId.split('').map(shownAs).join('')}"`);
    expect(unsafeIn(shown)).toEqual([]);
  });

  it('contains the unchanged identifier in JSON elsewhere', async () => {
    await remove(await start(process.execPath, [MAIN]));
    await eventually(() => expect(output).toMatch(/request refused.*\n$/));
    const lines = output.trim().split('\n');
    expect(lines.flatMap(unsafeIn)).toEqual([]);
    expect(lines.map((line) => JSON.parse(line).participantId)).toContain(participantId);
  });
});
