// SPDX-License-Identifier: Apache-2.0
//
// RULEBOOK section 2: how parameters are read, at the direct endpoints and at
// the authorisation endpoint.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { close, startCast, table } from '../lib/cast.mjs';
import { basic, form, forms, random } from '../lib/latchkey.mjs';
import { CODE, J400, OK, PAGE, RED, TOKENS, noChange } from '../lib/outcome.mjs';

const lk = await startCast();
const machine = { grant_type: 'client_credentials' };
const auth = ['Authorization', basic(lk.machine.client_id, lk.machine.client_secret)];

// Does the request get as far as asking the person?
function ASKS(answer) {
	assert.ok([200, 303].includes(answer.status), String(answer));
	if (answer.status === 303)
		assert.ok(lk.isOwn(answer.get('location')), String(answer));
	else
		assert.ok(forms(answer.text).some((f) => f.has('password')), String(answer));
}

// ---- P-01 ------------------------------------------------------------------------

table('P-01 twice at the token endpoint:', [
	'grant_type', 'code', 'redirect_uri', 'code_verifier', 'refresh_token', 'scope', 'client_id', 'client_secret',
].map((name) => [name, name]), async (name) => {
	const wrong = ['Authorization', basic(lk.machine.client_id, 'wrong')];
	for (const header of [auth, wrong]) // before client authentication
		J400('invalid_request')(await lk.post('/oauth/token', `grant_type=client_credentials&${name}=same&${name}=same`, [header]));
	await noChange(() => lk.token(lk.machine, machine));
});

table('P-01 twice at', [
	['revoke: token', '/oauth/revoke', 'token'],
	['revoke: token_type_hint', '/oauth/revoke', 'token_type_hint'],
	['introspect: token', '/oauth/introspect', 'token'],
	['introspect: token_type_hint', '/oauth/introspect', 'token_type_hint'],
], async (path, name) => {
	J400('invalid_request')(await lk.postAs(lk.api, path, `token=x&${name}=x&${name}=x`));
	J400('invalid_request')(await lk.post(path, `token=x&${name}=x&${name}=y`));
});

test('P-01 resource may be repeated: its own rule judges it', async () => {
	const answer = await lk.token(lk.machine, 'grant_type=client_credentials&resource=https://x.example&resource=https://x.example');
	assert.notEqual(answer.json.error, 'invalid_request', String(answer));
});

// ---- P-02, P-03 --------------------------------------------------------------------

const twice = (name, value) => ({ raw: `&${name}=${encodeURIComponent(value)}` });

table('P-02 twice at authorize:', [
	['client_id', {}, twice('client_id', lk.web.client_id), PAGE(400)],
	['redirect_uri', {}, twice('redirect_uri', lk.web.redirect_uri), PAGE(400)],
	['request_uri', {}, { raw: '&request_uri=https://a.example&request_uri=https://a.example' }, PAGE(400)],
	['request', {}, { raw: '&request=a&request=a' }, PAGE(400)],
	['response_mode', { response_mode: 'query' }, twice('response_mode', 'query'), PAGE(400)],
	['state', {}, twice('state', 'other'), RED('invalid_request', { state: null })],
	['response_type', {}, twice('response_type', 'code'), RED('invalid_request')],
	['scope', {}, twice('scope', 'export-jobs:read'), RED('invalid_request')],
	['code_challenge', {}, twice('code_challenge', 'x'), RED('invalid_request')],
	['code_challenge_method', {}, twice('code_challenge_method', 'S256'), RED('invalid_request')],
	['prompt', { prompt: 'consent' }, twice('prompt', 'consent'), RED('invalid_request')],
	['max_age', { max_age: '9' }, twice('max_age', '9'), RED('invalid_request')],
], async (change, how, expected) => expected(await lk.ask(lk.web, change, how)));

table('P-03 once in the query and once in the body:', [
	['client_id', `?${form({ client_id: lk.web.client_id })}`, PAGE(400)],
	['redirect_uri', `?${form({ redirect_uri: lk.web.redirect_uri })}`, PAGE(400)],
	['state', '?state=abc', RED('invalid_request', { state: null })],
	['scope', '?scope=export-jobs:read', RED('invalid_request')],
], async (query, expected) => expected(await lk.ask(lk.web, {}, { method: 'POST', query })));

test('P-03 query and body are pooled', async () => {
	ASKS(await lk.ask(lk.web, { response_type: undefined }, { method: 'POST', query: '?response_type=code' }));
});

test('P-03 a POST is as good as a GET', async () => {
	ASKS(await lk.ask(lk.web, {}, { method: 'POST' }));
});

// ---- P-04 ----------------------------------------------------------------------------

test('P-04 unknown parameters are ignored at the direct endpoints', async () => {
	TOKENS(await lk.token(lk.machine, 'grant_type=client_credentials&frobnicate=1&frobnicate=2&Grant_Type=x'));
	OK(await lk.postAs(lk.api, '/oauth/introspect', 'token=x&frobnicate=1&frobnicate=2'));
	OK(await lk.postAs(lk.web, '/oauth/revoke', 'token=x&frobnicate=1&frobnicate=2'));
});

test('P-04 unknown parameters are ignored and not reflected at authorize', async () => {
	const mark = random();
	const browser = lk.browser();
	const answer = await lk.ask(lk.web, {}, { raw: `&frobnicate=${mark}&frobnicate=${mark}&${mark}=1`, browser });
	ASKS(answer);
	const page = await browser.walk(answer, { stopAt: 'signin' });
	assert.ok(!page.text.includes(mark));
	assert.ok(!String(answer.headers).includes(mark));
	CODE(await lk.authorize(lk.web, { frobnicate: [mark, mark] }));
});

// ---- P-05 --------------------------------------------------------------------------

test('P-05 an empty state is no state', async () => {
	const answer = await lk.authorize(lk.web, { state: '' });
	CODE(answer);
	assert.equal(answer.got_state, undefined);
});

table('P-05 empty is absent at authorize:', [
	['client_id', { client_id: '' }, PAGE(400)],
	['redirect_uri', { redirect_uri: '' }, PAGE(400)],
	['response_type', { response_type: '' }, RED('invalid_request')],
	['code_challenge', { code_challenge: '' }, RED('invalid_request')],
	['code_challenge_method', { code_challenge_method: '' }, RED('invalid_request')],
	['response_mode', { response_mode: '' }, ASKS],
	['prompt', { prompt: '' }, ASKS],
	['max_age', { max_age: '' }, ASKS],
	['request', { request: '' }, ASKS],
	['request_uri', { request_uri: '' }, ASKS],
], async (change, expected) => expected(await lk.ask(lk.web, change)));

table('P-05 empty is absent at the token endpoint:', [
	['grant_type', 'grant_type=', 'invalid_request'],
	['grant_type without =', 'grant_type', 'invalid_request'],
	['code', 'grant_type=authorization_code&code=&redirect_uri=x', 'invalid_request'],
	['refresh_token', 'grant_type=refresh_token&refresh_token=', 'invalid_request'],
	['an empty one still counts as one of two', 'grant_type=refresh_token&refresh_token=&refresh_token=x', 'invalid_request'],
], async (body, error) => J400(error)(await lk.postAs(lk.web, '/oauth/token', body)));

test('P-05 an empty scope asks for the default', async () => {
	const none = TOKENS(await lk.token(lk.machine, { ...machine }));
	const empty = TOKENS(await lk.token(lk.machine, { ...machine, scope: '' }));
	assert.equal(empty.scope, none.scope);
});

// ---- P-06 ----------------------------------------------------------------------------

table('P-06 case and spaces count:', [
	['the name GRANT_TYPE', 'GRANT_TYPE=client_credentials', 'invalid_request'],
	['the value Client_Credentials', 'grant_type=Client_Credentials', 'unsupported_grant_type'],
	['a space around a value', 'grant_type=+client_credentials', 'unsupported_grant_type'],
	['a space after a value', 'grant_type=client_credentials%20', 'unsupported_grant_type'],
	['a scope in capitals', 'grant_type=client_credentials&scope=EXPORT-JOBS:READ', 'invalid_scope'],
], async (body, error) => J400(error)(await lk.postAs(lk.machine, '/oauth/token', body)));

table('P-06 case and spaces count at authorize:', [
	['s256', { code_challenge_method: 's256' }, RED('invalid_request')],
	['Code', { response_type: 'Code' }, RED('unsupported_response_type')],
	['a scope in capitals', { scope: 'Export-Jobs:Read' }, RED('invalid_scope')],
	['prompt=NONE is an unknown value', { prompt: 'NONE' }, ASKS],
], async (change, expected) => expected(await lk.ask(lk.web, change)));

table('P-06 the scheme of Authorization in any case:', [
	['basic', 'basic'], ['BASIC', 'BASIC'], ['bAsIc', 'bAsIc'],
], async (scheme) => {
	const value = auth[1].replace('Basic', scheme);
	TOKENS(await lk.post('/oauth/token', machine, [['Authorization', value]]));
});

// ---- P-07 --------------------------------------------------------------------------

const BAD = [
	['a bad escape', '%zz'], ['a cut escape', '%a'], ['a lone percent', '100%'], ['invalid UTF-8', '%ff%fe'],
	['an overlong form', '%c0%af'], ['a surrogate', '%ed%a0%80'], ['NUL', 'a%00b'], ['a line feed', 'a%0ab'],
	['a carriage return', 'a%0db'], ['a tab', 'a%09b'], ['DEL', 'a%7fb'],
];

table('P-07 at the token endpoint:', BAD, async (value) => {
	for (const body of [`grant_type=${value}`, `grant_type=authorization_code&code=${value}`, `grant_type=refresh_token&refresh_token=${value}`])
		J400('invalid_request')(await lk.postAs(lk.web, '/oauth/token', body));
	J400('invalid_request')(await lk.postAs(lk.web, '/oauth/revoke', `token=${value}`));
	J400('invalid_request')(await lk.postAs(lk.api, '/oauth/introspect', `token=${value}`));
});

table('P-07 at authorize:', BAD, async (value) => {
	for (const name of ['state', 'scope', 'redirect_uri', 'client_id'])
		PAGE(400)(await lk.ask(lk.web, { [name]: undefined }, { raw: `&${name}=${value}` }));
});

test('P-07 plus is a space, semicolon is data', async () => {
	const browser = await lk.as(lk.ana);
	const answer = await lk.ask(lk.web, { state: undefined }, { raw: '&state=a+b;scope=c%2B', browser });
	const end = await browser.authorize(answer.request, { user: lk.ana });
	CODE(end);
	const red = await lk.ask(lk.web, { state: undefined, response_type: 'token' }, { raw: '&state=a+b;scope=c%2B' });
	assert.equal(red.got_state, 'a b;scope=c+');
});

// ---- P-08 ----------------------------------------------------------------------------

table('P-08 at the limit:', [
	['state of 4096', { state: 's'.repeat(4096) }],
	['nonce of 64', { nonce: 'n'.repeat(64) }],
	['100 parameters', {}, 'fill'],
], async (change, fill) => {
	const used = Object.keys(lk.request(lk.web, change).params).length;
	const raw = fill ? Array.from({ length: 100 - used }, (_, i) => `&x${i}=1`).join('') : '';
	ASKS(await lk.ask(lk.web, change, { raw }));
});

table('P-08 over the limit at authorize:', [
	['state of 4097', { state: 's'.repeat(4097) }, '', RED('invalid_request', { state: null })],
	['redirect_uri of 2049', { redirect_uri: `https://app.example/${'r'.repeat(2029)}` }, '', PAGE(400)],
	['client_id of 257', { client_id: 'c'.repeat(257) }, '', PAGE(400)],
	['scope of 2049', { scope: 's'.repeat(2049) }, '', RED('invalid_request')],
	['101 parameters', {}, Array.from({ length: 101 }, (_, i) => `&x${i}=1`).join(''), PAGE(400)],
], async (change, raw, expected) => expected(await lk.ask(lk.web, change, { raw })));

table('P-08 over the limit at the token endpoint:', [
	['code of 1025', `grant_type=authorization_code&redirect_uri=https://app.example/cb&code=${'c'.repeat(1025)}`],
	['refresh_token of 1025', `grant_type=refresh_token&refresh_token=${'r'.repeat(1025)}`],
	['scope of 2049', `grant_type=client_credentials&scope=${'s'.repeat(2049)}`],
	['another of 8193', `grant_type=${'g'.repeat(8193)}`],
	['101 parameters', `grant_type=client_credentials${Array.from({ length: 100 }, (_, i) => `&x${i}=1`).join('')}`],
], async (body) => J400('invalid_request')(await lk.postAs(lk.web, '/oauth/token', body)));

test('P-08 tokens over the limit elsewhere', async () => {
	J400('invalid_request')(await lk.revoke(lk.web, 't'.repeat(1025)));
	J400('invalid_request')(await lk.introspect('t'.repeat(1025)));
});

// ---- P-09, P-10, P-11 ----------------------------------------------------------------

table('P-09 a state beyond printable ASCII:', [
	['e acute', 'caf\u00e9'], ['an emoji', '\u{1f600}'], ['no-break space', 'a\u00a0b'],
], async (state) => RED('invalid_request', { state: null })(await lk.ask(lk.web, { state })));

const MALFORMED = [
	['a leading space', ' export-jobs:read'], ['a trailing space', 'export-jobs:read '],
	['two spaces', 'export-jobs:read  export-jobs:write'], ['a quote', 'export"jobs'],
	['a backslash', 'export\\jobs'], ['beyond ASCII', 'caf\u00e9:read'], ['one space', ' '],
];

table('P-10 A-18 at authorize:', MALFORMED, async (scope) => RED('invalid_scope')(await lk.ask(lk.web, { scope })));
table('P-10 at the token endpoint:', MALFORMED, async (scope) =>
	J400('invalid_scope')(await lk.token(lk.machine, { ...machine, scope })));

test('P-10 duplicates collapse and order does not matter', async () => {
	const ask = async (scope) => TOKENS(await lk.token(lk.machine, { ...machine, scope })).scope;
	assert.equal(await ask('export-jobs:read export-jobs:read'), 'export-jobs:read');
	assert.equal(await ask('export-jobs:write export-jobs:read'), await ask('export-jobs:read export-jobs:write'));
});

test('P-11 parameters of another flow are ignored', async () => {
	TOKENS(await lk.token(lk.machine, { ...machine, code: 'x', refresh_token: 'y', username: 'ana', password: 'p', code_verifier: 'z' }));
	const first = await lk.grant(lk.web);
	TOKENS(await lk.refresh(lk.web, first.refresh_token, { code: 'x', redirect_uri: 'y', code_verifier: 'short' }));
});

test('P-11 C-02 credentials are counted wherever they are', async () => {
	J400('invalid_request')(await lk.token(lk.machine, { ...machine, client_secret: lk.machine.client_secret }));
	J400('invalid_request')(await lk.token(lk.machine, { ...machine, client_assertion: 'x', client_assertion_type: 'y' }));
});

close(lk);
