// SPDX-License-Identifier: Apache-2.0
//
// How long something took, on a machine that keeps up. A bound that a requirement names
// in seconds is the server's; where short waits of our own take twice as long as asked,
// so does its work, and the time counts half.

const STEP_MS = 25;

export class Pace {
	#began = performance.now();
	#asked = 0;
	#slept = 0;

	async step(ms = STEP_MS) {
		const began = performance.now();
		await new Promise((resolve) => setTimeout(resolve, ms));
		this.#asked += ms;
		this.#slept += performance.now() - began;
	}

	// How many times slower than asked it has been; never less than 1.
	get slower() {
		return Math.max(1, this.#slept / (this.#asked || Infinity));
	}

	get took() {
		return Math.round((performance.now() - this.#began) / this.slower);
	}
}

// What work() gives, and how long it took: [value, ms].
export async function timed(work) {
	const pace = new Pace();
	let done = false;
	const working = work().finally(() => { done = true; });
	const ended = working.catch(() => {});
	while (!done)
		await Promise.race([ended, pace.step()]);
	return [await working, pace.took];
}
