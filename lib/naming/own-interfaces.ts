import { networkInterfaces, type NetworkInterfaceInfo } from 'node:os';

/** The network interfaces, as `os.networkInterfaces()` gives them. */
export type Interfaces = Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>;

let last: Interfaces = {};

/**
 * The network interfaces of this machine. A process that has no file descriptor left gets no list from the system: then
 * what it said before holds, since nothing that only looks at addresses may end a process.
 */
export function ownInterfaces(read: () => Interfaces = networkInterfaces): Interfaces {
  try {
    last = read();
  } catch {
    // As before.
  }
  return last;
}
