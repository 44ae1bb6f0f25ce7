// SPDX-License-Identifier: Apache-2.0
//
// How a server talks to PostgreSQL: its statements reach rows by their keys, by plans
// made once, also in a database that is new and has no statistics, where PostgreSQL
// would otherwise read all of a table; and nothing but TLS encrypts a connection.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { startCast } from '../lib/cast.mjs';
import { Cluster } from '../lib/postgres.mjs';

const REFRESHES = 12; // PostgreSQL plans a statement anew the first five times
const explained = {
	session_preload_libraries: 'auto_explain', 'auto_explain.log_min_duration': '0', 'auto_explain.log_verbose': 'on',
};

// What auto_explain wrote of the statements that take their rows from arrays.
const plans = (log) => log.split('LOG:  duration:').filter((entry) => /Query Text: .*unnest\(\$1::bytea\[\]/.test(entry));

test('requests reach their rows by keys, by plans made once', async () => {
	const cluster = await Cluster.start({ settings: explained });
	const lk = await startCast({ database: cluster.url });
	try {
		let tokens = await lk.grant(lk.web);
		for (let i = 0; i < REFRESHES; i++) {
			tokens = (await lk.refresh(lk.web, tokens.refresh_token)).json;
			assert.equal(await lk.active(tokens.access_token), true);
		}
		await lk.stop();
		const all = plans(cluster.log);
		for (const what of ['SELECT', 'UPDATE grants']) {
			const own = all.filter((entry) => entry.includes(`Query Text: ${what}`));
			assert.ok(own.length >= REFRESHES, `${own.length} plans of ${what}`);
			for (const plan of own) {
				assert.match(plan, /Index Scan using grants_pkey/);
				assert.match(plan, /unnest\(\$1/, 'a plan for one set of keys only');
				assert.doesNotMatch(plan, /Seq Scan|Hash Join|Merge Join/);
			}
		}
	} finally {
		await lk.remove();
		await cluster.remove();
	}
});

// libpq prefers Kerberos's encryption to TLS, whatever sslmode says of certificates.
test('a connection is encrypted by TLS or not at all', async () => {
	const cluster = await Cluster.start();
	const lk = await startCast({ database: `${cluster.url}?gssencmode=require` });
	try {
		assert.equal((await lk.refresh(lk.web, (await lk.grant(lk.web)).refresh_token)).status, 200);
	} finally {
		await lk.remove();
		await cluster.remove();
	}
});
