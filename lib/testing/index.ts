export { describeProvider } from './describe-provider.js';
export type { DescribeProviderOptions } from './describe-provider.js';
export type { ProviderFactory, ProviderFixtures } from './provider-fixtures.js';
export type { TestRunner } from './runner.js';
export { TestCluster } from './test-cluster.js';
export type { TestClusterOptions, TestModuleFactory, UntilOptions } from './test-cluster.js';
export type { TestNode } from './test-node.js';
