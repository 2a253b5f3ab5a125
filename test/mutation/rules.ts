// All specs of the rules as one test file, so that the first failure stops all of them. Example-based specs run before
// property-based ones.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { RULES } from './stryker.config.mjs';

const folder = join(import.meta.dirname, '..', RULES);
const specs = readdirSync(folder).filter((name) => name.endsWith('.spec.ts'));
const isProperties = (name: string) => name.endsWith('.properties.spec.ts');
for (const name of specs.sort((a, b) => Number(isProperties(a)) - Number(isProperties(b)))) {
  await import(join(folder, name));
}
