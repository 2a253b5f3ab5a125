import { describe, expect, it } from '@jest/globals';
import type { Participant } from '../../console/presence/participant.js';
import { PresenceList } from '../../console/presence/presence-list.js';
import { type Arrangement, type Row, RowArranger } from '../../console/presence/rows.js';

const ALL: Arrangement = { query: '', order: 'longest', collapsed: new Set() };

function participant(participantId: string, tag: string, sinceMs: number): Participant {
  return {
    key: participantId,
    participantId,
    source: 'bandwidth',
    state: 'connected',
    sinceMs,
    tag,
    availability: 'unknown',
    isDoubtful: false,
    devices: [],
    version: 1,
  };
}

function listOf(...participants: readonly Participant[]): PresenceList {
  const list = new PresenceList();
  for (const one of participants) list.add(one);
  return list;
}

const textOf = (rows: readonly Row[]) =>
  rows.map((row) => (row.kind === 'group' ? `# ${row.tag} ${row.connected}` : row.participant.participantId));

describe('the rows of the live view', () => {
  const people = [
    participant('b', 'hall', 1),
    participant('a', 'hall', 2),
    participant('c', '', 3),
    participant('d', 'alley', 4),
  ];

  it('are grouped by tag, those without a tag last, and sorted within', () => {
    const arranger = new RowArranger();
    const list = listOf(...people);
    expect(textOf(arranger.rowsOf(list, ALL))).toEqual(['# alley 1', 'd', '# hall 2', 'b', 'a', '#  1', 'c']);
    const byId = arranger.rowsOf(list, { ...ALL, order: 'id' });
    expect(textOf(byId)).toEqual(['# alley 1', 'd', '# hall 2', 'a', 'b', '#  1', 'c']);
  });

  it('are those that match, by tag or id', () => {
    const arranger = new RowArranger();
    const list = listOf(...people);
    expect(textOf(arranger.rowsOf(list, { ...ALL, query: 'HALL' }))).toEqual(['# hall 2', 'b', 'a']);
    expect(textOf(arranger.rowsOf(list, { ...ALL, query: 'c' }))).toEqual(['#  1', 'c']);
  });

  it('of a collapsed tag are its count only', () => {
    const rows = new RowArranger().rowsOf(listOf(...people), { ...ALL, collapsed: new Set(['hall']) });
    expect(textOf(rows)).toEqual(['# alley 1', 'd', '# hall 2', '#  1', 'c']);
  });

  it('follow the list as it changes, also when a tag goes and comes back', () => {
    const arranger = new RowArranger();
    const list = listOf(participant('a', 'hall', 1));
    expect(textOf(arranger.rowsOf(list, ALL))).toEqual(['# hall 1', 'a']);
    list.add(participant('a', 'alley', 1));
    list.add(participant('b', 'hall', 1));
    expect(textOf(arranger.rowsOf(list, ALL))).toEqual(['# alley 1', 'a', '# hall 1', 'b']);
  });
});
