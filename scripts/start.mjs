// npm start: installs and builds what is missing, then is the service itself, so that signals reach it.
import { prepareService } from './prepare.mjs';

prepareService();
process.setSourceMapsEnabled(true);
await import('../dist/main.js');
