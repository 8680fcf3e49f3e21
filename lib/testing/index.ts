export { describeProvider } from './provider-kit/describe-provider.js';
export type { DescribeProviderOptions } from './provider-kit/describe-provider.js';
export type { ProviderFactory, ProviderFixtures } from './provider-kit/provider-fixtures.js';
export type { TestRunner } from './provider-kit/runner.js';
export { TestCluster } from './cluster/test-cluster.js';
export type {
  TestClusterOptions,
  TestModuleFactory,
  TestNodes,
  UntilOptions,
} from './cluster/test-cluster.js';
export type { TestNode } from './cluster/test-node.js';
