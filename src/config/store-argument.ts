// The store that an argument of a program names, as settings: everything else of it is as the settings say.

/** What may follow --from and --to; undefined: as the settings say. */
export interface StoreArgument {
  /** That of a Redis, or `sqlite:` and a folder. */
  readonly url?: string | undefined;
  readonly prefix?: string | undefined;
  readonly shards?: string | undefined;
}

const SQLITE = 'sqlite:';

export function withStore(environment: NodeJS.ProcessEnv, { url, prefix, shards }: StoreArgument): NodeJS.ProcessEnv {
  if (url?.startsWith(SQLITE)) {
    const others = Object.entries(environment).filter(([name]) => !/^(REDIS_.*|WORKERS|DATA_DIR)(_FILE)?$/.test(name));
    return { ...Object.fromEntries(others), DATA_DIR: url.slice(SQLITE.length) };
  }
  const named = { REDIS_URL: url, REDIS_PREFIX: prefix, REDIS_SHARDS: shards };
  const given = Object.entries(named).filter(([, value]) => value !== undefined);
  const isReplaced = (name: string) => given.some(([other]) => name === other || name === `${other}_FILE`);
  const others = Object.entries(environment).filter(([name]) => !isReplaced(name));
  return Object.fromEntries([...others, ...given]);
}
