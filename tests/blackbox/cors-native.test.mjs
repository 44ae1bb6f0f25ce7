// SPDX-License-Identifier: Apache-2.0
//
// RULEBOOK sections 24 and 25: native and browser clients, and who may read what
// from which origin.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { close, startCast, table } from '../lib/cast.mjs';
import { address, basic } from '../lib/latchkey.mjs';
import { INACTIVE, J400, OK, PAGE, TOKENS, noChange } from '../lib/outcome.mjs';

const ORIGIN = 'https://spa.example';
const lk = await startCast({
	prepare: async (made) => {
		made.spa2 = await made.client('Second Board', {
			type: 'public', scope: 'export-jobs:read', origin: 'https://spa2.example', 'redirect-uri': 'https://spa2.example/cb',
			'browser-refresh': true,
		});
	},
});
const METADATA = '/.well-known/oauth-authorization-server';
const from = (origin) => [['Origin', origin]];
const cors = (answer) => answer.headers.filter(([n]) => /^access-control-/i.test(n));

table('CO-01 no Access-Control header at', [
	['authorize', (o) => lk.ask(lk.spa, {}, { headers: from(o) })],
	['signin', (o) => lk.get('/signin', from(o))],
	['account', (o) => lk.get('/account', from(o))],
	['consent', (o) => lk.post('/consent', {}, from(o))],
	['introspect', (o) => lk.introspect('x', {}, { headers: from(o) })],
	['preflight of introspect', (o) => lk.send({ method: 'OPTIONS', target: '/oauth/introspect', headers: [...from(o), ['Access-Control-Request-Method', 'POST']] })],
	['preflight of signin', (o) => lk.send({ method: 'OPTIONS', target: '/signin', headers: [...from(o), ['Access-Control-Request-Method', 'POST']] })],
], async (ask) => {
	for (const origin of [ORIGIN, 'https://evil.example', 'null', lk.issuer])
		assert.deepEqual(cors(await ask(origin)), []);
});

test('CO-02 the metadata are for everybody', async () => {
	for (const origin of [ORIGIN, 'https://evil.example', 'null']) {
		const answer = await lk.get(METADATA, from(origin));
		assert.equal(answer.get('access-control-allow-origin'), '*');
		assert.equal(answer.get('access-control-allow-credentials'), undefined);
	}
});

function ALLOWED(answer, origin = ORIGIN) {
	assert.equal(answer.get('access-control-allow-origin'), origin, String(answer));
	assert.match(answer.all('vary').join(', '), /\bOrigin\b/i);
	assert.equal(answer.get('access-control-allow-credentials'), undefined);
	const exposed = (answer.get('access-control-expose-headers') ?? '').toLowerCase().split(/\s*,\s*/);
	for (const name of ['www-authenticate', 'retry-after', 'dpop-nonce'])
		assert.ok(exposed.includes(name), String(answer));
}

test('CO-03 CO-06 the origin of a browser client, on success', async () => {
	const granted = await lk.authorize(lk.spa);
	const answer = await lk.exchange(lk.spa, granted, {}, { headers: from(ORIGIN) });
	TOKENS(answer);
	ALLOWED(answer);
	const revoked = await lk.revoke(lk.spa, answer.json.access_token, {}, { headers: from(ORIGIN) });
	OK(revoked);
	ALLOWED(revoked);
	INACTIVE(await lk.introspect(answer.json.access_token));
});

test('CO-06 the same headers on refusals', async () => {
	const answer = await lk.token(lk.spa, { grant_type: 'authorization_code', code: 'x', redirect_uri: lk.spa.redirect_uri }, { headers: from(ORIGIN) });
	assert.equal(answer.status, 400);
	ALLOWED(answer);
	const unsupported = await lk.token(lk.spa, { grant_type: 'frobnicate' }, { headers: from(ORIGIN) });
	J400('unsupported_grant_type')(unsupported);
	ALLOWED(unsupported);
	ALLOWED(await lk.post('/oauth/revoke', 'token=a&token=b', from(ORIGIN)));
});

test('CO-06 the same headers on 429', async () => {
	const where = { from: address() };
	let answer;
	for (let i = 0; i < 300 && answer?.status !== 429; i++)
		answer = await lk.post('/oauth/token', { grant_type: 'client_credentials' }, [['Authorization', basic(lk.spa.client_id, 'x')], ...from(ORIGIN)], where);
	assert.equal(answer.status, 429);
	ALLOWED(answer);
});

table('CO-04 preflight', ['/oauth/token', '/oauth/revoke'].map((path) => [path, path]), async (target) => {
	const ask = (origin, more = []) => lk.send({
		method: 'OPTIONS', target,
		headers: [...from(origin), ['Access-Control-Request-Method', 'POST'], ['Access-Control-Request-Headers', 'authorization,content-type'], ...more],
	});
	for (const origin of [ORIGIN, 'https://spa2.example']) {
		const answer = await ask(origin);
		assert.equal(answer.status, 204, String(answer));
		assert.equal(answer.get('access-control-allow-origin'), origin);
		assert.match(answer.all('vary').join(', '), /\bOrigin\b/i);
		assert.deepEqual(answer.get('access-control-allow-methods').split(/\s*,\s*/), ['POST']);
		const headers = answer.get('access-control-allow-headers').toLowerCase().split(/\s*,\s*/).sort();
		for (const name of ['authorization', 'content-type', 'dpop'])
			assert.ok(headers.includes(name), String(answer));
		assert.equal(answer.get('access-control-allow-credentials'), undefined);
	}
	for (const origin of ['https://evil.example', 'null', `${ORIGIN}.evil.example`, 'http://spa.example', `${ORIGIN}:443`, 'https://SPA.example'])
		assert.deepEqual(cors(await ask(origin)), [], origin);
});

test('CO-05 an origin that is not this client\'s', async () => {
	for (const origin of ['https://spa2.example', 'https://evil.example', 'null', `${ORIGIN}/`]) {
		const granted = await lk.authorize(lk.spa);
		const answer = await lk.exchange(lk.spa, granted, {}, { headers: from(origin) });
		J400('invalid_request')(answer);
		assert.deepEqual(cors(answer).filter(([n]) => /allow-origin/i.test(n)), []);
		await noChange(() => lk.exchange(lk.spa, granted));
	}
});

test('CO-05 a confidential client has no origin at all', async () => {
	const tokens = await lk.grant(lk.web);
	J400('invalid_request')(await lk.refresh(lk.web, tokens.refresh_token, {}, { headers: from(ORIGIN) }));
	J400('invalid_request')(await lk.revoke(lk.web, tokens.refresh_token, {}, { headers: from(ORIGIN) }));
	await noChange(() => lk.refresh(lk.web, tokens.refresh_token));
});

// ---- section 24 -----------------------------------------------------------------------------

test('NB-01 native and browser clients have no shared secret', async () => {
	for (const client of [lk.native, lk.spa, lk.dev])
		assert.equal(client.client_secret, undefined);
	const add = (...flags) => lk.command('client', 'add', '--name', 'X', '--scope', 'export-jobs:read', '--json', ...flags);
	const native = await add('--type', 'confidential', '--native', '--redirect-uri', 'http://127.0.0.1/cb');
	assert.ok(native.status > 0, native.stdout);
	const browser = await add('--type', 'confidential', '--origin', 'https://x.example', '--redirect-uri', 'https://x.example/cb');
	assert.ok(browser.status > 0, browser.stdout);
	const rotate = await lk.command('client', 'rotate-secret', lk.spa.client_id);
	assert.ok(rotate.status > 0, rotate.stdout);
	assert.match(rotate.stderr, /public/i);
});

test('NB-02 refresh tokens for browser clients: off by default, rotating when on', async () => {
	assert.equal((await lk.grant(lk.spa)).refresh_token, undefined);
	const first = await lk.grant(lk.spa2);
	assert.match(first.refresh_token, /^lk_rt_/);
	const second = TOKENS(await lk.refresh(lk.spa2, first.refresh_token, {}, { headers: from('https://spa2.example') }));
	assert.notEqual(second.refresh_token, first.refresh_token);
	J400('invalid_grant')(await lk.refresh(lk.spa2, first.refresh_token));
	INACTIVE(await lk.introspect(second.access_token));
});

test('NB-03 no framed sign-in without a switch that allows it', async () => {
	const answer = await lk.ask(lk.spa, { prompt: 'none' }, { headers: [['Sec-Fetch-Dest', 'iframe']] });
	PAGE(400)(answer);
	assert.match(answer.get('content-security-policy'), /frame-ancestors 'none'/);
});

test('NB-04 a backend needs no CORS: an ordinary confidential client, no Origin', async () => {
	const tokens = await lk.grant(lk.web);
	assert.deepEqual(cors(tokens.answer), []);
});

close(lk);
