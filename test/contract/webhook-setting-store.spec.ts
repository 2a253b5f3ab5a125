// The contract for the webhook settings of every store.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { WebhookSettingStore } from '../../src/storage/webhook-ports.js';
import { type OpenStorage, storesUnderTest } from './stores.js';

describe.each(storesUnderTest())('the webhook settings on %s', (_, open) => {
  let opened: OpenStorage;
  let settings: WebhookSettingStore;
  beforeEach(async () => {
    opened = await open();
    settings = opened.storage.webhookSettings;
  });
  afterEach(() => opened.discard());

  it('are replaced only as they were read', async () => {
    expect(await settings.get('a')).toBeNull();
    expect(await settings.replace('a', 'never', 'text')).toBe(false);
    expect(await settings.get('a')).toBeNull();
    expect(await settings.replace('a', null, 'one – ½')).toBe(true);
    expect(await settings.replace('a', null, 'two')).toBe(false);
    expect(await settings.get('a')).toBe('one – ½');
    expect(await settings.replace('a', 'one – ½', 'two')).toBe(true);
    expect(await settings.get('a')).toBe('two');
    expect(await settings.replace('a', 'one – ½', null)).toBe(false);
    expect(await settings.replace('a', 'two', null)).toBe(true);
    expect(await settings.get('a')).toBeNull();
  });

  it('are replaced by one of many at the same time', async () => {
    const made = await Promise.all(Array.from({ length: 20 }, (_unused, n) => settings.replace('a', null, `${n}`)));
    expect(made.filter((isReplaced) => isReplaced)).toHaveLength(1);
    expect(await settings.get('a')).toBe(`${made.indexOf(true)}`);
  });

  it('are listed by id, however many there are', async () => {
    const ids = Array.from({ length: 300 }, (_unused, n) => `id${String(n).padStart(3, '0')}`);
    for (const id of ids.toReversed()) await settings.replace(id, null, `text of ${id}`);
    await settings.replace('id007', 'text of id007', null);
    const left = ids.filter((id) => id !== 'id007');
    expect(await settings.list()).toEqual(left.map((id) => ({ id, text: `text of ${id}` })));
  });

  it('have a revision that changes with them only', async () => {
    expect(await settings.revision()).toBe(0);
    await settings.replace('a', null, 'one');
    const first = await settings.revision();
    expect(first).toBeGreaterThan(0);
    await settings.replace('a', null, 'two');
    expect(await settings.revision()).toBe(first);
    await settings.replace('a', 'one', null);
    expect(await settings.revision()).toBeGreaterThan(first);
  });

  it('are the same for all processes', async () => {
    const another = opened.another?.().webhookSettings ?? settings;
    await settings.replace('a', null, 'text');
    expect(await another.list()).toEqual([{ id: 'a', text: 'text' }]);
    expect(await another.revision()).toBe(await settings.revision());
  });
});
