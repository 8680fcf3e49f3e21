export { describeProvider } from './describe-provider.js';
export type { DescribeProviderOptions } from './describe-provider.js';
export type { ProviderFactory, ProviderFixtures } from './provider-fixtures.js';
export type { TestRunner } from './runner.js';
