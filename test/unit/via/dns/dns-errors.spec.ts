import { expect, it } from 'vitest';
import { lookupFailed } from '../../../../lib/via/dns/dns-errors.js';

it.each(['EAI_AGAIN', 'ECONNREFUSED', 'ETIMEOUT'])(
  'a lookup that failed with %s may have had an answer that only TCP can carry',
  (code) => {
    const error = lookupFailed('app.internal', Object.assign(new Error('queryA'), { code }));
    expect(error.message).toMatch(new RegExp(`too long for UDP and its TCP port 53 is closed \\(${code}\\)`));
  },
);
