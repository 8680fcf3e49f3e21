/**
 * `npm test`: installs and builds what is missing or old, runs every test that this machine can run, and says
 * which ones it left out. Arguments are handed to vitest. With CI=true nothing may be left out.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { REQUIREMENTS, has } from './support/requirements.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const isCi = /^(1|true)$/i.test(process.env.CI ?? '');
const vitestArguments = process.argv.slice(2);

/**
 * What measures time has the machine to itself; a soak at low load may run beside the others. The apps of users install
 * a gigabyte of packages: with CI=true, or `npm run test:apps`.
 */
const UNTIMED = ['unit', 'mocking', 'sim', 'package'].map((project) => `--project=${project}`);
const APPS = ['--project=apps'];
const TIMED = ['--project=e2e', '--project=net', '--project=liveness', '--project=liveness-busy'];
const SOAK = ['test/soak/run.mjs', '--minutes=2', '--rate=20'];

process.exitCode = await main();

async function main() {
  if (!prepare()) {
    console.log('\n0 passed, 1 failed');
    return 1;
  }
  const { exitCode, report, soaked } =
    vitestArguments.length > 0 ? await runVitest(vitestArguments) : await runAll();
  const counts = count(report);
  if (soaked !== undefined) counts[soaked ? 'passed' : 'failed'] += 1;
  const missing = missingRequirements();
  printSeconds(report);
  printLeftOut(report, missing);
  printFailed(report, soaked);
  if (isCi && missing.size > 0) console.log('\nFailed: with CI=true every requirement must be met.');
  if (exitCode !== 0 && counts.failed === 0)
    console.log(`\nFailed: vitest ended with exit code ${exitCode}.`);
  console.log(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  return exitCode !== 0 || counts.failed > 0 || (isCi && missing.size > 0) ? 1 : 0;
}

/** Whether dependencies, `dist` and `build` are there and fresh. */
function prepare() {
  if (!isInstalled() && !npm('ci')) return false;
  return npm('run', '--silent', 'build') && npm('run', '--silent', 'build:programs');
}

/** Every package that `package-lock.json` wants is installed in that version; optional ones may be absent. */
function isInstalled() {
  const installed = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(installed)) return false;
  const wanted = readJson(join(root, 'package-lock.json')).packages;
  const present = readJson(installed).packages;
  return Object.entries(wanted).every(
    ([path, { version, optional }]) => path === '' || optional || present[path]?.version === version,
  );
}

function npm(...args) {
  console.log(`> npm ${args.join(' ')}`);
  // npm is a shell script on Windows; nothing in `args` needs quotes.
  const options = { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], shell: process.platform === 'win32' };
  const { status, error } = spawnSync('npm', args, options);
  if (status !== 0) console.error(`npm ${args.join(' ')} failed${error ? `: ${error.message}` : ''}`);
  return status === 0;
}

async function runAll() {
  // The apps wait for the network for most of their time.
  const [soaked, apps, untimed] = await Promise.all([
    startSoak(),
    isCi ? runVitest(APPS, 'together') : { exitCode: 0, report: [] },
    runVitest(UNTIMED),
  ]);
  const timed = await runVitest(TIMED);
  return {
    exitCode: untimed.exitCode || apps.exitCode || timed.exitCode,
    report: [...untimed.report, ...apps.report, ...timed.report],
    soaked,
  };
}

/** Resolves with whether nothing was broken. What it prints stays together. */
async function startSoak() {
  const child = spawn(process.execPath, SOAK, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  const printed = textOf(child.stdout);
  const [status] = await once(child, 'close');
  console.log(`\n> node ${SOAK.join(' ')}\n${printed()}`);
  return status === 0;
}

/** Returns the function that returns what has come so far. */
function textOf(stream) {
  let text = '';
  stream.setEncoding('utf8').on('data', (more) => (text += more));
  return () => text;
}

/** @param printing `together`: what it prints comes at its end. */
async function runVitest(args, printing = 'at once') {
  const folder = mkdtempSync(join(tmpdir(), 'peerage-test-'));
  const outputFile = join(folder, 'report.json');
  try {
    const child = spawn(
      process.execPath,
      [
        join(root, 'node_modules', 'vitest', 'vitest.mjs'),
        'run',
        '--reporter=default',
        '--reporter=json',
        `--outputFile.json=${outputFile}`,
        ...args,
      ],
      {
        cwd: root,
        stdio: ['ignore', printing === 'together' ? 'pipe' : 'inherit', 'inherit'],
        env: { APPS: 'some', ...process.env, DIST_IS_FRESH: '1' },
      },
    );
    const printed = child.stdout ? textOf(child.stdout) : undefined;
    const [status] = await once(child, 'close');
    if (printed) console.log(printed());
    const report = existsSync(outputFile) ? readJson(outputFile).testResults : [];
    return { exitCode: status ?? 1, report };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function isUnloaded({ assertionResults, status }) {
  return assertionResults.length === 0 && status === 'failed';
}

/** A file that could not be loaded counts as one failed test. */
function count(report) {
  const tests = report.flatMap(({ assertionResults, status }) =>
    isUnloaded({ assertionResults, status }) ? [{ status }] : assertionResults,
  );
  const passed = tests.filter(({ status }) => status === 'passed').length;
  const failed = tests.filter(({ status }) => status === 'failed').length;
  return { passed, failed, skipped: tests.length - passed - failed };
}

/** What spec files ask for with `has('…')` and this machine lacks. */
function missingRequirements() {
  const asked = specFiles().flatMap(requirementsOf);
  return new Set(asked.filter((requirement) => !has(requirement)));
}

/** What files took, added up by folder. Two of them run at once. */
function printSeconds(report) {
  const seconds = new Map();
  for (const { name, startTime, endTime } of report) {
    const folder = relative(root, name).split(sep).slice(0, 2).join('/');
    seconds.set(folder, (seconds.get(folder) ?? 0) + (endTime - startTime) / 1_000);
  }
  const parts = Array.from(seconds, ([folder, sum]) => `${folder} ${sum.toFixed(0)} s`);
  console.log(`\nIn files of ${parts.join(', ')}`);
}

function printLeftOut(report, missing) {
  if (missing.size > 0) console.log('\nThis machine lacks:');
  for (const requirement of missing) console.log(`  ${requirement}: ${REQUIREMENTS[requirement].hint}`);
  const lines = report.flatMap((file) => leftOutOf(file, missing));
  if (lines.length > 0) console.log(`\nLeft out:\n${lines.join('\n')}`);
}

function leftOutOf({ name, assertionResults }, missing) {
  const skipped = assertionResults.filter(({ status }) => !['passed', 'failed'].includes(status)).length;
  if (skipped === 0) return [];
  const reasons = requirementsOf(name).filter((requirement) => missing.has(requirement));
  const why =
    reasons.length > 0 ? `needs ${reasons.join(', ')}` : 'skipped by the file itself, or by a filter';
  const file = relative(root, name).split(sep).join('/');
  return [`  ${file}: ${skipped} ${skipped === 1 ? 'test' : 'tests'} (${why})`];
}

/** Once more at the end, where one looks first: thousands of lines may stand between a failure and here. */
function printFailed(report, soaked) {
  const lines = report.flatMap(failedOf);
  if (soaked === false) lines.push(`  node ${SOAK.join(' ')}: see what it printed`);
  if (lines.length > 0) console.log(`\nFailed:\n${lines.join('\n')}`);
}

function failedOf({ name, status, message, assertionResults }) {
  const file = relative(root, name).split(sep).join('/');
  const failed = assertionResults.filter((test) => test.status === 'failed');
  if (isUnloaded({ assertionResults, status })) return [`  ${file}: ${indented(message ?? '')}`];
  return failed.map(
    ({ fullName, failureMessages }) =>
      `  ${file}: ${fullName}\n    ${indented(failureMessages?.join('\n') ?? '')}`,
  );
}

function indented(text) {
  return text.split('\n').slice(0, 12).join('\n    ');
}

function specFiles() {
  const folder = join(root, 'test');
  return readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith('.spec.ts'))
    .map((name) => join(folder, name));
}

function requirementsOf(file) {
  const calls = readFileSync(file, 'utf8').matchAll(/\bhas\(\s*'([^']+)'\s*\)/g);
  const asked = new Set(Array.from(calls, ([, requirement]) => requirement));
  return [...asked].filter((requirement) => Object.hasOwn(REQUIREMENTS, requirement));
}

function readJson(file) {
  return JSON.parse(readFileSync(file, 'utf8'));
}
