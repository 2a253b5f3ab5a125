// Run by npm version: puts what CHANGELOG.md has under Unreleased under the new version.
import { readFileSync, writeFileSync } from 'node:fs';

const HEADING = '## [Unreleased]\n';

const [before, unreleased = ''] = readFileSync('CHANGELOG.md', 'utf8').split(HEADING);
if (!/^\s*[^\s#]|^\s*###/.test(unreleased)) {
  console.error('CHANGELOG.md has nothing under Unreleased.');
  process.exit(1);
}
const today = new Date().toISOString().slice(0, 10);
writeFileSync('CHANGELOG.md', `${before}${HEADING}\n## [${process.env.npm_package_version}] - ${today}\n${unreleased}`);
