import type Database from 'libsql';

export type Statements = ReturnType<typeof prepareStatements>;

/** All SQL statements of the store. Reads return rows as arrays. */
export function prepareStatements(db: Database.Database) {
  const page = (where: string) =>
    db
      .prepare(
        `SELECT key, since_ms, record FROM participants
         WHERE source = ? AND ${where} state = ? AND (since_ms, key) > (?, ?) ORDER BY since_ms, key LIMIT ?`,
      )
      .raw();
  const labelPage = (column: 'state' | 'availability', since: 'since_ms' | 'availability_since_ms') =>
    db
      .prepare(
        `SELECT key, labelled.${since}, record FROM labelled JOIN participants USING (key)
         WHERE labelled.source = ? AND label = ? AND labelled.${column} = ? AND (labelled.${since}, key) > (?, ?)
         ORDER BY labelled.${since}, key LIMIT ?`,
      )
      .raw();
  const availabilityPage = (where: string) =>
    db
      .prepare(
        `SELECT key, availability_since_ms, record FROM participants
         WHERE source = ? AND ${where} availability = ? AND (availability_since_ms, key) > (?, ?)
         ORDER BY availability_since_ms, key LIMIT ?`,
      )
      .raw();
  const tags = (where: string) =>
    db
      .prepare(
        `SELECT substr(name, 5), sum(connected), sum(reconnecting), sum(devices), sum(available), sum(busy) FROM occupancy
         WHERE ${where} name > 'tag:' || ? AND name < 'tag;' AND connected + reconnecting > 0
         GROUP BY name ORDER BY name LIMIT ?`,
      )
      .raw();
  return {
    load: db.prepare('SELECT record FROM participants WHERE key = ?').raw(),
    insert: db.prepare(
      'INSERT INTO participants VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
    ),
    update: db.prepare(
      `UPDATE participants SET record = ?, state = ?, since_ms = ?, tag = ?, devices = ?, due_ms = ?,
         availability = ?, availability_since_ms = ?, labels = ?
       WHERE key = ? AND record = ?`,
    ),
    forget: db.prepare('DELETE FROM participants WHERE key = ? AND record = ?'),
    pageOfState: page(''),
    pageOfGroup: {
      tag: page('tag = ? AND'),
      scope: page('scope = ? AND'),
      id: page('id = ? AND'),
      label: labelPage('state', 'since_ms'),
    },
    pageOfAvailability: availabilityPage(''),
    pageOfGroupAndAvailability: {
      tag: availabilityPage('tag = ? AND'),
      scope: availabilityPage('scope = ? AND'),
      id: availabilityPage('id = ? AND'),
      label: labelPage('availability', 'availability_since_ms'),
    },
    labelIndex: db.prepare('SELECT text FROM label_index').raw(),
    setLabelIndex: db.prepare('UPDATE label_index SET text = ?'),
    occupancy: db
      .prepare('SELECT source, connected, reconnecting, devices, available, busy FROM occupancy WHERE name = ?')
      .raw(),
    // Excludes the row of the health check's probe.
    sources: db.prepare("SELECT source FROM occupancy WHERE name = '' AND source <> '' ORDER BY source").raw(),
    tags: tags(''),
    tagsOfSource: tags('source = ? AND'),
    size: db.prepare('SELECT count(*) FROM participants').raw(),
    earliestDue: db.prepare('SELECT key, due_ms FROM participants ORDER BY due_ms LIMIT ?').raw(),
    epoch: db.prepare('SELECT epoch FROM feed').raw(),
    newestEntry: db.prepare('SELECT id, bytes FROM entries ORDER BY id DESC LIMIT 1').raw(),
    addEntry: db.prepare('INSERT INTO entries VALUES (?, ?, ?)'),
    removeEntry: db.prepare('DELETE FROM entries WHERE id = ?'),
    entriesFrom: db.prepare('SELECT id, changes FROM entries WHERE id >= ? ORDER BY id LIMIT ?').raw(),
    oldestEntry: db.prepare('SELECT id, bytes FROM entries ORDER BY id LIMIT 1').raw(),
    entryUpTo: db.prepare('SELECT id, bytes FROM entries WHERE id <= ? ORDER BY id DESC LIMIT 1').raw(),
    entryAt: db.prepare('SELECT id FROM entries ORDER BY id LIMIT 1 OFFSET ?').raw(),
    trim: db.prepare('DELETE FROM entries WHERE id < ?'),
    bind: db.prepare('INSERT INTO refs VALUES (?, ?, ?) ON CONFLICT DO NOTHING'),
    boundTo: db.prepare('SELECT key FROM refs WHERE ref = ?').raw(),
    bindingsPage: db
      .prepare('SELECT ref, key, until_ms FROM refs WHERE (until_ms, ref) > (?, ?) ORDER BY until_ms, ref LIMIT ?')
      .raw(),
    unbind: db.prepare('DELETE FROM refs WHERE until_ms < ?'),
    addEnd: db.prepare(
      `INSERT INTO ends VALUES (?, ?, ?, ?, 1)
       ON CONFLICT DO UPDATE SET is_pending = 1, until_ms = max(until_ms, excluded.until_ms)`,
    ),
    trimEnds: db.prepare(
      `DELETE FROM ends WHERE target = ? AND is_pending = 0 AND text NOT IN
       (SELECT text FROM ends WHERE target = ? ORDER BY received_ms DESC LIMIT ?)`,
    ),
    expireEnds: db.prepare('DELETE FROM ends WHERE until_ms < ? AND is_pending = 0'),
    endsOf: db.prepare('SELECT text, received_ms FROM ends WHERE target = ? ORDER BY received_ms, text').raw(),
    pendingEnds: db
      .prepare(
        'SELECT target, text, received_ms FROM ends WHERE is_pending = 1 ORDER BY received_ms, target, text LIMIT ?',
      )
      .raw(),
    endsPage: db
      .prepare(
        `SELECT target, text, received_ms, until_ms FROM ends WHERE (until_ms, target, text) > (?, ?, ?)
         ORDER BY until_ms, target, text LIMIT ?`,
      )
      .raw(),
    settleEnd: db.prepare('UPDATE ends SET is_pending = 0 WHERE target = ? AND text = ?'),
    quarantine: db.prepare('INSERT INTO quarantine VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING'),
    quarantinePage: db
      .prepare(
        `SELECT id, source, reason, content_type, received_ms, request_id, bytes, context FROM quarantine
         WHERE id < ? AND id >= ? AND (source = ? OR ? IS NULL) AND (reason = ? OR ? IS NULL) ORDER BY id DESC LIMIT ?`,
      )
      .raw(),
    quarantined: db
      .prepare(
        `SELECT id, source, reason, content_type, received_ms, request_id, bytes, context, body FROM quarantine
         WHERE id = ?`,
      )
      .raw(),
    oldestQuarantined: db.prepare('SELECT id, bytes FROM quarantine ORDER BY id LIMIT ?').raw(),
    quarantineTotals: db.prepare('SELECT count(*), coalesce(sum(bytes), 0) FROM quarantine').raw(),
    unquarantine: db.prepare('DELETE FROM quarantine WHERE id IN (SELECT value FROM json_each(?))'),
    acquireLease: db
      .prepare(
        `INSERT INTO leases VALUES (?, 1, ?, NULL)
         ON CONFLICT DO UPDATE SET token = token + 1, until_ms = excluded.until_ms WHERE until_ms <= ?
         RETURNING token`,
      )
      .raw(),
    renewLease: db
      .prepare('UPDATE leases SET until_ms = ? WHERE name = ? AND token = ? AND until_ms > ? RETURNING token')
      .raw(),
    saveNote: db
      .prepare('UPDATE leases SET note = ? WHERE name = ? AND token = ? AND until_ms > ? RETURNING token')
      .raw(),
    note: db.prepare('SELECT note FROM leases WHERE name = ?').raw(),
    isLeaseHeld: db.prepare('SELECT 1 FROM leases WHERE name = ? AND token = ? AND until_ms > ?').raw(),
    webhookRevision: db.prepare('SELECT number FROM webhook_revision').raw(),
    nextWebhookRevision: db.prepare('UPDATE webhook_revision SET number = number + 1'),
    webhookSettings: db.prepare('SELECT id, text FROM webhook_settings ORDER BY id').raw(),
    webhookSetting: db.prepare('SELECT text FROM webhook_settings WHERE id = ?').raw(),
    setWebhookSetting: db.prepare('INSERT OR REPLACE INTO webhook_settings VALUES (?, ?)'),
    removeWebhookSetting: db.prepare('DELETE FROM webhook_settings WHERE id = ?'),
    webhookStates: db.prepare('SELECT endpoint_id, text FROM webhook_states').raw(),
    webhookState: db.prepare('SELECT text FROM webhook_states WHERE endpoint_id = ?').raw(),
    setWebhookState: db.prepare('INSERT OR REPLACE INTO webhook_states VALUES (?, ?)'),
    forgetWebhookState: db.prepare('DELETE FROM webhook_states WHERE endpoint_id IN (SELECT value FROM json_each(?))'),
    forgetWebhookLogs: db.prepare('DELETE FROM webhook_records WHERE endpoint_id IN (SELECT value FROM json_each(?))'),
    addWebhookRecord: db.prepare('INSERT OR REPLACE INTO webhook_records VALUES (?, ?, ?, ?)'),
    trimWebhookLog: db.prepare(
      `DELETE FROM webhook_records WHERE endpoint_id = ? AND log = ? AND (id < ? OR id <=
       (SELECT id FROM webhook_records WHERE endpoint_id = ? AND log = ? ORDER BY id DESC LIMIT 1 OFFSET ?))`,
    ),
    webhookLogPage: db
      .prepare(
        'SELECT id, text FROM webhook_records WHERE endpoint_id = ? AND log = ? AND id < ? ORDER BY id DESC LIMIT ?',
      )
      .raw(),
    webhookRecord: db.prepare('SELECT text FROM webhook_records WHERE endpoint_id = ? AND log = ? AND id = ?').raw(),
    removeWebhookRecord: db.prepare('DELETE FROM webhook_records WHERE endpoint_id = ? AND log = ? AND id = ?'),
    webhookLogCount: db.prepare('SELECT count(*) FROM webhook_records WHERE endpoint_id = ? AND log = ?').raw(),
    occupancyState: db.prepare('SELECT text FROM occupancy_state').raw(),
    forgetOccupancyState: db.prepare('DELETE FROM occupancy_state'),
    setOccupancyState: db.prepare('INSERT INTO occupancy_state VALUES (?)'),
    occupancyTags: db.prepare('SELECT tag, empty_since_ms FROM occupancy_tags').raw(),
    setOccupancyTag: db.prepare('INSERT OR REPLACE INTO occupancy_tags VALUES (?, ?)'),
    forgetOccupancyTag: db.prepare('DELETE FROM occupancy_tags WHERE tag = ?'),
    addOccupancyEvent: db.prepare('INSERT INTO occupancy_events VALUES (?, ?, ?)'),
    trimOccupancyEvents: db.prepare(
      `DELETE FROM occupancy_events WHERE number < (SELECT max(number) FROM occupancy_events)
         AND (at_ms < ? OR number <= (SELECT max(number) FROM occupancy_events) - ?)`,
    ),
    occupancyEvents: db
      .prepare('SELECT number, at_ms, text FROM occupancy_events WHERE number > ? ORDER BY number LIMIT ?')
      .raw(),
    newestOccupancyEvent: db
      .prepare('SELECT number FROM occupancy_events WHERE at_ms < ? ORDER BY number DESC LIMIT 1')
      .raw(),
    oldestOccupancyEvent: db.prepare('SELECT number FROM occupancy_events ORDER BY number LIMIT 1').raw(),
    // The size of a large commit: a few bytes may still fit on a full disk.
    check: db.prepare('INSERT OR REPLACE INTO checks VALUES (1, zeroblob(65536))'),
  };
}
