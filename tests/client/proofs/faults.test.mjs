// SPDX-License-Identifier: Apache-2.0
//
// kill -9, a full disk and a failing one at every step of what changes a connection,
// answers that are lost, servers that fail or hang. Against a server that has retry keys
// nothing may ever be lost; against a strict one only what no client could have saved,
// and the person is told so.

import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';

import { cast } from '../../lib/cast.mjs';
import { form, SLOW, sleep } from '../../lib/latchkey.mjs';
import { answers, Hostile } from '../hostile.mjs';
import { Client, DATABASE, LONG } from './client.mjs';
import { at, faults, label, passive } from './faults.mjs';
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

const { ours, theirs, check, steps, killed, refreshSteps, killRefresh } = faults({ client, man, hostile, setup });

// ---- a refresh ------------------------------------------------------------------------------

for (const side of [ours, theirs])
	describe(`a refresh against ${side.name}`, AT_ONCE, async () => {
		const all = await refreshSteps(side);
		for (const step of all)
			test(`kill -9 at ${label(step)}`, async (t) => {
				const lost = await killRefresh(side, step, REPEATS);
				if (lost)
					t.diagnostic(`${lost} of ${REPEATS} lost, as nobody could have saved them`);
			});

		for (const step of all.filter((s) => !passive(s) && !DATABASE))
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
