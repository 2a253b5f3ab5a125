// The Redis user exactly as documented in docs/redis.md.
import { readFileSync } from 'node:fs';
import { Redis } from 'ioredis';

const DOCUMENT = new URL('../../../docs/redis.md', import.meta.url);

/** The arguments of the ACL SETUSER command: the user's name and the rules. */
export function documentedUser(): string[] {
  const [, rules = ''] = /^ACL SETUSER (.+)$/m.exec(readFileSync(DOCUMENT, 'utf8')) ?? [];
  return rules.split(' ');
}

/** Creates or updates the user. Resolves with the server's URL for that user. */
export async function urlOfUser(url: string, [name = '', ...rules]: readonly string[]): Promise<string> {
  const admin = new Redis(url, { protocol: 2 });
  const password = rules.find((rule) => rule.startsWith('>'))?.slice(1) ?? '';
  await admin.call('ACL', 'SETUSER', name, ...rules);
  await admin.quit();
  return url.replace('//', `//${name}:${password}@`);
}
