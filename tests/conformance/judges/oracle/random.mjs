// The same numbers for the same seed, on every machine.
export class Random {
  #state;

  constructor(seed) {
    this.#state = seed >>> 0;
  }

  /** At least 0, less than 1; mulberry32. */
  next() {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  below(count) {
    return Math.floor(this.next() * count);
  }

  chance(probability) {
    return this.next() < probability;
  }

  pick(list) {
    return list[this.below(list.length)];
  }

  /** Up to `most` of the list, in its order. */
  some(list, most) {
    const wanted = 1 + this.below(Math.min(most, list.length));
    const chosen = new Set();
    while (chosen.size < wanted) chosen.add(this.below(list.length));
    return list.filter((_, index) => chosen.has(index));
  }
}
