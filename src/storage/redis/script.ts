import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Command } from 'ioredis';
import type { ScriptCall } from './commit-call.js';
import type { RedisConnection } from './redis-connection.js';
import { redisErrorCode } from './redis-error.js';

export type Script = (call: ScriptCall) => Promise<unknown>;

type ScriptFile =
  | ('feed' | 'commit' | 'page' | 'tags' | 'position' | 'changes' | 'trim' | 'lost' | 'unlist' | 'replace')
  | ('acquire-lease' | 'renew-lease' | 'release-lease' | 'save-note');

/** Concatenates Lua files of this folder into one script. It is sent in full only if the server does not have it yet. */
export function loadScript(redis: RedisConnection, ...files: ScriptFile[]): Script {
  const lua = files.map((file) => readFileSync(new URL(`${file}.lua`, import.meta.url), 'utf8')).join('\n');
  const sha = createHash('sha1').update(lua).digest('hex');
  return async (call) => {
    const text = encodeCommand(sha, call);
    try {
      return await send(redis, text);
    } catch (error) {
      if (redisErrorCode(error) !== 'NOSCRIPT') throw error;
      await redis.commands.script('LOAD', lua);
      return send(redis, text);
    }
  };
}

/** Serialises the command itself: ioredis is slower for the many arguments of a commit. */
function send(redis: RedisConnection, text: string): Promise<unknown> {
  const command = new Command('evalsha', [], { replyEncoding: 'utf8' });
  command.toWritable = () => text;
  return redis.commands.sendCommand(command) as Promise<unknown>;
}

/** The Redis protocol: https://redis.io/docs/latest/develop/reference/protocol-spec */
function encodeCommand(sha: string, { keys, args }: ScriptCall): string {
  let text = `*${3 + keys.length + args.length}\r\n${bulk('EVALSHA')}${bulk(sha)}${bulk(String(keys.length))}`;
  for (const key of keys) text += bulk(key);
  for (const arg of args) text += bulk(String(arg));
  return text;
}

function bulk(value: string): string {
  return `$${Buffer.byteLength(value)}\r\n${value}\r\n`;
}
