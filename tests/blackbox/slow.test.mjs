// SPDX-License-Identifier: Apache-2.0
//
// Deadlines that a drip cannot defeat: idle, slow and silent connections, by the
// thousand, while honest requests keep being answered (MEASUREMENTS A6).

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { close, startCast } from '../lib/cast.mjs';
import { SLOW, address, sleep } from '../lib/latchkey.mjs';
import { TOKENS } from '../lib/outcome.mjs';
import { Pace } from '../lib/pace.mjs';

const CONNECTIONS = Math.floor(Number(process.env.SLOW_CONNECTIONS ?? 4000) / SLOW);
const lk = await startCast({
	conf: {
		handshake_timeout: '4', headers_timeout: '6', body_timeout: '6', request_timeout: '10', idle_timeout: '3',
		workers: '2',
	},
});

async function closedAfter(connection, started = Date.now()) {
	assert.ok(await connection.waitClosed(30000), 'never closed');
	return (Date.now() - started) / 1000;
}

const within = (seconds, from, to) => assert.ok(seconds >= from && seconds <= to * SLOW, `${seconds} s`);

// Side by side: each of them only waits.
const ALONE = {
	'H-11 a connection that says nothing at all is closed': async () => {
		const c = await lk.connect({ plain: true });
		within(await closedAfter(c), 3, 6);
	},
	'H-11 a handshake that stops half way is closed': async () => {
		const c = await lk.connect({ plain: true });
		await c.send('\x16\x03\x01\x02\x00\x01');
		within(await closedAfter(c), 3, 6);
	},
	'H-11 a connection that is idle after the handshake is closed': async () => {
		within(await closedAfter(await lk.connect()), 2, 8);
	},
	'H-11 a connection that is idle between requests is closed': async () => {
		const c = await lk.connect();
		await c.send(`GET /.well-known/oauth-authorization-server HTTP/1.1\r\nHost: ${lk.host}\r\n\r\n`);
		assert.equal((await c.read()).status, 200);
		within(await closedAfter(c), 2, 6);
	},
	'H-11 headers a byte at a time end at the deadline': async () => {
		await dripped('GET /');
	},
	'H-11 a body a byte at a time ends at the deadline': async () => {
		await dripped(`POST /oauth/token HTTP/1.1\r\nHost: ${lk.host}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\n`);
	},
	'H-11 a request that takes its headers and then its body slowly ends at the deadline of the whole': async () => {
		const c = await lk.connect();
		const started = Date.now();
		const head = `POST /oauth/token HTTP/1.1\r\nHost: ${lk.host}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\n`;
		await c.send(head.slice(0, 20));
		await sleep(5000);
		await c.send(head.slice(20));
		const timer = setInterval(() => c.socket.write('x'), 500);
		const answer = await c.read({}, 20000).catch(() => null);
		within(await closedAfter(c, started), 8, 13);
		clearInterval(timer);
		assert.ok(answer === null || answer.status === 408, String(answer));
	},
};

async function dripped(first) {
	const c = await lk.connect();
	const started = Date.now();
	await c.send(first);
	const timer = setInterval(() => c.socket.write('x'), 500);
	const answer = await c.read({}, 20000).catch(() => null);
	within(await closedAfter(c, started), 5, 10);
	clearInterval(timer);
	assert.ok(answer === null || answer.status === 408, String(answer));
}

test('H-11 deadlines', { concurrency: true }, async (t) => {
	await Promise.all(Object.entries(ALONE).map(([what, judge]) => t.test(what, judge)));
});

test(`H-11 ${CONNECTIONS} slow connections all end at their deadline, honest requests are answered`, async () => {
	// A byte every two seconds on each, from many addresses; most of them do not
	// even begin to speak TLS, so that many are open before the first have ended.
	const open = new Set();
	let refused = 0;
	let evicted = 0;
	const start = async () => {
		const plain = open.size % 8 !== 0;
		try {
			const c = await lk.connect({ from: address(), plain });
			const born = Date.now();
			await c.send(plain ? '\x16' : 'G');
			const timer = setInterval(() => c.socket.write(plain ? '\x03' : 'x', () => {}), 2000);
			open.add(c);
			c.closed.then(() => {
				clearInterval(timer);
				open.delete(c);
				if (Date.now() - born < 2500)
					evicted++;
			});
			return { life: c.closed.then(() => (Date.now() - born) / 1000) };
		} catch {
			refused++;
			return { life: 0 };
		}
	};
	const lives = [];
	let done = false;
	const answered = [];
	const pace = new Pace();
	const honest = (async () => {
		while (!done) {
			const started = Date.now();
			TOKENS(await lk.token(lk.machine, { grant_type: 'client_credentials' }, { from: address() }));
			answered.push(Date.now() - started);
			await pace.step(100);
		}
	})();
	for (let i = 0; i < CONNECTIONS; i += 50)
		lives.push(...await Promise.all(Array.from({ length: 50 }, start)));
	const peak = open.size;
	const ages = await Promise.all(lives.map((l) => l.life));
	done = true;
	await honest;
	const longest = Math.max(...ages);
	const seen = `${CONNECTIONS} slow connections, ${peak} at once, the longest lived ${longest.toFixed(1)} s, on a machine ${pace.slower.toFixed(1)} times slower`;
	assert.equal(refused, 0, seen);
	assert.equal(evicted, 0, 'closed before their time');
	assert.ok(peak >= CONNECTIONS / 4 / pace.slower, seen);
	assert.ok(longest <= 9 * SLOW * pace.slower, seen);
	assert.ok(answered.length >= 10, `${answered.length} honest requests`);
	answered.sort((a, b) => a - b);
	const slowest = answered.at(-1);
	assert.ok(slowest < 3000 * SLOW * pace.slower, `an honest request took ${slowest} ms`);
	process.stderr.write(`# ${seen}; ${answered.length} honest requests, median ${answered[Math.floor(answered.length / 2)]} ms, slowest ${slowest} ms\n`);
});

test('H-11 one address cannot take every place', async () => {
	const from = address();
	const many = [];
	let closed = 0;
	for (let i = 0; i < 1100; i++) {
		const c = await lk.connect({ from, plain: true }).catch(() => null);
		if (c === null) {
			closed++;
			continue;
		}
		c.closed.then(() => { closed++; });
		many.push(c);
	}
	await sleep(300);
	assert.ok(closed >= 1100 - 2 * 256 - 20, `${1100 - closed} connections of one address are open`);
	TOKENS(await lk.token(lk.machine, { grant_type: 'client_credentials' }, { from: address() }));
	for (const c of many)
		c.close();
});

close(lk);
