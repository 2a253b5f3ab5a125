// npm run import: installs and builds what is missing, then imports in this process.
import { prepareService } from './prepare.mjs';

prepareService();
await import('../dist/import.js');
