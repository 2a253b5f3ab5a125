// The Redis user exactly as documented in docs/redis.md.
import { readFileSync } from 'node:fs';
import { Redis } from 'ioredis';

const DOCUMENT = new URL('../../../docs/redis.md', import.meta.url);

/** The arguments of the ACL SETUSER command: the user's name and the rules. */
export function documentedUser(): string[] {
  const [, rules = ''] = /^ACL SETUSER (.+)$/m.exec(readFileSync(DOCUMENT, 'utf8')) ?? [];
  return rules.split(' ');
}

/** The same with what is needed in a Redis Cluster besides. */
export function documentedClusterUser(): string[] {
  const [, rules = ''] = /also needs `(\+cluster[^`]+)`/.exec(readFileSync(DOCUMENT, 'utf8')) ?? [];
  return [...documentedUser(), ...rules.split(' ')];
}

/** Creates or updates the user on each of `servers`. Resolves with `url` for that user. */
export async function urlOfUser(
  url: string,
  [name = '', ...rules]: readonly string[],
  servers: readonly string[] = [url],
): Promise<string> {
  const password = rules.find((rule) => rule.startsWith('>'))?.slice(1) ?? '';
  for (const server of servers) {
    const admin = new Redis(server, { protocol: 2 });
    await admin.call('ACL', 'SETUSER', name, ...rules);
    await admin.quit();
  }
  return url.replace('//', `//${name}:${password}@`);
}
