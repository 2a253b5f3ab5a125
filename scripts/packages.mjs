// npm run packages: fails if a package in the lock file does not support every version of Node.js that package.json declares,
// or has no registry URL or integrity hash.
import { readFileSync } from 'node:fs';
import semver from 'semver';

const REGISTRY = 'https://registry.npmjs.org/';

const { packages } = JSON.parse(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8'));
const { '': own, ...installed } = packages;
const supported = own.engines.node;

const faults = Object.entries(installed).flatMap(([path, { version, engines, resolved, integrity }]) => {
  const isUnsupported = engines?.node && !semver.subset(supported, engines.node);
  return [
    ...(isUnsupported ? [`requires Node.js ${engines.node}, but package.json declares ${supported}`] : []),
    ...(resolved?.startsWith(REGISTRY) ? [] : ['is not resolved to the public registry']),
    ...(integrity ? [] : ['has no integrity hash']),
  ].map((fault) => `${path} ${version} ${fault}`);
});
for (const fault of faults) console.error(fault);
process.exit(faults.length > 0 ? 1 : 0);
