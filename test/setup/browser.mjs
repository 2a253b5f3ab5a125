import { build } from '../../scripts/prepare.mjs';
import { installForTests } from '../../scripts/program.mjs';

export default () => {
  installForTests('chromium');
  build();
};
