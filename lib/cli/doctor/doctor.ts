import { ask, dialAll } from '../discover.js';
import type { DoctorCommand } from '../command.js';
import { headed, udpAdvice } from '../report.js';
import { compareNames } from '../../naming/node-name.js';
import {
  checkAddress,
  checkFiles,
  checkClock,
  checkNodeVersion,
  checkPort,
  checkSecret,
} from './host-checks.js';
import { checkDns, checkUdp } from './network-checks.js';

/** One thing that was looked at. */
export interface Finding {
  readonly check: string;
  readonly result: 'ok' | 'warning' | 'failed';
  readonly says: string;
  /** What to do about it. */
  readonly advice?: string;
}

const MARKS = { ok: ' ok  ', warning: 'WARN ', failed: 'FAIL ' } as const;

/** Looks at all that a node needs. Whether nothing failed. */
export async function doctor(
  command: DoctorCommand,
  write: (text: string) => void,
  signal: AbortSignal,
): Promise<boolean> {
  const findings: Finding[] = [];
  const add = (found: readonly Finding[]): void => {
    findings.push(...found);
    if (!command.json) write(found.map(lineOf).join(''));
  };
  add([checkNodeVersion(), await checkFiles(), checkClock(command)]);
  add([...checkSecret(command), checkAddress(command)]);
  add(await checkPort(command));
  for (const { url } of command.providers) add([...(await checkDns(url)), ...(await checkUdp(url))]);
  add(await checkProviders(command, signal));
  if (command.json) write(`${JSON.stringify(findings)}\n`);
  return findings.every(({ result }) => result !== 'failed');
}

/** What providers find, and whether it can be reached by TCP and UDP. */
async function checkProviders(command: DoctorCommand, signal: AbortSignal): Promise<Finding[]> {
  const asked = { ...command, verb: 'discover', strict: false } as const;
  const answers = await Promise.all(command.providers.map((one) => ask(one, asked, signal)));
  const found = answers.map(({ url, names, error, hint, ms }): Finding => {
    const check = `provider ${url}`;
    if (error !== undefined) return { check, result: 'failed', says: error };
    const says = `${names.length === 1 ? '1 name' : `${names.length} names`} in ${ms} ms`;
    return hint === undefined
      ? { check, result: 'ok', says }
      : { check, result: 'warning', says, advice: hint };
  });
  const names = [...new Set([...answers.flatMap((answer) => answer.names), ...command.peers])].sort(
    compareNames,
  );
  const dials = command.dial ? await dialAll(names, asked, signal) : [];
  const reached = dials.flatMap(({ name, result, ms, udp, message, hint }): Finding[] => {
    const tcp: Finding =
      result === 'ok'
        ? { check: `TCP to ${name}`, result: 'ok', says: `connected, authenticated, in ${ms} ms` }
        : {
            check: `TCP to ${name}`,
            result: 'failed',
            says: `${result}: ${message ?? ''}`,
            ...(hint !== undefined && { advice: hint }),
          };
    if (udp === undefined) return [tcp];
    const check = `UDP to ${name}`;
    if (udp === 'ok') return [tcp, { check, result: 'ok', says: 'a probe was answered' }];
    return [tcp, { check, result: 'failed', says: udp, advice: udpAdvice(udp, name) }];
  });
  return [...found, ...reached];
}

function lineOf({ check, result, says, advice }: Finding): string {
  return `${MARKS[result]} ${headed(check)} ${says}\n${advice === undefined ? '' : `       do: ${advice}\n`}`;
}
