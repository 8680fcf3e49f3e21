import { describeError } from '../errors/peerage-error.js';
import type { DownEvidence, DownReason } from '../membership/events.js';
import { duration, seconds } from '../time/seconds.js';
import type { ClusterEvent } from './cluster.events.js';

/**
 * What an event rests on, in the words of the log: it stands there behind the colon. The dashboard's timeline says the
 * same.
 */
export function whyOf(event: ClusterEvent): string | undefined {
  switch (event.type) {
    case 'peer.up':
      return event.returnedAfterMs === undefined
        ? 'new process'
        : `same process, back after ${duration(event.returnedAfterMs)}`;
    case 'peer.down':
      return whyDown(event.reason, event.evidence, event.peer.status === 'leaving');
    case 'peer.degraded':
      return `its event loop is blocked, for ${seconds(event.lagMs)} so far`;
    case 'peer.recovered':
      return 'its event loop runs again';
    case 'peer.leaving':
      return 'it shuts down';
    case 'peer.refused':
      return `${event.code} (${event.message})`;
    case 'provider.failed':
      return describeError(event.error);
    default:
      return undefined;
  }
}

function whyDown(reason: DownReason, evidence: DownEvidence, wasLeaving: boolean): string {
  const { closed, redial, silentMs, unheardMs, countedMs, deadlineMs, probes, asked } = evidence;
  switch (reason) {
    case 'left':
      return 'it said goodbye';
    case 'replaced':
      return 'another process answers at its name';
    case 'disconnected':
      return 'disconnected by the app';
    case 'closed': {
      // Where its port never took a connection from here, that it refuses one tells nothing of the process.
      const how =
        countedMs < deadlineMs ? withoutGoodbye(redial?.code) : `, nothing came for ${seconds(countedMs)}`;
      return `its connection ended${note(closed)} and dialling it again failed${note(redial?.code)}${wasLeaving ? WHILE_LEAVING : how}`;
    }
    case 'timeout': {
      const others = asked.map(({ name, answer }) => `${name} ${answer}`).join(', ');
      const silence =
        unheardMs === undefined
          ? `silent for ${seconds(silentMs)}`
          : `it has not heard us for ${seconds(unheardMs)}`;
      const probed = `${silence}, ${probes.answered} of ${probes.sent} probes answered`;
      // Somebody is there to be asked, and knows better than we do.
      const lives = asked.some(({ answer }) => answer === 'hears it')
        ? ': it lives, the path between us is cut'
        : '';
      return `${probed}; asked: ${others || 'nobody, there is no other peer'}${lives}`;
    }
  }
}

const WHILE_LEAVING =
  ': it was shutting down, and ended before it had said goodbye (killed: is its time for that long enough?)';

/** Where nobody listens any more, a process has ended; who is told so at night asks how. */
function withoutGoodbye(code: string | undefined): string {
  return code === 'CONNECTION_REFUSED'
    ? ': the process ended without a goodbye (a crash, a kill, or an app without shutdown hooks)'
    : '';
}

function note(code: string | undefined): string {
  return code === undefined ? '' : ` (${code})`;
}
