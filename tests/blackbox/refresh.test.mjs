// SPDX-License-Identifier: Apache-2.0
//
// RULEBOOK section 11: the refresh token grant. What happens as time passes is in
// time.test.mjs.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { close, startCast, table } from '../lib/cast.mjs';
import { random, sleep } from '../lib/latchkey.mjs';
import { INACTIVE, J400, J401, OK, TOKENS, noChange } from '../lib/outcome.mjs';

const lk = await startCast({
	prepare: async (made) => {
		made.forgiven = await made.client('Forgiven', {
			type: 'confidential', scope: 'export-jobs:read', 'redirect-uri': 'https://forgiven.example/cb', 'unsafe-retry-without-key': '2',
		});
	},
});
const keyed = (key) => ({ headers: [['Idempotency-Key', key]] });

const alive = async (tokens) => assert.equal(await lk.active(tokens.access_token), true);
const dead = async (tokens, client = lk.web) => {
	INACTIVE(await lk.introspect(tokens.access_token));
	J400('invalid_grant')(await lk.refresh(client, tokens.refresh_token));
};

test('TR-01 refresh_token missing', async () => {
	J400('invalid_request')(await lk.token(lk.web, { grant_type: 'refresh_token' }));
});

table('TR-02 no refresh token:', [
	['garbage', () => 'frobnicate'], ['the form of one', () => `lk_rt_${random(37)}`], ['the prefix', () => 'lk_rt_'],
	['the access token', (t) => t.access_token], ['the code', (t) => t.authorized.code],
	['the access token under the other prefix', (t) => t.access_token.replace('lk_at_', 'lk_rt_')],
	['with a character changed', (t) => t.refresh_token.slice(0, -1) + (t.refresh_token.endsWith('A') ? 'Q' : 'A')],
	['with a character more', (t) => `${t.refresh_token}A`],
], async (make) => {
	const tokens = await lk.grant(lk.web);
	J400('invalid_grant')(await lk.refresh(lk.web, make(tokens)));
	await alive(tokens);
	await noChange(() => lk.refresh(lk.web, tokens.refresh_token));
});

test('TR-03 the refresh token of another client', async () => {
	const tokens = await lk.grant(lk.web);
	J400('invalid_grant')(await lk.refresh(lk.web2, tokens.refresh_token));
	J400('invalid_grant')(await lk.refresh(lk.native, tokens.refresh_token));
	J401('invalid_client')(await lk.refresh({ ...lk.web, client_secret: 'wrong' }, tokens.refresh_token));
	await alive(tokens);
	const { stdout } = await lk.change('audit', '--json');
	assert.equal(JSON.parse(stdout).filter((e) => e.event === 'token_of_other_client').length, 2);
	await noChange(() => lk.refresh(lk.web, tokens.refresh_token));
});

test('TR-04 a refresh replaces both tokens at that moment', async () => {
	const first = await lk.grant(lk.web);
	const second = TOKENS(await lk.refresh(lk.web, first.refresh_token));
	assert.notEqual(second.access_token, first.access_token);
	assert.notEqual(second.refresh_token, first.refresh_token);
	INACTIVE(await lk.introspect(first.access_token));
	await alive(second);
	assert.equal(second.scope, first.scope);
});

table('TR-05 a replaced refresh token ends everything:', [
	['the immediate predecessor', 1], ['one older', 2], ['one much older', 5],
], async (age) => {
	const chain = [await lk.grant(lk.web)];
	for (let i = 0; i < age; i++)
		chain.push(TOKENS(await lk.refresh(lk.web, chain.at(-1).refresh_token)));
	J400('invalid_grant')(await lk.refresh(lk.web, chain[0].refresh_token));
	await dead(chain.at(-1));
});

test('TR-05 a replaced token presented by somebody else ends nothing', async () => {
	const first = await lk.grant(lk.web);
	const second = TOKENS(await lk.refresh(lk.web, first.refresh_token));
	J400('invalid_grant')(await lk.refresh(lk.web2, first.refresh_token));
	J401('invalid_client')(await lk.refresh({ ...lk.web, client_secret: 'wrong' }, first.refresh_token));
	await alive(second);
});

table('TR-07 after the authorisation ended:', [
	['by the client', async (t) => OK(await lk.revoke(lk.web, t.refresh_token))],
	['by a replayed code', async (t) => J400('invalid_grant')(await lk.exchange(lk.web, t.authorized))],
	['by the operator', async () => {
		const [newest] = await lk.json('grant', 'list', '--client', lk.web.client_id);
		await lk.change('grant', 'end', newest.grant);
	}],
], async (end) => {
	const tokens = await lk.grant(lk.web);
	await end(tokens);
	await dead(tokens);
});

test('TR-07 after a change of password, a disabled account, a removed client', async (t) => {
	await t.test('password', async () => {
		const fred = await lk.user({ username: 'fred', companies: ['urn:acme:company:9:Nine'] });
		const tokens = await lk.grant(lk.web, {}, { user: fred });
		await lk.change('user', 'passwd', 'fred', '--password-stdin', { input: `${lk.secret(random())}\n` });
		await dead(tokens);
	});
	await t.test('account', async () => {
		const gina = await lk.user({ username: 'gina', companies: ['urn:acme:company:9:Nine'] });
		const tokens = await lk.grant(lk.web, {}, { user: gina });
		await lk.change('user', 'disable', 'gina');
		await dead(tokens);
	});
	await t.test('client', async () => {
		const client = await lk.client('Passing', { type: 'confidential', scope: 'export-jobs:read', 'redirect-uri': 'https://passing.example/cb' });
		await lk.eventually('the new client', async () => (await lk.ask(client)).status !== 400);
		const tokens = await lk.grant(client);
		await lk.change('client', 'remove', client.client_id);
		INACTIVE(await lk.introspect(tokens.access_token));
		await lk.eventually('the removal', async () => (await lk.refresh(client, tokens.refresh_token)).status === 401);
	});
});

test('TR-08 a narrower scope narrows the access token, not the grant', async () => {
	const first = await lk.grant(lk.web);
	const narrow = TOKENS(await lk.refresh(lk.web, first.refresh_token, { scope: 'export-jobs:read' }));
	assert.equal(narrow.scope, 'export-jobs:read');
	assert.equal((await lk.introspect(narrow.access_token)).json.scope, 'export-jobs:read');
	const full = TOKENS(await lk.refresh(lk.web, narrow.refresh_token));
	assert.equal(full.scope, first.scope);
	assert.equal((await lk.introspect(full.access_token)).json.scope, first.scope);
	const other = TOKENS(await lk.refresh(lk.web, full.refresh_token, { scope: 'export-jobs:write' }));
	assert.equal(other.scope, 'export-jobs:write');
});

table('TR-09 more than was granted:', [
	['a scope the client may have, but was not granted', 'export-jobs:read export-jobs:write'],
	['a scope of others', 'users:read'], ['an unknown scope', 'moon:landing'], ['P-10 a malformed one', 'a  b'],
], async (scope) => {
	const tokens = await lk.grant(lk.web, { scope: 'export-jobs:read' });
	J400('invalid_scope')(await lk.refresh(lk.web, tokens.refresh_token, { scope }));
	await alive(tokens);
	await noChange(() => lk.refresh(lk.web, tokens.refresh_token));
});

// ---- the retry key ----------------------------------------------------------------------------

const sameTokens = (a, b) => {
	const { expires_in: x, ...rest } = a;
	const { expires_in: y, ...again } = b;
	assert.deepEqual(again, rest);
	assert.ok(y <= x);
};

test('TR-11 the same refresh with the same key is the same answer, as often as needed', async () => {
	for (const client of [lk.web, lk.native]) { // public clients too
		const first = await lk.grant(client, client.native ? { redirect_uri: 'http://127.0.0.1:5000/cb' } : {});
		const second = TOKENS(await lk.refresh(client, first.refresh_token, {}, keyed('a-key')));
		for (let i = 0; i < 3; i++)
			sameTokens(second, TOKENS(await lk.refresh(client, first.refresh_token, {}, keyed('a-key'))));
		await alive(second);
		INACTIVE(await lk.introspect(first.access_token));
		TOKENS(await lk.refresh(client, second.refresh_token));
	}
});

table('TR-11 TR-05 otherwise it is a replay:', [
	['another key', keyed('other')], ['no key', {}], ['the key in capitals', keyed('KEY')],
	['the key and more', keyed('key2')],
], async (again) => {
	const first = await lk.grant(lk.web);
	const second = TOKENS(await lk.refresh(lk.web, first.refresh_token, {}, keyed('key')));
	J400('invalid_grant')(await lk.refresh(lk.web, first.refresh_token, {}, again));
	await dead(second);
});

test('TR-11 a key only on the second request is a replay', async () => {
	const first = await lk.grant(lk.web);
	const second = TOKENS(await lk.refresh(lk.web, first.refresh_token));
	J400('invalid_grant')(await lk.refresh(lk.web, first.refresh_token, {}, keyed('late')));
	await dead(second);
});

test('TR-11 once a later generation exists the key no longer helps', async () => {
	const first = await lk.grant(lk.web);
	const second = TOKENS(await lk.refresh(lk.web, first.refresh_token, {}, keyed('key')));
	const third = TOKENS(await lk.refresh(lk.web, second.refresh_token, {}, keyed('key'))); // its own request
	assert.notEqual(third.refresh_token, second.refresh_token);
	J400('invalid_grant')(await lk.refresh(lk.web, first.refresh_token, {}, keyed('key')));
	await dead(third);
});

test('TR-11 the key is worth nothing to another client', async () => {
	const first = await lk.grant(lk.web);
	const second = TOKENS(await lk.refresh(lk.web, first.refresh_token, {}, keyed('key')));
	J400('invalid_grant')(await lk.refresh(lk.web2, first.refresh_token, {}, keyed('key')));
	J401('invalid_client')(await lk.refresh({ ...lk.web, client_secret: 'x' }, first.refresh_token, {}, keyed('key')));
	await alive(second);
	sameTokens(second, TOKENS(await lk.refresh(lk.web, first.refresh_token, {}, keyed('key'))));
});

test('TR-11 a key brings no ended authorisation back', async () => {
	const first = await lk.grant(lk.web);
	const second = TOKENS(await lk.refresh(lk.web, first.refresh_token, {}, keyed('key')));
	OK(await lk.revoke(lk.web, second.refresh_token));
	J400('invalid_grant')(await lk.refresh(lk.web, first.refresh_token, {}, keyed('key')));
	INACTIVE(await lk.introspect(second.access_token));
});

table('TR-11 a key that is none:', [
	['empty', ''], ['257 characters', 'k'.repeat(257)], ['a space', 'a b'], ['a control character', 'a\tb'], ['beyond ASCII', 'caf\u00e9'],
], async (key) => {
	const tokens = await lk.grant(lk.web);
	const answer = await lk.refresh(lk.web, tokens.refresh_token, {}, keyed(key));
	J400('invalid_request')(answer);
	await noChange(() => lk.refresh(lk.web, tokens.refresh_token));
});

test('TR-11 two keys in one request are refused and change nothing', async () => {
	const tokens = await lk.grant(lk.web);
	J400('invalid_request')(await lk.refresh(lk.web, tokens.refresh_token, {}, { headers: [['Idempotency-Key', 'a'], ['Idempotency-Key', 'b']] }));
	await noChange(() => lk.refresh(lk.web, tokens.refresh_token));
});

test('TR-11 keys of 1 and of 256 characters', async () => {
	for (const key of ['!', '~'.repeat(256)]) {
		const first = await lk.grant(lk.web);
		const second = TOKENS(await lk.refresh(lk.web, first.refresh_token, {}, keyed(key)));
		sameTokens(second, TOKENS(await lk.refresh(lk.web, first.refresh_token, {}, keyed(key))));
	}
});

test('TR-12 a retry that asks for something else', async () => {
	const first = await lk.grant(lk.web);
	const second = TOKENS(await lk.refresh(lk.web, first.refresh_token, {}, keyed('key')));
	J400('invalid_request')(await lk.refresh(lk.web, first.refresh_token, { scope: 'export-jobs:read' }, keyed('key')));
	await alive(second);
	sameTokens(second, TOKENS(await lk.refresh(lk.web, first.refresh_token, {}, keyed('key'))));
	await noChange(() => lk.refresh(lk.web, second.refresh_token));
});

test('TR-13 recovery without a key, where the operator allows it', async () => {
	const first = await lk.grant(lk.forgiven);
	const second = TOKENS(await lk.refresh(lk.forgiven, first.refresh_token));
	sameTokens(second, TOKENS(await lk.refresh(lk.forgiven, first.refresh_token)));
	const third = TOKENS(await lk.refresh(lk.forgiven, second.refresh_token));
	J400('invalid_grant')(await lk.refresh(lk.forgiven, first.refresh_token)); // a later generation exists
	await dead(third, lk.forgiven);
});

test('TR-13 it is for requests that carried no key at all', async () => {
	for (const [once, again] of [[keyed('key'), {}], [{}, keyed('key')]]) {
		const first = await lk.grant(lk.forgiven);
		const second = TOKENS(await lk.refresh(lk.forgiven, first.refresh_token, {}, once));
		J400('invalid_grant')(await lk.refresh(lk.forgiven, first.refresh_token, {}, again));
		await dead(second, lk.forgiven);
	}
});

test('TR-13 only within its seconds', async () => {
	const first = await lk.grant(lk.forgiven);
	const second = TOKENS(await lk.refresh(lk.forgiven, first.refresh_token));
	await sleep(3100);
	J400('invalid_grant')(await lk.refresh(lk.forgiven, first.refresh_token));
	await dead(second, lk.forgiven);
});

test('TR-13 it is a warning in the list, never for public clients, never long', async () => {
	const shown = await lk.change('client', 'show', lk.forgiven.client_id);
	assert.match(shown.stdout, /warning/i);
	const refuse = async (...flags) => {
		const made = await lk.command('client', 'add', '--name', 'X', '--scope', 'export-jobs:read', '--redirect-uri', 'https://x.example/cb', ...flags);
		assert.ok(made.status > 0, made.stdout);
		assert.ok(made.stderr.length > 10);
	};
	await refuse('--type', 'public', '--unsafe-retry-without-key', '5');
	await refuse('--type', 'confidential', '--unsafe-retry-without-key', '31');
});

test('TR-14 T-08 sixteen refreshes at once with one key', async () => {
	const first = await lk.grant(lk.web);
	const answers = await Promise.all(Array.from({ length: 16 }, () => lk.refresh(lk.web, first.refresh_token, {}, keyed('key'))));
	for (const a of answers)
		TOKENS(a);
	assert.equal(new Set(answers.map((a) => a.json.refresh_token)).size, 1);
	assert.equal(new Set(answers.map((a) => a.json.access_token)).size, 1);
	await alive(answers[0].json);
});

test('TR-14 T-08 sixteen refreshes at once without a key', async () => {
	const first = await lk.grant(lk.web);
	const answers = await Promise.all(Array.from({ length: 16 }, () => lk.refresh(lk.web, first.refresh_token)));
	const won = answers.filter((a) => a.status === 200);
	assert.equal(won.length, 1);
	for (const a of answers.filter((x) => x.status !== 200))
		J400('invalid_grant')(a);
	await dead(won[0].json);
});

test('TR-14 refresh against revoke: nothing lives afterwards', async () => {
	for (let i = 0; i < 10; i++) {
		const first = await lk.grant(lk.web);
		const [refreshed] = await Promise.all([
			lk.refresh(lk.web, first.refresh_token), lk.revoke(lk.web, first.refresh_token),
		]);
		if (refreshed.status === 200)
			await dead(refreshed.json);
		else
			J400('invalid_grant')(refreshed);
		await dead(first);
	}
});

test('TR-17 no refresh token for a browser client unless the operator says so', async () => {
	const tokens = await lk.grant(lk.spa);
	assert.equal(tokens.refresh_token, undefined);
	assert.ok((await lk.grant(lk.web)).refresh_token);
	assert.equal(TOKENS(await lk.token(lk.machine, { grant_type: 'client_credentials' })).refresh_token, undefined);
});

test('TR-18 the metadata announce the retry key', async () => {
	assert.equal((await lk.get('/.well-known/oauth-authorization-server')).json.refresh_retry_key_supported, true);
});

close(lk);
