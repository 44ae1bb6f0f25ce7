// SPDX-License-Identifier: Apache-2.0
//
// What a lying, stalling or breaking server may not do to a client (RULEBOOK section
// 27): each answer is refused for the reason that is stated, nothing is sent where it
// must not go, and what the vault has stays where it must stay.

import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';

import { form, SLOW } from '../../lib/latchkey.mjs';
import { answers, Hostile } from '../hostile.mjs';
import { CALLBACKS, configuration, later, rejected } from './callbacks.mjs';
import { Client } from './client.mjs';
import { HttpsServer, identity } from './https.mjs';

const who = await identity();
const hostile = await Hostile.start(who);
const ELSEWHERE = '127.0.0.3';
const elsewhere = await new HttpsServer(who, (q, r) => hostile.route(q, r)).listen(hostile.server.port, ELSEWHERE);
const client = await Client.make();
after(async () => {
	await client.remove();
	await hostile.close();
	await elsewhere.close();
	await who.remove();
});

// Of one request: where the server says nothing, long enough that the requests before it are
// answered on a slow machine; elsewhere so long that no machine is that slow.
const SILENCE_MS = 5000 * SLOW;
const TIMEOUT_MS = 20000 * SLOW;
const ROUND_TRIPS = { attempts: 1, http_timeout_ms: TIMEOUT_MS };

// Whatever happens, it ends in time and no sentence tells a secret.
async function judge(got, { status, says, within = 2 * TIMEOUT_MS }, secrets) {
	assert.equal(got.status, status, JSON.stringify(got));
	assert.match(got.message, says);
	assert.ok(got.took_ms < within, `${got.took_ms} ms`);
	for (const secret of secrets)
		assert.ok(!got.message.includes(secret), `a secret in: ${got.message}`);
}

function rows(title, list, run) {
	describe(title, { concurrency: 12 }, () => {
		for (const [what, ...rest] of list)
			test(what, () => client.with(rest.some((r) => r?.waits || r?.answer?.waits)
				? { ...ROUND_TRIPS, http_timeout_ms: SILENCE_MS } : ROUND_TRIPS, (driver) => run(driver, ...rest)));
	});
}

// ---- metadata -------------------------------------------------------------------------

const spoilt = (change) => ({ metadata: (m) => ({ ...m, ...change }) });
const instead = (answer) => ({ answer });
const without = (name) => ({ metadata: ({ [name]: gone, ...rest }) => rest });

rows('metadata', [
	['CL-02 of another issuer', spoilt({ issuer: 'https://other.example' }), rejected(/issuer.*other\.example/)],
	['CL-02 of an issuer that differs by a slash', { metadata: (m) => ({ ...m, issuer: `${m.issuer}/` }) }, rejected(/issuer/)],
	['CL-02 of an issuer in other case', { metadata: (m) => ({ ...m, issuer: m.issuer.toUpperCase() }) }, rejected(/issuer/)],
	['CL-02 without an issuer', without('issuer'), rejected(/issuer/)],
	['CL-03 without S256', spoilt({ code_challenge_methods_supported: ['plain'] }), configuration(/S256/)],
	['CL-03 without a word on PKCE', without('code_challenge_methods_supported'), configuration(/S256/)],
	['CL-03 S256 in lower case', spoilt({ code_challenge_methods_supported: ['s256'] }), configuration(/S256/)],
	['CL-03 S256 as a string', spoilt({ code_challenge_methods_supported: 'S256' }), rejected(/code_challenge_methods_supported/)],
	['CL-01 token endpoint on http', spoilt({ token_endpoint: 'http://localhost/token' }), rejected(/token_endpoint.*https/)],
	['CL-01 authorization endpoint on http', spoilt({ authorization_endpoint: 'http://localhost/authorize' }), rejected(/authorization_endpoint.*https/)],
	['CL-01 authorization endpoint that is a script', spoilt({ authorization_endpoint: 'javascript:alert(1)' }), rejected(/authorization_endpoint/)],
	['CL-01 authorization endpoint that is a file', spoilt({ authorization_endpoint: 'file:///etc/passwd' }), rejected(/authorization_endpoint/)],
	['CL-01 pushed requests on http', spoilt({ pushed_authorization_request_endpoint: 'http://localhost/par' }), rejected(/pushed_authorization_request_endpoint.*https/)],
	['CL-01 revocation on http', spoilt({ revocation_endpoint: 'http://localhost/revoke' }), rejected(/revocation_endpoint.*https/)],
	['token endpoint with a password', spoilt({ token_endpoint: 'https://a:b@localhost/token' }), rejected(/token_endpoint/)],
	['token endpoint with a line feed', spoilt({ token_endpoint: 'https://localhost/token\r\nX: y' }), rejected(/token_endpoint/)],
	['token endpoint that is a number', spoilt({ token_endpoint: 5 }), rejected(/token_endpoint/)],
	['without a token endpoint', without('token_endpoint'), rejected(/token_endpoint/)],
	['without an authorization endpoint', without('authorization_endpoint'), { status: /rejected|configuration/, says: /authorization.endpoint/ }],
	['a list', instead(answers.json([])), rejected(/object/)],
	['duplicate members', instead(answers.text(200, '{"issuer":"x","issuer":"y"}')), rejected(/twice/)],
	['invalid UTF-8', instead(answers.text(200, Buffer.from('7b22697373756572223a22ff227d', 'hex'))), rejected(/metadata/)],
	['nested beyond reason', instead(answers.deep(100000)), rejected(/metadata/)],
	['10 MB of it', instead(answers.huge(10e6)), { status: /rejected|try_later|configuration/, says: /large/ }],
	['an endless document', instead(answers.endless()), { status: /rejected|try_later/, says: /large|time/ }],
	['a gzip bomb', instead(answers.bomb(50e6)), { status: /rejected|try_later|configuration/, says: /./ }],
	['slow octets', instead(answers.drip()), later(/time/)],
	['silence', instead(answers.hang()), later(/time/)],
	['a reset', instead(answers.reset()), later(/./)],
	['headers without end', instead(answers.headers(20000)), { status: /try_later|rejected|configuration/, says: /./ }],
	['100 Continue without end', instead(answers.continues()), later(/./)],
	...[302, 307, 308].map((status) => [`CL-01 a redirect ${status}`, instead(answers.redirect(status, 'https://localhost:1/')), configuration(/metadata|redirect/)]),
	['a captive portal', instead(answers.html(200)), { status: /configuration|rejected|try_later/, says: /metadata/ }],
	['404', instead(answers.status(404)), configuration(/metadata.*issuer/)],
	['500', instead(answers.status(500)), later(/500/)],
	['503 with Retry-After', instead(answers.status(503, { 'Retry-After': '7' })), { ...later(/503/), retryAfter: 7 }],
], async (driver, { answer, ...options }, want) => {
	const site = hostile.site(options);
	if (answer)
		for (const endpoint of ['metadata', '.well-known/openid-configuration'])
			site.always(endpoint, answer);
	const got = await driver.start(site);
	if (want.status instanceof RegExp)
		assert.match(got.status, want.status, JSON.stringify(got));
	await judge(got, { ...want, status: want.status instanceof RegExp ? got.status : want.status }, []);
	if (want.retryAfter)
		assert.equal(got.retry_after, want.retryAfter);
	assert.deepEqual(site.ledger.filter((e) => /authorize|par|token/.test(e.endpoint)), [], 'and nothing further is asked');
});

rows('the issuer that is configured', [
	['CL-01 on http', (site) => site.issuer.replace('https:', 'http:'), configuration(/https/)],
	['with a query', (site) => `${site.issuer}?a=b`, configuration(/query/)],
	['with a fragment', (site) => `${site.issuer}#a`, configuration(/fragment/)],
	['CL-01 under a name that the certificate does not have', (site) => site.issuer.replace('localhost', ELSEWHERE), configuration(/certificate/)],
	['nobody there', () => 'https://localhost:1', later(/./)],
], async (driver, issuer, want) => {
	const site = hostile.site();
	const got = await driver.start(site, { issuer: issuer(site) });
	assert.match(got.status, want.status instanceof RegExp ? want.status : new RegExp(`^${want.status}$`), JSON.stringify(got));
	assert.match(got.message, want.says);
	assert.deepEqual(site.ledger, []);
});

test('CL-01 a certificate that nobody vouches for: refused, and said', () => client.with(ROUND_TRIPS, async (driver) => {
	const site = hostile.site();
	const got = await driver.start(site, { ca_file: undefined });
	assert.equal(got.status, 'configuration');
	assert.match(got.message, /certificate .*\(ca_file\)/);
	assert.deepEqual(site.ledger, []);
}));

// ---- the callback ------------------------------------------------------------------------

rows('the callback', CALLBACKS.map((row) => [...row, row[0]]), async (driver, spoil, want, what) => {
	const site = hostile.site();
	const started = await driver.start(site);
	assert.equal(started.status, 'ok', started.message);
	const pairs = site.authorize(started.url);
	const got = await driver.finish(spoil(pairs));
	if (!(want.status instanceof RegExp))
		await judge(got, got.status === 'ok' ? { status: want.status, says: /^/ } : want, site.secrets);
	else
		assert.match(got.status, want.status);
	assert.equal(site.count({ endpoint: 'token' }), got.status === 'ok' ? 1 : 0, 'the token endpoint is asked only for a good answer');
	const again = await driver.finish(form(pairs));
	if (!/^CL-11|^not a form|^nothing/.test(what))
		assert.equal(again.status, 'rejected', 'the attempt has ended with its first answer');
});

test('CL-11 the callback of another browser is refused', () => client.with(ROUND_TRIPS, async (driver) => {
	const site = hostile.site();
	const { url } = await driver.start(site, {}, { browser: 'session-of-ada' });
	const got = await driver.finish(form(site.authorize(url)), { browser: 'session-of-eve' });
	assert.equal(got.status, 'rejected', got.message);
	assert.equal(site.count({ endpoint: 'token' }), 0);
}));

test('CL-12 no iss where none is promised: taken', () => client.with(ROUND_TRIPS, async (driver) => {
	const site = hostile.site(spoilt({ authorization_response_iss_parameter_supported: false }));
	const { url } = await driver.start(site);
	const { iss, ...pairs } = site.authorize(url);
	assert.ok(iss);
	const got = await driver.finish(form(pairs));
	assert.equal(got.status, 'ok', got.message);
}));

test('CL-12 an iss where none is promised has to be right all the same', () => client.with(ROUND_TRIPS, async (driver) => {
	const site = hostile.site(spoilt({ authorization_response_iss_parameter_supported: false }));
	const { url } = await driver.start(site);
	const got = await driver.finish(form({ ...site.authorize(url), iss: 'https://other.example' }));
	assert.equal(got.status, 'rejected', got.message);
}));

// ---- the token endpoint -----------------------------------------------------------------------

const changed = (change) => answers.changed((body) => ({ ...body, ...change }));
const gone = (name) => answers.changed(({ [name]: removed, ...rest }) => JSON.stringify(rest));
const text = (make) => answers.changed((body) => make(JSON.stringify(body), body));
const kept = (want) => ({ ...want, kept: true });
const lost = (want) => ({ ...want, kept: false }); // the server did it: a strict one has replaced the token
const stop = (says) => kept(configuration(says));

const TOKENS = [
	['CL-18 token_type mac', changed({ token_type: 'mac' }), lost(rejected(/token_type/))],
	['CL-19 token_type DPoP', changed({ token_type: 'DPoP' }), lost(rejected(/DPoP/))],
	['CL-18 no token_type', gone('token_type'), lost(rejected(/token_type/))],
	['CL-18 token_type a number', changed({ token_type: 1 }), lost(rejected(/token_type/))],
	['CL-18 no access_token', gone('access_token'), lost(rejected(/access_token/))],
	...[['empty', ''], ['null', null], ['a number', 12345678], ['a list', ['x']], ['an object', {}], ['true', true]].map(([what, value]) =>
		[`CL-18 access_token ${what}`, changed({ access_token: value }), lost(rejected(/access_token/))]),
	['an access_token with a line feed (it goes into a header)', changed({ access_token: 'at_x\r\nX-Admin: yes' }), lost(rejected(/access_token/))],
	['an access_token with a NUL', changed({ access_token: 'at_x\u0000y' }), lost(rejected(/access_token|document/))],
	['an access_token that is not ASCII', changed({ access_token: 'at_ü' }), lost(rejected(/access_token/))],
	['refresh_token a number', changed({ refresh_token: 7 }), lost(rejected(/refresh_token/))],
	['refresh_token a list', changed({ refresh_token: [] }), lost(rejected(/refresh_token/))],
	['CL-21 more scope than was asked for', changed({ scope: 'books:read books:burn' }), lost(rejected(/scope/))],
	['scope a list', changed({ scope: ['books:read'] }), lost(rejected(/scope/))],
	['CL-18 access_token twice', text((json) => json.replace('{', '{"access_token":"at_x",')), lost(rejected(/twice/))],
	['CL-18 refresh_token twice', text((json) => json.replace('{', '{"refresh_token":"rt_x",')), lost(rejected(/twice/))],
	['a member twice, spelt in two ways', text((json) => json.replace('{', '{"\\u0061ccess_token":"at_x",')), lost(rejected(/twice/))],
	['an error with status 200', answers.json({ error: 'invalid_grant' }), kept(rejected(/error/))],
	['a list', answers.json([{ access_token: 'x', token_type: 'Bearer' }]), kept(rejected(/object/))],
	['a string', answers.json('ok'), kept(rejected(/object|JSON/))],
	['nothing', answers.text(200, ''), kept(rejected(/./))],
	['half of a document', answers.text(200, '{"access_token":"at_x","token_type":"Bea'), kept(rejected(/./))],
	['two documents', text((json) => `${json}${json}`), lost(rejected(/./))],
	['a byte order mark', text((json) => `\ufeff${json}`), lost(rejected(/./))],
	['invalid UTF-8', answers.text(200, Buffer.concat([Buffer.from('{"token_type":"Bearer","access_token":"at_'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')])), kept(rejected(/./))],
	['nested beyond reason', answers.deep(100000), kept(rejected(/./))],
	['a web page with status 200', answers.html(200), kept(rejected(/./))],
	['status 201', answers.text(201, '{"access_token":"at_x","token_type":"Bearer"}'), kept(rejected(/201/))],
	['status 204', answers.text(204, ''), kept(rejected(/204/))],
	...[301, 302, 303, 307, 308].map((status) => [`CL-01 a redirect ${status}`, 'redirect', kept(rejected(/redirect/)), status]),
	['10 MB', answers.huge(10e6), kept({ status: /rejected|try_later/, says: /large/ })],
	['an endless document', answers.endless(), kept({ status: /rejected|try_later/, says: /large|time/ })],
	['a gzip bomb', answers.bomb(50e6), kept({ status: /rejected|try_later/, says: /./ })],
	['headers without end', answers.headers(20000), kept({ status: /try_later|rejected/, says: /large/ })],
	['100 Continue without end', answers.continues(), kept(later(/./))],
	['HTTP/0.9', answers.http09(), kept(later(/./))],
	['slow octets', answers.drip(), lost(later(/time/))],
	['silence', answers.hang(), kept(later(/time/))],
	['silence after the deed', answers.hangsAfter(), lost(later(/time/))],
	['a reset', answers.reset(), kept(later(/./))],
	['a reset after the deed', answers.dropped(), lost(later(/./))],
	['half an answer', answers.half(), lost(later(/./))],
	['CL-29 invalid_client', answers.error(401, 'invalid_client'), stop(/invalid_client/)],
	['CL-29 unauthorized_client', answers.error(400, 'unauthorized_client'), stop(/unauthorized_client/)],
	['CL-29 invalid_scope', answers.error(400, 'invalid_scope'), stop(/invalid_scope/)],
	['CL-29 invalid_request', answers.error(400, 'invalid_request'), stop(/invalid_request/)],
	['CL-29 an error of no kind', answers.error(400, 'beyond_repair'), stop(/beyond_repair/)],
	['CL-30 temporarily_unavailable', answers.error(400, 'temporarily_unavailable'), kept(later(/temporarily_unavailable/))],
	...[408, 425, 429, 500, 502, 503, 504].map((status) => [`CL-30 status ${status}`, answers.status(status), kept(later(new RegExp(status)))]),
	['CL-30 invalid_grant with status 500', answers.error(500, 'invalid_grant'), kept(later(/500/))],
	['CL-31 invalid_grant as a web page', answers.html(400, '{"error":"invalid_grant"}'), kept(later(/./))],
	['CL-31 invalid_grant with status 404', answers.error(404, 'invalid_grant'), kept(later(/./))],
	['CL-31 a captive portal, 400', answers.html(400), kept(later(/./))],
	['CL-31 a captive portal, 401', answers.html(401), kept(later(/./))],
	['CL-31 a captive portal, 403', answers.html(403), kept(later(/./))],
	['CL-31 400 with a list', answers.text(400, '["invalid_grant"]'), kept(later(/./))],
	['CL-31 400 with two errors', answers.text(400, '{"error":"invalid_client","error":"invalid_grant"}'), kept(later(/./))],
	['CL-31 400 with an error that is a list', answers.text(400, '{"error":["invalid_grant"]}'), kept(later(/./))],
	['CL-31 400 with nothing', answers.status(400), kept(later(/./))],
	['an error that moves the cursor', answers.text(400, JSON.stringify({ error: 'invalid_scope', error_description: '\u001b]0;pwned\u0007\r\nX: y' })), stop(/^[^\u0000-\u001f\u007f]*$/)],
];

function spoil(site, answer, status) {
	site.next('token', answer === 'redirect' ? answers.redirect(status, `${site.issuer}/elsewhere`) : answer);
}

const pattern = (status) => (status instanceof RegExp ? status : new RegExp(`^${status}$`));

rows('the answer to a code', TOKENS, async (driver, answer, want, status) => {
	const site = hostile.site();
	const started = await driver.start(site, { scope: 'books:read' });
	assert.equal(started.status, 'ok', started.message);
	spoil(site, answer, status);
	const got = await driver.finish(form(site.authorize(started.url)));
	assert.match(got.status, pattern(want.status), JSON.stringify(got));
	await judge(got, { ...want, status: got.status }, site.secrets);
	assert.equal(site.count({ endpoint: 'elsewhere' }), 0, 'no redirect is followed');
	assert.equal(site.count({ endpoint: 'token' }), 1, 'CL-17 a code is not sent again');
	assert.equal((await driver.open(started.name)).status, 'not_found', 'and there is no connection');
});

rows('the answer to a refresh', TOKENS, async (driver, answer, want, status) => {
	const site = hostile.site();
	const { name } = await driver.connect(site, { scope: 'books:read' });
	const [family] = site.families;
	const before = family.current;
	spoil(site, answer, status);
	const got = await driver.refresh(name);
	assert.match(got.status, pattern(want.status), JSON.stringify(got));
	await judge(got, { ...want, status: got.status }, site.secrets);
	assert.equal(site.count({ endpoint: 'elsewhere' }), 0, 'no redirect is followed');
	assert.equal((await driver.info(name)).state, 'connected');
	assert.equal(family.current === before, want.kept, 'the row says whether the server did it');
	const then = await driver.refreshSettled(name);
	if (want.kept)
		assert.equal(then.status, 'ok', `the old refresh token has to be there still: ${JSON.stringify(then)}`);
	else
		assert.equal(then.status, 'reconnect', `a strict server has replaced it: ${JSON.stringify(then)}`);
});

test('CL-29 invalid_grant: the connection is at its end, and the tokens are gone', () => client.with(ROUND_TRIPS, async (driver) => {
	const site = hostile.site();
	const { name } = await driver.connect(site);
	site.next('token', answers.error(400, 'invalid_grant'));
	const got = await driver.refresh(name);
	assert.equal(got.status, 'reconnect', got.message);
	assert.match(got.message, /connect/);
	assert.equal(got.code, 'invalid_grant');
	assert.equal((await driver.info(name)).state, 'reconnect');
	const asked = site.ledger.length;
	assert.equal((await driver.token(name)).status, 'reconnect');
	assert.equal(site.ledger.length, asked, 'the server is not asked again');
}));

const TOLERATED = [
	['CL-20 expires_in as a string', changed({ expires_in: '3600' }), 3590],
	['CL-20 no expires_in', gone('expires_in'), -1],
	...[0, -1, 1e18, 'soon', null, 3.5, [], true].map((value) => [`CL-20 expires_in ${JSON.stringify(value)}`, changed({ expires_in: value }), -1]),
	['CL-18 bearer in lower case', changed({ token_type: 'bearer' }), 3590],
	['CL-18 members that nobody knows', changed({ example: { a: [1] }, id: 7 }), 3590],
	['CL-26 no refresh_token: the old one is kept', gone('refresh_token'), 3590],
	['CL-26 refresh_token null', changed({ refresh_token: null }), 3590],
	['CL-21 less scope', changed({ scope: 'books:read' }), 3590],
	['CL-21 no scope', gone('scope'), 3590],
	['CL-40 an access_token of 40,000 characters', changed({ access_token: 'a'.repeat(40000) }), 3590],
	['HTTP/1.0 without a length', answers.http10(), 3590],
];

rows('what is tolerated', TOLERATED, async (driver, answer, expiresIn) => {
	const site = hostile.site({ scope: 'books:read books:write' });
	const { name } = await driver.connect(site, { scope: 'books:read books:write' });
	site.next('token', answer);
	const got = await driver.refresh(name);
	assert.equal(got.status, 'ok', got.message);
	if (expiresIn < 0)
		assert.ok(got.expires_in <= 3600, 'what is not said is short or unknown');
	else
		assert.ok(got.expires_in >= expiresIn, `${got.expires_in}`);
});

test('CL-21 less scope is told to the caller', () => client.with(ROUND_TRIPS, async (driver) => {
	const site = hostile.site({ scope: 'books:read books:write' });
	const started = await driver.start(site, { scope: 'books:read books:write' });
	site.next('token', changed({ scope: 'books:read' }));
	const got = await driver.finish(form(site.authorize(started.url)));
	assert.equal(got.status, 'ok', got.message);
	assert.equal((await driver.info(started.name)).scope, 'books:read');
}));

// ---- Retry-After ------------------------------------------------------------------------------

const date = (seconds) => new Date(Date.now() + seconds * 1000).toUTCString();
rows('CL-32 Retry-After', [
	['in seconds', () => '7', 7, 14],
	['a date', () => date(20), 15, 40],
	['a date that is past', () => date(-3600), 1, 300],
	['absurd', () => '99999999999999999999', 1, 86400],
	['negative', () => '-5', 1, 300],
	['no number', () => 'tomorrow', 1, 300],
], async (driver, value, least, most) => {
	const site = hostile.site();
	const { name } = await driver.connect(site);
	site.always('token', answers.status(429, { 'Retry-After': value() }));
	const got = await driver.refresh(name);
	assert.equal(got.status, 'try_later', got.message);
	assert.ok(got.retry_after >= least && got.retry_after <= most, `retry_after ${got.retry_after}`);
	const asked = site.refreshes();
	const again = await driver.refresh(name);
	assert.equal(again.status, 'try_later');
	if (least > 1)
		assert.equal(site.refreshes(), asked, 'the server is not asked before that');
});

test('CL-32 500, then success: tried again within the call, with a pause', () => client.with({ attempts: 4, http_timeout_ms: TIMEOUT_MS, lock_wait_ms: 4 * TIMEOUT_MS }, async (driver) => {
	const site = hostile.site();
	const { name } = await driver.connect(site);
	site.next('token', answers.status(500), answers.reset());
	const got = await driver.refresh(name);
	assert.equal(got.status, 'ok', got.message);
	const times = site.ledger.filter((e) => e.grant_type === 'refresh_token').map((e) => e.at);
	assert.equal(times.length, 3);
	assert.ok(times[2] - times[0] > 20, `pauses of ${times[1] - times[0]} and ${times[2] - times[1]} ms`);
}));

test('CL-32 a server that is gone is not asked without end', () => client.with({ attempts: 4, http_timeout_ms: TIMEOUT_MS }, async (driver) => {
	const site = hostile.site();
	const { name } = await driver.connect(site);
	site.always('token', answers.status(503));
	const got = await driver.refresh(name);
	assert.equal(got.status, 'try_later', got.message);
	assert.ok(site.refreshes() <= 4);
}));

// ---- the neighbours ----------------------------------------------------------------------------

rows('CL-10 pushed requests', [
	['a redirect', answers.redirect(307, 'https://localhost:1/'), { status: /rejected|configuration|try_later/ }],
	['500', answers.status(500), { status: /^try_later$/ }],
	['invalid_request', answers.error(400, 'invalid_request'), { status: /^configuration$/ }],
	['no request_uri', answers.text(201, '{"expires_in":60}'), { status: /^rejected$/ }],
	['a request_uri that is a number', answers.text(201, '{"request_uri":5,"expires_in":60}'), { status: /^rejected$/ }],
	['a request_uri twice', answers.text(201, '{"request_uri":"urn:a","request_uri":"urn:b","expires_in":60}'), { status: /^rejected$/ }],
	['an endless answer', answers.endless('{"request_uri":"'), { status: /rejected|try_later/ }],
	['a web page', answers.html(400), { status: /^try_later$/ }],
], async (driver, answer, want) => {
	const site = hostile.site();
	site.always('par', answer);
	const got = await driver.start(site);
	assert.match(got.status, want.status, JSON.stringify(got));
	assert.ok(got.message.length > 20);
});

const DEVICE = { device_code: 'dc_x', user_code: 'ABCD-EFGH', verification_uri: 'https://localhost/device', expires_in: 60, interval: 1 };
const device = (change) => answers.json({ ...DEVICE, ...change });
rows('RFC 8628 the device answer', [
	['verification_uri on http', device({ verification_uri: 'http://localhost/device' }), rejected(/verification_uri.*https/)],
	['verification_uri that is a script', device({ verification_uri: 'javascript:alert(1)' }), rejected(/verification_uri/)],
	['verification_uri_complete on http', device({ verification_uri_complete: 'http://localhost/device?c=1' }), rejected(/verification_uri_complete/)],
	['a user_code that moves the cursor', device({ user_code: '\u001b[2JABCD' }), rejected(/user_code/)],
	['a user_code that nobody can type', device({ user_code: 'x'.repeat(4000) }), rejected(/user_code/)],
	['no device_code', device({ device_code: undefined }), rejected(/device_code/)],
	['a list', answers.json([DEVICE]), rejected(/object/)],
	['a web page', answers.html(200), rejected(/./)],
	['500', answers.status(500), later(/500/)],
	['invalid_client', answers.error(401, 'invalid_client'), configuration(/invalid_client/)],
], async (driver, answer, want) => {
	const site = hostile.site();
	site.always('device', answer);
	const got = await driver.connectDevice(site);
	await judge(got, want, site.secrets);
	assert.equal(got.shown, undefined, 'nothing is shown to the person');
	assert.equal(site.count({ endpoint: 'token' }), 0);
});

test('CL-39 revocation that fails: nothing is forgotten, until the person wants it', () => client.with({ ...ROUND_TRIPS, http_timeout_ms: SILENCE_MS }, async (driver) => {
	for (const answer of [answers.status(503), answers.reset(), answers.hang(), answers.redirect(302, 'https://localhost:1/')]) {
		const site = hostile.site();
		const { name } = await driver.connect(site);
		site.always('revoke', answer);
		const { token } = await driver.token(name);
		const got = await driver.disconnect(name);
		assert.match(got.status, /try_later|rejected|configuration/, JSON.stringify(got));
		assert.equal((await driver.token(name)).token, token);
		assert.equal((await driver.forget(name)).status, 'ok');
		assert.equal((await driver.forget(name)).status, 'not_found');
		await driver.drop(name);
		assert.equal((await driver.open(name)).status, 'not_found');
	}
}));

test('CL-39 revocation: any 200 is success', () => client.with(ROUND_TRIPS, async (driver) => {
	for (const answer of [undefined, answers.html(200), answers.text(200, 'null')]) {
		const site = hostile.site();
		const { name } = await driver.connect(site);
		if (answer)
			site.next('revoke', answer);
		const got = await driver.disconnect(name);
		assert.equal(got.status, 'ok', got.message);
		assert.equal(site.count({ endpoint: 'revoke' }), 1);
		await driver.drop(name);
		assert.equal((await driver.open(name)).status, 'not_found');
	}
}));
