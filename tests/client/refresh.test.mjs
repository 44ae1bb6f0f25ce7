// SPDX-License-Identifier: Apache-2.0
//
// The refresh transaction (DESIGN.md section 8; RULEBOOK CL-20, CL-25 to CL-32) through
// latchkey.h: against the real server, with somebody in between who loses answers, and
// against a strict one that knows no retry key.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';

import { cast } from '../lib/cast.mjs';
import { sleep } from '../lib/latchkey.mjs';
import { connect, consenting, Driver, registration, vault } from './driver.mjs';
import { answers, Hostile } from './hostile.mjs';
import { identity } from './proofs/https.mjs';
import { Middleman } from './proofs/middleman.mjs';

const man = await Middleman.start({ prepare: cast });
const { lk } = man;
after(() => man.close());
const who = await identity();
after(() => who.remove());
const hostile = await Hostile.start(who);
after(() => hostile.close());
const place = vault();
after(() => place.remove());
const driver = new Driver(place);
after(() => driver.end());
await driver.opened;

const real = registration(place, { issuer: lk.issuer, caFile: lk.findCa(), client: lk.web });
const ana = consenting(lk, lk.ana);
const token = (name, more) => driver.ok({ do: 'token', name, ...more });
const info = async (name) => (await driver.ok({ do: 'info', name })).info;

// A connection at the real server, whose tokens seem to live for `lives` seconds.
async function connected(name, lives) {
	man.expiresIn = lives;
	await connect(driver, name, real, ana);
	man.expiresIn = undefined;
	return (await token(name)).token;
}

// A connection at a server that knows no retry key.
async function elsewhere(name, options) {
	const site = hostile.site(options);
	await connect(driver, name, registration(place, { issuer: site.issuer, caFile: who.caFile, client: site.client, scope: 'books:read' }),
		(url) => site.authorize(url));
	return site;
}

async function counting(server, count, act) {
	const before = server.refreshes();
	const result = await act();
	assert.equal(server.refreshes() - before, count, `${count} refreshes were expected`);
	return result;
}

test('CL-20 CL-25 at its end a token is refreshed once for all threads of a process', async () => {
	const old = await connected('threads', 2);
	assert.deepEqual((await counting(man, 0, () => driver.ok({ do: 'race', name: 'threads', threads: 8, times: 100 }))).tokens, { [old]: 800 });
	await sleep(2000);
	const { tokens, statuses } = await counting(man, 1, () => driver.ok({ do: 'race', name: 'threads', threads: 8, times: 100 }));
	assert.deepEqual(statuses, { ok: 800 });
	assert.equal(Object.keys(tokens).length, 1);
	assert.equal(await lk.active(Object.keys(tokens)[0]), true);
	assert.equal(await lk.active(old), false);
});

test('CL-25 another process sees what one has refreshed, at once', async () => {
	const other = new Driver(place);
	const old = await connected('processes');
	assert.equal((await other.ok({ do: 'token', name: 'processes' })).token, old);
	const { token: fresh } = await counting(man, 1, () => driver.ok({ do: 'after', name: 'processes', refused: old }));
	assert.notEqual(fresh, old);
	await counting(man, 0, async () => {
		assert.equal((await other.ok({ do: 'token', name: 'processes' })).token, fresh);
	});
	await other.end();
});

test('CL-28 who was refused a token that is no longer the newest gets the newest', async () => {
	const other = new Driver(place);
	const old = await connected('refused');
	await other.ok({ do: 'token', name: 'refused' });
	const { token: fresh } = await driver.ok({ do: 'after', name: 'refused', refused: old });
	const answer = await counting(man, 0, () => other.ok({ do: 'after', name: 'refused', refused: old }));
	assert.equal(answer.token, fresh);
	await other.end();
});

test('CL-27 an answer that was lost is had again with the same retry key', async () => {
	const old = await connected('lost');
	const from = man.ledger.length;
	man.next('token', answers.dropped());
	const { token: fresh } = await counting(man, 2, () => driver.ok({ do: 'after', name: 'lost', refused: old }));
	assert.equal(await lk.active(fresh), true);
	const keys = man.ledger.slice(from).filter((e) => e.grant_type === 'refresh_token').map((e) => e.retryKey);
	assert.match(keys[0], /^[\w-]{22}$/);
	assert.equal(keys[0], keys[1]);
	assert.equal((await info('lost')).unanswered, false);
	const { events } = await driver.ok({ do: 'events' });
	assert.deepEqual(events.filter((e) => e.connection === 'lost' && e.event === 'retry').map((e) => e.status), ['try_later']);
});

for (const point of ['after-lock', 'before-journal', 'after-journal', 'before-post', 'after-post', 'before-write', 'after-write', 'after-clear'])
	test(`killed ${point}: the next process goes on where it stopped`, async () => {
		const name = `killed-${point}`;
		const old = await connected(name);
		const victim = new Driver(place, { faults: `${point}=kill` });
		await victim.ok({ do: 'token', name });
		assert.equal(await victim.send({ do: 'after', name, refused: old }), undefined);
		assert.deepEqual(await victim.exit, { status: null, signal: 'SIGKILL' });
		assert.equal((await info(name)).unanswered, ['after-journal', 'before-post', 'after-post', 'before-write', 'after-write'].includes(point));
		const { token: fresh } = await driver.ok({ do: 'after', name, refused: old });
		assert.notEqual(fresh, old);
		assert.equal(await lk.active(fresh), true);
		const { token: next } = await driver.ok({ do: 'after', name, refused: fresh });
		assert.equal(await lk.active(next), true);
		assert.equal((await info(name)).unanswered, false);
	});

test('CL-26 a pair that cannot be written is no success, and is written before anything else', async () => {
	const old = await connected('full');
	const poor = new Driver(place, { faults: 'record-rename=enospc' });
	await poor.ok({ do: 'token', name: 'full' });
	const answer = await counting(man, 1, () => poor.ends('storage', { do: 'after', name: 'full', refused: old }));
	assert.match(answer.message, /cannot be kept and are not used/);
	const { token: fresh } = await counting(man, 0, () => poor.ok({ do: 'after', name: 'full', refused: old }));
	assert.equal(await lk.active(fresh), true);
	assert.equal((await token('full')).token, fresh);
	await poor.end();
});

test('a disk without room is noticed before the server is asked', async () => {
	const old = await connected('no-room');
	const poor = new Driver(place, { faults: 'reserve-allocate=enospc' });
	await poor.ok({ do: 'token', name: 'no-room' });
	await counting(man, 0, () => poor.ends('storage', { do: 'after', name: 'no-room', refused: old }));
	await poor.end();
	assert.equal((await token('no-room')).token, old);
});

test('CL-30 CL-32 Retry-After is heeded by every process, and the token that is left serves', async () => {
	const old = await connected('busy', 25);
	man.always('token', answers.status(503, { 'Retry-After': '60' }));
	const answer = await counting(man, 1, () => driver.ends('try_later', { do: 'after', name: 'busy', refused: old }));
	assert.ok(answer.retry_after >= 60 && answer.retry_after <= 62, answer.retry_after);
	const other = new Driver(place);
	await other.opened;
	await counting(man, 0, async () => {
		const again = await driver.ends('try_later', { do: 'after', name: 'busy', refused: old });
		assert.ok(again.retry_after > 50 && again.retry_after <= 62, again.retry_after);
		await sleep(3000);
		// 20 s of 25 were wished for, and are there; only the margin is not.
		assert.equal((await other.ok({ do: 'token', name: 'busy', min_ttl: 20 })).token, old);
		await other.ends('try_later', { do: 'token', name: 'busy', min_ttl: 22 });
	});
	man.honest();
	await other.end();
	const said = await info('busy');
	assert.equal(said.state, 'connected');
	assert.equal(said.outcome, 'try_later');
});

test('a few attempts are made for what passes', async () => {
	const old = await connected('passing');
	man.next('token', answers.status(503), answers.reset(), answers.html(502));
	const { token: fresh } = await counting(man, 4, () => driver.ok({ do: 'after', name: 'passing', refused: old }));
	assert.equal(await lk.active(fresh), true);
});

test('CL-29 invalid_client of a rotated secret: the new one is taken at once, and the pause of the old is over', async () => {
	const site = await elsewhere('rotated');
	const { token: old } = await token('rotated');
	site.client.client_secret = site.secret('cs_rotated');
	const refused = await driver.ends('configuration', { do: 'after', name: 'rotated', refused: old });
	assert.equal(refused.code, 'invalid_client');
	assert.match(refused.message, /lk_client_secret/);
	const rotated = place.file('rotated', 'cs_rotated\r\n');
	await driver.ends('configuration', { do: 'secret', name: 'rotated', client_secret_file: '/nowhere' });
	await driver.ends('bug', { do: 'secret', name: 'rotated' });
	await driver.ok({ do: 'secret', name: 'rotated', client_secret_file: rotated });
	const { token: now } = await driver.ok({ do: 'after', name: 'rotated', refused: old });
	assert.equal(site.honours(now), true);
	const { log } = await driver.ok({ do: 'log', name: 'rotated' });
	assert.deepEqual(log.map((l) => [l.event, l.status]), [['connect', 'ok'], ['refresh', 'configuration'], ['secret', 'ok'], ['refresh', 'ok']]);
});

test('CL-29 invalid_grant is final: the tokens go, the registration stays', async () => {
	const old = await connected('ended');
	const [grant] = await lk.json('grant', 'list', '--user', 'ana').then((all) => all.filter((g) => g.state === 'live').slice(-1));
	assert.ok(grant, 'no grant');
	for (const g of await lk.json('grant', 'list', '--user', 'ana'))
		await lk.command('grant', 'end', g.id ?? g.grant ?? g.grant_id);
	const answer = await driver.ends('reconnect', { do: 'after', name: 'ended', refused: old });
	assert.equal(answer.code, 'invalid_grant');
	await counting(man, 0, async () => {
		assert.equal((await driver.ends('reconnect', { do: 'token', name: 'ended' })).code, 'invalid_grant');
	});
	const said = await info('ended');
	assert.equal(said.state, 'reconnect');
	assert.equal(said.client_id, lk.web.client_id);
	const { client_secret_file: _, ...without } = real;
	await connect(driver, 'ended', without, ana);
	await token('ended');
});

test('CL-29 invalid_grant for a token that the vault has no more is not the end', async () => {
	const site = await elsewhere('restored', { expiresIn: 1 });
	const file = path.join(place.vault, 'restored.record');
	const older = fs.readFileSync(file);
	await sleep(1100);
	await token('restored');
	const newer = fs.readFileSync(file);
	await sleep(1100);
	fs.writeFileSync(file, older); // another machine's copy, say, which it brings up to date
	site.next('token', (response, ...rest) => {
		fs.writeFileSync(file, newer);
		return answers.error(400, 'invalid_grant')(response, ...rest);
	});
	const { message } = await driver.ends('try_later', { do: 'token', name: 'restored' });
	assert.match(message, /changed by somebody else meanwhile/);
	assert.equal((await info('restored')).state, 'connected');
	assert.ok(site.honours((await token('restored')).token));
});

test('CL-32 a wait for another\'s refresh has an end', async () => {
	const site = await elsewhere('slow');
	const patient = await token('slow');
	const hasty = new Driver(place, { open: { lock_wait_ms: 200 } });
	try {
		await hasty.ok({ do: 'token', name: 'slow' });
		site.delay = 1500;
		const refreshing = driver.ok({ do: 'after', name: 'slow', refused: patient.token });
		while (site.refreshes() === 0)
			await sleep(5);
		const { took_us: took, retry_after: when } = await hasty.ends('try_later', { do: 'after', name: 'slow' });
		assert.ok(took > 198000 && took < 1400000, `${took} us`); // clocks read in ms
		assert.ok(when >= 1);
		await refreshing;
		site.delay = 0;
		assert.equal(site.refreshes(), 1);
	} finally {
		await hasty.end();
	}
});

test('RFC 8414 the metadata are read once for many who connect, and for a day of refreshes', async () => {
	const site = await elsewhere('known');
	await connect(driver, 'known2', registration(place, { issuer: site.issuer, caFile: who.caFile, client: site.client, scope: 'books:read' }), (url) => site.authorize(url));
	const { token: old } = await token('known');
	await driver.ok({ do: 'after', name: 'known', refused: old });
	const next = new Driver(place);
	const { token: again } = await next.ok({ do: 'token', name: 'known' });
	await next.ok({ do: 'after', name: 'known', refused: again });
	await next.end();
	assert.equal(site.count({ endpoint: 'metadata' }), 1);
});

test('CL-31 what a captive portal says is not believed', async () => {
	const old = await connected('portal');
	man.always('token', answers.html(400));
	await driver.ends('try_later', { do: 'after', name: 'portal', refused: old });
	man.honest();
	assert.equal((await info('portal')).state, 'connected');
});

test('a lost answer of a server without retry keys ends the connection, and is named', async () => {
	const site = await elsewhere('strict');
	const { token: old } = await token('strict');
	site.next('token', answers.dropped());
	const answer = await driver.ends('reconnect', { do: 'after', name: 'strict', refused: old });
	assert.match(answer.message, /answer to the refresh of \d{4}-\d\d-\d\dT\S+Z was lost on its way/);
	assert.equal(answer.code, 'invalid_grant');
	assert.equal(site.ledger.filter((e) => e.retryKey !== undefined).length, 0);
});

test('CL-26 where no refresh token comes back the old one is kept', async () => {
	const site = await elsewhere('keeps');
	const { token: old } = await token('keeps');
	site.next('token', (response, request) => {
		const family = site.refreshTokens.get(request.form.refresh_token);
		answers.json({ access_token: 'at-second', token_type: 'bearer', expires_in: 100 })(response);
		assert.ok(family);
	});
	assert.equal((await driver.ok({ do: 'after', name: 'keeps', refused: old })).token, 'at-second');
	const { token: third } = await driver.ok({ do: 'after', name: 'keeps', refused: 'at-second' });
	assert.equal(site.honours(third), true);
});

test('CL-20 a token whose life is not told, and nothing to refresh it with, serves until a 401', async () => {
	const site = hostile.site();
	site.next('token', answers.changed(() => ({ access_token: 'for-ever', token_type: 'Bearer' })));
	await connect(driver, 'simple', registration(place, { issuer: site.issuer, caFile: who.caFile, client: site.client, scope: 'books:read' }),
		(url) => site.authorize(url));
	const answer = await token('simple', { min_ttl: 1000000 });
	assert.equal(answer.token, 'for-ever');
	assert.equal(answer.expires_in, -1);
	await driver.ends('reconnect', { do: 'after', name: 'simple', refused: 'for-ever' });
});

test('CL-21 an answer with more scope than was granted is not used', async () => {
	const site = await elsewhere('more');
	const { token: old } = await token('more');
	site.next('token', answers.changed((said) => ({ ...said, scope: 'books:read books:write' })));
	const answer = await driver.ends('rejected', { do: 'after', name: 'more', refused: old });
	assert.match(answer.message, /scope/);
});

test('a child of fork() is told to open its own', async () => {
	await connected('forked');
	assert.equal((await driver.ok({ do: 'fork', name: 'forked' })).child, 'bug');
});

test('the history tells every attempt, and no secret', async () => {
	const { log } = await driver.ok({ do: 'log', name: 'lost' });
	assert.deepEqual(log.map((l) => [l.event, l.status]), [['connect', 'ok'], ['retry', 'try_later'], ['refresh', 'ok']]);
	for (const name of ['lost', 'busy', 'strict', 'portal', 'full']) {
		const told = JSON.stringify((await driver.ok({ do: 'log', name })).log);
		for (const secret of [...man.secrets, ...hostile.secrets])
			assert.equal(told.includes(secret), false);
	}
});
