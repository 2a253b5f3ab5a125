import { type RecordStore, type Storage, StoreUnavailableError } from '../../src/storage/ports.js';

/** Wraps a storage: records every load and commit and, on request, delays or rejects them. */
export function watched(storage: Storage) {
  const commits: string[][] = [];
  const loads: string[][] = [];
  let gate: Promise<void> = Promise.resolve();
  let failure: ((id: string) => boolean) | undefined;
  const refuse = (id: string) => (failure?.(id) ? new StoreUnavailableError('away') : undefined);
  const records: RecordStore = {
    load: async (keys) => {
      loads.push([...keys]);
      await gate;
      return storage.records.load(keys);
    },
    commit: async (changesets) => {
      commits.push(changesets.map(({ key }) => key));
      const wanted = changesets.filter(({ key }) => !refuse(key));
      const outcomes = await storage.records.commit(wanted);
      return changesets.map((changeset) => refuse(changeset.key) ?? outcomes[wanted.indexOf(changeset)] ?? 'conflict');
    },
    claimDue: (claim) => storage.records.claimDue(claim),
    size: () => storage.records.size(),
  };
  const { kind, description, index, labels, feed, bindings, ends, incidents, quarantine, leases, backups } = storage;
  const { webhookSettings, deliveries, occupancyEvents } = storage;
  const lifecycle = {
    onPossibleLoss: (listener: () => void) => storage.onPossibleLoss(listener),
    get intactAtMs() {
      return storage.intactAtMs;
    },
    get clockAheadMs() {
      return storage.clockAheadMs;
    },
    get reconnects() {
      return storage.reconnects;
    },
    get traffic() {
      return storage.traffic;
    },
    check: () => storage.check(),
    close: () => storage.close(),
  };
  return {
    storage: Object.assign(lifecycle, {
      kind,
      description,
      records,
      index,
      labels,
      feed,
      bindings,
      ends,
      incidents,
      quarantine,
      leases,
      webhookSettings,
      deliveries,
      occupancyEvents,
      backups,
    }) satisfies Storage,
    commits,
    loads,
    failFor: (which: (id: string) => boolean) => {
      failure = which;
    },
    hold: () => {
      let release = () => {};
      gate = new Promise((resolve) => {
        release = resolve;
      });
      return () => release();
    },
  };
}
