import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Command, type Redis } from 'ioredis';
import { redisErrorCode } from './client/redis-error.js';
import type { ScriptCall } from './commit-call.js';
import type { Shard } from './shard.js';
import type { Shards } from './shards.js';

export type Script = (shard: Shard, call: ScriptCall) => Promise<unknown>;

type ScriptFile =
  | ('feed' | 'commit' | 'page' | 'tags' | 'position' | 'position-at' | 'changes' | 'trim' | 'lost' | 'unlist')
  | ('replace' | 'claim-due' | 'acquire-lease' | 'renew-lease' | 'release-lease' | 'save-note')
  | ('replace-setting' | 'save-deliveries' | 'save-occupancy');

/** Concatenates Lua files of this folder into one script. It is sent in full only if the server does not have it yet. */
export function loadScript(shards: Shards, ...files: ScriptFile[]): Script {
  const lua = files.map((file) => readFileSync(new URL(`${file}.lua`, import.meta.url), 'utf8')).join('\n');
  const sha = createHash('sha1').update(lua).digest('hex');
  return async (shard, call) => {
    const text = encodeCommand('EVALSHA', sha, call);
    try {
      return await shards.run(shard, (commands) => send(commands, 'evalsha', text));
    } catch (error) {
      // Each server has scripts of its own, and a new one has none.
      if (redisErrorCode(error) !== 'NOSCRIPT') throw error;
      const whole = encodeCommand('EVAL', lua, call);
      return shards.run(shard, (commands) => send(commands, 'eval', whole));
    }
  };
}

/** Serialises the command itself: ioredis is slower for the many arguments of a commit. */
function send(commands: Redis, name: 'evalsha' | 'eval', text: string): Promise<unknown> {
  const command = new Command(name, [], { replyEncoding: 'utf8' });
  command.toWritable = () => text;
  return commands.sendCommand(command) as Promise<unknown>;
}

/** The Redis protocol: https://redis.io/docs/latest/develop/reference/protocol-spec */
function encodeCommand(name: string, script: string, { keys, args }: ScriptCall): string {
  let text = `*${3 + keys.length + args.length}\r\n${bulk(name)}${bulk(script)}${bulk(String(keys.length))}`;
  for (const key of keys) text += bulk(key);
  for (const arg of args) text += bulk(String(arg));
  return text;
}

function bulk(value: string): string {
  return `$${Buffer.byteLength(value)}\r\n${value}\r\n`;
}
