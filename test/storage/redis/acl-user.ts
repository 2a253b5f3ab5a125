// The Redis user of docs/redis.md, as it is written there.
import { readFileSync } from 'node:fs';
import { Redis } from 'ioredis';

const DOCUMENT = new URL('../../../docs/redis.md', import.meta.url);

/** The words of the ACL SETUSER command, with the user's name and the rules. */
export function documentedUser(): string[] {
  const [, rules = ''] = /^ACL SETUSER (.+)$/m.exec(readFileSync(DOCUMENT, 'utf8')) ?? [];
  return rules.split(' ');
}

/** Makes the user, or gives it other rules; the server's URL with that user. */
export async function urlOfUser(url: string, [name = '', ...rules]: readonly string[]): Promise<string> {
  const admin = new Redis(url, { protocol: 2 });
  const password = rules.find((rule) => rule.startsWith('>'))?.slice(1) ?? '';
  await admin.call('ACL', 'SETUSER', name, ...rules);
  await admin.quit();
  return url.replace('//', `//${name}:${password}@`);
}
