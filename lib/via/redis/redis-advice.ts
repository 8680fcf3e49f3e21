import { describeError } from '../../errors/peerage-error.js';
import { certificateAdvice } from '../registry/untrusted-certificate.js';

const COMMANDS =
  '+zadd +zrem +zrangebyscore +zremrangebyscore +pexpire +time +publish +subscribe +ping +info';

const TRUST =
  'start the app with NODE_EXTRA_CA_CERTS=/path/to/ca.pem, or give a client of your own with the right tls options';

/** What to do about an error of a Redis client, in a sentence. */
export function redisAdvice(error: unknown, key: string, channel: string): string {
  const text = describeError(error);
  if (/NOPERM.*channel/i.test(text))
    return `Give this user the channel: ACL SETUSER <user> &${channel} (or &peerage:* for every app).`;
  if (/NOPERM/.test(text)) return `Give this user the rights it needs: ~${key} &${channel} ${COMMANDS}.`;
  if (/READONLY/.test(text))
    return 'This is a replica that may only be read: give the address of the primary.';
  if (/WRONGPASS|NOAUTH|invalid username-password/i.test(text))
    return 'The server does not accept this user and password.';
  const certificate = certificateAdvice(error, TRUST);
  if (certificate !== undefined) return certificate;
  if (/\b(MOVED|ASK|CROSSSLOT|CLUSTERDOWN)\b/.test(text))
    return 'This server is one of a Redis Cluster: give viaRedis() a client of the class Cluster of ioredis.';
  if (/\bLOADING\b/.test(text)) return 'The server is starting, and reads its data; it is asked again.';
  if (/\bOOM\b/.test(text)) return 'The server is out of memory (maxmemory), and takes nothing new.';
  if (/\bMISCONF\b/.test(text))
    return 'The server cannot save its data, and takes nothing new (stop-writes-on-bgsave-error): see its log.';
  if (/max number of clients/i.test(text)) return 'The server has no connection left: raise maxclients.';
  if (/unknown command/i.test(text))
    return 'This server does not have the command (renamed, or a proxy): viaRedis() needs it.';
  if (/Protocol error|ERR_SSL|wrong version number/i.test(text))
    return 'Does a Redis server answer there, and is it redis:// or rediss:// (TLS)?';
  return 'Check that the server is up and its address and password are right.';
}
