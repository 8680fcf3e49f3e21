export { VirtualClock } from '../../lib/testing/cluster/virtual-clock.js';
