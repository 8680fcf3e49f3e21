export { viaPostgres } from './via-postgres.js';
export type { PostgresPool, ViaPostgresOptions } from './via-postgres.js';
