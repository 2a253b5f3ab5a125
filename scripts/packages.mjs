// npm run packages: fails when a package of the lock file refuses a version of Node.js that package.json promises, or when
// npm could not tell where it comes from or whether it is what was locked.
import { readFileSync } from 'node:fs';
import semver from 'semver';

const REGISTRY = 'https://registry.npmjs.org/';

const { packages } = JSON.parse(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8'));
const { '': own, ...installed } = packages;
const promised = own.engines.node;

const faults = Object.entries(installed).flatMap(([path, { version, engines, resolved, integrity }]) => {
  const refuses = engines?.node && !semver.subset(promised, engines.node);
  return [
    ...(refuses ? [`wants Node.js ${engines.node}; package.json promises ${promised}`] : []),
    ...(resolved?.startsWith(REGISTRY) ? [] : ['is not resolved to the public registry']),
    ...(integrity ? [] : ['has no integrity']),
  ].map((fault) => `${path} ${version} ${fault}`);
});
for (const fault of faults) console.error(fault);
process.exit(faults.length > 0 ? 1 : 0);
