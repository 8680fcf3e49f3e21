export { PeerageDashboardModule } from './dashboard.module.js';
export type { PeerageDashboardOptions } from './dashboard.options.js';
