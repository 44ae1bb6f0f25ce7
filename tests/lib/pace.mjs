// SPDX-License-Identifier: Apache-2.0
//
// How long something took, on a machine that keeps up. A bound that a requirement names
// in seconds is the server's; where short waits of our own take twice as long as asked,
// so does its work, and the time counts half.

import fs from 'node:fs';

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

// How long a process has worked, in ms of a processor: what something costs it, however
// busy the machine.
export function worked({ pid }) {
	const tasks = `/proc/${pid}/task`;
	return fs.readdirSync(tasks)
		.reduce((sum, task) => sum + Number(fs.readFileSync(`${tasks}/${task}/schedstat`, 'utf8').split(' ')[0]) / 1e6, 0);
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
