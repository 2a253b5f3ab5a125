import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { EventParser } from '../../console/api/event-stream.js';

const TEXT =
  'retry: 3000\n\nid: 1\nevent: participant.gone\ndata: {"a":": é"}\n\n:\n\nid: 2\nevent: reset\ndata: {}\n\n';

describe('the parser of server-sent events', () => {
  it('finds the same events however the text is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: TEXT.length - 1 })), (cuts) => {
        const parser = new EventParser();
        const edges = [0, ...cuts.sort((a, b) => a - b), TEXT.length];
        const events = edges.slice(1).flatMap((end, n) => parser.add(TEXT.slice(edges[n], end)));
        expect(events).toEqual([
          { id: '1', type: 'participant.gone', data: '{"a":": é"}' },
          { id: '2', type: 'reset', data: '{}' },
        ]);
      }),
    );
  });
});
