import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { accessSync, constants, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

export const REQUIREMENTS = {
  netns: {
    hint: 'run as root, with the packages iproute2 and nftables, where network namespaces may be made',
  },
  dnsmasq: { hint: 'install the package dnsmasq-base' },
  'redis-server': { hint: 'install the package redis-server' },
  postgres: { hint: 'install the package postgresql' },
  pgbouncer: { hint: 'install the package pgbouncer' },
  'nats-server': { hint: 'install the package nats-server' },
  openssl: { hint: 'install the package openssl' },
  erl: { hint: 'install the package erlang-base' },
  faketime: { hint: 'install the package faketime' },
  'chromium-headless-shell': { hint: 'install the package chromium-headless-shell' },
};

export const isRoot = process.getuid?.() === 0;

const known = new Map();

export function has(requirement) {
  if (!Object.hasOwn(REQUIREMENTS, requirement)) throw new Error(`There is no requirement "${requirement}".`);
  if (!known.has(requirement)) {
    known.set(requirement, requirement === 'netns' ? canMakeNamespaces() : pathOf(requirement) !== undefined);
  }
  return known.get(requirement);
}

export function pathOf(name) {
  return searchedFolders()
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

/** Debian keeps servers out of the path of users, and PostgreSQL's in a folder per version. */
function searchedFolders() {
  const versions = '/usr/lib/postgresql';
  return [
    ...(process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== ''),
    '/usr/sbin',
    '/sbin',
    ...foldersIn(versions).map((version) => join(versions, version, 'bin')),
  ];
}

function foldersIn(folder) {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Being root is not enough in a container, so one is made. */
function canMakeNamespaces() {
  const ip = pathOf('ip');
  const nft = pathOf('nft');
  if (!isRoot || ip === undefined || nft === undefined) return false;
  const name = `peerage-check-${randomUUID()}`;
  const succeeds = (...args) => spawnSync(ip, args, { stdio: 'ignore', timeout: 10_000 }).status === 0;
  if (!succeeds('netns', 'add', name)) return false;
  try {
    return succeeds('netns', 'exec', name, nft, 'list', 'ruleset');
  } finally {
    succeeds('netns', 'delete', name);
  }
}
