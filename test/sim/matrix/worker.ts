import { parentPort } from 'node:worker_threads';
import { runTrial, type TrialSpec } from './trial.js';

// Runs one trial at a time, and tells what came of it.
parentPort!.on('message', (spec: TrialSpec) => parentPort!.postMessage(runTrial(spec)));
