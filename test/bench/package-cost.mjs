import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { row } from './numbers.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const ROUNDS = 15;
const NEST = ['reflect-metadata', 'rxjs', '@nestjs/common', '@nestjs/core'];

/** What importing the main entry costs a process: one that has nothing, and one that is a Nest app anyway. */
export async function importTime() {
  const nest = NEST.map((name) => `await import('${name}');`).join('');
  const ours = "await import('nestjs-peerage');";
  const programs = { nothing: '', all: ours, nest, both: `${nest}${ours}` };
  const times = Object.fromEntries(Object.keys(programs).map((name) => [name, []]));
  // In turns, so that a slow moment of the machine is everybody's.
  for (let round = 0; round < ROUNDS; round++)
    for (const [name, code] of Object.entries(programs)) times[name].push(timeOf(code));
  const less = (name, base) => times[name].map((ms, i) => ms - times[base][i]);
  return [
    row('import of nestjs-peerage, Nest included, beyond an empty Node', less('all', 'nothing')),
    row('import of nestjs-peerage beyond Nest', less('both', 'nest')),
  ];
}

function timeOf(code) {
  const start = performance.now();
  execFileSync(process.execPath, ['--input-type=module', '--eval', code], { cwd: root });
  return performance.now() - start;
}

/** What `npm install nestjs-peerage` adds to a Nest app. */
export async function installedSize() {
  const folder = mkdtempSync(join(tmpdir(), 'peerage-size-'));
  try {
    const npm = (...args) => execFileSync('npm', args, { cwd: folder, encoding: 'utf8' });
    const versions = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).devDependencies;
    const packed = JSON.parse(npm('pack', root, '--json', '--ignore-scripts'))[0];
    writeFileSync(join(folder, 'package.json'), '{ "private": true }');
    const install = (...names) => npm('install', '--prefer-offline', '--no-audit', '--no-fund', ...names);
    install(...NEST.map((name) => `${name}@${versions[name]}`));
    const before = installed(folder);
    install(join(folder, packed.filename));
    const after = installed(folder);
    const brought = after.names.filter((name) => !before.names.includes(name));
    return [
      { what: 'size of nestjs-peerage itself, unpacked', value: `${kib(packed.unpackedSize)} KiB`, runs: 1 },
      { what: 'installed size beyond Nest', value: `${kib(after.bytes - before.bytes)} KiB`, runs: 1 },
      { what: 'packages beyond Nest', value: `${brought.length}: ${brought.join(', ')}`, runs: 1 },
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function installed(folder) {
  const { packages } = JSON.parse(readFileSync(join(folder, 'node_modules', '.package-lock.json'), 'utf8'));
  const du = execFileSync('du', ['-sk', 'node_modules'], { cwd: folder, encoding: 'utf8' });
  const names = Object.keys(packages).map((path) => path.replace(/^.*node_modules\//, ''));
  return { names, bytes: Number(du.split('\t')[0]) * 1024 };
}

function kib(bytes) {
  return Math.round(bytes / 1024);
}
