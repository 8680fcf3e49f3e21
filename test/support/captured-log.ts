import type { LoggerService } from '@nestjs/common';

/** A Nest logger that keeps what is logged under the context `Peerage`: `level text`. */
export class CapturedLog implements LoggerService {
  readonly lines: string[] = [];

  log = this.keep('log');
  warn = this.keep('warn');
  error = this.keep('error');
  debug = this.keep('debug');
  verbose = this.keep('verbose');
  fatal = this.keep('fatal');

  /** The lines that contain `part`. */
  matching(part: string): string[] {
    return this.lines.filter((line) => line.includes(part));
  }

  private keep(level: string) {
    return (message: unknown, ...rest: unknown[]): void => {
      if (rest.at(-1) === 'Peerage') this.lines.push(`${level} ${String(message)}`);
    };
  }
}
