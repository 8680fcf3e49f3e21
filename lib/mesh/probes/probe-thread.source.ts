// Made of probe-thread.ts by `npm run build:thread`. Change that file, not this one.
export const PROBE_THREAD = `let node_worker_threads = require("node:worker_threads");
let node_dgram = require("node:dgram");
let node_net = require("node:net");
let node_crypto = require("node:crypto");
// lib/mesh/probes/loop-progress.ts
var TICK_MS = 200;
var LoopProgress = class {
	memory;
	lastTick;
	constructor(memory = new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT)) {
		this.memory = memory;
		this.lastTick = new BigInt64Array(memory);
	}
	start() {
		const tick = () => void Atomics.store(this.lastTick, 0, BigInt(monotonicMs()));
		tick();
		const timer = setInterval(tick, TICK_MS);
		timer.unref();
		return () => clearInterval(timer);
	}
	lagMs() {
		return Math.max(0, monotonicMs() - Number(Atomics.load(this.lastTick, 0)) - TICK_MS);
	}
};
function monotonicMs() {
	return Number(process.hrtime.bigint() / 1000000n);
}
// lib/mesh/probes/probe-codec.ts
var MAGIC = Buffer.from("PGP2");
var KIND_AT = 4;
var FROM_AT = 5;
var TO_AT = 21;
var COUNT_AT = 37;
var COUNT_BYTES = 6;
var NONCE_AT = 43;
var MS_AT = 51;
var MAC_AT = 55;
var MAC_BYTES = 16;
var KINDS = {
	probe: 1,
	answer: 2
};
function encodeProbe({ kind, from, to, count, nonce, ms }, key) {
	const bytes = Buffer.alloc(71);
	MAGIC.copy(bytes);
	bytes[KIND_AT] = KINDS[kind];
	bytes.write(from, FROM_AT, "hex");
	bytes.write(to, TO_AT, "hex");
	bytes.writeUIntBE(count, COUNT_AT, COUNT_BYTES);
	bytes.write(nonce, NONCE_AT, "hex");
	bytes.writeUInt32BE(Math.min(Math.round(ms), 4294967295), MS_AT);
	mac(bytes, key).copy(bytes, MAC_AT);
	return bytes;
}
function readProbe(bytes) {
	if (bytes.length !== 71 || !bytes.subarray(0, KIND_AT).equals(MAGIC)) return void 0;
	const kind = bytes[KIND_AT] === KINDS.probe ? "probe" : bytes[KIND_AT] === KINDS.answer ? "answer" : void 0;
	if (kind === void 0) return void 0;
	return {
		kind,
		from: bytes.toString("hex", FROM_AT, TO_AT),
		to: bytes.toString("hex", TO_AT, COUNT_AT),
		count: bytes.readUIntBE(COUNT_AT, COUNT_BYTES),
		nonce: bytes.toString("hex", NONCE_AT, MS_AT),
		ms: bytes.readUInt32BE(MS_AT)
	};
}
function isGenuine(bytes, key) {
	return (0, node_crypto.timingSafeEqual)(mac(bytes, key), bytes.subarray(MAC_AT, 71));
}
function mac(bytes, key) {
	return (0, node_crypto.createHmac)("sha256", key).update(bytes.subarray(0, MAC_AT)).digest().subarray(0, MAC_BYTES);
}
// lib/mesh/probes/replay-window.ts
var WIDTH = 32;
var ReplayWindow = class {
	highest = 0;
	seen = 0;
	take(count) {
		const ahead = count - this.highest;
		if (ahead > 0) {
			this.seen = ahead < WIDTH ? this.seen << ahead | 1 : 1;
			this.highest = count;
			return true;
		}
		if (-ahead >= WIDTH) return false;
		const bit = 1 << -ahead;
		if ((this.seen & bit) !== 0) return false;
		this.seen |= bit;
		return true;
	}
};
// lib/mesh/probes/probe-exchange.ts
var MAX_WAITING = 4096;
var ANSWER_WITHIN_MS = 3e3;
var MAX_COUNTED = 4096;
var TELL_EVERY_MS = 2e4;
var ProbeExchange = class {
	options;
	waiting = new Map();
	counts = new Map();
	windows = new Map();
	told = new Map();
	constructor(options) {
		this.options = options;
	}
	ask(target) {
		const nonce = (0, node_crypto.randomBytes)(8).toString("hex");
		this.giveUpOld();
		this.waiting.set(nonce, {
			target,
			untilMs: this.options.nowMs() + ANSWER_WITHIN_MS
		});
		if (this.waiting.size > MAX_WAITING) dropOldest(this.waiting);
		const { bootId: from } = this.options;
		const { bootId: to, silentMs: ms, key } = target;
		return encodeProbe({
			kind: "probe",
			from,
			to,
			count: this.nextCount(to),
			nonce,
			ms
		}, key);
	}
	take(bytes) {
		const probe = bytes.length === 71 ? readProbe(bytes) : void 0;
		if (probe?.to !== this.options.bootId) return void 0;
		return probe.kind === "probe" ? this.takeProbe(probe, bytes) : this.takeAnswer(probe, bytes);
	}
	takeProbe(probe, bytes) {
		const { bootId, key, lagMs } = this.options;
		if (!isGenuine(bytes, key) || !this.windowOf(probe.from).take(probe.count)) return void 0;
		return {
			answer: encodeProbe({
				...probe,
				kind: "answer",
				from: bootId,
				to: probe.from,
				ms: lagMs()
			}, key),
			...this.noteProbeOf(probe.from) && { probedBy: probe.from },
			...probe.ms > 0 && { unheard: {
				bootId: probe.from,
				silentMs: probe.ms
			} }
		};
	}
	noteProbeOf(from) {
		const nowMs = this.options.nowMs();
		if (nowMs < (this.told.get(from) ?? Number.NEGATIVE_INFINITY) + TELL_EVERY_MS) return false;
		this.told.delete(from);
		this.told.set(from, nowMs);
		if (this.told.size > MAX_COUNTED) dropOldest(this.told);
		return true;
	}
	takeAnswer({ from, nonce, ms }, bytes) {
		this.giveUpOld();
		const target = this.waiting.get(nonce)?.target;
		if (target?.bootId !== from || !isGenuine(bytes, target.key)) return void 0;
		this.waiting.delete(nonce);
		return { answered: {
			bootId: from,
			lagMs: ms
		} };
	}
	giveUpOld() {
		const nowMs = this.options.nowMs();
		for (const [nonce, { untilMs }] of this.waiting) {
			if (untilMs > nowMs) return;
			this.waiting.delete(nonce);
		}
	}
	nextCount(to) {
		const last = this.counts.get(to);
		const count = last === void 0 ? Math.ceil(this.options.nowMs()) : last + 1;
		this.counts.set(to, count);
		if (this.counts.size > MAX_COUNTED) dropOldest(this.counts);
		return count;
	}
	windowOf(bootId) {
		let window = this.windows.get(bootId);
		if (window) return window;
		this.windows.set(bootId, window = new ReplayWindow());
		if (this.windows.size > MAX_COUNTED) dropOldest(this.windows);
		return window;
	}
};
function dropOldest(map) {
	map.delete(map.keys().next().value);
}
// lib/mesh/probes/probe-socket.ts
var ProbeSocket = class {
	options;
	sockets = {};
	exchange;
	constructor(options) {
		this.options = options;
		this.exchange = new ProbeExchange(options);
	}
	async open() {
		const { bind } = this.options;
		if (bind === void 0 || bind === "::") {
			await this.bind("udp4", "0.0.0.0");
			await this.bind("udp6", "::").catch(() => {});
		} else await this.bind((0, node_net.isIPv6)(bind) ? "udp6" : "udp4", bind);
	}
	probe(target) {
		const { bootId, host, port } = target;
		const { unsent } = this.options;
		if ((0, node_net.isIP)(host) === 0) return unsent(bootId, "ENOTFOUND");
		const socket = (0, node_net.isIPv6)(host) ? this.sockets.udp6 : this.sockets.udp4;
		if (!socket) return unsent(bootId, "EAFNOSUPPORT");
		socket.send(this.exchange.ask(target), port, host, (error) => {
			if (error) unsent(bootId, error.code ?? error.message);
		});
	}
	close() {
		for (const socket of Object.values(this.sockets)) socket.close();
	}
	bind(family, address) {
		const socket = (0, node_dgram.createSocket)({
			type: family,
			ipv6Only: family === "udp6"
		});
		return new Promise((resolve, reject) => {
			socket.once("error", (error) => {
				socket.close();
				reject(error);
			});
			socket.bind({
				address,
				port: this.options.port,
				exclusive: true
			}, () => {
				socket.removeAllListeners("error");
				socket.on("error", () => {});
				socket.on("message", (bytes, from) => this.take(socket, bytes, from));
				this.sockets[family] = socket;
				resolve();
			});
		});
	}
	take(socket, bytes, sender) {
		const taken = this.exchange.take(bytes);
		if (!taken) return;
		const { answer, answered, unheard, probedBy } = taken;
		if (answer) socket.send(answer, sender.port, sender.address, () => {});
		if (probedBy !== void 0) this.options.probedBy?.(probedBy);
		if (answered) this.options.answered(answered.bootId, answered.lagMs);
		if (unheard) this.options.unheard(unheard.bootId, unheard.silentMs);
	}
};
// lib/mesh/probes/probe-thread.ts
var { progress, ...data } = node_worker_threads.workerData;
var loop = new LoopProgress(progress);
var tell = (message) => node_worker_threads.parentPort.postMessage(message);
var socket;
var socketAt = (port, bind = data.bind) => new ProbeSocket({
	...data,
	bind,
	port,
	nowMs: monotonicMs,
	lagMs: () => loop.lagMs(),
	answered: (bootId, lagMs) => tell({
		type: "answered",
		bootId,
		lagMs,
		atMs: monotonicMs()
	}),
	unheard: (bootId, silentMs) => tell({
		type: "unheard",
		bootId,
		silentMs,
		atMs: monotonicMs()
	}),
	probedBy: (bootId) => tell({
		type: "probedBy",
		bootId
	}),
	unsent: (bootId, code) => tell({
		type: "unsent",
		bootId,
		code
	})
});
async function warmUp() {
	const first = socketAt(0, "127.0.0.1");
	await first.open().catch(() => {});
	first.close();
}
async function open(port) {
	const opened = socketAt(port);
	try {
		await opened.open();
		socket = opened;
		tell({ type: "open" });
	} catch (error) {
		opened.close();
		tell({
			type: "failed",
			message: error.message
		});
	}
}
node_worker_threads.parentPort.on("message", (message) => {
	if (message.type === "open") open(message.port);
	else socket?.probe(message.target);
});
warmUp();
`;
