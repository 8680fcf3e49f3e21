import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ToldHost } from '../../../lib/mesh/told-host.js';

const OVERLAY = { address: '172.18.0.3', prefix: 16 };
const LAN = { address: '10.0.9.7', prefix: 24 };

describe('ToldHost', () => {
  it('stays as it is while a provider lists it, or lists nothing of ours', () => {
    const told = new ToldHost(OVERLAY.address, () => [OVERLAY, LAN]);
    expect(told.listed(['10.0.9.1', '10.0.9.2'])).toBeUndefined();
    expect(told.listed([LAN.address, OVERLAY.address])).toBeUndefined();
  });

  it('becomes the address of ours that a provider lists', () => {
    const told = new ToldHost(OVERLAY.address, () => [OVERLAY, LAN]);
    expect(told.listed(['10.0.9.1', LAN.address])).toMatchObject({ host: LAN.address });
    expect(told.listed(['10.0.9.1', LAN.address])).toBeUndefined();
  });

  it('becomes the address by which a node is reached that has the same one', () => {
    const told = new ToldHost(OVERLAY.address, () => [OVERLAY, LAN]);
    expect(told.taken('192.0.2.1')).toBeUndefined();
    expect(told.taken('not an address')).toBeUndefined();
    expect(told.taken('10.0.9.1')).toMatchObject({ host: LAN.address });
  });

  it('becomes the address of ours from which others are reached, and does not go back when a provider lists the one of both', () => {
    const second = { address: '10.0.9.6', prefix: 24 };
    const told = new ToldHost(OVERLAY.address, () => [OVERLAY, second, LAN]);
    expect(told.taken(LAN.address)).toMatchObject({ host: LAN.address });
    expect(told.taken(LAN.address)).toBeUndefined();
    expect(told.listed([OVERLAY.address])).toBeUndefined();
    expect(told.listed([OVERLAY.address, second.address])).toMatchObject({ host: second.address });
  });

  it('knows what leads to this machine', () => {
    const told = new ToldHost(OVERLAY.address, () => [OVERLAY, LAN]);
    expect([LAN.address, '127.0.0.1', '10.0.9.8', 'one'].map((host) => told.isHere(host))).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  it('is looked for again when it is no address of this machine any more', () => {
    let addresses = [LAN];
    const told = new ToldHost(LAN.address, () => addresses);
    expect(told.lookAgain()).toBeUndefined();
    addresses = [];
    expect(told.lookAgain()).toBeUndefined();
    addresses = [{ address: '10.0.10.7', prefix: 24 }];
    expect(told.lookAgain()).toMatchObject({ host: '10.0.10.7' });
    expect(told.lookAgain()).toBeUndefined();
  });

  it('becomes the one on the network of a peer when nobody can connect to it, and never changes back for that', () => {
    const told = new ToldHost(OVERLAY.address, () => [OVERLAY, LAN]);
    expect(told.unreached('192.0.2.1')).toBeUndefined();
    expect(told.unreached('10.0.9.1')).toMatchObject({ host: LAN.address });
    expect(told.unreached('172.18.0.9')).toBeUndefined();
    expect(told.unreached('10.0.9.1')).toBeUndefined();
  });

  it('is a link-local address only until there is a better one', () => {
    const link = { address: '169.254.7.1', prefix: 16 };
    let addresses = [link];
    const told = new ToldHost(link.address, () => addresses);
    expect(told.lookAgain()).toBeUndefined();
    addresses = [LAN, link];
    expect(told.lookAgain()).toMatchObject({ host: LAN.address, because: expect.stringContaining('better') });
    expect(told.lookAgain()).toBeUndefined();
    addresses = [link];
    expect(told.lookAgain()).toMatchObject({ host: link.address });
  });

  it('becomes the first address that a machine without network gets', () => {
    let addresses: (typeof LAN)[] = [];
    const told = new ToldHost('127.0.0.1', () => addresses);
    expect(told.lookAgain()).toBeUndefined();
    addresses = [LAN];
    expect(told.lookAgain()).toMatchObject({
      host: LAN.address,
      because: expect.stringContaining('no address for others before'),
    });
  });

  it('stays as it was given, and says so when it was an address of this machine and is none any more', () => {
    let addresses = [LAN];
    const ours = new ToldHost(LAN.address, () => addresses, true);
    const router = new ToldHost('192.0.2.1', () => addresses, true);
    addresses = [OVERLAY];
    const changes = [ours.listed([OVERLAY.address]), ours.taken('172.18.0.9'), ours.unreached('172.18.0.9')];
    expect([...changes, ours.lookAgain()]).toEqual([undefined, undefined, undefined, undefined]);
    expect(ours.notes).toEqual([
      expect.stringContaining(`${LAN.address}, the host that was given, is no address`),
    ]);
    expect(router.notes).toEqual([]);
    addresses = [LAN];
    expect(ours.notes).toEqual([]);
  });

  it('is always an address of this machine once it was changed', () => {
    const address = fc.ipV4();
    fc.assert(
      fc.property(
        fc.array(fc.record({ address, prefix: fc.integer({ min: 0, max: 32 }) }), { maxLength: 4 }),
        fc.array(fc.tuple(fc.constantFrom('listed', 'taken', 'unreached', 'look'), address), {
          maxLength: 8,
        }),
        (own, inputs) => {
          const told = new ToldHost('192.0.2.1', () => own);
          for (const [input, value] of inputs) {
            const change =
              input === 'listed'
                ? told.listed([value, ...own.slice(0, 1).map((each) => each.address)])
                : input === 'taken'
                  ? told.taken(value)
                  : input === 'unreached'
                    ? told.unreached(value)
                    : told.lookAgain();
            if (change) expect(own.map((each) => each.address)).toContain(change.host);
          }
        },
      ),
    );
  });
});
