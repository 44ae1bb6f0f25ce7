// SPDX-License-Identifier: Apache-2.0
//
// RULEBOOK sections 9 and 10: the token endpoint, and the authorisation code grant.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { close, startCast, table } from '../lib/cast.mjs';
import { basic, pkce, random } from '../lib/latchkey.mjs';
import { INACTIVE, J400, J401, OK, TOKENS, noChange } from '../lib/outcome.mjs';

const lk = await startCast({
	prepare: async (made) => {
		made.legacy = await made.client('Legacy Books', {
			type: 'confidential', scope: 'export-jobs:read', 'redirect-uri': 'https://legacy.example/cb', 'unsafe-pkce-exempt': true,
		});
	},
});

const dead = async (tokens, client = lk.web) => {
	INACTIVE(await lk.introspect(tokens.access_token));
	J400('invalid_grant')(await lk.refresh(client, tokens.refresh_token));
};

// ---- section 9 ---------------------------------------------------------------------------

table('T-01 what is looked at first:', [
	['the content type before the client', (g) => lk.send({ method: 'POST', target: '/oauth/token', headers: [['Content-Type', 'text/plain'], ['Authorization', 'Basic x']], body: `code=${g.code}` }), J400('invalid_request')],
	['duplicates before the client', () => lk.post('/oauth/token', 'grant_type=a&grant_type=b', [['Authorization', basic(lk.web.client_id, 'wrong')]]), J400('invalid_request')],
	['the client before grant_type', () => lk.post('/oauth/token', {}, [['Authorization', basic(lk.web.client_id, 'wrong')]]), J401('invalid_client')],
	['the client before the grant', (g) => lk.post('/oauth/token', { grant_type: 'authorization_code', code: g.code, redirect_uri: 'x', code_verifier: 'short' }, [['Authorization', basic(lk.web.client_id, 'wrong')]]), J401('invalid_client')],
	['grant_type before its parameters', () => lk.token(lk.web, { code_verifier: 'short' }), J400('invalid_request')],
	['supported before allowed', () => lk.token(lk.web, { grant_type: 'frobnicate' }), J400('unsupported_grant_type')],
	['allowed before parameters', () => lk.token(lk.machine, { grant_type: 'authorization_code' }), J400('unauthorized_client')],
	['syntax before lookup', (g) => lk.exchange(lk.web, g, { code_verifier: 'short' }), J400('invalid_request')],
], async (ask, expected) => {
	const granted = await lk.authorize(lk.web);
	expected(await ask(granted));
	await noChange(() => lk.exchange(lk.web, granted));
});

table('T-02 grant_type', [
	['missing', {}, 'invalid_request'],
	['password', { grant_type: 'password', username: 'ana', password: lk.ana.password }, 'unsupported_grant_type'],
	['implicit', { grant_type: 'implicit' }, 'unsupported_grant_type'],
	['token', { grant_type: 'token' }, 'unsupported_grant_type'],
	['device code', { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', device_code: 'x' }, 'unsupported_grant_type'],
	['token exchange', { grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange', subject_token: 'x' }, 'unsupported_grant_type'],
	['JWT bearer', { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: 'x' }, 'unsupported_grant_type'],
	['SAML bearer', { grant_type: 'urn:ietf:params:oauth:grant-type:saml2-bearer', assertion: 'x' }, 'unsupported_grant_type'],
	['known, not registered', { grant_type: 'client_credentials' }, 'unauthorized_client'],
], async (params, error) => J400(error)(await lk.token(lk.web, params)));

test('T-04 the token response', async () => {
	const tokens = await lk.grant(lk.web);
	const body = TOKENS(tokens.answer);
	assert.equal(body.token_type, 'Bearer');
	assert.equal(body.scope.split(' ').sort().join(' '), lk.web.scope.split(' ').sort().join(' '));
	assert.match(body.refresh_token, /^lk_rt_[A-Za-z0-9._~-]{22,}$/);
	assert.ok(!('id_token' in body));
	for (const value of Object.values(body))
		assert.notEqual(value, null);
});

test('T-05 prefixes, alphabet, and 128 unguessable bits', async () => {
	const a = await lk.grant(lk.web);
	const b = await lk.grant(lk.web);
	for (const [kind, prefix] of [['access_token', 'lk_at_'], ['refresh_token', 'lk_rt_']]) {
		assert.ok(a[kind].startsWith(prefix));
		assert.match(a[kind], /^[A-Za-z0-9._~-]+$/);
		const [x, y] = [a, b].map((t) => Buffer.from(t[kind].slice(6), 'base64url'));
		assert.ok(x.filter((byte, i) => byte !== y[i]).length >= 24);
	}
});

test('T-05 a token changed in any character is no token', async () => {
	const { access_token: token } = await lk.grant(lk.web);
	OK(await lk.introspect(token));
	assert.equal(await lk.active(token), true);
	for (let i = 0; i < token.length; i++) {
		const other = token[i] === 'A' ? 'Q' : 'A';
		INACTIVE(await lk.introspect(token.slice(0, i) + other + token.slice(i + 1)));
	}
	for (const odd of [`${token}A`, `${token}=`, token.slice(0, -1), token.toUpperCase(), ` ${token}`])
		INACTIVE(await lk.introspect(odd));
	assert.equal(await lk.active(token), true);
});

test('T-06 never more than consented', async () => {
	const tokens = await lk.grant(lk.web, { scope: 'export-jobs:read' });
	assert.equal(tokens.scope, 'export-jobs:read');
	assert.equal((await lk.introspect(tokens.access_token)).json.scope, 'export-jobs:read');
});

test('T-07 one authorisation, one live pair, whatever the mix of calls', async () => {
	let { access_token, refresh_token } = await lk.grant(lk.web);
	const seen = [];
	for (let i = 0; i < 6; i++) {
		seen.push(access_token);
		const change = i % 2 ? { scope: 'export-jobs:read' } : {};
		({ access_token, refresh_token } = TOKENS(await lk.refresh(lk.web, refresh_token, change)));
		for (const old of seen)
			INACTIVE(await lk.introspect(old));
		assert.equal(await lk.active(access_token), true);
	}
});

test('T-08 TC-11 sixteen redemptions of one code at once', async () => {
	const granted = await lk.authorize(lk.web);
	const answers = await Promise.all(Array.from({ length: 16 }, () => lk.exchange(lk.web, granted)));
	const won = answers.filter((a) => a.status === 200);
	assert.equal(won.length, 1, answers.map((a) => a.status).join(' '));
	for (const a of answers.filter((x) => x.status !== 200))
		J400('invalid_grant')(a);
	await dead(won[0].json);
});

test('T-09 an access token lives ten minutes by default', async () => {
	const tokens = await lk.grant(lk.web);
	assert.ok(tokens.expires_in <= 600 && tokens.expires_in > 590, String(tokens.expires_in));
	const { exp, iat } = (await lk.introspect(tokens.access_token)).json;
	assert.equal(exp - iat, 600);
});

test('T-10 a cookie at the token endpoint is neither read nor set', async () => {
	const browser = await lk.as(lk.ana);
	const granted = await lk.authorize(lk.web);
	const answer = await lk.exchange(lk.web, granted, { code_verifier: pkce().verifier }, { headers: browser.cookieHeader() });
	J400('invalid_grant')(answer);
	assert.equal(answer.all('set-cookie').length, 0);
});

// ---- section 10 -------------------------------------------------------------------------

test('A3 PKCE S256 of RFC 7636 appendix B', () => {
	assert.equal(pkce('dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk').challenge, 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM');
});

test('A3 TC-07 the appendix B verifier opens a code with the appendix B challenge', async () => {
	const request = lk.request(lk.spa, { code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM' });
	const granted = await lk.authorize(lk.spa, {}, { request });
	TOKENS(await lk.exchange(lk.spa, granted, { code_verifier: 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk' }));
});

test('TC-01 code missing', async () => {
	J400('invalid_request')(await lk.token(lk.web, { grant_type: 'authorization_code', redirect_uri: lk.web.redirect_uri, code_verifier: pkce().verifier }));
});

const V = pkce().verifier;
table('TC-02 a malformed verifier is refused before anything changes:', [
	['42 characters', V.slice(0, 42)], ['129 characters', 'a'.repeat(129)], ['a space', `${V.slice(1)} `],
	['a plus', `${V}+`], ['a slash', `${V}/`], ['padding', `${V}=`], ['beyond ASCII', `${V}\u00e9`], ['a percent', `${V}%`],
], async (code_verifier) => {
	const granted = await lk.authorize(lk.web);
	J400('invalid_request')(await lk.exchange(lk.web, granted, { code_verifier }));
	await noChange(() => lk.exchange(lk.web, granted));
});

table('TC-02 R1.4 a verifier of', [['43 characters', 43], ['128 characters', 128]], async (length) => {
	const verifier = ('aZ0-._~'.repeat(20)).slice(0, length - 12) + random(9);
	assert.equal(verifier.length, length);
	const made = pkce(verifier);
	const granted = await lk.authorize(lk.web, { code_challenge: made.challenge });
	TOKENS(await lk.exchange(lk.web, granted, { code_verifier: made.verifier }));
});

table('TC-03 no such code:', [
	['garbage', 'frobnicate'], ['the form of a code', `lk_ac_${random(37)}`], ['a refresh token\'s form', `lk_rt_${random(37)}`],
	['the prefix alone', 'lk_ac_'],
], async (code) => {
	J400('invalid_grant')(await lk.token(lk.web, {
		grant_type: 'authorization_code', code, redirect_uri: lk.web.redirect_uri, code_verifier: pkce().verifier,
	}));
});

test('TC-03 a token is not a code', async () => {
	const tokens = await lk.grant(lk.web);
	for (const code of [tokens.access_token, tokens.refresh_token])
		J400('invalid_grant')(await lk.token(lk.web, {
			grant_type: 'authorization_code', code, redirect_uri: lk.web.redirect_uri, code_verifier: pkce().verifier,
		}));
	assert.equal(await lk.active(tokens.access_token), true);
});

test('TC-04 the code of another client stays good for the right one', async () => {
	const granted = await lk.authorize(lk.web);
	J400('invalid_grant')(await lk.exchange(lk.web2, granted));
	J400('invalid_grant')(await lk.exchange(lk.spa, granted));
	J400('invalid_grant')(await lk.exchange(lk.web2, granted, { redirect_uri: lk.web2.redirect_uri, code_verifier: pkce().verifier }));
	await noChange(() => lk.exchange(lk.web, granted));
});

table('TC-05 the first failure of the bound client burns the code:', [
	['TC-06 another redirect_uri', 'web', { redirect_uri: 'https://app.example/cb?t=1' }, 'invalid_grant'],
	['TC-06 a redirect_uri one octet longer', 'web', { redirect_uri: 'https://app.example/cb/' }, 'invalid_grant'],
	['TC-06 redirect_uri absent', 'web', { redirect_uri: undefined }, 'invalid_request'],
	['TC-07 verifier absent', 'web', { code_verifier: undefined }, 'invalid_request'],
	['TC-07 verifier wrong', 'web', { code_verifier: V }, 'invalid_grant'],
	['TC-07 verifier absent, public', 'spa', { code_verifier: undefined }, 'invalid_request'],
	['TC-07 verifier wrong, public', 'spa', { code_verifier: V }, 'invalid_grant'],
	['TC-07 the challenge for a verifier', 'web', 'challenge', 'invalid_grant'],
], async (who, change, error) => {
	const client = lk[who];
	const granted = await lk.authorize(client);
	if (change === 'challenge')
		change = { code_verifier: granted.request.params.code_challenge };
	J400(error)(await lk.exchange(client, granted, change));
	J400('invalid_grant')(await lk.exchange(client, granted));
});

test('TC-06 the actual loopback port is part of the redirect URI', async () => {
	const how = { redirect_uri: 'http://127.0.0.1:5001/cb' };
	J400('invalid_grant')(await lk.exchange(lk.native, await lk.authorize(lk.native, how), { redirect_uri: 'http://127.0.0.1:5002/cb' }));
	J400('invalid_grant')(await lk.exchange(lk.native, await lk.authorize(lk.native, how), { redirect_uri: 'http://127.0.0.1/cb' }));
	TOKENS(await lk.exchange(lk.native, await lk.authorize(lk.native, how)));
});

test('TC-08 a verifier for a code without a challenge', async () => {
	const without = { code_challenge: undefined, code_challenge_method: undefined };
	const granted = await lk.authorize(lk.legacy, without);
	J400('invalid_request')(await lk.exchange(lk.legacy, granted, { code_verifier: V }));
	const other = await lk.authorize(lk.legacy, without);
	TOKENS(await lk.exchange(lk.legacy, other, { code_verifier: undefined }));
});

test('TC-10 a replay by the bound client ends the authorisation', async () => {
	for (const client of [lk.web, lk.spa]) {
		const granted = await lk.authorize(client);
		const first = TOKENS(await lk.exchange(client, granted));
		J400('invalid_grant')(await lk.exchange(client, granted));
		INACTIVE(await lk.introspect(first.access_token));
		if (first.refresh_token)
			J400('invalid_grant')(await lk.refresh(client, first.refresh_token));
	}
});

test('TC-10 a replay ends it also after refreshes', async () => {
	const granted = await lk.authorize(lk.web);
	let tokens = TOKENS(await lk.exchange(lk.web, granted));
	tokens = TOKENS(await lk.refresh(lk.web, tokens.refresh_token));
	tokens = TOKENS(await lk.refresh(lk.web, tokens.refresh_token));
	J400('invalid_grant')(await lk.exchange(lk.web, granted));
	await dead(tokens);
});

test('TC-10 D4 a replay by somebody else ends nothing', async () => {
	const granted = await lk.authorize(lk.web);
	const tokens = TOKENS(await lk.exchange(lk.web, granted));
	J400('invalid_grant')(await lk.exchange(lk.web2, granted));
	J400('invalid_grant')(await lk.exchange(lk.spa, granted));
	J401('invalid_client')(await lk.exchange({ ...lk.web, client_secret: 'wrong' }, granted));
	assert.equal(await lk.active(tokens.access_token), true);
});

test('TC-10 D4 a replay by whoever knows a public client_id but not the verifier ends nothing', async () => {
	const granted = await lk.authorize(lk.spa);
	const tokens = TOKENS(await lk.exchange(lk.spa, granted));
	J400('invalid_grant')(await lk.exchange(lk.spa, granted, { code_verifier: V }));
	assert.equal((await lk.exchange(lk.spa, granted, { code_verifier: undefined })).status, 400);
	assert.equal(await lk.active(tokens.access_token), true);
	J400('invalid_grant')(await lk.exchange(lk.spa, granted));
	assert.equal(await lk.active(tokens.access_token), false);
});

// ---- TC-13: the retry key ---------------------------------------------------------------

const keyed = (key) => ({ headers: [['Idempotency-Key', key]] });
const same = (a, b) => {
	const { expires_in: x, ...rest } = a.json;
	const { expires_in: y, ...again } = b.json;
	assert.deepEqual(again, rest);
	assert.ok(y <= x && y > x - 30);
};

test('TC-13 the same redemption with the same key is the same answer', async () => {
	for (const client of [lk.web, lk.spa]) {
		const granted = await lk.authorize(client);
		const key = random();
		const first = await lk.exchange(client, granted, {}, keyed(key));
		TOKENS(first);
		for (let i = 0; i < 3; i++) {
			const again = await lk.exchange(client, granted, {}, keyed(key));
			TOKENS(again);
			same(first, again);
			assert.equal(again.text.replace(/"expires_in":\d+/, ''), first.text.replace(/"expires_in":\d+/, ''));
		}
		assert.equal(await lk.active(first.json.access_token), true);
	}
});

table('TC-13 otherwise it is a replay:', [
	['another key', () => keyed(random())],
	['no key', () => ({})],
], async (other) => {
	const granted = await lk.authorize(lk.web);
	const first = TOKENS(await lk.exchange(lk.web, granted, {}, keyed('first-key')));
	J400('invalid_grant')(await lk.exchange(lk.web, granted, {}, other()));
	await dead(first);
});

test('TC-13 a key only on the second request is a replay', async () => {
	const granted = await lk.authorize(lk.web);
	const first = TOKENS(await lk.exchange(lk.web, granted));
	J400('invalid_grant')(await lk.exchange(lk.web, granted, {}, keyed('late-key')));
	await dead(first);
});

test('TC-13 after a refresh the key no longer helps', async () => {
	const granted = await lk.authorize(lk.web);
	const first = TOKENS(await lk.exchange(lk.web, granted, {}, keyed('a-key')));
	const second = TOKENS(await lk.refresh(lk.web, first.refresh_token));
	J400('invalid_grant')(await lk.exchange(lk.web, granted, {}, keyed('a-key')));
	await dead(second);
});

test('TC-13 the key does not stand in for client, verifier or redirect_uri', async () => {
	const granted = await lk.authorize(lk.web);
	const first = await lk.exchange(lk.web, granted, {}, keyed('k1'));
	TOKENS(first);
	J400('invalid_grant')(await lk.exchange(lk.web2, granted, {}, keyed('k1')));
	J401('invalid_client')(await lk.exchange({ ...lk.web, client_secret: 'wrong' }, granted, {}, keyed('k1')));
	assert.equal(await lk.active(first.json.access_token), true);
	const wrong = await lk.exchange(lk.web, granted, { code_verifier: V }, keyed('k1'));
	J400('invalid_grant')(wrong);
	assert.notEqual(wrong.json.access_token, first.json.access_token);
});

test('TC-13 a burned code is not unburned by a key', async () => {
	const granted = await lk.authorize(lk.web);
	J400('invalid_grant')(await lk.exchange(lk.web, granted, { code_verifier: V }, keyed('k2')));
	J400('invalid_grant')(await lk.exchange(lk.web, granted, {}, keyed('k2')));
});

test('TC-13 sixteen redemptions at once with one key are one redemption', async () => {
	const granted = await lk.authorize(lk.web);
	const answers = await Promise.all(Array.from({ length: 16 }, () => lk.exchange(lk.web, granted, {}, keyed('k3'))));
	for (const a of answers)
		TOKENS(a);
	assert.equal(new Set(answers.map((a) => a.json.refresh_token)).size, 1);
	assert.equal(new Set(answers.map((a) => a.json.access_token)).size, 1);
	assert.equal(await lk.active(answers[0].json.access_token), true);
});

close(lk);
