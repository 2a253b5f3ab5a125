import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Command, type Redis } from 'ioredis';
import { redisErrorCode } from './client/redis-error.js';
import type { ScriptCall } from './commit-call.js';
import type { Shard } from './shard.js';
import type { Shards } from './shards.js';

export type Script = (shard: Shard, call: ScriptCall, confirm?: Confirm) => Promise<unknown>;

/**
 * Called with the reply, and with the connection to the server that ran the script: while a slot moves, another one than its owner.
 * If it rejects, so does the script.
 */
export type Confirm = (reply: unknown, commands: Redis) => Promise<void>;

type ScriptFile =
  | ('feed' | 'commit' | 'page' | 'tags' | 'position' | 'position-at' | 'changes' | 'trim' | 'lost' | 'unlist')
  | ('replace' | 'claim-due' | 'acquire-lease' | 'renew-lease' | 'release-lease' | 'save-note')
  | ('replace-setting' | 'save-deliveries' | 'save-occupancy');

/** Concatenates Lua files of this folder into one script. It is sent in full only if the server does not have it yet. */
export function loadScript(shards: Shards, ...files: ScriptFile[]): Script {
  const lua = files.map((file) => readFileSync(new URL(`${file}.lua`, import.meta.url), 'utf8')).join('\n');
  const sha = createHash('sha1').update(lua).digest('hex');
  return async (shard, call, confirm) => {
    const run = (name: 'evalsha' | 'eval', text: string) =>
      shards.run(shard, (commands) => {
        const reply = send(commands, name, text);
        return confirm ? reply.then((value) => confirm(value, commands).then(() => value)) : reply;
      });
    try {
      return await run('evalsha', encodeCommand('EVALSHA', sha, call));
    } catch (error) {
      // Each server has scripts of its own, and a new one has none.
      if (redisErrorCode(error) !== 'NOSCRIPT') throw error;
      return run('eval', encodeCommand('EVAL', lua, call));
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
