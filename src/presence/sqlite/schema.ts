// The tables of the embedded store. `occupancy` is kept by triggers, since SQLite counts rows one by one: it changes in
// the same transaction as the rows it counts, whoever writes them. Its row '' counts everybody; no tag is empty.

export const SCHEMA_VERSION = 3;

/** Adds what a row stands for to the count of everybody and, if it has a tag, to that of its tag; or takes it off. */
function count(row: 'OLD' | 'NEW', sign: '+' | '-'): string {
  return `
    INSERT INTO occupancy
      SELECT tag, ${sign}(${row}.state = 'connected'), ${sign}(${row}.state = 'reconnecting'), ${sign}${row}.devices
      FROM (SELECT '' AS tag UNION ALL SELECT ${row}.tag WHERE ${row}.tag IS NOT NULL) WHERE true
    ON CONFLICT DO UPDATE SET
      connected = connected + excluded.connected,
      reconnecting = reconnecting + excluded.reconnecting,
      devices = devices + excluded.devices;`;
}

const FORGET_EMPTY_TAG = `
    DELETE FROM occupancy WHERE tag = OLD.tag AND connected + reconnecting = 0;`;

export const SCHEMA = `
  CREATE TABLE participants (
    participant_id TEXT PRIMARY KEY,
    record TEXT NOT NULL,
    state TEXT NOT NULL,
    since_ms INTEGER NOT NULL,
    tag TEXT,
    devices INTEGER NOT NULL,
    due_ms INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX participants_by_state ON participants (state, since_ms, participant_id);
  CREATE INDEX participants_by_tag ON participants (tag, state, since_ms, participant_id) WHERE tag IS NOT NULL;
  CREATE INDEX participants_by_deadline ON participants (due_ms);

  CREATE TABLE occupancy (
    tag TEXT PRIMARY KEY,
    connected INTEGER NOT NULL,
    reconnecting INTEGER NOT NULL,
    devices INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE TRIGGER participant_added AFTER INSERT ON participants BEGIN ${count('NEW', '+')}
  END;
  CREATE TRIGGER participant_moved AFTER UPDATE OF state, tag, devices ON participants
    WHEN (OLD.state, OLD.tag, OLD.devices) IS NOT (NEW.state, NEW.tag, NEW.devices)
    BEGIN ${count('OLD', '-')} ${count('NEW', '+')} ${FORGET_EMPTY_TAG}
  END;
  CREATE TRIGGER participant_forgotten AFTER DELETE ON participants BEGIN ${count('OLD', '-')} ${FORGET_EMPTY_TAG}
  END;

  CREATE TABLE feed (epoch TEXT NOT NULL);
  CREATE TABLE entries (
    id INTEGER PRIMARY KEY, -- when it was made, in microseconds, or one more than that of the entry before
    changes TEXT NOT NULL,
    bytes INTEGER NOT NULL -- of all changes so far
  );
  -- The feed always has an epoch and an entry.
  INSERT INTO feed VALUES (lower(hex(randomblob(6))));
  INSERT INTO entries VALUES (CAST(unixepoch('subsec') * 1000000 AS INTEGER), '', 0);
  CREATE TABLE refs (ref TEXT PRIMARY KEY, participant_id TEXT NOT NULL, until_ms INTEGER NOT NULL) WITHOUT ROWID;
  CREATE INDEX refs_by_end ON refs (until_ms);
  CREATE TABLE checks (id INTEGER PRIMARY KEY, written BLOB NOT NULL);

  PRAGMA user_version = ${SCHEMA_VERSION};
`;
