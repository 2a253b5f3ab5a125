// Who may import whom. The direction: controllers and modules → port and domain; adapters → port and domain;
// domain → nothing outside itself; platform knows no capability; capabilities stay out of each other's insides.
const CAPABILITIES = 'callbacks|changes|health|presence';

module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'domain-is-pure',
      comment: 'The rules of presence have no I/O, no clock and no framework.',
      severity: 'error',
      from: { path: '^src/presence/domain/' },
      to: { pathNot: '^src/presence/domain/' },
    },
    {
      name: 'stores-know-only-their-port',
      comment: 'An adapter of the store port knows nothing of HTTP, of the recorder, or of another adapter.',
      severity: 'error',
      from: { path: '^src/presence/(redis|sqlite)/' },
      to: {
        path: '^src/',
        pathNot: [
          '^src/presence/$1/',
          '^src/presence/(presence-store|page-order|feed-position|subject-key)\\.ts$',
          '^src/(presence/domain|platform)/',
        ],
      },
    },
    {
      name: 'only-the-root-knows-the-stores',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/presence/(redis|sqlite)/', '^src/presence/open-store\\.ts$'] },
      to: { path: '^src/presence/(redis|sqlite)/' },
    },
    {
      name: 'platform-knows-no-capability',
      severity: 'error',
      from: { path: '^src/platform/' },
      to: { path: `^src/(${CAPABILITIES})/` },
    },
    {
      name: 'presence-is-at-the-bottom',
      comment: 'Other capabilities use presence; it uses none of them.',
      severity: 'error',
      from: { path: '^src/presence/' },
      to: { path: '^src/(auth|callbacks|changes|health|config)/' },
    },
    {
      name: 'auth-knows-no-capability',
      severity: 'error',
      from: { path: '^src/auth/' },
      to: { path: '^src/', pathNot: '^src/(auth|platform)/' },
    },
    {
      name: 'capabilities-stay-apart',
      severity: 'error',
      from: { path: '^src/(callbacks|changes|health)/' },
      to: { path: '^src/(callbacks|changes|health)/', pathNot: '^src/$1/' },
    },
    {
      name: 'one-reader-of-the-environment',
      comment: 'Configuration reaches the rest as values, from the composition root.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(config/|start\\.ts)' },
      to: { path: '^src/config/' },
    },
    {
      name: 'the-document-is-loaded-late',
      comment: 'Controllers take its decorators from src/platform/openapi-decorators.ts, which says why.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: 'node_modules/@nestjs/swagger/', dynamic: false, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'the-simulator-is-a-program-of-its-own',
      comment: 'A stand-in that knew the service would agree with it also where both are wrong.',
      severity: 'error',
      from: { path: '^src/simulator/' },
      to: { path: '^src/', pathNot: '^src/simulator/' },
    },
    {
      name: 'nothing-knows-the-simulator',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/simulator/' },
      to: { path: '^src/simulator/' },
    },
    { name: 'no-orphans', severity: 'error', from: { orphan: true, path: '^src/' }, to: {} },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default'],
      extensions: ['.ts', '.js'],
    },
  },
};
