// Server-sent events over fetch, which can send a header; EventSource cannot.

export interface StreamEvent {
  readonly id: string;
  readonly type: string;
  readonly data: string;
}

/** Splits the text of a stream into events, however it is cut into pieces. Lines end with LF, as this service sends them. */
export class EventParser {
  #rest = '';

  add(text: string): StreamEvent[] {
    const parts = (this.#rest + text).split('\n\n');
    this.#rest = parts.pop() ?? '';
    return parts.flatMap(parsed);
  }
}

/** Nothing for a comment. */
function parsed(text: string): StreamEvent[] {
  const members = { id: '', event: 'message', data: '' };
  for (const line of text.split('\n')) {
    const [, name, value = ''] = /^(id|event|data): ?(.*)$/.exec(line) ?? [];
    if (name !== undefined) members[name as keyof typeof members] = value;
  }
  return members.data === '' ? [] : [{ id: members.id, type: members.event, data: members.data }];
}
