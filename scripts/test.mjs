// npm test: installs and builds what is missing, and runs every test. Arguments go to Jest.
import { build, install, run } from './prepare.mjs';
import { ensurePrograms } from './program.mjs';

install();
ensurePrograms('redis-server', 'chromium');
build();
const flags = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
run(process.execPath, [...flags, 'node_modules/jest/bin/jest.js', ...process.argv.slice(2)]);
