import { describeError } from '../../errors/peerage-error.js';
import { certificateAdvice } from '../registry/untrusted-certificate.js';

const COMMANDS =
  '+zadd +zrem +zrangebyscore +zremrangebyscore +pexpire +time +publish +subscribe +ping +info';

const TRUST =
  'start the app with NODE_EXTRA_CA_CERTS=/path/to/ca.pem, or give a client of your own with the right tls options';

/** By what the server or the client says; the first that fits holds. */
const ADVICE: readonly (readonly [RegExp, string])[] = [
  [
    /\b(READONLY|MASTERDOWN)\b/,
    'This is a replica that may only be read: give the address of the primary. After a failover, the next connection may ' +
      'lead there.',
  ],
  [/NOAUTH/, 'The server wants a password: redis://user:password@host.'],
  [/WRONGPASS|invalid username-password/i, 'The server does not accept this user and password.'],
  [
    /\b(MOVED|ASK|CROSSSLOT|CLUSTERDOWN)\b/,
    'This server is one of a Redis Cluster: give viaRedis() a client of the class Cluster of ioredis.',
  ],
  [/SELECT is not allowed in cluster mode/i, 'A Redis Cluster has database 0 only: leave the number out.'],
  [
    /DB index is out of range/i,
    'The server has no database of that number (`databases` in its configuration, 16 unless it is set).',
  ],
  [/subscriber mode/i, 'This client is subscribed: give viaRedis() one that sends commands.'],
  [/\bLOADING\b/, 'The server is starting, and reads its data; it is asked again.'],
  [/the server is not ready/, 'It reads its data after a start (LOADING), or it hangs; it is asked again.'],
  [/\bOOM\b/, 'The server is out of memory (maxmemory), and takes nothing new.'],
  [
    /\bMISCONF\b/,
    'The server cannot save its data, and takes nothing new (stop-writes-on-bgsave-error): see its log.',
  ],
  [/max number of clients/i, 'The server has no connection left: raise maxclients.'],
  [
    // It says why before it hangs up, which ioredis does not pass on.
    /\b(EPIPE|ECONNRESET)\b|connection is closed/i,
    'The server hung up: it was restarted, or has no connection left (maxclients), or is it rediss:// (TLS)?',
  ],
  [
    /(unknown|unsupported) command|command .*not supported/i,
    'This server does not have the command (renamed, or a proxy): viaRedis() needs it.',
  ],
  [
    /Protocol error|ERR_SSL|wrong version number/i,
    'Does a Redis server answer there, and is it redis:// or rediss:// (TLS)?',
  ],
  [
    // A client that speaks TLS waits for a port that does not, and the other way round.
    /no connection in time/,
    'Check that the server is up, its address and password are right, and that it is redis:// or rediss:// (TLS) as here.',
  ],
];

/** What to do about an error of a Redis client, in a sentence. */
export function redisAdvice(error: unknown, key: string, channel: string): string {
  const text = describeError(error);
  if (/NOPERM.*channel/i.test(text))
    return `Give this user the channel: ACL SETUSER <user> &${channel} (or &peerage:* for every app).`;
  if (/NOPERM.*'select'/i.test(text)) return 'Give this user +select, which a database other than 0 needs.';
  if (/NOPERM/.test(text)) return `Give this user the rights it needs: ~${key} &${channel} ${COMMANDS}.`;
  if (/WRONGTYPE/.test(text))
    return `Something else is kept under ${key}: give viaRedis() another key, the same on all nodes.`;
  return (
    certificateAdvice(error, TRUST) ??
    ADVICE.find(([said]) => said.test(text))?.[1] ??
    'Check that the server is up and its address and password are right.'
  );
}
