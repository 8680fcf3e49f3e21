import { execFile } from 'node:child_process';

/** Runs a system tool to its end, without holding up other scenarios. Rejects with what it said. */
export function runTool(
  file: string,
  args: readonly string[],
  { input = '', mayFail = false } = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(file, args, { encoding: 'utf8' }, (error, stdout, stderr) => {
      if (error && !mayFail) reject(new Error(`${file} ${args.join(' ')}: ${stderr || error.message}`));
      else resolve(stdout);
    });
    child.stdin?.on('error', () => {}); // it may end before it reads
    child.stdin?.end(input);
  });
}

/** Milliseconds of the wall clock, precise: what the nodes stamp their events with. */
export function wallMs(): number {
  return performance.timeOrigin + performance.now();
}
