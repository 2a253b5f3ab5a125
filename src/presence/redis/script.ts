import { readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';
import type { ScriptCall } from './commit-call.js';

export type Script = (call: ScriptCall) => Promise<unknown>;

/** Lua files of this folder, one after another, as a function; sent in full only when the server does not have it yet. */
export function loadScript(
  redis: Redis,
  ...files: ('feed' | 'commit' | 'page' | 'tags' | 'position' | 'trim')[]
): Script {
  const command = `rollcall-${files.join('-')}`;
  const lua = files.map((file) => readFileSync(new URL(`${file}.lua`, import.meta.url), 'utf8')).join('\n');
  redis.defineCommand(command, { lua });
  const commands = redis as unknown as Record<string, (...args: (string | number)[]) => Promise<unknown>>;
  return ({ keys, args }) => commands[command]?.(keys.length, ...keys, ...args) ?? Promise.reject(new Error(command));
}
