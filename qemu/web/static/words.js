// What the figures and states are called, as in the lab's table. A colour alone never tells
// anything: each state has its word and its sign.

const looks = {
  up: ['✓', 'good'], booting: ['…', 'busy'], starting: ['…', 'busy'], degraded: ['!', 'warn'], stopping: ['↓', 'warn'],
  hung: ['✕', 'bad'], down: ['✕', 'bad'], rescue: ['✕', 'bad'], dead: ['✕', 'bad'], off: ['○', 'quiet'],
};

export const stateLook = (state) => looks[state] ?? ['?', 'quiet'];

// look is the sign and the kind of a node: off the LAN or frozen it is bad, whatever it says.
export function look(node) {
  const gone = faultsOf(node).some((f) => f === 'cut off' || f === 'unplugged' || f === 'frozen');
  return gone && node.state !== 'off' ? ['✕', 'bad'] : stateLook(node.state);
}

// faultsOf is what was done to a node.
export const faultsOf = (node) => [...(node.cut ? ['cut off'] : []), ...(node.faults ?? [])];

// hostOf is the name by which the other nodes call it.
export const hostOf = (node) => node.erlang?.split('@')[1] || node.name;

// misses gives why a node has no connection to a host: '' where no reason is known, null where it has one.
export function misses(node, host) {
  for (const m of node.missing ?? []) {
    const [name, reason] = m.split(/:(.*)/);
    if (name === host) return reason ?? '';
  }
  return null;
}

export const peers = (node) => !node.has_record ? '' : (node.connected < 0 ? '?' : node.connected) + '/' + node.peers;

const second = 1e9;

export function span(ns) {
  const s = Math.floor(ns / second);
  const two = (n) => String(n).padStart(2, '0');
  if (s >= 86400) return Math.floor(s / 86400) + 'd' + two(Math.floor(s / 3600) % 24) + 'h';
  if (s >= 3600) return Math.floor(s / 3600) + ':' + two(Math.floor(s / 60) % 60) + ':' + two(s % 60);
  return Math.floor(s / 60) + ':' + two(s % 60);
}

export const seconds = (ns) => (ns / second).toFixed(2);
export const millis = (ns) => Math.round(ns / 1e6) + ' ms';

export function bytes(n) {
  for (const unit of ['B', 'KiB', 'MiB']) {
    if (n < 1024) return Math.round(n) + ' ' + unit;
    n /= 1024;
  }
  return n.toFixed(1) + ' GiB';
}

export const count = (n) => n >= 1e6 ? (n / 1e6).toFixed(1) + ' M' : n >= 1e4 ? (n / 1e3).toFixed(1) + ' k' : String(n);
export const clock = (at) => new Date(at).toTimeString().slice(0, 8);
