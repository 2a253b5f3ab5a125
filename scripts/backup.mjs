// npm run backup: installs and builds what is missing, then backs up the SQLite database in this process.
import { prepareService } from './prepare.mjs';

prepareService();
await import('../dist/backup.js');
