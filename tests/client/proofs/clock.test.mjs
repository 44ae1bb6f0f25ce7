// SPDX-License-Identifier: Apache-2.0
//
// A wall clock that is stepped, forward and back: no token is thrown away, none is
// handed out that has run out, and nothing is lost (RULEBOOK CL-20, appendix A5).

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';

import { cast } from '../../lib/cast.mjs';
import { form, faketime, SLOW, sleep } from '../../lib/latchkey.mjs';
import { Client } from './client.mjs';
import { Middleman } from './middleman.mjs';

const HOUR = 3600;
const DAY = 24 * HOUR;
const man = await Middleman.start({ prepare: cast });
const client = await Client.make();
after(async () => {
	await client.remove();
	await man.close();
});

// A driver whose wall clock the test moves: clock(seconds from the real one).
async function stepped(act, options = {}) {
	const file = path.join(client.dir, `clock-${client.name()}`);
	const clock = (seconds) => {
		fs.writeFileSync(`${file}.new`, `${seconds >= 0 ? '+' : ''}${seconds}\n`);
		fs.renameSync(`${file}.new`, file);
	};
	clock(0);
	man.expiresIn = undefined;
	const env = await faketime(file);
	return client.with({ ...options, env }, (driver) => act(driver, clock, env));
}

test('the control: the clock of the driver is the one that the test sets', () => stepped(async (driver, clock) => {
	const { name } = await driver.connect(man);
	const real = Date.now() / 1000;
	for (const seconds of [HOUR, -HOUR]) {
		clock(seconds);
		assert.equal((await driver.refresh(name)).status, 'ok');
		const { refreshed_at: at } = await driver.info(name);
		assert.ok(Math.abs(at - real - seconds) < 60, `refreshed at ${at - real}, not ${seconds}`);
	}
}));

for (const seconds of [HOUR, DAY, -HOUR])
	test(`a step of ${seconds} s: a good token stays good, in this process and the next`, () => stepped(async (driver, clock, env) => {
		const { name } = await driver.connect(man);
		const { token } = await driver.token(name);
		const before = man.refreshes();
		clock(seconds);
		assert.equal((await driver.token(name)).token, token);
		await client.with({ env }, async (next) => assert.equal((await next.token(name)).token, token));
		assert.equal(man.refreshes(), before, 'nobody had to refresh');
	}));

for (const seconds of [-HOUR, -120, 120])
	test(`a step of ${seconds} s: a token that has run out is not handed out`, () => stepped(async (driver, clock) => {
		man.expiresIn = 2;
		const { name } = await driver.connect(man);
		const { token } = await driver.token(name);
		clock(seconds);
		await sleep(2100);
		man.expiresIn = undefined;
		const got = await driver.token(name);
		assert.equal(got.status, 'ok', got.message);
		assert.notEqual(got.token, token);
		assert.equal(await man.lk.active(got.token), true);
	}));

test('steps to and fro while it refreshes: nothing is lost', () => stepped(async (driver, clock) => {
	const { name } = await driver.connect(man);
	const refused = man.count({ error: 'invalid_grant' });
	for (const seconds of [120, -120, HOUR, 0, -HOUR, DAY, 1, -1]) {
		clock(seconds);
		const got = await driver.refreshSettled(name);
		assert.equal(got.status, 'ok', `${seconds}: ${got.message}`);
		assert.equal(await man.lk.active(got.token), true);
		assert.ok(got.expires_in > 0 && got.expires_in <= 3600);
	}
	assert.equal(man.count({ error: 'invalid_grant' }), refused);
}));

test('a clock so wrong that no certificate is valid: said, and nothing is lost', () => stepped(async (driver, clock) => {
	const { name } = await driver.connect(man);
	clock(-20 * 365 * DAY);
	const got = await driver.refresh(name);
	assert.equal(got.status, 'try_later', got.message);
	assert.match(got.message, /certificate|clock/);
	clock(0);
	const then = await driver.refreshSettled(name, 60000 * SLOW);
	assert.equal(then.status, 'ok', then.message);
}));

test('CL-05 an attempt that is more than ten minutes old is over', () => stepped(async (driver, clock) => {
	const { url } = await driver.start(man);
	const query = form(await man.authorize(url));
	clock(11 * 60);
	const got = await driver.finish(query);
	assert.equal(got.status, 'rejected', got.message);
	assert.equal(man.count({ grant_type: 'authorization_code', status: 400 }), 0);
}));
