export { viaKubernetes } from './via-kubernetes.js';
export type { ViaKubernetesOptions } from './kube-options.js';
