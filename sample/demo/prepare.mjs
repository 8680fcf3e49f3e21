import { spawn } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Installs and builds what is missing or older than its sources. */
export async function prepare(signal) {
  const wanted = [20, 19];
  const present = process.versions.node.split('.').map(Number);
  if (present[0] < wanted[0] || (present[0] === wanted[0] && present[1] < wanted[1]))
    throw new Error(`The demo needs Node ${wanted.join('.')} or newer; this is ${process.version}.`);
  if (!isInstalled())
    await npm(['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'], signal);
  if (isOlder('dist/esm/index.js', 'lib')) await npm(['run', '--silent', 'build'], signal);
  const samples = ['01-quick-start', '09-dashboard'];
  if (samples.some((name) => isOlder(`build/sample/${name}/src/main.js`, `sample/${name}/src`)))
    await npm(['run', '--silent', 'build:programs'], signal);
}

/** Every package that `package-lock.json` wants is there in that version; optional ones may be absent. */
function isInstalled() {
  const installed = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(installed)) return false;
  const present = packagesOf(installed);
  return Object.entries(packagesOf(join(root, 'package-lock.json'))).every(
    ([path, { version, optional }]) => path === '' || optional || present[path]?.version === version,
  );
}

function packagesOf(lockFile) {
  return JSON.parse(readFileSync(lockFile, 'utf8')).packages;
}

/** Whether `built` is missing, or older than a file below `sources`. */
function isOlder(built, sources) {
  if (!existsSync(join(root, built))) return true;
  const builtAt = statSync(join(root, built)).mtimeMs;
  const folder = join(root, sources);
  return readdirSync(folder, { recursive: true }).some(
    (file) => statSync(join(folder, file)).mtimeMs > builtAt,
  );
}

async function npm(args, signal) {
  console.log(`> npm ${args.join(' ')}`);
  // npm is a shell script on Windows; nothing in `args` needs quotes.
  const child = spawn('npm', args, { cwd: root, stdio: 'inherit', shell: process.platform === 'win32' });
  const stop = () => child.kill('SIGTERM');
  signal.addEventListener('abort', stop);
  try {
    const code = await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    if (code !== 0) throw new Error(`npm ${args.join(' ')} ended with exit code ${code}.`);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
