// SPDX-License-Identifier: Apache-2.0
//
// RULEBOOK section 12, CC: a confidential client acting for itself.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { close, startCast, table } from '../lib/cast.mjs';
import { INACTIVE, J400, OK, TOKENS } from '../lib/outcome.mjs';

const lk = await startCast();
const ask = (change = {}, client = lk.machine) => lk.token(client, { grant_type: 'client_credentials', ...change });

test('CC-01 a public client', async () => {
	for (const client of [lk.spa, lk.native, lk.dev])
		J400('unauthorized_client')(await ask({}, client));
});

test('CC-01 a public client cannot be registered for it', async () => {
	const made = await lk.command('client', 'add', '--name', 'X', '--type', 'public', '--scope', 'export-jobs:read',
		'--redirect-uri', 'https://x.example/cb', '--grant', 'client_credentials', '--json');
	assert.ok(made.status > 0, made.stdout);
	assert.match(made.stderr, /client_credentials/);
});

test('CC-02 an access token and nothing else', async () => {
	const body = TOKENS(await ask());
	assert.equal(body.refresh_token, undefined);
	assert.equal(body.id_token, undefined);
	assert.equal(body.scope.split(' ').sort().join(' '), lk.machine.scope.split(' ').sort().join(' '));
});

test('CC-02 sub is the client, from a namespace no person is in', async () => {
	const told = (await lk.introspect(TOKENS(await ask()).access_token)).json;
	assert.equal(told.active, true);
	assert.equal(told.sub, lk.machine.client_id);
	assert.equal(told.client_id, lk.machine.client_id);
	assert.equal(told.auth_time, undefined);
	const person = (await lk.introspect((await lk.grant(lk.web)).access_token)).json;
	assert.notEqual(person.sub.slice(0, 4), told.sub.slice(0, 4));
});

test('CC-02 T-06 a narrower scope', async () => {
	const body = TOKENS(await ask({ scope: 'export-jobs:read' }));
	assert.equal(body.scope, 'export-jobs:read');
	assert.equal((await lk.introspect(body.access_token)).json.scope, 'export-jobs:read');
});

table('CC-03 refused scopes:', [
	['openid', 'openid'], ['offline_access', 'offline_access'], ['openid beside an allowed one', 'openid export-jobs:read'],
	['one it may not have', 'users:read'], ['an unknown one', 'moon:landing'],
], async (scope) => J400('invalid_scope')(await ask({ scope })));

test('CC-02 tokens are independent of each other and die by revocation', async () => {
	const a = TOKENS(await ask()).access_token;
	const b = TOKENS(await ask()).access_token;
	assert.notEqual(a, b);
	assert.equal(await lk.active(a), true);
	OK(await lk.revoke(lk.machine, a));
	INACTIVE(await lk.introspect(a));
	assert.equal(await lk.active(b), true);
});

test('CC-02 the token is no refresh token', async () => {
	const token = TOKENS(await ask()).access_token;
	J400('invalid_grant')(await lk.refresh(lk.web, token));
	assert.equal(await lk.active(token), true);
});

test('CC-02 disabling the client kills its tokens', async () => {
	const client = await lk.client('Brief', { type: 'confidential', grant: 'client_credentials', scope: 'export-jobs:read', 'default-scope': 'export-jobs:read' });
	await lk.eventually('the new client', async () => (await ask({}, client)).status === 200);
	const token = TOKENS(await ask({}, client)).access_token;
	assert.equal(await lk.active(token), true);
	await lk.change('client', 'disable', client.client_id);
	await lk.eventually('the change', async () => !(await lk.active(token)));
	INACTIVE(await lk.introspect(token));
});

close(lk);
