// How many packets a second go between two nodes, from counters that only grow.

const pair = (a, b) => a < b ? a + ' ' + b : b + ' ' + a;
const weight = 0.4; // of the newest picture

export class Rates {
  frames = new Map();
  rates = new Map();
  at = 0;

  take(picture) {
    const at = Date.parse(picture.at), passed = (at - this.at) / 1000;
    const frames = new Map();
    for (const t of picture.traffic ?? []) {
      const key = pair(t.from, t.to);
      frames.set(key, (frames.get(key) ?? 0) + t.frames);
    }
    for (const [key, n] of frames) {
      const fresh = Math.max(0, n - (this.frames.get(key) ?? n)) / passed;
      this.rates.set(key, (this.rates.get(key) ?? fresh) * (1 - weight) + fresh * weight);
    }
    this.frames = frames;
    this.at = at;
  }

  of(a, b) {
    return this.rates.get(pair(a, b)) ?? 0;
  }
}
