// npm run export: installs and builds what is missing, then exports in this process.
import { prepareService } from './prepare.mjs';

prepareService();
await import('../dist/export.js');
