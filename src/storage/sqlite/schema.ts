// The SQLite schema. SQLite counts by scanning, so triggers maintain `occupancy` in the same transaction as the rows that it
// counts. Its `name` is '' for all participants of a source, or 'tag:…', 'scope:…' or 'label:…' for those of a group. Participants with
// indexed labels are listed in `labelled`, once for each label, by triggers of their own: few participants may have any.

export const SCHEMA_VERSION = 4;

type Row = 'OLD' | 'NEW';

const ownNames = (row: Row) => `SELECT '' AS name
        UNION ALL SELECT 'tag:' || ${row}.tag WHERE ${row}.tag IS NOT NULL
        UNION ALL SELECT 'scope:' || ${row}.scope WHERE ${row}.scope IS NOT NULL`;
const labelNames = (row: Row) => `SELECT 'label:' || value AS name FROM json_each(${row}.labels)`;

/** Adds a row to, or subtracts it from, the counts of its source and groups. */
function count(row: Row, sign: '+' | '-', names = ownNames(row)): string {
  return `
    INSERT INTO occupancy
      SELECT name, ${row}.source, ${sign}(${row}.state = 'connected'), ${sign}(${row}.state = 'reconnecting'),
        ${sign}${row}.devices, ${sign}(${row}.availability IS 'available'), ${sign}(${row}.availability IS 'busy')
      FROM (${names}) WHERE true
    ON CONFLICT DO UPDATE SET
      connected = connected + excluded.connected,
      reconnecting = reconnecting + excluded.reconnecting,
      devices = devices + excluded.devices,
      available = available + excluded.available,
      busy = busy + excluded.busy;`;
}

/** Keeps the row of the source itself, because those rows are the list of known sources. */
const FORGET_EMPTY_GROUPS = `
    DELETE FROM occupancy WHERE source = OLD.source AND connected + reconnecting = 0
      AND name IN ('tag:' || OLD.tag, 'scope:' || OLD.scope);`;

const LIST_LABELS = `${count('NEW', '+', labelNames('NEW'))}
    INSERT INTO labelled
      SELECT NEW.source, value, NEW.state, NEW.since_ms, NEW.key, NEW.availability, NEW.availability_since_ms
      FROM json_each(NEW.labels);`;

const UNLIST_LABELS = `${count('OLD', '-', labelNames('OLD'))}
    DELETE FROM labelled WHERE source = OLD.source AND state = OLD.state AND since_ms = OLD.since_ms AND key = OLD.key
      AND label IN (SELECT value FROM json_each(OLD.labels));`;

const FORGET_EMPTY_LABELS = `
    DELETE FROM occupancy WHERE source = OLD.source AND connected + reconnecting = 0 AND name IN (${labelNames('OLD')});`;

const listed = (row: Row) =>
  ['state', 'since_ms', 'devices', 'availability', 'availability_since_ms', 'labels']
    .map((name) => `${row}.${name}`)
    .join();

/** `nowMs`: the start of the feed. */
export const schema = (nowMs: number) => `
  CREATE TABLE participants (
    key TEXT PRIMARY KEY,
    record TEXT NOT NULL,
    source TEXT NOT NULL,
    state TEXT NOT NULL,
    since_ms INTEGER NOT NULL,
    tag TEXT,
    scope TEXT,
    id TEXT, -- only if it has a scope
    devices INTEGER NOT NULL,
    due_ms INTEGER NOT NULL,
    availability TEXT, -- both NULL if it is unknown
    availability_since_ms INTEGER,
    labels TEXT -- those that are indexed, as a JSON array of 'name=value'; NULL if there are none
  ) WITHOUT ROWID;
  CREATE INDEX participants_by_state ON participants (source, state, since_ms, key);
  CREATE INDEX participants_by_tag ON participants (source, tag, state, since_ms, key) WHERE tag IS NOT NULL;
  CREATE INDEX participants_by_scope ON participants (source, scope, state, since_ms, key) WHERE scope IS NOT NULL;
  CREATE INDEX participants_by_id ON participants (source, id, state, since_ms, key) WHERE id IS NOT NULL;
  CREATE INDEX participants_by_availability ON participants (source, availability, availability_since_ms, key)
    WHERE availability IS NOT NULL;
  CREATE INDEX participants_by_tag_and_availability ON participants (source, tag, availability, availability_since_ms, key)
    WHERE tag IS NOT NULL AND availability IS NOT NULL;
  CREATE INDEX participants_by_scope_and_availability
    ON participants (source, scope, availability, availability_since_ms, key)
    WHERE scope IS NOT NULL AND availability IS NOT NULL;
  CREATE INDEX participants_by_deadline ON participants (due_ms);

  CREATE TABLE labelled (
    source TEXT NOT NULL,
    label TEXT NOT NULL,
    state TEXT NOT NULL,
    since_ms INTEGER NOT NULL,
    key TEXT NOT NULL,
    availability TEXT,
    availability_since_ms INTEGER,
    PRIMARY KEY (source, label, state, since_ms, key)
  ) WITHOUT ROWID;
  CREATE INDEX labelled_by_availability ON labelled (source, label, availability, availability_since_ms, key)
    WHERE availability IS NOT NULL;
  CREATE TABLE label_index (text TEXT NOT NULL); -- one row: label-index.ts
  INSERT INTO label_index VALUES ('');

  CREATE TABLE occupancy (
    name TEXT NOT NULL,
    source TEXT NOT NULL,
    connected INTEGER NOT NULL,
    reconnecting INTEGER NOT NULL,
    devices INTEGER NOT NULL,
    available INTEGER NOT NULL,
    busy INTEGER NOT NULL,
    PRIMARY KEY (name, source)
  ) WITHOUT ROWID;
  CREATE TRIGGER participant_added AFTER INSERT ON participants BEGIN ${count('NEW', '+')}
  END;
  CREATE TRIGGER participant_moved AFTER UPDATE OF state, tag, devices, availability ON participants
    WHEN (OLD.state, OLD.tag, OLD.devices, OLD.availability) IS NOT (NEW.state, NEW.tag, NEW.devices, NEW.availability)
    BEGIN ${count('OLD', '-')} ${count('NEW', '+')} ${FORGET_EMPTY_GROUPS}
  END;
  CREATE TRIGGER participant_forgotten AFTER DELETE ON participants BEGIN ${count('OLD', '-')} ${FORGET_EMPTY_GROUPS}
  END;
  CREATE TRIGGER labels_added AFTER INSERT ON participants WHEN NEW.labels IS NOT NULL BEGIN ${LIST_LABELS}
  END;
  CREATE TRIGGER labels_moved AFTER UPDATE ON participants
    WHEN (OLD.labels IS NOT NULL OR NEW.labels IS NOT NULL) AND (${listed('OLD')}) IS NOT (${listed('NEW')})
    BEGIN ${UNLIST_LABELS} ${LIST_LABELS} ${FORGET_EMPTY_LABELS}
  END;
  CREATE TRIGGER labels_forgotten AFTER DELETE ON participants WHEN OLD.labels IS NOT NULL
    BEGIN ${UNLIST_LABELS} ${FORGET_EMPTY_LABELS}
  END;

  CREATE TABLE feed (epoch TEXT NOT NULL);
  CREATE TABLE entries (
    id INTEGER PRIMARY KEY, -- time of the commit in microseconds, or the previous id + 1 if that is greater
    changes TEXT NOT NULL,
    bytes INTEGER NOT NULL -- total size of all changes so far
  );
  -- The feed always has an epoch and an entry.
  INSERT INTO feed VALUES (lower(hex(randomblob(6))));
  INSERT INTO entries VALUES (${nowMs * 1_000}, '', 0);
  CREATE TABLE refs (ref TEXT PRIMARY KEY, key TEXT NOT NULL, until_ms INTEGER NOT NULL) WITHOUT ROWID;
  CREATE INDEX refs_by_end ON refs (until_ms);
  CREATE TABLE ends (
    target TEXT NOT NULL,
    text TEXT NOT NULL,
    received_ms INTEGER NOT NULL,
    until_ms INTEGER NOT NULL,
    is_pending INTEGER NOT NULL,
    PRIMARY KEY (target, text)
  ) WITHOUT ROWID;
  CREATE INDEX ends_by_expiry ON ends (until_ms);
  CREATE INDEX pending_ends ON ends (received_ms) WHERE is_pending = 1;
  CREATE TABLE quarantine (
    id TEXT PRIMARY KEY, -- begins with the time of receipt: timed-id.ts
    source TEXT NOT NULL,
    reason TEXT NOT NULL,
    content_type TEXT NOT NULL,
    received_ms INTEGER NOT NULL,
    request_id TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    context TEXT,
    body BLOB NOT NULL -- last, so that lists do not read it
  );
  -- Counts and sums read this index instead of the bodies.
  CREATE INDEX quarantine_by_size ON quarantine (bytes);
  CREATE TABLE leases (
    name TEXT PRIMARY KEY,
    token INTEGER NOT NULL,
    until_ms INTEGER NOT NULL,
    note TEXT
  ) WITHOUT ROWID;
  CREATE TABLE webhook_settings (id TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE webhook_revision (number INTEGER NOT NULL); -- one row
  INSERT INTO webhook_revision VALUES (0);
  CREATE TABLE webhook_states (endpoint_id TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE webhook_records (
    endpoint_id TEXT NOT NULL,
    log TEXT NOT NULL,
    id TEXT NOT NULL, -- begins with a time: timed-id.ts
    text TEXT NOT NULL,
    PRIMARY KEY (endpoint_id, log, id)
  ) WITHOUT ROWID;
  CREATE TABLE occupancy_state (text TEXT NOT NULL); -- at most one row
  CREATE TABLE occupancy_tags (tag TEXT PRIMARY KEY, empty_since_ms INTEGER NOT NULL) WITHOUT ROWID; -- 0: occupied
  CREATE TABLE occupancy_events (number INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, text TEXT NOT NULL);
  CREATE INDEX occupancy_events_by_time ON occupancy_events (at_ms);
  CREATE TABLE checks (id INTEGER PRIMARY KEY, written BLOB NOT NULL);

`;
