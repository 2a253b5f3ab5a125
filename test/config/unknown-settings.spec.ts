import { describe, expect, it } from '@jest/globals';
import { readConfig } from '../../src/config/config.js';
import { SETTINGS } from '../../src/config/settings.js';
import { DIALECTS } from '../../src/sources/registry.js';

const names = (environment: Record<string, string>) =>
  readConfig(DIALECTS, environment).warnings.map((line) =>
    /^(\S+) is not a setting .* nearest one is (\S+)$/.exec(line)?.slice(1),
  );

describe('the warning about an unknown setting', () => {
  it.each([
    ['GRACE_SECONDS', 'GRACE_MS'],
    ['GRACE', 'GRACE_MS'],
    ['RETENTION_DAYS', 'RETENTION_MS'],
    ['CALLBACK_SECRET', 'CALLBACK_SECRETS'],
    ['API_KEY', 'API_KEYS'],
    ['REDIS_HOST', 'REDIS_URL'],
    ['REDIS_PASSWD', 'REDIS_PASSWORD'],
    ['REDIS_URI', 'REDIS_URL'],
    ['REIDS_URL', 'REDIS_URL'],
    ['ROLLCALL_REDIS_URL', 'REDIS_URL'],
    ['redis_url', 'REDIS_URL'],
    ['FEED_RETENTION', 'FEED_RETENTION_MS'],
    ['FEED_MAX_MB', 'FEED_MAX_BYTES'],
    ['MAX_STREAM', 'MAX_STREAMS'],
    ['MAX_INFLIGHT', 'MAX_IN_FLIGHT'],
    ['LOGLEVEL', 'LOG_LEVEL'],
    ['DATADIR', 'DATA_DIR'],
    ['WORKER', 'WORKERS'],
    ['CORS_ORIGIN', 'CORS_ORIGINS'],
    ['RATE_LIMIT_PER_SECOND', 'RATE_LIMIT_PER_MINUTE'],
  ])('names %s and suggests %s, without the value', (name, nearest) => {
    expect(names({ [name]: 'hunter2' })).toEqual([[name, nearest]]);
    expect(readConfig(DIALECTS, { [name]: 'hunter2' }).warnings.join()).not.toContain('hunter2');
  });

  it('ignores variables that operating systems, shells, npm and Kubernetes set', () => {
    const common = {
      PATH: '/usr/bin',
      HOME: '/root',
      HOSTNAME: 'x',
      LOGNAME: 'x',
      USER: 'x',
      SHELL: 'x',
      PWD: '/',
      OLDPWD: '/',
      SHLVL: '1',
      LANG: 'C',
      LC_ALL: 'C',
      TZ: 'UTC',
      TERM: 'xterm',
      EDITOR: 'vi',
      PAGER: 'less',
      MAIL: '/x',
      TMPDIR: '/tmp',
      HOSTTYPE: 'x',
      NODE_ENV: 'production',
      NODE_VERSION: '20',
      NODE_OPTIONS: '',
      YARN_VERSION: '1',
      HTTP_PROXY: 'x',
      NO_PROXY: 'x',
      npm_config_cache: 'x',
      npm_lifecycle_event: 'start',
      npm_package_name: 'rollcall',
      INIT_CWD: '/',
      COLOR: '0',
      XDG_DATA_DIRS: '/usr/share',
      SSH_AUTH_SOCK: '/x',
      DBUS_SESSION_BUS_ADDRESS: 'x',
      LS_COLORS: '',
      TRACE: '1',
      SPACE: '1',
      INVOCATION_ID: 'x',
      JOURNAL_STREAM: 'x',
      KUBERNETES_SERVICE_HOST: '10.0.0.1',
      KUBERNETES_PORT: 'tcp://10.0.0.1:443',
      KUBERNETES_PORT_443_TCP_ADDR: '10.0.0.1',
      POD_NAME: 'x',
      POD_IP: 'x',
    };
    const service = (prefix: string) => ({
      [`${prefix}_SERVICE_HOST`]: '10.0.0.1',
      [`${prefix}_SERVICE_PORT`]: '6379',
      [`${prefix}_SERVICE_PORT_HTTP`]: '6379',
      [`${prefix}_PORT`]: 'tcp://10.0.0.1:6379',
      [`${prefix}_PORT_6379_TCP`]: 'tcp://10.0.0.1:6379',
      [`${prefix}_PORT_6379_TCP_PROTO`]: 'tcp',
      [`${prefix}_PORT_6379_TCP_PORT`]: '6379',
      [`${prefix}_PORT_6379_TCP_ADDR`]: 'x',
    });
    const links = ['REDIS', 'ROLLCALL', 'ROLLCALL_REDIS_MASTER', 'FEED', 'CALLBACKS', 'MAX_STREAMS'].map(service);
    expect(names(Object.assign({}, common, ...links))).toEqual([]);
  });

  it('ignores all known settings', () => {
    const mayBeEmpty = Object.values(SETTINGS).filter(({ fallback, emptyFault }) => fallback !== '' || !emptyFault);
    expect(names(Object.fromEntries(mayBeEmpty.map(({ name, fallback }) => [name, fallback])))).toEqual([]);
    const redis = { REDIS_URL: 'rediss+sentinel://s/m', REDIS_USERNAME: 'u', REDIS_PASSWORD: 'p' };
    const others = { REDIS_SENTINEL_PASSWORD: 'p', REDIS_TLS_SERVER_NAME: 'redis' };
    expect(names({ ...redis, ...others })).toEqual([]);
  });
});
