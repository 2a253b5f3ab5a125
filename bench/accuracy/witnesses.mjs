// Ask a receiver who is present, and note what it announces by itself.

/** Follows Rollcall over REST, like any of its users. */
export class RollcallWitness {
  #announcements = [];
  #stopping = new AbortController();
  #following;

  constructor(url) {
    this.url = url;
  }

  async start() {
    const { position } = await answerOf(`${this.url}/v1/participants?limit=1`);
    this.#following = this.#follow(position);
  }

  async present() {
    const ids = new Set();
    for (let cursor = ''; ; ) {
      const { items, nextCursor } = await answerOf(
        `${this.url}/v1/participants?state=connected,reconnecting&limit=1000${cursor}`,
      );
      for (const { participantId } of items) ids.add(participantId);
      if (!nextCursor) return ids;
      cursor = `&cursor=${nextCursor}`;
    }
  }

  /** All that were made; ends the following. */
  async announcements() {
    this.#stopping.abort();
    await this.#following;
    return this.#announcements;
  }

  async #follow(from) {
    const { signal } = this.#stopping;
    for (let after = from; !signal.aborted; ) {
      const page = await answerOf(`${this.url}/v1/changes?after=${after}&wait=30&limit=1000`, signal).catch((error) => {
        if (!signal.aborted) throw error;
      });
      if (!page) return;
      after = page.position;
      for (const change of page.items) this.#note(change, Date.now());
    }
  }

  #note({ type, participantId, state, previousState }, atMs) {
    if (!type.startsWith('participant.')) return;
    const wasPresent = previousState !== null && previousState !== 'gone';
    const isPresent = state !== 'gone';
    if (wasPresent !== isPresent) this.#announcements.push({ participantId, what: isPresent ? 'came' : 'gone', atMs });
  }
}

export class NaiveWitness {
  constructor(url) {
    this.url = url;
  }

  async start() {}

  async present() {
    return new Set(await answerOf(`${this.url}/present`));
  }

  announcements() {
    return answerOf(`${this.url}/announcements`);
  }
}

async function answerOf(url, signal) {
  const response = await fetch(url, { signal });
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return response.json();
}
