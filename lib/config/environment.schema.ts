import { readEnvironment } from './environment.js';
import type { Environment } from './environment.js';

/** What a Standard Schema says about a value. */
type SchemaResult =
  | { readonly value: Environment }
  | { readonly issues: readonly { readonly message: string; readonly path: readonly string[] }[] };

/**
 * A Standard Schema (https://standardschema.dev) of the environment.
 *
 * @publicApi
 */
export interface EnvironmentSchema {
  /** What the specification of Standard Schema asks for. */
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: 'nestjs-peerage';
    readonly validate: (value: unknown) => SchemaResult;
    readonly types?: { readonly input: Environment; readonly output: Environment };
  };
}

/**
 * Checks the `PEERAGE_*` variables and passes every variable through as it is:
 * `ConfigModule.forRoot({ validationSchema: peerageEnvironment })`.
 *
 * @publicApi
 */
export const peerageEnvironment: EnvironmentSchema = {
  '~standard': { version: 1, vendor: 'nestjs-peerage', validate },
};

function validate(value: unknown): SchemaResult {
  if (typeof value !== 'object' || value === null)
    return { issues: [{ message: 'The environment is an object of variables.', path: [] }] };
  const { faults } = readEnvironment(value as Environment);
  if (faults.length === 0) return { value: value as Environment };
  return { issues: faults.map(({ path, problem }) => ({ message: problem, path: [path] })) };
}
