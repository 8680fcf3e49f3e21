import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseResolvConf, searchCandidates } from '../../../../lib/via/dns/dns-search.js';

describe('parseResolvConf', () => {
  it('reads what Kubernetes writes', () => {
    const text =
      'nameserver 10.96.0.10\nsearch ns.svc.cluster.local svc.cluster.local\noptions ndots:5 edns0\n';
    expect(parseResolvConf(text)).toEqual({
      domains: ['ns.svc.cluster.local', 'svc.cluster.local'],
      ndots: 5,
    });
  });

  it('has no search domains and one dot by default', () => {
    expect(parseResolvConf('')).toEqual({ domains: [], ndots: 1 });
  });

  it('lets the last of search and domain win', () => {
    expect(parseResolvConf('search a b\ndomain c').domains).toEqual(['c']);
    expect(parseResolvConf('domain c\nsearch a. b').domains).toEqual(['a', 'b']);
  });

  it('skips comments and nonsense', () => {
    const text = '# search x\n; search y\r\nsearch z # not w\noptions ndots:many ndots:99\nfoo';
    expect(parseResolvConf(text)).toEqual({ domains: ['z'], ndots: 15 });
  });

  it('never fails, and every candidate ends in the name or a search domain', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.domain(), (text, name) => {
        const rules = parseResolvConf(text);
        expect(rules.ndots).toBeGreaterThanOrEqual(0);
        expect(rules.ndots).toBeLessThanOrEqual(15);
        const candidates = searchCandidates(name, rules);
        expect(candidates).toContain(name);
        expect(candidates).toHaveLength(rules.domains.length + 1);
      }),
    );
  });
});

describe('searchCandidates', () => {
  const rules = { domains: ['a.test', 'b.test'], ndots: 2 };

  it('searches a short name first', () => {
    expect(searchCandidates('app', rules)).toEqual(['app.a.test', 'app.b.test', 'app']);
  });

  it('tries a name with enough dots as it stands first', () => {
    expect(searchCandidates('x.y.z', rules)).toEqual(['x.y.z', 'x.y.z.a.test', 'x.y.z.b.test']);
  });

  it('does not search a full name', () => {
    expect(searchCandidates('app.', rules)).toEqual(['app']);
  });
});
