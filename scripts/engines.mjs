// npm run engines: fails when a package refuses a version of Node.js that package.json promises.
import { readFileSync } from 'node:fs';
import semver from 'semver';

const { packages } = JSON.parse(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8'));
const promised = packages[''].engines.node;
const refusing = Object.entries(packages).filter(
  ([, { engines }]) => engines?.node && !semver.subset(promised, engines.node),
);
for (const [path, { version, engines }] of refusing) {
  console.error(`${path} ${version} wants Node.js ${engines.node}; package.json promises ${promised}`);
}
process.exit(refusing.length > 0 ? 1 : 0);
