import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PeerageError } from '../../../../lib/errors/peerage-error.js';
import { kubeSettings } from '../../../../lib/via/kubernetes/kube-options.js';

const NOWHERE = '/nowhere';
const text = fc.oneof(
  fc.string(),
  fc.constantFrom('web', 'app=web', 'prod', '10.0.0.1', 'fd00::1', '443', '$(SERVICE)', '${NAMESPACE}', ' '),
);
const variables = fc.record(
  {
    PEERAGE_KUBERNETES_SERVICE: text,
    PEERAGE_KUBERNETES_SELECTOR: text,
    POD_NAMESPACE: text,
    KUBERNETES_SERVICE_HOST: text,
    KUBERNETES_SERVICE_PORT: text,
  },
  { requiredKeys: [] },
);

describe('the variables of viaKubernetes()', () => {
  it('are what is asked for, or an error says which does not work', () => {
    fc.assert(
      fc.property(variables, (env) => {
        let settings;
        try {
          settings = kubeSettings({ accountFolder: NOWHERE }, env);
        } catch (error) {
          expect(error).toBeInstanceOf(PeerageError);
          expect(error).toMatchObject({ code: 'INVALID_OPTIONS' });
          return;
        }
        const said = (variable: keyof typeof env) => env[variable]?.trim() || undefined;
        const service = said('PEERAGE_KUBERNETES_SERVICE');
        const selector = said('PEERAGE_KUBERNETES_SELECTOR');
        expect(settings.labelSelector).toBe(selector ?? `kubernetes.io/service-name=${service}`);
        expect(settings.namespace).toBe(said('POD_NAMESPACE') ?? 'default');
        expect(URL.canParse(settings.server)).toBe(true);
        const host = said('KUBERNETES_SERVICE_HOST');
        if (host !== undefined) expect(settings.server).toContain(host.replace(/\/+$/, ''));
        for (const value of Object.values(settings)) expect(String(value)).not.toMatch(/\$[({]/);
      }),
      { numRuns: 500 },
    );
  });
});
