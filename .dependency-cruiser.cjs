// Who may import whom. The direction: api → read and write sides → ports and domain; adapters → ports and domain;
// domain → nothing outside itself. What is below knows no capability, and capabilities stay out of each other.
const CAPABILITIES =
  'presence|feed|sources|spool|incidents|backups|quarantine|reconcile|transfer|history|webhooks|console|system';
const BELOW = 'http|runtime|observability|auth|storage|domain|config';

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
      from: { path: '^src/domain/' },
      to: { pathNot: '^src/domain/' },
    },
    {
      name: 'storage-knows-no-capability',
      comment: 'A store loads and commits records. It knows nothing of HTTP or of who asks.',
      severity: 'error',
      from: { path: '^src/storage/' },
      to: { path: '^src/', pathNot: '^src/(storage|domain|runtime|observability)/' },
    },
    {
      name: 'adapters-stay-apart',
      severity: 'error',
      from: { path: '^src/storage/(redis|sqlite)/' },
      to: { path: '^src/storage/(redis|sqlite)/', pathNot: '^src/storage/$1/' },
    },
    {
      name: 'only-storage-knows-the-adapters',
      comment:
        'But for the values of REDIS_URL and what belongs to it, UNSAFE_REDIS and DURABILITY, which the configuration checks.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/storage/' },
      to: {
        path: '^src/storage/(redis|sqlite)/',
        pathNot: '^src/storage/redis/(client/(parse-redis-url|redis-address|redis-fault)|durability)\\.ts$',
      },
    },
    {
      name: 'the-ground-floor-knows-no-capability',
      severity: 'error',
      from: { path: `^src/(${BELOW})/` },
      to: { path: `^src/(${CAPABILITIES})/` },
    },
    {
      name: 'presence-is-at-the-bottom',
      comment: 'Other capabilities use presence; it uses none of them.',
      severity: 'error',
      from: { path: '^src/presence/' },
      to: { path: `^src/(${CAPABILITIES})/`, pathNot: '^src/presence/' },
    },
    {
      name: 'capabilities-use-the-write-side-of-presence-only',
      severity: 'error',
      from: { path: `^src/(${CAPABILITIES})/`, pathNot: '^src/presence/' },
      to: { path: '^src/presence/', pathNot: '^src/presence/(write/|presence\\.module\\.ts$)' },
    },
    {
      name: 'capabilities-stay-apart',
      severity: 'error',
      from: { path: '^src/(feed|sources|incidents|backups|transfer)/' },
      to: { path: '^src/(feed|sources|incidents|backups|transfer)/', pathNot: '^src/$1/' },
    },
    {
      name: 'the-spool-knows-no-capability',
      comment: 'It keeps events for whoever applies them.',
      severity: 'error',
      from: { path: '^src/spool/' },
      to: { path: `^src/(${CAPABILITIES})/`, pathNot: '^src/spool/' },
    },
    {
      name: 'the-quarantine-knows-no-capability',
      comment: 'It keeps callbacks for whoever replays them.',
      severity: 'error',
      from: { path: '^src/quarantine/' },
      to: { path: `^src/(${CAPABILITIES})/`, pathNot: '^src/quarantine/' },
    },
    {
      name: 'only-sources-use-the-quarantine',
      severity: 'error',
      from: { path: '^src/(presence|feed|spool|incidents)/' },
      to: { path: '^src/quarantine/' },
    },
    {
      name: 'sources-hand-callbacks-over-in-one-place',
      comment: 'Two ways of a callback that differed in what they keep would be noticed only when a callback is lost.',
      severity: 'error',
      from: { path: '^src/sources/', pathNot: '^src/sources/refused-callbacks\\.ts$' },
      to: { path: '^src/quarantine/', pathNot: '^src/quarantine/(replay|reasons)\\.ts$' },
    },
    {
      name: 'reconciliation-uses-the-observers-of-sources-and-follows-the-feed',
      severity: 'error',
      from: { path: '^src/reconcile/' },
      to: {
        path: '^src/(feed|sources|spool|incidents|backups|quarantine)/',
        pathNot: '^src/(sources/(observer|registry|provider-api)|feed/(feed-hub|follower))\\.ts$',
      },
    },
    {
      name: 'no-capability-uses-reconciliation',
      severity: 'error',
      from: { path: '^src/(feed|sources|spool|incidents|backups|quarantine|presence)/' },
      to: { path: '^src/reconcile/' },
    },
    {
      name: 'history-reads-the-feed',
      comment: 'It is a projection of the feed: nothing else is known to it, and nobody needs it.',
      severity: 'error',
      from: { path: '^src/history/' },
      to: {
        path: '^src/(feed|sources|spool|incidents|backups|quarantine|reconcile)/',
        pathNot: '^src/feed/feed-reader\\.ts$',
      },
    },
    {
      name: 'no-capability-uses-history',
      severity: 'error',
      from: { path: '^src/(feed|sources|spool|incidents|backups|quarantine|presence|reconcile)/' },
      to: { path: '^src/history/' },
    },
    {
      name: 'sql-is-loaded-when-it-is-needed',
      comment: 'A process without history must not load a query builder or a client of PostgreSQL at its start.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/history/history-database\\.ts$' },
      to: {
        path: ['node_modules/(kysely|pg)/', '^src/history/history-database\\.ts$'],
        dynamic: false,
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'webhooks-follow-the-feed',
      severity: 'error',
      from: { path: '^src/webhooks/' },
      to: {
        path: `^src/(${CAPABILITIES})/`,
        pathNot:
          '^src/webhooks/|^src/feed/(feed-hub|feed-reader|feed-trimmer|follower|change-filter|api/change-response)\\.ts$',
      },
    },
    {
      name: 'no-capability-uses-webhooks',
      comment: 'Except that moving to another store has to know which settings are endpoints.',
      severity: 'error',
      from: { path: `^src/(${CAPABILITIES})/`, pathNot: '^src/(webhooks/|transfer/webhook-settings\\.ts$)' },
      to: { path: '^src/webhooks/' },
    },
    {
      name: 'nothing-reaches-into-an-api',
      comment: 'Controllers and their queries and responses are the outermost part of a capability.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/\\w+/(api/|\\w+\\.module\\.ts$)' },
      to: { path: '^src/\\w+/api/' },
    },
    {
      name: 'one-reader-of-the-environment',
      comment: 'Configuration reaches the rest as values, from the composition root.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(config/|(start|backup|export|store-program)\\.ts)' },
      to: { path: '^src/config/' },
    },
    {
      name: 'the-document-is-loaded-late',
      comment: 'Controllers take its decorators from src/http/openapi/decorators.ts, which says why.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: 'node_modules/@nestjs/swagger/', dynamic: false, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'opentelemetry-is-loaded-late',
      comment: 'It is loaded only if traces are on: by src/observability/tracing/open-tracer.ts.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/observability/tracing/otel/' },
      to: {
        path: 'node_modules/@opentelemetry/|^src/observability/tracing/otel/',
        dynamic: false,
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'the-simulator-is-a-program-of-its-own',
      comment: 'A stand-in that knew the service would agree with it also where both are wrong.',
      severity: 'error',
      from: { path: '^simulator/' },
      to: { path: '^src/' },
    },
    {
      name: 'the-console-is-a-client',
      comment: 'It is an ordinary client of the documented API: what it needs, every client gets.',
      severity: 'error',
      from: { path: '^console/' },
      to: { path: '^(src|simulator)/' },
    },
    { name: 'nothing-knows-the-simulator', severity: 'error', from: { path: '^src/' }, to: { path: '^simulator/' } },
    {
      name: 'no-orphans',
      severity: 'error',
      from: { orphan: true, path: '^(src|simulator|console)/', pathNot: '\\.d\\.ts$' },
      to: {},
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^simulator/dist/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default'],
      extensions: ['.ts', '.js'],
    },
  },
};
