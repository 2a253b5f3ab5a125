import { installForTests } from '../../scripts/program.mjs';

export default () => installForTests('chromium');
