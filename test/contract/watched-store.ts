import type { SubjectKey } from '../../src/storage/encoding/subject-key.js';
import { type PresenceStore, StoreUnavailableError } from '../../src/storage/ports.js';

/** The store, with every call noted and, if wanted, held back or turned away. */
export function watched(store: PresenceStore) {
  const commits: string[][] = [];
  const loads: string[][] = [];
  let gate: Promise<void> = Promise.resolve();
  let failure: ((id: string) => boolean) | undefined;
  const refuse = (id: string) => (failure?.(id) ? new StoreUnavailableError('away') : undefined);
  const proxy = new Proxy(store, {
    get(target, name: keyof PresenceStore) {
      if (name === 'load') {
        return async (ids: SubjectKey[]) => {
          loads.push(ids);
          await gate;
          return target.load(ids);
        };
      }
      if (name === 'commit') {
        return async (changesets: Parameters<PresenceStore['commit']>[0]) => {
          commits.push(changesets.map(({ key }) => key));
          const wanted = changesets.filter(({ key }) => !refuse(key));
          const outcomes = await target.commit(wanted);
          return changesets.map((changeset) => refuse(changeset.key) ?? outcomes[wanted.indexOf(changeset)]);
        };
      }
      const value = target[name];
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  return {
    store: proxy,
    commits,
    loads,
    failFor: (which: (id: string) => boolean) => {
      failure = which;
    },
    hold: () => {
      let open = () => {};
      gate = new Promise((resolve) => {
        open = resolve;
      });
      return () => open();
    },
  };
}
