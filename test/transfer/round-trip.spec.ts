// Exports from every store into every other one.
import { afterEach, describe, expect, it } from '@jest/globals';
import type { SourceName } from '../../src/domain/subject.js';
import { type EndWithoutParticipant, encodeEnd, targetOf } from '../../src/storage/encoding/end-codec.js';
import { Exporter } from '../../src/transfer/exporter.js';
import { decodeEndpoint } from '../../src/webhooks/endpoint.js';
import { changesAfter } from '../contract/feed.js';
import { type OpenStorage, openSqlite, storesUnderTest } from '../contract/stores.js';
import { connected, left } from '../domain/builders.js';
import {
  addEnd,
  bodyOf,
  collect,
  END_COUNT,
  eventsOf,
  exportOf,
  fill,
  importInto,
  NOW_MS,
  PAGE_SIZE,
  record,
  SETTING_COUNT,
} from './transfer.js';

const stores = storesUnderTest();
/** More than one commit of an import. */
const COUNT = 520;
const opened: OpenStorage[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map(({ discard }) => discard()));
});

async function openOne(open: () => Promise<OpenStorage>): Promise<OpenStorage> {
  const one = await open();
  opened.push(one);
  return one;
}

describe.each(stores)('an export from %s', (_, openSource) => {
  it('is, after an import into any store, the same as the export of that store', async () => {
    const { storage } = await openOne(openSource);
    await fill(storage, COUNT);
    const text = await exportOf(storage);
    expect(text.match(/\n/g)).toHaveLength(1 + COUNT + COUNT / 2 + END_COUNT + SETTING_COUNT + 1);
    for (const [, openTarget] of stores) {
      const { storage: copy } = await openOne(openTarget);
      expect(await importInto(copy, text)).toMatchObject({
        added: COUNT,
        merged: 0,
        bindings: COUNT / 2,
        settings: SETTING_COUNT,
        settingsKept: 0,
      });
      const [copied] = await copy.webhookSettings.list();
      expect(decodeEndpoint(String(copied?.text))).toMatchObject({ start: await copy.feed.end(), eventStart: 0 });
      expect(bodyOf(await exportOf(copy))).toBe(bodyOf(text));
      expect(await copy.index.occupancy({})).toEqual(await storage.index.occupancy({}));
      const claim = { nowMs: NOW_MS, untilMs: NOW_MS, limit: COUNT };
      expect(await copy.records.claimDue(claim)).toEqual(await storage.records.claimDue(claim));
      expect((await copy.feed.extent()).announcedBytes).toBe(0);
      expect(await importInto(copy, text)).toMatchObject({
        added: 0,
        merged: 0,
        unchanged: COUNT,
        settings: 0,
        settingsKept: SETTING_COUNT,
      });
      await opened.pop()?.discard();
    }
  });
});

describe.each(stores)('with %s', (_, open) => {
  it('an export has everybody, and the newest of those who change meanwhile', async () => {
    const { storage } = await openOne(open);
    await fill(storage, COUNT);
    const chunks = new Exporter(storage, undefined, PAGE_SIZE).chunks();
    const text = [(await chunks.next()).value, (await chunks.next()).value];
    // The export has been where this one is from now on.
    const [start] = eventsOf(1);
    await record(storage, [connected({ participant: 'p1', at: (start?.occurredAtMs ?? 0) + 600 })]);
    await record(storage, [connected({ participant: 'new', at: NOW_MS - 60_000 })]);
    text.push(await collect(chunks));
    const copy = await openOne(openSqlite);
    await importInto(copy.storage, text.join(''));
    expect(bodyOf(await exportOf(copy.storage))).toBe(bodyOf(await exportOf(storage)));
  });

  it('an import into a store that is in use merges, and announces the differences', async () => {
    const [{ storage }, target] = [await openOne(openSqlite), await openOne(open)];
    const [a, b, c] = ['a', 'b', 'c'].map((participant) => ({ participant, at: NOW_MS - 5_000 })) as [
      object,
      object,
      object,
    ];
    await record(storage, [connected(a), connected(b), connected({ ...b, device: 'd2' }), connected(c)]);
    await record(target.storage, [connected(b), left({ ...b, at: NOW_MS - 1_000 }), connected(c)]);
    const position = await target.storage.feed.end();
    const text = await exportOf(storage);
    expect(await importInto(target.storage, text)).toMatchObject({ added: 1, merged: 1, unchanged: 1 });
    const changes = (await changesAfter(target.storage.feed, position)).map(
      ({ type, subject, deviceId, previousState }) =>
        `${subject.participantId} ${deviceId ?? '-'} ${type} ${previousState}`,
    );
    expect(changes.sort()).toEqual([
      'a - participant.connected null',
      'a d1 device.connected null',
      'b - participant.connected gone',
      'b d2 device.connected null',
    ]);
    const end = await target.storage.feed.end();
    expect(await importInto(target.storage, text)).toMatchObject({ added: 0, merged: 0, unchanged: 3 });
    expect(await target.storage.feed.end()).toEqual(end);
  });

  it('an imported participant is found by its labels', async () => {
    const [{ storage }, { storage: copy }] = [await openOne(openSqlite), await openOne(open)];
    await fill(storage, 60);
    expect(await copy.labels.complete((await copy.labels.choose(['call'])) ?? '')).toBe(true);
    await importInto(copy, await exportOf(storage));
    const { items } = await copy.index.page(
      { states: ['expected'], group: { kind: 'label', name: 'call=42' } },
      null,
      100,
    );
    expect(items).toHaveLength(10);
  });

  it('an import lets all ends of rooms and devices be applied again, also those of the store', async () => {
    const [{ storage }, { storage: copy }] = [await openOne(openSqlite), await openOne(open)];
    await fill(storage, 6);
    const own: EndWithoutParticipant = {
      kind: 'room-ended',
      source: 'zoom' as SourceName,
      scope: 'r1',
      occurredAtMs: NOW_MS,
      receivedAtMs: NOW_MS,
      precisionMs: 1,
    };
    await addEnd(copy, own);
    await copy.ends.settle(targetOf(own), encodeEnd(own).text);
    await importInto(copy, await exportOf(storage));
    const pending = await copy.ends.pending(1_000);
    expect(pending).toHaveLength(END_COUNT + 1);
    expect(pending).toContainEqual({ target: targetOf(own), ...encodeEnd(own) });
  });

  it('an import keeps the bindings of the store', async () => {
    const [{ storage }, { storage: copy }] = [await openOne(openSqlite), await openOne(open)];
    await fill(storage, 4);
    const other = (await storage.index.page({ states: ['gone'] }, null, 1)).items[0]?.key;
    if (!other) throw new Error('nobody is gone');
    await copy.bindings.bind('ref-0', other, Date.now() + 60_000);
    expect(await importInto(copy, await exportOf(storage))).toMatchObject({ bindings: 2, boundOtherwise: 1 });
    expect(await copy.bindings.find('ref-0')).toBe(other);
  });
});
