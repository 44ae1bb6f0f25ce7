// SPDX-License-Identifier: Apache-2.0
//
// kill -9, a full disk and a failing one at every step of what changes a connection,
// answers that are lost, servers that fail or hang. Against a server that has retry keys
// nothing may ever be lost; against a strict one only what no client could have saved,
// and the person is told so.
//
// The steps are not listed here: a build with fault points says which it comes by.

import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';

import { cast } from '../../lib/cast.mjs';
import { form, SLOW, sleep } from '../../lib/latchkey.mjs';
import { answers, Hostile } from '../hostile.mjs';
import { Client, LONG } from './client.mjs';
import { identity } from './https.mjs';
import { Middleman } from './middleman.mjs';

const REPEATS = LONG ? 20 : 2;
const AT_ONCE = { concurrency: 6 };
const who = await identity();
const man = await Middleman.start({ prepare: cast, conf: { connections_per_address: 500 } });
const hostile = await Hostile.start(who);
const client = await Client.make();
const setup = await client.driver();
after(async () => {
	await client.remove();
	await man.close();
	await hostile.close();
	await who.remove();
});

// ---- two kinds of server -------------------------------------------------------------------

// A connection, and what its server knows of it: live(token), refused().
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
	assert.ok(trace.length > 4, `only ${trace.length} fault points: was the driver built with them?`);
	return trace.map((point) => {
		seen.set(point, (seen.get(point) ?? 0) + 1);
		return { point, nth: seen.get(point) };
	});
}

const label = ({ point, nth }) => (nth > 1 ? `${point} (${nth})` : point);
const at = ({ point, nth }, what) => ({ faulty: true, fault: `${point}:${nth}=${what}` });
// Where there is no system call to fail.
const passive = ({ point }) => /^(before|after)-|-done$|-wake$/.test(point);

async function killed(step, act) {
	const driver = await client.driver(at(step, 'kill'));
	assert.equal((await act(driver)).killed, true, 'it was killed there');
}

// ---- a refresh ------------------------------------------------------------------------------

for (const side of [ours, theirs])
	describe(`a refresh against ${side.name}`, AT_ONCE, async () => {
		const traced = await side.connect();
		const all = await steps((driver) => driver.refresh(traced.name));
		const posted = all.findIndex((s) => s.point === 'before-post');
		const saved = all.findIndex((s) => s.point === 'record-rename');
		assert.ok(posted > 0 && saved > posted, 'a refresh posts, then saves');

		for (const [i, step] of all.entries())
			test(`kill -9 at ${label(step)}`, async (t) => {
				const keeps = side.keeps({ posted: i > posted, saved: i > saved });
				let lost = 0;
				for (let n = 0; n < REPEATS; n++) {
					const made = await side.connect();
					await killed(step, (driver) => driver.refresh(made.name));
					lost += (await check(made, keeps)) === 'ok' ? 0 : 1;
				}
				if (lost)
					t.diagnostic(`${lost} of ${REPEATS} lost, as nobody could have saved them`);
			});

		for (const step of all.filter((s) => !passive(s)))
			for (const error of ['enospc', 'eio'])
				test(`${error} at ${label(step)}`, async () => {
					const made = await side.connect();
					const driver = await client.driver(at(step, error));
					const got = await driver.refresh(made.name);
					assert.match(got.status, /^(ok|storage)$/, got.message);
					if (got.status === 'ok')
						assert.equal(await made.live(got.token), true, 'what is handed out is good');
					// The process that got the pair still has it, and writes it before anything else.
					const then = await driver.refreshSettled(made.name);
					assert.equal(then.status, 'ok', `within the process: ${then.message}`);
					await driver.end();
					await check(made, true);
				});
	});

// ---- connecting and disconnecting --------------------------------------------------------------

describe('connecting to Latchkey', AT_ONCE, async () => {
	const begin = async () => {
		const started = await setup.start(man);
		assert.equal(started.status, 'ok', started.message);
		return { ...started, query: form(await man.authorize(started.url)) };
	};
	const traced = await begin();
	for (const step of await steps((driver) => driver.finish(traced.query)))
		test(`kill -9 at ${label(step)}`, async () => {
			for (let n = 0; n < REPEATS; n++) {
				const { name, query } = await begin();
				await killed(step, (driver) => driver.finish(query));
				// The connection is there and works, or it is not there and can be made.
				const driver = await client.driver();
				const opened = await driver.open(name);
				assert.match(opened.status, /^(ok|not_found)$/, opened.message);
				if (opened.status === 'ok')
					assert.equal((await driver.refreshSettled(name)).status, 'ok');
				await check(await ours.connect(driver, { name }), true);
				await driver.end();
			}
		});
});

describe('disconnecting from Latchkey', AT_ONCE, async () => {
	const traced = await ours.connect();
	for (const step of await steps((driver) => driver.disconnect(traced.name)))
		test(`kill -9 at ${label(step)}`, async () => {
			for (let n = 0; n < REPEATS; n++) {
				const made = await ours.connect();
				const { token } = await setup.token(made.name);
				await setup.drop(made.name);
				await killed(step, (driver) => driver.disconnect(made.name));
				const driver = await client.driver();
				assert.match((await driver.disconnect(made.name)).status, /^(ok|not_found)$/);
				await driver.drop(made.name);
				assert.equal((await driver.open(made.name)).status, 'not_found');
				assert.equal(await made.live(token), false, 'nothing lives on at the server');
				await driver.end();
			}
		});
});

// ---- answers that do not come -------------------------------------------------------------------

const LOSSES = [
	['lost after the server committed', answers.dropped()],
	['half of it lost', answers.half()],
	['502 after the server committed', answers.failsAfter(502)],
	['silence after the server committed', answers.hangsAfter()],
	['a reset before', answers.reset()],
	['500 before', answers.status(500)],
	['silence before', answers.hang()],
];
const PATIENCE = 500 * SLOW;

for (const [what, answer] of LOSSES) {
	test(`an answer: ${what}; Latchkey: nothing is lost, by the same process or the next`, async () => {
		for (const attempts of [3, 1]) {
			const driver = await client.driver({ attempts, http_timeout_ms: PATIENCE });
			const made = await ours.connect(driver);
			const before = man.refreshes();
			man.next('token', answer);
			const got = await driver.refresh(made.name);
			assert.equal(got.status, attempts > 1 ? 'ok' : 'try_later', got.message);
			await driver.end();
			await check(made, true);
			const keys = man.ledger.filter((e) => e.grant_type === 'refresh_token').slice(before, before + 2).map((e) => e.retryKey);
			assert.ok(keys[0]?.length >= 16);
			assert.equal(keys[1], keys[0], 'it is sent again with its retry key');
		}
	});

	test(`an answer: ${what}; a strict server: lost if it was done, and said`, async () => {
		const driver = await client.driver({ attempts: 1, http_timeout_ms: PATIENCE });
		const made = await theirs.connect(driver);
		const [family] = made.server.families;
		const old = family.current;
		made.server.next('token', answer);
		const got = await driver.refresh(made.name);
		assert.equal(got.status, 'try_later', got.message);
		await driver.end();
		const kept = family.current === old;
		assert.equal(await check(made, kept), kept ? 'ok' : 'reconnect');
	});
}

async function untilRefreshed(asked) {
	while (man.count({ grant_type: 'refresh_token', status: 200 }) === asked)
		await sleep(5);
}

test('kill -9 while the server is silent, after it committed', async () => {
	for (let n = 0; n < REPEATS; n++) {
		const made = await ours.connect();
		man.next('token', answers.hangsAfter());
		const asked = man.count({ grant_type: 'refresh_token', status: 200 });
		const driver = await client.driver({ http_timeout_ms: 60000 });
		const waiting = driver.refresh(made.name);
		await untilRefreshed(asked);
		driver.kill();
		assert.equal((await waiting).killed, true);
		await check(made, true);
	}
});
