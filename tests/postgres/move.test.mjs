// SPDX-License-Identifier: Apache-2.0
//
// An installation moved to PostgreSQL and back while it runs, and one that was put
// back from a backup. (R9.1; invariant 6 of DESIGN.md)

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';

import { startCast } from '../lib/cast.mjs';
import { BINARY, random, run, sleep } from '../lib/latchkey.mjs';
import { Cluster, dump, mustSql, restoreDump } from '../lib/postgres.mjs';
import { Writer } from './stage.mjs';

const cluster = await Cluster.start();
after(() => cluster.remove());

async function stopAll(crowd, running) {
	crowd.forEach((w) => { w.stopped = true; });
	await Promise.all(running);
}

// Moves it under writers, and starts the server where it is now.
async function move(lk, to) {
	const crowd = [];
	for (let i = 0; i < 4; i++)
		crowd.push(new Writer(lk, await lk.grant(lk.web)));
	const first = crowd.map((w) => w.tokens);
	const running = crowd.map((w) => w.run());
	await sleep(300);
	const { stdout } = await lk.change('db', 'copy', '--to', to);
	assert.match(stdout, /Rows moved +[1-9]/);
	const told = crowd.map((w) => w.done);
	await sleep(600);
	assert.deepEqual(crowd.map((w) => w.done), told, 'nothing is told from what was moved away');
	assert.equal((await lk.introspect(crowd[0].tokens.access_token)).status, 503);
	await lk.stop();
	await lk.serve();
	await sleep(500);
	await stopAll(crowd, running);
	for (const [i, w] of crowd.entries()) {
		assert.deepEqual(w.faults, []);
		assert.ok(w.done > told[i], 'and goes on with what was told before');
		assert.equal(await lk.active(w.tokens.access_token), true);
		assert.equal(await lk.active(first[i].access_token), false);
	}
	return crowd;
}

test('latchkey db copy: to PostgreSQL under writers, and back; no authorisation is lost', async () => {
	const lk = await startCast({ serve: ['--workers', '2'] });
	try {
		const revoked = await lk.grant(lk.web);
		await lk.revoke(lk.web, revoked.refresh_token);
		await move(lk, cluster.url);
		assert.equal((await mustSql(cluster.url, 'SELECT count(*) FROM users'))[0][0], '2');
		assert.ok(fs.existsSync(path.join(lk.data, 'latchkey.db.moved')));
		const late = await lk.user({ username: 'late', companies: ['urn:acme:company:9:Late Ltd'] });
		await move(lk, 'sqlite');
		assert.equal(await lk.active(revoked.access_token), false);
		assert.equal((await lk.refresh(lk.web, revoked.refresh_token)).status, 400);
		const granted = await lk.authorize(lk.web, {}, { user: late });
		assert.equal((await lk.exchange(lk.web, granted)).status, 200);
		const events = await lk.json('audit', '--limit', '500');
		assert.ok(events.some((e) => e.event === 'initialised'), 'the trail came along');
		await move(lk, cluster.url);
	} finally {
		await lk.remove();
	}
});

test('latchkey db copy: what would lose something is refused in a sentence', async () => {
	const lk = await startCast({ serve: ['--workers', '1'] });
	try {
		for (const [to, sentence] of [
			['sqlite', /already/],
			['postgresql://latchkey:secret@127.0.0.1/postgres', /passfile/],
			['postgresql://latchkey@db.example.com/postgres', /verify-full/],
			[cluster.url, /tables of these names/],
			['/tmp/other.db', /--to must be/],
		]) {
			const { status, stderr } = await lk.command('db', 'copy', '--to', to);
			assert.notEqual(status, 0, to);
			assert.match(stderr, sentence, to);
			assert.doesNotMatch(stderr, /secret/);
		}
		for (const [env, sentence] of [
			[{ PGHOST: 'db.example.com' }, /PGHOST is not this machine.*verify-full/],
			[{ PGHOSTADDR: '192.0.2.1' }, /PGHOSTADDR/],
			[{ PGSERVICE: 'x' }, /PGSERVICE/],
		]) {
			const { status, stderr } = await run(BINARY, ['init', '--dir', `${lk.data}-new`, '--issuer', lk.issuer, '--database', 'postgresql:///x'], { env });
			assert.notEqual(status, 0);
			assert.match(stderr, sentence);
		}
		assert.equal((await lk.grant(lk.web)).token_type, 'Bearer');
	} finally {
		await lk.remove();
	}
});

const stores = {
	SQLite: {
		options: {},
		backup(lk, file) {
			execFileSync('sqlite3', [path.join(lk.data, 'latchkey.db'), `VACUUM INTO '${file}'`]);
		},
		putBack(lk, file) {
			for (const suffix of ['', '-wal', '-shm'])
				fs.rmSync(path.join(lk.data, `latchkey.db${suffix}`), { force: true });
			fs.copyFileSync(file, path.join(lk.data, 'latchkey.db'));
			fs.chmodSync(path.join(lk.data, 'latchkey.db'), 0o600);
		},
	},
	PostgreSQL: {
		get options() {
			return { database: `${cluster.url}?options=-csearch_path%3Drestored` };
		},
		prepare: () => mustSql(cluster.url, 'CREATE SCHEMA restored'),
		backup(lk, file) {
			fs.writeFileSync(file, dump(cluster, 'restored'));
		},
		async putBack(lk, file) {
			await mustSql(cluster.url, 'DROP SCHEMA restored CASCADE');
			restoreDump(cluster, file);
		},
	},
};

for (const [name, store] of Object.entries(stores)) {
	test(`R6.4 latchkey restore on ${name}: a backup put back revives nothing`, async () => {
		await store.prepare?.();
		const lk = await startCast({ serve: ['--workers', '1'], ...store.options });
		try {
			const kept = await lk.grant(lk.web);
			const revoked = await lk.grant(lk.web);
			const machine = (await lk.token(lk.machine, { grant_type: 'client_credentials' })).json;
			const file = path.join(lk.dir, `backup-${random()}`);
			await store.backup(lk, file);
			await lk.revoke(lk.web, revoked.refresh_token);
			await lk.revoke(lk.machine, machine.access_token);
			const later = (await lk.refresh(lk.web, kept.refresh_token)).json;
			await lk.stop();
			await store.putBack(lk, file);
			const { stdout } = await lk.change('restore');
			assert.match(stdout, /every token given out so far is refused/);
			await lk.serve();
			for (const token of [kept, revoked, later, machine])
				assert.equal(await lk.active(token.access_token), false);
			for (const token of [kept, revoked, later])
				assert.equal((await lk.refresh(lk.web, token.refresh_token)).status, 400);
			lk.browsers.clear(); // signed out
			const fresh = await lk.grant(lk.web);
			assert.equal(await lk.active(fresh.access_token), true);
		} finally {
			await lk.remove();
		}
	});
}
