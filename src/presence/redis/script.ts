import { readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';
import type { ScriptCall } from './commit-call.js';

export type Script = (call: ScriptCall) => Promise<unknown>;

/** A Lua file of this folder as a function; sent in full only when the server does not have it yet. */
export function loadScript(redis: Redis, name: 'commit' | 'page' | 'tags'): Script {
  const command = `rollcall-${name}`;
  redis.defineCommand(command, { lua: readFileSync(new URL(`${name}.lua`, import.meta.url), 'utf8') });
  const commands = redis as unknown as Record<string, (...args: (string | number)[]) => Promise<unknown>>;
  return ({ keys, args }) => commands[command]?.(keys.length, ...keys, ...args) ?? Promise.reject(new Error(command));
}
