// SPDX-License-Identifier: Apache-2.0
//
// What a database may do to a server: end its connections in the middle of a commit,
// stop answering, have no room on its disk, say yes without a standby, be demoted without
// knowing it. (RULEBOOK H-15, H-16, A5; R6.4, R6.5)

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { faketimeOff, random, sleep, SLOW } from '../lib/latchkey.mjs';
import { timed } from '../lib/pace.mjs';
import { mustSql, sql } from '../lib/postgres.mjs';
import { FILLABLE, Node, Topology, start, total, writers } from './stage.mjs';

const topology = await Topology.start(1, {}, FILLABLE);
const lk = await start(topology);
const node = await Node.beside(lk);
const { primary, standbys: [standby] } = topology;

after(async () => {
	await node.remove();
	await lk.remove();
	await topology.remove();
});

const OURS = "application_name = 'latchkey' AND pid <> pg_backend_pid()";

async function allGood(crowd) {
	for (const w of crowd) {
		assert.deepEqual(w.faults, []);
		const one = await lk.active(w.tokens.access_token);
		assert.equal(one, true, 'the newest token that was told is live');
		const answer = await lk.refresh(lk.web, w.tokens.refresh_token);
		assert.equal(answer.status, 200, `${answer}`);
		w.tokens = answer.json;
	}
}

// Every node answers about that token again, and how long each took. (H-15: five seconds)
async function allAnswer(token) {
	const began = Date.now();
	const took = await Promise.all([lk, node].map(async (n, i) => {
		await n.eventually(`node ${i} answers again`, async () => (await n.introspect(token)).status === 200, 5000 * SLOW);
		return Date.now() - began;
	}));
	console.log(`# the nodes answer again after ${took.join(' and ')} ms`);
}

test('H-16 connections ended in the middle of commits: what was told is so, nothing else ends', async () => {
	const crowd = await writers(lk, 6);
	const running = crowd.map((w, i) => (i % 2 ? w.run() : w.runWithoutKey()));
	for (let i = 0; i < 60; i++) {
		await sleep(50);
		await sql(primary.url, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE ${OURS} AND random() < 0.5`);
	}
	crowd.forEach((w) => { w.stopped = true; });
	await Promise.all(running);
	console.log(`# ${total(crowd, 'done')} refreshes, ${total(crowd, 'unknown')} without an answer at first`);
	assert.ok(total(crowd, 'done') > 50, `${total(crowd, 'done')} refreshes`);
	const ended = crowd.filter((w) => w.tokens);
	await allAnswer(ended[0].tokens.access_token);
	await allGood(ended);
});

test('H-16 a wait for a standby that is cancelled is no success', async () => {
	const [w] = await writers(lk, 1);
	const key = random();
	standby.signal('SIGSTOP');
	let answered = false;
	const asking = timed(() => w.ask(key)).finally(() => { answered = true; });
	let cancelled = 0;
	while (!answered) {
		await sleep(50);
		const rows = await sql(primary.url, `SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE ${OURS} AND wait_event = 'SyncRep'`);
		cancelled += rows?.length ?? 0;
	}
	const [answer, took] = await asking;
	const [[stands]] = await mustSql(primary.url, 'SELECT max(get_byte(pulse, 7)) FROM grants');
	const repeated = await w.ask(key);
	standby.signal('SIGCONT');
	assert.ok(cancelled > 0, `a wait was cancelled; answered after ${took} ms: ${answer}`);
	assert.ok(Number(stands) > 1, 'and the primary shows what it saved');
	assert.equal(answer.status, 503, `${answer}`);
	assert.equal(repeated.status, 503, `nor is it told again: ${repeated}`);
	assert.ok(answer.get('retry-after'));
	assert.ok(took < 2000 * SLOW, `${took} ms`);
	await allAnswer(w.tokens.access_token);
	const again = await w.ask(key);
	assert.equal(again.status, 200, `${again}`);
	w.tokens = again.json;
	await allGood([w]);
});

test('H-15 a primary that stops answering: 503 with Retry-After within two seconds, and back by itself', async () => {
	const [w] = await writers(lk, 1);
	primary.signal('SIGSTOP');
	for (const ask of [
		() => w.ask(random()),
		() => lk.introspect(w.tokens.access_token),
		() => w.ask(random()),
	]) {
		const [answer, took] = await timed(ask);
		assert.equal(answer?.status, 503, `${answer}`);
		assert.ok(answer.get('retry-after'));
		assert.ok(took < 2000 * SLOW, `${took} ms`);
	}
	assert.notEqual((await lk.health('/healthz')).status, 200);
	primary.signal('SIGCONT');
	await allAnswer(w.tokens.access_token);
	await lk.eventually('and is healthy', async () => (await lk.health('/healthz')).status === 200);
});

test('H-15 a table that somebody locks: 503 within two seconds, also for what is tried again', async () => {
	const [w] = await writers(lk, 1);
	const locked = sql(primary.url, 'BEGIN; LOCK TABLE grants IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(4); COMMIT');
	await lk.eventually('the table is locked', async () => (await mustSql(primary.url,
		"SELECT 1 FROM pg_locks WHERE relation = 'grants'::regclass AND mode = 'AccessExclusiveLock' AND granted")).length > 0);
	for (const ask of [() => lk.introspect(w.tokens.access_token), () => w.ask(random())]) {
		const [answer, took] = await timed(ask);
		assert.equal(answer?.status, 503, `${answer}`);
		assert.ok(took < 2000 * SLOW, `${took} ms`);
	}
	assert.notEqual(await locked, null, sql.error);
	await allAnswer(w.tokens.access_token);
});

// Every change of a grant fails so, the first n times; a sequence counts in spite of that.
async function clash(n, code, seconds = 0) {
	await mustSql(primary.url, `CREATE SEQUENCE clashes; CREATE FUNCTION clash() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		IF nextval('clashes') <= ${n} THEN PERFORM pg_sleep(${seconds}); RAISE EXCEPTION 'clash' USING ERRCODE = '${code}'; END IF;
		RETURN NEW; END $$; CREATE TRIGGER clash BEFORE UPDATE ON grants FOR EACH ROW EXECUTE FUNCTION clash()`);
	return async () => {
		const [[seen]] = await mustSql(primary.url, "SELECT nextval('clashes') - 1");
		await mustSql(primary.url, 'DROP TRIGGER clash ON grants; DROP FUNCTION clash; DROP SEQUENCE clashes');
		return Number(seen);
	};
}

test('H-15 the one who loses a deadlock is tried again, and answered', async () => {
	const [w] = await writers(lk, 1);
	const key = random();
	let answer;
	// A second is what the database takes to find one; 1.1 s is how long it is tried again.
	for (let i = 0; i < 5 && answer?.status !== 200; i++) {
		const over = await clash(1, '40P01', 0.6);
		answer = await w.ask(key);
		await over();
	}
	assert.equal(answer.status, 200, `${answer}`);
	w.tokens = answer.json;
	await allGood([w]);
});

test('H-15 a conflict that does not pass is tried again a few times, not hundreds, and answered within two seconds', async () => {
	const [w] = await writers(lk, 1);
	const over = await clash(1e9, '40001');
	const [answer, took] = await timed(() => w.ask(random()));
	const tries = await over();
	console.log(`# ${tries} attempts in ${took} ms`);
	assert.equal(answer?.status, 503, `${answer}`);
	assert.ok(took < 2000 * SLOW, `${took} ms`);
	assert.ok(tries >= 3 && tries <= 60, `${tries} attempts`);
	await allAnswer(w.tokens.access_token);
	await allGood([w]);
});

// No room for its log is the end of a PostgreSQL: it comes back when there is some.
test('H-15 the disk of the database is full: 503 and nothing is lost', async () => {
	const crowd = await writers(lk, 4);
	const running = crowd.map((w) => w.run());
	await lk.eventually('they write', () => crowd.every((w) => w.done > 3));
	await primary.fillLog();
	await lk.eventually('503', () => crowd.every((w) => w.unknown > 0), 20000 * SLOW);
	const before = total(crowd, 'done');
	assert.match(primary.log, /No space left on device/);
	assert.equal((await lk.refresh(lk.web, crowd[0].tokens.refresh_token, {}, { headers: [['Idempotency-Key', random()]] })).status, 503);
	await primary.empty();
	await lk.eventually('they write again', () => crowd.every((w) => total(crowd, 'done') > before + 20), 30000 * SLOW);
	crowd.forEach((w) => { w.stopped = true; });
	await Promise.all(running);
	await allGood(crowd);
});

test('H-15 connections do not pile up', async () => {
	for (let i = 0; i < 20; i++) {
		await sql(primary.url, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE ${OURS}`);
		await sleep(20);
	}
	await sleep(2000);
	const [[n]] = await mustSql(primary.url, `SELECT count(*) FROM pg_stat_activity WHERE ${OURS}`);
	console.log(`# ${n} connections of two nodes with two workers each`);
	assert.ok(Number(n) <= 2 * 11, n);
});

test('R6.4 a primary cut off from its standby is not believed for longer than five seconds', async () => {
	const [w] = await writers(lk, 1);
	assert.equal(await lk.active(w.tokens.access_token), true);
	standby.signal('SIGSTOP');
	const cut = Date.now();
	let last = cut;
	while (Date.now() - cut < 6000) {
		const answer = await lk.introspect(w.tokens.access_token);
		if (answer.status === 200)
			last = Date.now();
		await sleep(100);
	}
	const answer = await lk.introspect(w.tokens.access_token);
	assert.equal(answer.status, 503, `${answer}`);
	await Promise.all(Array.from({ length: 20 }, () => w.ask(random())));
	const [[n]] = await mustSql(primary.url, `SELECT count(*) FROM pg_stat_activity WHERE ${OURS}`);
	console.log(`# ${n} connections while nothing is acknowledged`);
	assert.ok(Number(n) <= 2 * 11, `${n} connections`);
	assert.ok(last - cut < 5000, `answered for ${last - cut} ms`);
	console.log(`# answered for ${last - cut} ms`);
	standby.signal('SIGCONT');
	await allAnswer(w.tokens.access_token);
});

test('a change by a command reaches every node within a second', async () => {
	const token = (await lk.token(lk.machine, { grant_type: 'client_credentials' })).json.access_token;
	assert.equal(await node.active(token), true);
	await lk.change('client', 'disable', lk.machine.client_id);
	await node.eventually('the other node knows', async () => !(await node.active(token)));
	assert.ok(node.waited < 1500 * SLOW, `${node.waited} ms`);
	console.log(`# known on the other node after ${node.waited} ms`);
	await lk.change('client', 'enable', lk.machine.client_id);
});

test('a token refreshed on one node is replaced on the other at once', async () => {
	const tokens = await lk.grant(lk.web);
	const answer = await node.refresh(lk.web, tokens.refresh_token);
	assert.equal(answer.status, 200, `${answer}`);
	assert.equal(await lk.active(tokens.access_token), false);
	assert.equal(await lk.active(answer.json.access_token), true);
	assert.equal((await lk.refresh(lk.web, tokens.refresh_token)).status, 400);
	assert.equal(await node.active(answer.json.access_token), false);
});

test('expiry is decided by the database: a node whose clock is an hour ahead agrees with the others', async () => {
	const ahead = await Node.beside(lk, { env: await faketimeOff('+3600') });
	try {
		const tokens = await lk.grant(lk.web);
		assert.equal(await ahead.active(tokens.access_token), true);
		const answer = await ahead.refresh(lk.web, tokens.refresh_token);
		assert.equal(answer.status, 200, `${answer}`);
		assert.equal(await lk.active(answer.json.access_token), true);
		const { exp } = (await lk.introspect(answer.json.access_token)).json;
		assert.ok(Math.abs(exp - Date.now() / 1000 - 600) < 10, `expires ${exp}`);
	} finally {
		await ahead.remove();
	}
});
