import { describe, expect, it } from 'vitest';
import { AlternationWatch } from '../../soak/alternation-watch.js';
import { faultsOfRest, faultsOfViews, lostAtEnd, lostBetween } from '../../soak/states.js';

describe('the views of a mesh', () => {
  it('are whole when everyone sees all others', () => {
    const ids = ['a', 'b', 'c'];
    const views = ids.map((bootId) => ({ bootId, peers: ids.filter((id) => id !== bootId).toReversed() }));
    expect(faultsOfViews(views)).toEqual([]);
  });

  it('are not when someone is missing', () => {
    const views = [
      { bootId: 'a', peers: ['b'] },
      { bootId: 'b', peers: [] },
    ];
    expect(faultsOfViews(views)).toEqual(['b sees 0 peers, 1 of the other 1 are missing']);
  });

  it('are not when someone sees who is gone, or sees one twice', () => {
    const views = [
      { bootId: 'a', peers: ['b', 'gone'] },
      { bootId: 'b', peers: ['a', 'a'] },
    ];
    expect(faultsOfViews(views)).toHaveLength(2);
  });
});

describe('nodes at rest', () => {
  it('wait for nothing, and leave nothing behind', () => {
    const rest = { bootId: 'a', pending: [], listeners: 0 };
    expect(faultsOfRest([rest])).toEqual([]);
    expect(faultsOfRest([{ ...rest, pending: ['a request'] }])).toEqual([
      'a waits for 1 messages: a request',
    ]);
    expect(faultsOfRest([{ ...rest, listeners: 2 }])).toHaveLength(1);
  });

  it('have handled and answered what the others sent', () => {
    const one = { bootId: 'a', sentTo: { b: 5 }, handledFrom: {}, unanswered: {} };
    const other = { bootId: 'b', sentTo: {}, handledFrom: { a: 5 }, unanswered: { gone: 1 } };
    expect(lostBetween([one, other])).toEqual([]);
    expect(lostBetween([one, { ...other, handledFrom: { a: 4 } }])).toEqual([
      '4 of 5 messages of a were handled by b',
    ]);
    expect(lostBetween([{ ...one, unanswered: { b: 1 } }, other])).toEqual([
      '1 requests of a were not answered by b',
    ]);
  });

  it('have lost nothing to one that has ended, nor it to them', () => {
    const ended = { bootId: 'e', sentTo: { a: 2 }, handledFrom: { a: 3, b: 1 }, unanswered: {} };
    const a = { bootId: 'a', sentTo: { e: 3, b: 9 }, handledFrom: { e: 2 }, unanswered: {} };
    const b = { bootId: 'b', sentTo: { e: 1 }, handledFrom: {}, unanswered: {} };
    expect(lostAtEnd(ended, [a, b])).toEqual([]);
    expect(lostAtEnd(ended, [{ ...a, handledFrom: { e: 1 } }, b])).toEqual([
      '1 of 2 messages of e were handled by a',
    ]);
    expect(lostAtEnd({ ...ended, handledFrom: { a: 2, b: 1 } }, [a, b])).toEqual([
      '2 of 3 messages of a were handled by e',
    ]);
  });
});

describe('up and down of a peer', () => {
  it('alternate, or it is told', () => {
    const faults: string[] = [];
    const watch = new AlternationWatch((text) => faults.push(text));
    watch.up('a');
    watch.down('a');
    watch.up('a');
    expect(faults).toEqual([]);
    watch.up('a');
    watch.down('b');
    expect(faults).toEqual(['peer.up of a twice', 'peer.down of b, which was not up']);
  });
});
