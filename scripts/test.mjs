// npm test: installs missing packages, and runs every test. Arguments go to Jest.
import { install, run } from './prepare.mjs';

install();
const flags = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
run(process.execPath, [...flags, 'node_modules/jest/bin/jest.js', ...process.argv.slice(2)]);
