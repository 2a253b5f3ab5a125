// Run by Jest before the specs of the project `storage`.
import { installForTests } from '../../scripts/program.mjs';

export default () => installForTests('redis-server');
