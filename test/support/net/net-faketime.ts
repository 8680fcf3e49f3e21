import { existsSync, readdirSync } from 'node:fs';

/** Environment of a process whose wall clock is off by what `file` says, `+3600` say. Its monotonic clock is not. */
export function shiftedClock(file: string): Record<string, string> {
  return {
    LD_PRELOAD: libraryPath(),
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  };
}

/** Debian's package `faketime` brings it, in a folder per architecture. */
function libraryPath(): string {
  const paths = readdirSync('/usr/lib').map((name) => `/usr/lib/${name}/faketime/libfaketimeMT.so.1`);
  const path = paths.find((each) => existsSync(each));
  if (path === undefined) throw new Error('libfaketimeMT.so.1 is missing: install the package faketime.');
  return path;
}
