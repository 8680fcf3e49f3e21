import { stdout } from 'node:process';

const isLive = stdout.isTTY && process.env.TERM !== 'dumb';
const isColourful = isLive && !process.env.NO_COLOR;
const PAINT = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33 };
const STATES = { starting: 'yellow', running: 'green', killed: 'red', ended: 'dim' };

export function paint(style, text) {
  return isColourful ? `\u001b[${PAINT[style]}m${text}\u001b[0m` : text;
}

/** Lines of what happened, and below them the table of the nodes: one that changes on a terminal. */
export class Screen {
  #nodes;
  #startedAt = performance.now();
  #tableHeight = 0;

  constructor(nodes) {
    this.#nodes = nodes;
  }

  /** A line of text. */
  say(text = '') {
    this.#erase();
    stdout.write(`${fit(text)}\n`);
    this.#drawLive();
  }

  /** A line of what happened now. */
  tell(text) {
    const seconds = ((performance.now() - this.#startedAt) / 1_000).toFixed(2);
    this.say(`${paint('dim', `${seconds.padStart(7)} s`)}  ${text}`);
  }

  /** The nodes have changed. */
  refresh() {
    this.#erase();
    this.#drawLive();
  }

  /** The table as it stands now, among the lines: for outputs that cannot be redrawn. */
  snapshot() {
    if (!isLive) stdout.write(`\n${this.#table().join('\n')}\n\n`);
  }

  /** The last state of the table stays where it is. */
  finish() {
    this.#tableHeight = 0;
  }

  #drawLive() {
    if (!isLive) return;
    const lines = ['', ...this.#table()].map(fit);
    stdout.write(`${lines.join('\n')}\n`);
    this.#tableHeight = lines.length;
  }

  #erase() {
    if (this.#tableHeight > 0) stdout.write(`\u001b[${this.#tableHeight}A\u001b[J`);
    this.#tableHeight = 0;
  }

  #table() {
    const width = Math.max(4, ...this.#nodes.map(({ name }) => name?.length ?? 0)) + 2;
    const head = `     ${'NAME'.padEnd(width)}${'PID'.padEnd(9)}${'STATE'.padEnd(10)}PEERS IT SEES`;
    const rows = this.#nodes.map((node) => {
      const { letter, name = '', pid = '', state } = node;
      const peers = node.isAlive ? this.#lettersOf(node.peers) || 'none' : '';
      const colour = paint(STATES[state], state.padEnd(10));
      return `  ${paint('bold', letter)}  ${name.padEnd(width)}${String(pid).padEnd(9)}${colour}${peers}`.trimEnd();
    });
    return [paint('dim', head), ...rows];
  }

  #lettersOf(peers) {
    const names = [...peers.values()];
    const letters = this.#nodes.filter(({ name }) => names.includes(name)).map(({ letter }) => letter);
    return letters.join(' ');
  }
}

/** Cut to the width of the terminal, since a line that wraps would spoil the redrawing. */
function fit(text) {
  const columns = isLive ? stdout.columns || 80 : Infinity;
  let room = columns - 1;
  // oxlint-disable-next-line no-control-regex
  return text.replace(/\u001b\[\d+m|[^]/gu, (part) => (part.length > 1 || room-- > 0 ? part : ''));
}
