// SPDX-License-Identifier: Apache-2.0
//
// The n-th write, sync, read, send, receive, accept or allocation fails, n = 1, 2, 3 ...
// until a request passes without one, for each kind of request: no crash, no token
// that was not committed, a failed sync ends the process (issue 4 section 3). With a
// database behind the server (NTH_DATABASE, a URL) what it is sent and what it answers fails.
// NTH=all tries every n of every kind; otherwise each n up to some, and a few beyond.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';

import { startCast } from '../lib/cast.mjs';
import { BINARY, sanitizerRuntime, SLOW } from '../lib/latchkey.mjs';

// In the order of nth.c.
const KINDS = ['none', 'disk write', 'disk full', 'disk sync', 'disk read', 'send', 'receive', 'accept', 'open', 'memory',
	'send to the database', 'answer of the database'];
const DATABASE = process.env.NTH_DATABASE;
// What has nothing to do with the database has its turn without one.
const tried = (kind) => (DATABASE ? ['memory', 'send to the database', 'answer of the database'].includes(KINDS[kind]) : kind < 10);
const ALL = process.env.NTH === 'all';
// An allocation that fails may end the process, and a start takes its time.
const most = (kind) => (ALL ? 100000 : KINDS[kind] === 'memory' ? 4 : 12);
const beyond = (kind) => (ALL ? [] : KINDS[kind] === 'memory' ? [15, 60] : [20, 35, 60, 110, 200]);
const LAYER = path.join(path.dirname(BINARY), 'tests/crash/libnth.so');
// AddressSanitizer has an allocator of its own, which nobody may stand before.
const SANITIZED = (await sanitizerRuntime()).length > 0 || SLOW > 1;

const lk = await startCast({ database: DATABASE });
const file = path.join(lk.dir, 'control');
fs.writeFileSync(file, Buffer.alloc(12));
const control = fs.openSync(file, 'r+');
await lk.stop();
assert.ok(fs.existsSync(LAYER), LAYER);
// Commands of the test itself are not under the layer.
const layered = { ...lk.env, NTH_CONTROL: file, LD_PRELOAD: [...await sanitizerRuntime(), LAYER].join(' ') };
async function serve() {
	const own = lk.env;
	lk.env = layered;
	try {
		await lk.serve();
	} finally {
		lk.env = own;
	}
}
await serve();
after(() => lk.remove());

function arm(kind, n) {
	const numbers = Buffer.alloc(12);
	numbers.writeUInt32LE(kind, 0);
	numbers.writeUInt32LE(n, 4);
	fs.writeSync(control, numbers, 0, 12, 0);
}

// How many calls of that kind there were; nothing fails any more.
function disarm() {
	const numbers = Buffer.alloc(12);
	fs.readSync(control, numbers, 0, 12, 0);
	arm(0, 0);
	return numbers.readUInt32LE(8);
}

// What is asked, each time of a fresh authorisation: prepare gives what ask needs.
const REQUESTS = {
	'redemption': {
		prepare: () => lk.authorize(lk.web),
		ask: (granted) => lk.exchange(lk.web, granted),
	},
	'refresh': {
		prepare: () => lk.grant(lk.web),
		ask: (pair) => lk.refresh(lk.web, pair.refresh_token),
	},
	'introspection': {
		prepare: () => lk.grant(lk.web),
		ask: (pair) => lk.introspect(pair.access_token),
	},
	'revocation': {
		prepare: () => lk.grant(lk.web),
		ask: (pair) => lk.revoke(lk.web, pair.refresh_token),
		done: async (pair) => assert.equal(await isActive(pair.access_token), false),
	},
	'client_credentials': {
		prepare: async () => undefined,
		ask: () => lk.token(lk.machine, { grant_type: 'client_credentials' }),
	},
	'consent': {
		prepare: async () => undefined,
		ask: () => lk.authorize(lk.web, { prompt: 'consent' }),
	},
};

// A process that has just ended may not have been told of yet.
async function alive() {
	if (lk.exited === undefined)
		await lk.connect().then((c) => c.close(), () => lk.eventually('its end, or an answer',
			() => lk.exited !== undefined || lk.connect().then((c) => (c.close(), true), () => false)));
	return lk.exited === undefined;
}

// After what the server ended with: never by a signal that says it was wrong itself.
async function start(kind) {
	await lk.exit;
	const said = lk.log.slice(-4000);
	if (KINDS[kind] === 'memory')
		assert.ok(lk.exited.signal === 'SIGABRT' && /out of memory|OpenSSL failed/.test(said), `${JSON.stringify(lk.exited)}\n${said}`);
	else
		assert.ok(KINDS[kind] === 'disk sync' && lk.exited.status === 1 && /could not be synced/.test(said), `${JSON.stringify(lk.exited)}\n${said}`);
	lk.pool.close();
	lk.log = '';
	await serve();
}

// For a moment after a failure nothing may be told: the server has to find its database.
function patiently(what) {
	if (!DATABASE)
		return what();
	return lk.eventually('an answer', () => what().then((value) => ({ value }), () => undefined)).then(({ value }) => value);
}

async function isActive(token) {
	const answer = await lk.introspect(token);
	assert.equal(answer.status, 200, String(answer));
	return answer.json.active;
}

// A token that was told of lives after the worst end there is. (With a database nothing
// of it is in the process.)
async function isKept(answer) {
	if (!DATABASE) {
		lk.child.kill('SIGKILL');
		await lk.exit;
		lk.pool.close();
		await serve();
	}
	if (answer.isJson && answer.json.access_token)
		assert.equal(await patiently(() => isActive(answer.json.access_token)), true, 'a token that was not committed');
}

// true: the call was never made, so this request has passed clean.
async function once(request, kind, n, counts) {
	const prepared = await patiently(request.prepare);
	lk.pool.close();
	lk.browsers.clear();
	arm(kind, n);
	let answer;
	try {
		answer = await request.ask(prepared);
	} catch {
		answer = undefined; // closed, refused, cut off: nothing was promised
	}
	const seen = disarm();
	if (KINDS[kind] === 'disk sync' && seen >= n) {
		assert.ok(!(answer?.isJson && answer.json.access_token) || answer.status !== 200, 'a token without a sync');
		await lk.eventually('it ends', () => lk.exited !== undefined);
	}
	const good = answer !== undefined && (answer.status === 200 || answer.code !== undefined);
	if (!await alive())
		await start(kind);
	else if (good && seen >= n && (DATABASE || [1, 2].includes(kind)))
		await isKept(answer);
	if (good && request.done)
		await patiently(() => request.done(prepared));
	counts.tried++;
	counts[good ? 'answered' : 'failed']++;
	return seen < n;
}

for (const [name, request] of Object.entries(REQUESTS))
	for (let kind = 1; kind < KINDS.length; kind++) {
		if (!tried(kind) || (KINDS[kind] === 'memory' && SANITIZED))
			continue;
		test(`${name}: the n-th ${KINDS[kind]} fails`, async (t) => {
			const counts = { tried: 0, answered: 0, failed: 0 };
			let clean = false;
			for (let n = 1; !clean && n <= most(kind); n++)
				clean = await once(request, kind, n, counts);
			for (const n of clean ? [] : beyond(kind))
				clean ||= await once(request, kind, n, counts);
			t.diagnostic(`${counts.tried} tried, ${counts.answered} answered all the same${clean ? ', until one passed clean' : ''}`);
			const whole = await patiently(() => lk.grant(lk.web));
			assert.equal((await lk.refresh(lk.web, whole.refresh_token)).status, 200);
		});
	}
