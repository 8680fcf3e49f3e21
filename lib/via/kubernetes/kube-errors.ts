import { describeError, PeerageError } from '../../errors/peerage-error.js';
import { abortedError } from '../../time/abortable.js';
import type { KubeSettings } from './kube-options.js';

const API_GROUPS = { endpointslices: 'discovery.k8s.io', pods: '' } as const;

/** Whoever asks again later may get another answer. */
const IN_A_WHILE = new Set([408, 410, 429]);

/** An answer of the API that is not the wanted one. */
export class KubeStatusError extends Error {
  constructor(
    readonly status: number,
    /** What the API says of it. */
    readonly reason: string,
  ) {
    super(`the API answered ${status}: ${reason}`);
  }

  /** What was known is too old to go on from. */
  get isExpired(): boolean {
    return this.status === 410;
  }

  /** Waiting does not help; somebody has to give us the right. */
  get isDenied(): boolean {
    return this.status === 401 || this.status === 403;
  }
}

/** An answer that the API does not give: somebody else answers for it. */
export class KubeForeignAnswer extends Error {}

/** What the app is told of a failure. */
export function kubeFailure(error: unknown, settings: KubeSettings, signal: AbortSignal): PeerageError {
  if (error instanceof PeerageError) return error;
  if (signal.aborted) return abortedError('The Kubernetes API', signal);
  return new PeerageError(
    'PROVIDER_FAILED',
    `Kubernetes cannot be asked for ${settings.kind} in namespace ${settings.namespace}: ` +
      `${describeError(error)}. ${adviceOn(error, settings)} Names found before stay known.`,
    { cause: error },
  );
}

function adviceOn(error: unknown, { kind, server, accountFolder }: KubeSettings): string {
  const status = error instanceof KubeStatusError ? error.status : 0;
  if (status === 403)
    return (
      'The service account of this pod lacks a rule. Add to a Role in that namespace, and bind it: ' +
      `apiGroups: ["${API_GROUPS[kind]}"], resources: ["${kind}"], verbs: ["list", "watch"].`
    );
  if (status === 401)
    return `The token in ${accountFolder} is not accepted: is a service account mounted, and is it of this cluster?`;
  if (error instanceof KubeForeignAnswer || (status >= 300 && status < 400))
    return (
      `Something else than the API answers at ${server}, such as a proxy with a login: give the address of the API ` +
      'itself (server), or let this pod pass there.'
    );
  if (status >= 500 || IN_A_WHILE.has(status)) return 'It may be overloaded or starting.';
  if (status > 0) return `Is the API of Kubernetes at ${server}, and are namespace and selector right?`;
  return `Is the API at ${server}, and may this pod reach it?`;
}
