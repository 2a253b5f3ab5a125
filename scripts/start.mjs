// npm start: installs and builds what is missing, then runs the service in this process, so that signals reach it.
import { prepareService } from './prepare.mjs';

prepareService();
process.setSourceMapsEnabled(true);
await import('../dist/main.js');
