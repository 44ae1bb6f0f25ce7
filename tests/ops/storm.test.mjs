// SPDX-License-Identifier: Apache-2.0
//
// A server that is told everything at once: SIGHUP and SIGTERM under load, peers that
// reset, a start that finds no more descriptors. It ends in order, each time.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import { after, test } from 'node:test';

import { BINARY, form, Latchkey, requestBytes, sleep, SLOW } from '../lib/latchkey.mjs';

const made = [];
after(() => made.forEach((lk) => fs.rmSync(lk.dir, { recursive: true, force: true })));

// One client's own token after the other, half of them on connections that are reset
// before the answer; a request that waits for the disk is among them.
async function load(lk, client, ended) {
	for (let i = 0; !ended(); i++) {
		try {
			const c = await lk.connect();
			c.send(requestBytes({ method: 'POST', target: i % 3 ? '/oauth/token' : '/oauth/revoke', host: lk.host,
				headers: [['Content-Type', 'application/x-www-form-urlencoded'],
					['Authorization', `Basic ${btoa(`${client.client_id}:${client.client_secret}`)}`],
					...(i % 4 ? [] : [['Connection', 'close']])],
				body: form(i % 3 ? { grant_type: 'client_credentials' } : { token: 'lk_rt_nothing' }) }));
			if (i % 2)
				await c.read({ method: 'POST', target: '/oauth/token' });
			c.socket.destroy();
		} catch {
			await sleep(5); // it drains, or is gone
		}
	}
}

function knock(lk) {
	const s = net.connect(lk.port, '127.0.0.1', () => s.resetAndDestroy());
	s.on('error', () => {});
}

test('SIGHUP after SIGHUP under load, then SIGTERM, and SIGHUP still: it ends in order', async () => {
	for (let round = 0; round < 3; round++) {
		const lk = await Latchkey.start({ serve: ['--workers', '2'] });
		made.push(lk);
		await lk.scope('a:b', 'See things');
		const client = await lk.client('Load', { type: 'confidential', grant: 'client_credentials', scope: 'a:b' });
		const crowd = Array.from({ length: 6 }, () => load(lk, client, () => lk.exited));
		const hup = setInterval(() => { lk.child.kill('SIGHUP'); knock(lk); }, 3);
		await sleep(700);
		lk.child.kill('SIGTERM');
		const ended = await lk.exit;
		clearInterval(hup);
		await Promise.all(crowd);
		assert.deepEqual(ended, { status: 0, signal: null }, lk.log.slice(-3000));
		assert.ok(lk.events('reloaded').length > 2);
	}
});

test('SIGHUP without a pause keeps neither SIGTERM nor anybody else waiting', async () => {
	const lk = await Latchkey.start();
	made.push(lk);
	const flood = Array.from({ length: 6 }, () => spawn('python3', ['-c', 'import os, sys\nwhile True: os.kill(int(sys.argv[1]), 1)', String(lk.child.pid)], { stdio: 'ignore' }));
	try {
		await lk.eventually('some reloads', () => lk.events('reloaded').length > 10);
		assert.equal((await lk.health('/healthz')).status, 200);
		lk.child.kill('SIGTERM');
		const ended = await Promise.race([lk.exit, sleep(10000 * SLOW)]);
		assert.deepEqual(ended, { status: 0, signal: null });
	} finally {
		flood.forEach((one) => one.kill());
		lk.child.kill('SIGKILL');
	}
});

test('a start that finds no more descriptors half way says so and ends', async () => {
	const lk = new Latchkey();
	made.push(lk);
	await lk.init();
	for (let n = 16, started = false; n < 120 && !started; n++) {
		const child = spawn('prlimit', [`--nofile=${n}`, BINARY, 'serve', '--dir', lk.data,
			'--listen', '127.0.0.1:0', '--set', 'health_listen=off', '--workers', '3']);
		const timer = setTimeout(() => child.kill('SIGKILL'), 20000 * SLOW);
		let said = '';
		child.stderr.on('data', (b) => {
			said += b;
			started ||= said.includes('"started"');
			if (started)
				child.kill('SIGTERM');
		});
		const [status, signal] = await once(child, 'close');
		clearTimeout(timer);
		// Without even the few that every thread needs it aborts, with its sentence.
		assert.ok(started ? status === 0 : status === 1 || signal === 'SIGABRT', `${n}: ${status} ${signal} ${said}`);
		assert.match(said, started ? /"stopped"/ : /^latchkey: .*(open|descriptor|Too many)/);
	}
});
