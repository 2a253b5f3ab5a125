// Observers query a receiver for who is present, and record the changes that it announces.

/** Uses Rollcall's REST API and change feed, like any client. */
export class RollcallObserver {
  #announcements = [];
  #stopping = new AbortController();
  #following;

  constructor(url) {
    this.url = url;
  }

  async start() {
    const { position } = await getJson(`${this.url}/v1/participants?limit=1`);
    this.#following = this.#follow(position);
  }

  async present() {
    const ids = new Set();
    for (let cursor = ''; ; ) {
      const { items, nextCursor } = await getJson(
        `${this.url}/v1/participants?state=connected,reconnecting&limit=1000${cursor}`,
      );
      for (const { participantId } of items) ids.add(participantId);
      if (!nextCursor) return ids;
      cursor = `&cursor=${nextCursor}`;
    }
  }

  /** Stops following the feed, and resolves with all announcements. */
  async announcements() {
    this.#stopping.abort();
    await this.#following;
    return this.#announcements;
  }

  async #follow(from) {
    const { signal } = this.#stopping;
    for (let after = from; !signal.aborted; ) {
      const page = await getJson(`${this.url}/v1/changes?after=${after}&wait=30&limit=1000`, signal).catch((error) => {
        if (!signal.aborted) throw error;
      });
      if (!page) return;
      after = page.position;
      for (const change of page.items) this.#record(change, Date.now());
    }
  }

  #record({ type, participantId, state, previousState }, atMs) {
    if (!type.startsWith('participant.')) return;
    const wasPresent = previousState !== null && previousState !== 'gone';
    const isPresent = state !== 'gone';
    if (wasPresent !== isPresent) this.#announcements.push({ participantId, what: isPresent ? 'came' : 'gone', atMs });
  }
}

export class NaiveObserver {
  constructor(url) {
    this.url = url;
  }

  async start() {}

  async present() {
    return new Set(await getJson(`${this.url}/present`));
  }

  announcements() {
    return getJson(`${this.url}/announcements`);
  }
}

async function getJson(url, signal) {
  const response = await fetch(url, { signal });
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return response.json();
}
