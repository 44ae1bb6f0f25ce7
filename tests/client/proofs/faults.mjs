// SPDX-License-Identifier: Apache-2.0
//
// What a client that dies at a step may lose, judged by somebody who knows only what the
// servers did. The steps are not listed: a build with fault points says which it comes by.

import assert from 'node:assert/strict';

import { DATABASE } from './client.mjs';

export const label = ({ point, nth }) => (nth > 1 ? `${point} (${nth})` : point);
export const at = ({ point, nth }, what) => ({ faulty: true, fault: `${point}:${nth}=${what}` });
// Where there is no system call to fail.
export const passive = ({ point }) => /^(before|after)-|-done$|-wake$/.test(point);
// From the step behind this one on, what was given is kept.
const SAVES = DATABASE ? 'record-write' : 'record-rename';

// man: before a Latchkey, which has retry keys; hostile: without. setup: a driver.
export function faults({ client, man, hostile, setup }) {
	// Two kinds of server. A connection, and what its server knows of it: live(token),
	// refused().
	const ours = {
		name: 'Latchkey',
		async connect(driver = setup, options = {}) {
			const made = await driver.connect(man, {}, options);
			return { ...made, server: man, live: (token) => man.lk.active(token), refused: () => man.count({ error: 'invalid_grant' }) };
		},
		keeps: () => true,
	};
	const theirs = {
		name: 'a strict server',
		async connect(driver = setup) {
			const site = hostile.site();
			const made = await driver.connect(site);
			return { ...made, server: site, live: async (token) => site.honours(token), refused: () => site.count({ outcome: 'invalid_grant' }) };
		},
		// Nobody can save what was given and not written before the client died.
		keeps: ({ posted, saved }) => !posted || saved,
	};

	// The checker. It knows what the server did and what the client can do now, and nothing
	// of how the client went about it. Gives how the next refresh ended.
	async function check({ name, live, refused }, keeps) {
		const driver = await client.driver({ attempts: 2 });
		const got = await driver.refreshSettled(name);
		if (keeps) {
			assert.equal(got.status, 'ok', `${name} is lost: ${got.message}`);
			assert.equal(refused(), 0, 'the server has refused nothing');
			assert.equal(await live(got.token), true, 'the token is good at the server');
			const again = await driver.refreshSettled(name);
			assert.equal(again.status, 'ok', again.message);
			assert.equal(await live(again.token), true);
			assert.equal(await live(got.token), false, 'one live access token');
		} else if (got.status !== 'ok') {
			assert.equal(got.status, 'reconnect', `${got.status}: ${got.message}`);
			assert.match(got.message, /lost/, 'the person is told why');
		}
		await driver.end();
		return got.status;
	}

	// The points that an act comes by, in order: [{point, nth}].
	async function steps(act) {
		const driver = await client.driver({ faulty: true, fault: 'trace' });
		await act(driver);
		const seen = new Map();
		const { trace } = await driver.end();
		assert.ok(trace.length > (DATABASE ? 1 : 4), `only ${trace.length} fault points: was the driver built with them?`);
		return trace.map((point) => {
			seen.set(point, (seen.get(point) ?? 0) + 1);
			return { point, nth: seen.get(point) };
		});
	}

	async function killed(step, act) {
		const driver = await client.driver(at(step, 'kill'));
		const got = await act(driver);
		assert.equal(got.killed, true, `it was killed there, not ${JSON.stringify(got)}`);
	}

	// The steps of a refresh against that side, each with whether a connection that was
	// killed there is kept.
	async function refreshSteps(side) {
		const traced = await side.connect();
		const all = await steps((driver) => driver.refresh(traced.name));
		const posted = all.findIndex((s) => s.point === 'before-post');
		const saved = all.findIndex((s) => s.point === SAVES);
		assert.ok(posted > 0 && saved > posted, 'a refresh posts, then saves');
		return all.map((step, i) => ({ ...step, keeps: side.keeps({ posted: i > posted, saved: i > saved }) }));
	}

	// kill -9 there, so many times; how many connections were lost that nobody could keep.
	async function killRefresh(side, step, repeats) {
		let lost = 0;
		for (let n = 0; n < repeats; n++) {
			const made = await side.connect();
			await killed(step, (driver) => driver.refresh(made.name));
			lost += (await check(made, step.keeps)) === 'ok' ? 0 : 1;
		}
		return lost;
	}

	return { ours, theirs, check, steps, killed, refreshSteps, killRefresh };
}
