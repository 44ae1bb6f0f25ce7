// SPDX-License-Identifier: Apache-2.0
//
// A disk that is really full, and a limit on the size of files: said before the server
// is asked, so that nothing is lost; and when there is room again it goes on.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';

import { cast } from '../../lib/cast.mjs';
import { Client, tool } from './client.mjs';
import { Middleman } from './middleman.mjs';

const man = await Middleman.start({ prepare: cast });
const client = await Client.make();
const mounted = [];
after(async () => {
	for (const at of mounted)
		execFileSync('umount', ['-l', at]);
	await client.remove();
	await man.close();
});

// A file system of one megabyte; undefined where only root could make it.
function small() {
	const at = path.join(client.dir, `small-${mounted.length}`);
	fs.mkdirSync(at);
	try {
		execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m,mode=0700', 'none', at], { stdio: 'ignore' });
	} catch {
		return undefined;
	}
	mounted.push(at);
	return at;
}

// Fills it to the last byte, and gives the file that did.
function fill(at) {
	const file = path.join(at, 'filler');
	const fd = fs.openSync(file, 'a');
	try {
		for (const block of [65536, 4096, 1])
			try {
				for (;;)
					fs.writeSync(fd, Buffer.alloc(block, 1));
			} catch (error) {
				if (error.code !== 'ENOSPC')
					throw error;
			}
	} finally {
		fs.closeSync(fd);
	}
	return file;
}

async function alive(driver, name) {
	const got = await driver.refreshSettled(name);
	assert.equal(got.status, 'ok', got.message);
	assert.equal(await man.lk.active(got.token), true);
}

test('a full disk: said, the server is not asked, and nothing is lost', async (t) => {
	const at = small();
	if (!at)
		return t.skip('only root can mount a small file system');
	const vault = path.join(at, 'vault');
	return client.with({ vault }, async (driver) => {
		const { name } = await driver.connect(man);
		const { token } = await driver.token(name);
		for (let round = 0; round < 3; round++) {
			const filler = fill(at);
			const asked = man.refreshes();
			const got = await driver.refresh(name);
			assert.equal(got.status, 'storage', got.message);
			assert.match(got.message, /space|full|room/);
			assert.equal(man.refreshes(), asked, 'asked, although the answer could not be kept');
			assert.equal((await driver.token(name)).status, 'ok', 'the token that there is can be had');
			await client.with({ vault }, async (other) => assert.equal((await other.token(name)).status, 'ok', 'by others too'));
			assert.equal(round > 0 || await man.lk.active(token), true);
			fs.rmSync(filler);
			await alive(driver, name);
		}
	});
});

test('a full disk when a connection is made: said, and its tokens are revoked or never given', async (t) => {
	const at = small();
	if (!at)
		return t.skip('only root can mount a small file system');
	return client.with({ vault: path.join(at, 'vault') }, async (driver) => {
		await driver.connect(man);
		const started = await driver.start(man);
		const pairs = await man.authorize(started.url);
		const filler = fill(at);
		const got = await driver.finish(new URLSearchParams(pairs).toString());
		assert.equal(got.status, 'storage', JSON.stringify(got));
		fs.rmSync(filler);
		const { name } = await driver.connect(man);
		await alive(driver, name);
	});
});

test('a limit on file sizes (RLIMIT_FSIZE): said, or the process ends; nothing is lost', async () => {
	for (const ignored of [true, false])
		await client.with({}, async (driver) => {
			const { name } = await driver.connect(man);
			const refused = man.count({ error: 'invalid_grant' });
			const asked = man.refreshes();
			const limited = client.spawn(['-c', `${ignored ? 'trap "" XFSZ; ' : ''}ulimit -f 4; exec "$0"`, tool('driver')], { command: '/bin/sh' });
			limited.child.stdin.end(['open', 'token', 'after'].map((verb) => `${JSON.stringify({ do: verb, name })}\n`).join(''));
			const ended = await limited.exit;
			if (ignored)
				assert.match(limited.output, /"status":"storage"/, limited.output);
			else
				assert.ok(ended === 'SIGXFSZ' || /"status":"storage"/.test(limited.output), `${ended}: ${limited.output}`);
			assert.equal(man.refreshes(), asked);
			await alive(driver, name);
			assert.equal(man.count({ error: 'invalid_grant' }), refused);
		});
});
