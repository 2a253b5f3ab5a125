import { build } from '../../scripts/prepare.mjs';
import { installForTests } from '../../scripts/program.mjs';

export default () => {
  const programs = [
    'redis-server',
    'postgresql',
    'nginx-light',
    'prometheus',
    'kubernetes-client',
    'docker-compose',
    'nutcracker',
  ];
  for (const program of programs) installForTests(program);
  build();
};
