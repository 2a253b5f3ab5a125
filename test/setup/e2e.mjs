import { build } from '../../scripts/prepare.mjs';
import { installForTests } from '../../scripts/program.mjs';

export default () => {
  for (const program of ['redis-server', 'nginx-light', 'prometheus', 'kubernetes-client']) installForTests(program);
  build();
};
