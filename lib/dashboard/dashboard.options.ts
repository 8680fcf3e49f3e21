import type { CanActivate, DynamicModule, Type } from '@nestjs/common';

/**
 * Options of {@link PeerageDashboardModule}.
 *
 * @publicApi
 */
export interface PeerageDashboardOptions {
  /** Where the page is, below the global prefix of the app if it has one. @default '/peerage' */
  readonly path?: string;
  /**
   * Who may see it: guards of the app, as for `@UseGuards()`. Without any, everybody who reaches the app's HTTP port
   * may, unless a global guard says otherwise.
   *
   * @default none
   */
  readonly guards?: readonly (Type<CanActivate> | CanActivate)[];
  /** Modules that provide what the guards need. @default none */
  readonly imports?: DynamicModule['imports'];
}
