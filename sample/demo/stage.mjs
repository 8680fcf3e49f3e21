import { setTimeout as sleep } from 'node:timers/promises';
import { paint } from './screen.mjs';

const PATIENCE_MS = 20_000;

/** What the nodes tell: put on the screen, and waited for. */
export class Stage {
  /** Nodes may end now. */
  allowsEnds = false;
  isOver = false;
  #nodes;
  #screen;
  #interrupted;
  #downs = [];
  /** What was told of a node that has not told its name yet. */
  #untold = [];
  #failure;
  #wake = () => {};

  constructor(nodes, screen, interrupted) {
    this.#nodes = nodes;
    this.#screen = screen;
    this.#interrupted = interrupted;
  }

  changed = (node, message) => {
    if (this.isOver) return;
    if (message.type === 'peer.down') this.#downs.push({ node, ...message });
    if (message.type === 'ended') this.#ended(node, message);
    else if (message.type.startsWith('peer.')) this.#untold.push({ node, message });
    this.#tell();
    this.#screen.refresh();
    this.#wake();
  };

  /** When this node said that a peer is down, in milliseconds of the wall clock. */
  downAt(node, bootId) {
    return this.#downs.find((down) => down.node === node && down.bootId === bootId)?.atMs;
  }

  /** Waits for what is to come; `complaint` says what is the matter when it does not. */
  async until(isSo, complaint) {
    const deadline = AbortSignal.timeout(PATIENCE_MS);
    const signal = AbortSignal.any([deadline, this.#interrupted]);
    while (!isSo()) {
      this.#interrupted.throwIfAborted();
      if (this.#failure) throw this.#failure;
      if (deadline.aborted) throw new Error(`${complaint} within ${PATIENCE_MS / 1_000} s.\n${this.#logs()}`);
      await new Promise((resolve) => {
        this.#wake = resolve;
        signal.addEventListener('abort', resolve, { once: true });
      });
    }
  }

  async pause(ms) {
    await sleep(ms, undefined, { signal: this.#interrupted });
    if (this.#failure) throw this.#failure;
  }

  #tell() {
    const letterOf = (peer) => this.#nodes.find(({ name }) => name === peer)?.letter;
    const told = this.#untold.filter(({ message }) => letterOf(message.peer) !== undefined);
    this.#untold = this.#untold.filter((one) => !told.includes(one));
    for (const { node, message } of told) {
      const { type, peer, reason } = message;
      const what = type === 'peer.up' ? paint('green', type) : paint('red', type);
      const why = reason === undefined ? '' : ` (${reason})`;
      this.#screen.tell(`${node.letter}: ${what} ${letterOf(peer)}${why}`);
    }
  }

  #ended({ letter, state }, { code, signal }) {
    const how = signal ?? `exit code ${code}`;
    if (state !== 'killed') this.#screen.tell(`${letter} ended (${how})`);
    if (state !== 'killed' && !this.allowsEnds)
      this.#failure ??= new Error(`${letter} ended by itself (${how}).\n${this.#logs()}`);
  }

  #logs() {
    return this.#nodes.map(({ letter, lines }) => [`--- ${letter} printed:`, ...lines].join('\n')).join('\n');
  }
}
