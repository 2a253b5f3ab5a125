// npm run --silent key -- <name> <scopes>: prints a new API key, which is stored nowhere, and its entry for API_KEYS.
import { createHash, randomBytes } from 'node:crypto';

const [name = '', scopes = ''] = process.argv.slice(2);
if (!/^[\w.-]{1,64}$/.test(name) || !/^(read|admin|metrics)(\+(read|admin|metrics))*$/.test(scopes)) {
  console.error(
    'Usage: npm run --silent key -- <name> <scopes>\n  name: letters, digits, or any of _ . -\n  scopes: read, admin or metrics, or several of them joined by +',
  );
  process.exit(1);
}
const key = `rollcall_${randomBytes(32).toString('base64url')}`;
console.log(`key (shown this once): ${key}`);
console.log(`entry of API_KEYS:     ${name}:${scopes}:${createHash('sha256').update(key).digest('hex')}`);
