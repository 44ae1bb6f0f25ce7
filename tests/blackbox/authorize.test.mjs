// SPDX-License-Identifier: Apache-2.0
//
// RULEBOOK section 5: the authorisation request, in evaluation order.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { close, startCast, table } from '../lib/cast.mjs';
import { form, forms, pkce } from '../lib/latchkey.mjs';
import { CODE, OK, PAGE, RED, STATUS, TOKENS } from '../lib/outcome.mjs';

const lk = await startCast({
	prepare: async (made) => {
		made.gone = await made.client('Gone', {
			type: 'confidential', scope: 'export-jobs:read', 'redirect-uri': 'https://gone.example/cb',
		});
		await made.change('client', 'disable', made.gone.client_id);
		made.legacy = await made.client('Legacy Books', {
			type: 'confidential', scope: 'export-jobs:read', 'redirect-uri': 'https://legacy.example/cb', 'unsafe-pkce-exempt': true,
		});
		made.narrow = await made.client('Narrow', {
			type: 'public', scope: 'export-jobs:read', 'redirect-uri': 'https://narrow.example/cb',
		});
	},
});

function ASKS(answer) {
	assert.ok([200, 303].includes(answer.status), String(answer));
	if (answer.status === 303)
		assert.ok(lk.isOwn(answer.get('location')), String(answer));
	else
		assert.ok(forms(answer.text).some((f) => f.has('password')), String(answer));
}

const frame = (dest) => ({ headers: [['Sec-Fetch-Dest', dest]] });
const HTTP_NATIVE = 'http://127.0.0.1:5000/cb';
const S256 = pkce().challenge;

const ROWS = [
	['A-01 client_id missing', 'web', { client_id: undefined }, PAGE(400)],
	['A-01 client_id repeated', 'web', {}, PAGE(400), { raw: '&client_id=x' }],
	['A-01 client_id unknown', 'web', { client_id: 'lkc_nobody' }, PAGE(400)],
	['A-01 client_id malformed', 'web', { client_id: '<script>' }, PAGE(400)],
	['A-01 client_id in other letters', 'web', { client_id: lk.web.client_id.toUpperCase() }, PAGE(400)],
	['A-01 client disabled', 'gone', {}, PAGE(400)],
	['A-01 a resource server is no client here', 'web', { client_id: lk.api.client_id }, PAGE(400)],
	['A-02 request and request_uri', 'web', { request: 'a.b.c', request_uri: 'https://app.example/r' }, PAGE(400)],
	['A-03 a pushed request_uri, which nobody pushed', 'web', { request_uri: 'urn:ietf:params:oauth:request_uri:abc' }, PAGE(400)],
	['A-04 request_uri elsewhere', 'web', { request_uri: 'https://app.example/r' }, RED('request_uri_not_supported')],
	['A-04 request_uri, redirect_uri wrong', 'web', { request_uri: 'https://app.example/r', redirect_uri: 'https://evil.example/' }, PAGE(400)],
	['A-04 request_uri, redirect_uri missing', 'web', { request_uri: 'https://app.example/r', redirect_uri: undefined }, PAGE(400)],
	['A-05 request', 'web', { request: 'a.b.c' }, RED('request_not_supported')],
	['A-05 request, redirect_uri wrong', 'web', { request: 'a.b.c', redirect_uri: 'https://evil.example/' }, PAGE(400)],
	['A-06 a bad redirect_uri comes before every other fault', 'web', { redirect_uri: 'https://evil.example/', response_type: 'token', scope: '"' }, PAGE(400)],
	...['fragment', 'jwt', 'web_message', 'Query', 'frobnicate', 'query.jwt', 'query '].map((mode) =>
		[`A-07 response_mode=${mode}`, 'web', { response_mode: mode }, PAGE(400)]),
	['A-08 form_post to http loopback', 'native', { redirect_uri: HTTP_NATIVE, response_mode: 'form_post' }, PAGE(400)],
	['A-08 form_post to a private-use scheme', 'native', { redirect_uri: 'com.example.pocket:/cb', response_mode: 'form_post' }, PAGE(400)],
	['A-09 framed', 'web', {}, PAGE(400), frame('iframe')],
	['A-09 in a frame element', 'web', {}, PAGE(400), frame('frame')],
	['A-09 embedded as an object', 'web', {}, PAGE(400), frame('object')],
	['A-11 scope repeated', 'web', {}, RED('invalid_request'), { raw: '&scope=export-jobs:read' }],
	['A-12 response_type missing', 'web', { response_type: undefined }, RED('invalid_request')],
	...['token', 'id_token', 'code id_token', 'code token', 'CODE', 'code ', ' code', 'none'].map((type) =>
		[`A-12 response_type=${JSON.stringify(type)}`, 'web', { response_type: type }, RED('unsupported_response_type')]),
	['A-14 no challenge, public', 'spa', { code_challenge: undefined, code_challenge_method: undefined }, RED('invalid_request')],
	['A-14 no challenge, native', 'native', { redirect_uri: HTTP_NATIVE, code_challenge: undefined, code_challenge_method: undefined }, RED('invalid_request')],
	['A-14 no challenge, confidential', 'web', { code_challenge: undefined, code_challenge_method: undefined }, RED('invalid_request')],
	['A-15 no method', 'web', { code_challenge_method: undefined }, RED('invalid_request')],
	['A-15 plain', 'web', { code_challenge_method: 'plain' }, RED('invalid_request')],
	['A-15 plain with a verifier as challenge', 'spa', { code_challenge_method: 'plain', code_challenge: pkce().verifier }, RED('invalid_request')],
	...['s256', 'S512', 'S256 ', 'SHA256'].map((m) => [`A-15 method ${JSON.stringify(m)}`, 'web', { code_challenge_method: m }, RED('invalid_request')]),
	['A-15 a method without a challenge', 'web', { code_challenge: undefined }, RED('invalid_request')],
	['A-15 exempt client, no method', 'legacy', { code_challenge_method: undefined }, RED('invalid_request')],
	['A-15 exempt client, plain', 'legacy', { code_challenge_method: 'plain' }, RED('invalid_request')],
	['A-15 exempt client, method only', 'legacy', { code_challenge: undefined }, RED('invalid_request')],
	['A-16 42 characters', 'web', { code_challenge: S256.slice(1) }, RED('invalid_request')],
	['A-16 44 characters', 'web', { code_challenge: `${S256}A` }, RED('invalid_request')],
	['A-16 padded', 'web', { code_challenge: `${S256}=` }, RED('invalid_request')],
	['A-16 the other base64', 'web', { code_challenge: `${'+/'.repeat(21)}A` }, RED('invalid_request')],
	['A-16 hexadecimal', 'web', { code_challenge: 'ab'.repeat(32) }, RED('invalid_request')],
	...['B', 'b', '1', '9', '-', '_', 'Z'].map((c) =>
		[`A-16 a last character that no digest has: ${c}`, 'web', { code_challenge: S256.slice(0, 42) + c }, RED('invalid_request')]),
	['A-18 scope not allowed to the client', 'narrow', { scope: 'export-jobs:write' }, RED('invalid_scope')],
	['A-18 one allowed, one not', 'narrow', { scope: 'export-jobs:read export-jobs:write' }, RED('invalid_scope')],
	['A-18 scope unknown', 'web', { scope: 'moon:landing' }, RED('invalid_scope')],
	['A-18 one known, one unknown', 'web', { scope: 'export-jobs:read moon:landing' }, RED('invalid_scope')],
	['A-18 scope absent and no default', 'web', { scope: undefined }, RED('invalid_scope')],
	['A-19 an unknown resource', 'web', { resource: 'https://elsewhere.example/api' }, RED('invalid_target')],
	['A-19 a resource that is no URI', 'web', { resource: 'nonsense' }, RED('invalid_target')],
	['A-19 a resource with a fragment', 'web', { resource: 'https://elsewhere.example/#f' }, RED('invalid_target')],
	['A-21 prompt=none with another', 'web', { prompt: 'none login' }, RED('invalid_request')],
	['A-21 prompt=consent none', 'web', { prompt: 'consent none' }, RED('invalid_request')],
	['A-21 an unknown prompt', 'web', { prompt: 'frobnicate' }, ASKS],
	...['-1', 'abc', '1.5', '12345678901', '+1', '0x1', ' 1'].map((v) =>
		[`A-22 max_age=${JSON.stringify(v)}`, 'web', { max_age: v }, RED('invalid_request')]),
	['A-22 max_age of ten digits', 'web', { max_age: '1234567890' }, ASKS],
	['A-25 registration', 'web', { registration: '{}' }, RED('registration_not_supported')],
	['A-26 display, ui_locales, claims_locales, acr_values', 'web', { display: 'frobnicate', ui_locales: 'xx-YY zz', claims_locales: 'q', acr_values: 'a b' }, ASKS],
	['A-27 prompt=none without a session', 'web', { prompt: 'none' }, RED('login_required')],
	['A-27 prompt=none without a session, framed', 'web', { prompt: 'none' }, (a) => (a.status === 400 ? PAGE(400)(a) : RED('login_required')(a)), frame('iframe')],
];

for (const [what, who, change, expected, how] of ROWS)
	test(what, async () => expected(await lk.ask(lk[who], change, how)));

test('A-01 one text for unknown and disabled', async () => {
	const unknown = await lk.ask(lk.web, { client_id: `lkc_${'A'.repeat(22)}` });
	const disabled = await lk.ask(lk.gone, {});
	const text = (a) => a.text.replaceAll(a.get('latchkey-error-id'), '');
	assert.equal(text(disabled), text(unknown));
	assert.ok(!disabled.text.includes('Gone'));
});

test('A-08 form_post to https is served', async () => {
	const answer = await lk.authorize(lk.web, { response_mode: 'form_post' });
	CODE(answer);
	OK(await lk.exchange(lk.web, answer));
});

test('A-09 a prefetch issues no code', async () => {
	const browser = await lk.as(lk.ana);
	await lk.grant(lk.web); // consent is remembered from here on
	for (const headers of [[['Sec-Purpose', 'prefetch']], [['Sec-Purpose', 'prefetch;prerender']]]) {
		const answer = await lk.ask(lk.web, {}, { browser, headers });
		assert.equal(answer.code, undefined, String(answer));
		assert.ok(answer.get('location') === undefined || lk.isOwn(answer.get('location')), String(answer));
	}
});

test('A-09 a frame issues no code, though consent is remembered', async () => {
	await lk.grant(lk.web);
	PAGE(400)(await lk.ask(lk.web, {}, { browser: await lk.as(lk.ana), ...frame('iframe') }));
});

test('A-12 an error of response_type comes by form_post when asked', async () => {
	RED('unsupported_response_type', { by: 'form_post' })(await lk.ask(lk.web, { response_type: 'token', response_mode: 'form_post' }));
	const plain = await lk.ask(lk.web, { response_type: 'token' });
	assert.ok(!plain.get('location').includes('#'));
});

test('A-13 a client that is not registered for authorization_code', async () => {
	const made = await lk.command('client', 'add', '--name', 'Service', '--type', 'confidential', '--json',
		'--grant', 'client_credentials', '--scope', 'export-jobs:read', '--redirect-uri', 'https://service.example/cb');
	if (made.status !== 0) {
		// A redirect URI without the grant it serves is refused at registration: then the
		// client has none, and the request ends at A-06.
		assert.match(made.stderr, /redirect/i);
		PAGE(400)(await lk.ask(lk.machine, { redirect_uri: 'https://service.example/cb' }));
		return;
	}
	const service = { ...JSON.parse(made.stdout), redirect_uri: 'https://service.example/cb', scope: 'export-jobs:read' };
	lk.secret(service.client_secret);
	await lk.eventually('the new client', async () => (await lk.ask(service)).status !== 400);
	RED('unauthorized_client')(await lk.ask(service));
});

test('A-14 an exempted client is served without, and shows as a warning', async () => {
	const answer = await lk.authorize(lk.legacy, { code_challenge: undefined, code_challenge_method: undefined });
	CODE(answer);
	TOKENS(await lk.exchange(lk.legacy, answer, { code_verifier: undefined }));
	const list = await lk.change('client', 'list');
	const row = list.stdout.split('\n').findIndex((l) => l.includes('Legacy Books'));
	assert.ok(row >= 0);
	assert.match(list.stdout, /PKCE/i);
	const shown = await lk.change('client', 'show', lk.legacy.client_id);
	assert.match(shown.stdout, /warning[^]*PKCE|PKCE[^]*warning/i);
	const quiet = await lk.change('client', 'show', lk.web.client_id);
	assert.doesNotMatch(quiet.stdout, /warning/i);
});

test('A-14 the exemption is for confidential clients only', async () => {
	const made = await lk.command('client', 'add', '--name', 'Sneaky', '--type', 'public', '--scope', 'export-jobs:read',
		'--redirect-uri', 'https://sneaky.example/cb', '--unsafe-pkce-exempt', '--json');
	assert.notEqual(made.status, 0);
	assert.match(made.stderr, /PKCE|exempt/i);
});

test('A-15 an exempt client that sends a challenge is held to it', async () => {
	const answer = await lk.authorize(lk.legacy);
	CODE(answer);
	assert.equal((await lk.exchange(lk.legacy, answer, { code_verifier: undefined })).json.error, 'invalid_request');
});

test('A-16 every last character a digest can have is accepted', async () => {
	for (const c of 'AEIMQUYcgkosw048')
		ASKS(await lk.ask(lk.web, { code_challenge: S256.slice(0, 42) + c }));
});

test('A-17 a challenge that was redeemed is refused, one that was only shown is not', async () => {
	const request = lk.request(lk.web);
	for (let i = 0; i < 3; i++)
		ASKS(await lk.browser().authorize(request, { stopAt: 'signin' }));
	const granted = await lk.authorize(lk.web, {}, { request });
	CODE(granted);
	OK(await lk.exchange(lk.web, granted));
	RED('invalid_request')(await lk.ask(lk.web, { code_challenge: request.params.code_challenge }));
	ASKS(await lk.ask(lk.web2, { code_challenge: request.params.code_challenge }));
});

test('A-18 order and repetition of scopes do not matter', async () => {
	ASKS(await lk.ask(lk.web, { scope: 'export-jobs:write export-jobs:read export-jobs:write' }));
});

test('A-26 a login hint is shown escaped and signs nobody in', async () => {
	const browser = lk.browser();
	const answer = await lk.ask(lk.web, { login_hint: '"><b>ana' }, { browser });
	const page = await browser.walk(answer, { stopAt: 'signin' });
	assert.ok(forms(page.text).some((f) => f.has('password')));
	assert.ok(!page.text.includes('<b>ana'));
});

test('A-27 prompt=none with a session', async (t) => {
	const fresh = lk.browser();
	await fresh.signIn(lk.ben);
	const asks = () => lk.ask(lk.web2, { prompt: 'none' }, { browser: fresh });
	await t.test('without consent: consent_required', async () => RED('consent_required')(await asks()));
	await t.test('with consent: a code, no page', async () => {
		await lk.grant(lk.web2, {}, { user: lk.ben, browser: fresh });
		CODE(await asks());
	});
	await t.test('a wider scope: consent_required', async () => {
		await lk.grant(lk.web, { scope: 'export-jobs:read' }, { user: lk.ben, browser: fresh });
		RED('consent_required')(await lk.ask(lk.web, { prompt: 'none' }, { browser: fresh }));
	});
});

table('A-29', [
	['prompt=login wants the password again', { prompt: 'login' }],
	['max_age=0 wants the password again', { max_age: '0' }],
], async (change) => {
	const browser = lk.browser();
	await browser.signIn(lk.ben);
	const request = lk.request(lk.web2, change);
	const page = await browser.walk(await browser.get(`/oauth/authorize?${form(request.params)}`), { user: lk.ben, stopAt: 'signin' });
	const signIn = forms(page.text).find((f) => f.has('password'));
	assert.ok(signIn, String(page));
	// Asking again with the same cookie changes nothing.
	const again = await browser.walk(await browser.get(`/oauth/authorize?${form(request.params)}`), { user: lk.ben, stopAt: 'signin' });
	assert.ok(forms(again.text).some((f) => f.has('password')), String(again));
	const end = await browser.authorize(lk.request(lk.web2, change), { user: lk.ben });
	CODE(end);
});

test('A-29 auth_time advances with a fresh sign-in', async () => {
	const browser = lk.browser();
	await browser.signIn(lk.ben);
	const first = await lk.grant(lk.web2, {}, { user: lk.ben, browser });
	const before = (await lk.introspect(first.access_token)).json.auth_time;
	await new Promise((resolve) => setTimeout(resolve, 1100));
	const second = await lk.grant(lk.web2, {}, { user: lk.ben, browser });
	assert.equal((await lk.introspect(second.access_token)).json.auth_time, before);
	const third = await lk.grant(lk.web2, { prompt: 'login' }, { user: lk.ben, browser });
	assert.ok((await lk.introspect(third.access_token)).json.auth_time > before);
});

test('A-29 max_age that is not exceeded asks nothing', async () => {
	await lk.grant(lk.web, { max_age: '3600' });
	CODE(await lk.ask(lk.web, { max_age: '3600' }, { browser: await lk.as(lk.ana) }));
});

test('A-29 U-09 prompt=consent shows the page though consent is remembered', async () => {
	await lk.grant(lk.web);
	const browser = await lk.as(lk.ana);
	CODE(await lk.ask(lk.web, {}, { browser }));
	const page = await browser.authorize(lk.request(lk.web, { prompt: 'consent' }), { user: lk.ana, stopAt: 'consent' });
	assert.ok(forms(page.text).some((f) => f.has('decision', 'approve')), String(page));
});

test('A-31 denial', async () => {
	RED('access_denied')(await lk.authorize(lk.web, { prompt: 'consent' }, { decision: 'deny' }));
	RED('access_denied', { by: 'form_post' })(await lk.authorize(lk.web, { prompt: 'consent', response_mode: 'form_post' }, { decision: 'deny' }));
});

test('A-33 CO-01 no CORS at authorize', async () => {
	const answer = await lk.ask(lk.spa, {}, { headers: [['Origin', 'https://spa.example']] });
	assert.ok(!answer.headers.some(([n]) => /^access-control/i.test(n)));
	STATUS(405)(await lk.send({
		method: 'OPTIONS', target: '/oauth/authorize',
		headers: [['Origin', 'https://spa.example'], ['Access-Control-Request-Method', 'GET']],
	}));
});

close(lk);
