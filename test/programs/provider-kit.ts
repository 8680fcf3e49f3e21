/** The conformance kit under `node:test`: of a provider that keeps the contract, and with `BROKEN` of one that does not. */
import { describe, it } from 'node:test';
import { viaList } from 'nestjs-peerage';
import { describeProvider } from 'nestjs-peerage/testing';

let names: readonly string[] = [];
const isBroken = process.env['BROKEN'] !== undefined;

describeProvider(
  () => viaList(isBroken ? names.slice(1) : names),
  { hold: (held) => void (names = held), isFixed: true },
  { title: 'a list', describe, it },
);
