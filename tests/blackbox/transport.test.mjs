// SPDX-License-Identifier: Apache-2.0
//
// RULEBOOK section 1: what travels, before anything of OAuth is looked at.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import tls from 'node:tls';

import { close, startCast, table } from '../lib/cast.mjs';
import { SLOW, address, basic, form, random, requestBytes, run } from '../lib/latchkey.mjs';
import { J400, JSON_ERROR, OK, STATUS, TOKENS, noChange } from '../lib/outcome.mjs';

const lk = await startCast();
const METADATA = '/.well-known/oauth-authorization-server';
const FORM = 'application/x-www-form-urlencoded';
const auth = ['Authorization', basic(lk.machine.client_id, lk.machine.client_secret)];
const BODY = 'grant_type=client_credentials';

// ---- H-01: plain HTTP --------------------------------------------------------

async function plainly(bytes) {
	const c = await lk.connect({ plain: true });
	await c.send(bytes);
	const answer = await c.read().catch(() => null);
	assert.ok(await c.waitClosed(5000), 'the connection stays open');
	if (answer === null)
		return;
	assert.equal(answer.status, 400);
	assert.equal(answer.get('location'), undefined);
	assert.equal(answer.get('strict-transport-security'), undefined);
	assert.ok(answer.body.length < 500 && !answer.isHtml && !answer.isJson);
}

test('H-01 plain HTTP on the TLS port gets no more than a short 400', () =>
	plainly(requestBytes({ target: METADATA, host: lk.host })));

test('H-01 a code sent in the clear is not redeemed', async () => {
	const granted = await lk.authorize(lk.web);
	await plainly(requestBytes({
		method: 'POST', target: '/oauth/token', host: lk.host,
		headers: [['Content-Type', FORM], ['Authorization', basic(lk.web.client_id, lk.web.client_secret)]],
		body: form({
			grant_type: 'authorization_code', code: granted.code,
			redirect_uri: lk.web.redirect_uri, code_verifier: granted.verifier,
		}),
	}));
	await noChange(() => lk.exchange(lk.web, granted));
});

// ---- H-02, H-03: TLS -----------------------------------------------------------

function handshake(options) {
	return new Promise((resolve, reject) => {
		const socket = tls.connect({
			host: '127.0.0.1', port: lk.port, ca: lk.ca, servername: 'localhost', ...options,
		});
		socket.once('secureConnect', () => {
			resolve({ protocol: socket.getProtocol(), cipher: socket.getCipher().name });
			socket.destroy();
		});
		socket.once('error', reject);
	});
}

const OLD = { minVersion: 'TLSv1', ciphers: 'ALL:@SECLEVEL=0' };
const V12 = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' };

table('H-02', [
	['TLS 1.0 is refused', { ...OLD, maxVersion: 'TLSv1' }],
	['TLS 1.1 is refused', { ...OLD, maxVersion: 'TLSv1.1' }],
	['a suite without forward secrecy is refused', { ...V12, ciphers: 'AES128-GCM-SHA256:AES256-GCM-SHA384' }],
	['CBC suites are refused', { ...V12, ciphers: 'ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA384:ECDHE-RSA-AES256-SHA384' }],
	['suites without authentication are refused', { ...V12, ciphers: 'aNULL:@SECLEVEL=0' }],
], (options) => assert.rejects(handshake(options), /alert|ECONNRESET/i));

table('H-02', [
	['TLS 1.3 is served', { minVersion: 'TLSv1.3' }, 'TLSv1.3', 'TLS_AES_128_GCM_SHA256'],
	['TLS 1.2 with ECDHE and AEAD is served', { ...V12 }, 'TLSv1.2', /^ECDHE-.*(GCM|CHACHA20)/],
], async (options, protocol, cipher) => {
	const got = await handshake(options);
	assert.equal(got.protocol, protocol);
	assert.match(got.cipher, cipher instanceof RegExp ? cipher : new RegExp(`^${cipher}$`));
});

test('H-02 renegotiation is refused', async () => {
	const c = await lk.connect(V12);
	const error = await new Promise((resolve) => {
		c.socket.once('close', () => resolve(new Error('closed')));
		c.socket.renegotiate({}, (e) => resolve(e));
	});
	assert.ok(error, 'the server renegotiated');
	c.close();
});

test('H-02 H-03 no compression, no early data', async () => {
	const { stdout } = await run('openssl', [
		's_client', '-connect', `127.0.0.1:${lk.port}`, '-servername', 'localhost', '-CAfile', lk.findCa(), '-tls1_3',
	], { input: `GET ${METADATA} HTTP/1.1\r\nHost: ${lk.host}\r\nConnection: close\r\n\r\n`.padEnd(600) });
	assert.match(stdout, /Verify return code: 0/);
	assert.match(stdout, /Compression: NONE/);
	assert.match(stdout, /Early data was not sent/);
	assert.doesNotMatch(stdout, /Max Early Data: [1-9]/);
});

// ---- H-05, H-06: who we are is configured, not told -------------------------------

table('H-05', [
	['a foreign Host', 'evil.example'],
	['the right host on another port', 'localhost:1'],
	['a longer name', `${lk.host}.evil.example`],
	['an empty Host', ''],
], async (host) => {
	const answer = await lk.get(METADATA, [['Host', host]]);
	assert.ok([400, 421].includes(answer.status), String(answer));
	assert.ok(!answer.text.includes('evil.example'));
});

test('H-05 the metadata never follow forwarding headers', async () => {
	const plain = await lk.get(METADATA);
	const told = await lk.get(METADATA, [
		['X-Forwarded-Host', 'evil.example'], ['X-Forwarded-Proto', 'http'], ['Forwarded', 'host=evil.example;proto=http'],
	]);
	OKJSON(told);
	assert.equal(told.text, plain.text);
	assert.equal(told.json.issuer, lk.issuer);
});

function OKJSON(answer) {
	assert.equal(answer.status, 200, String(answer));
	assert.ok(answer.isJson);
}

test('H-06 forwarding headers of a peer that is no named proxy are ignored', async () => {
	const mark = random(6);
	await lk.get(`/${mark}`, [
		['X-Forwarded-For', '203.0.113.9'], ['Forwarded', 'for=203.0.113.9'], ['X-Real-IP', '203.0.113.9'],
		['X-SSL-Client-Verify', 'SUCCESS'], ['Client-Cert', ':aGk=:'],
	]);
	const line = await lk.eventually('the request in the log', () => lk.events('request').find((e) => e.path === `/${mark}`));
	assert.equal(line.peer, lk.from);
});

// ---- H-07: methods -------------------------------------------------------------------

const POST_ONLY = ['/oauth/token', '/oauth/revoke', '/oauth/introspect'];
const WRONG = [
	...POST_ONLY.flatMap((path) => ['GET', 'HEAD', 'PUT', 'DELETE', 'PATCH', 'BREW'].map((m) => [m, path, 'POST'])),
	...['HEAD', 'PUT', 'DELETE', 'OPTIONS', 'BREW'].map((m) => [m, '/oauth/authorize', 'GET, POST']),
	...['POST', 'PUT', 'DELETE'].map((m) => [m, METADATA, 'GET, HEAD']),
	...['PUT', 'DELETE'].flatMap((m) => ['/signin', '/consent', '/account'].map((path) => [m, path, undefined])),
];

table('H-07', WRONG.map(([m, path, allow]) => [`${m} ${path} is 405`, m, path, allow]), async (method, path, allow) => {
	const answer = await lk.send({ method, target: path });
	assert.equal(answer.status, 405, String(answer));
	const listed = (answer.get('allow') ?? '').split(/\s*,\s*/).filter((m) => m !== 'OPTIONS').sort();
	if (allow)
		assert.equal(listed.join(', '), allow);
	assert.ok(listed.length > 0 && !listed.includes(method));
});

test('H-07 no parameter of a refused method is processed', async () => {
	const granted = await lk.authorize(lk.web);
	const answer = await lk.get(`/oauth/token?${form({
		grant_type: 'authorization_code', code: granted.code,
		redirect_uri: lk.web.redirect_uri, code_verifier: granted.verifier,
	})}`, [['Authorization', basic(lk.web.client_id, lk.web.client_secret)]]);
	STATUS(405)(answer);
	await noChange(() => lk.exchange(lk.web, granted));
});

test('H-07 HEAD of the metadata has the headers of GET and no body', async () => {
	const answer = await lk.send({ method: 'HEAD', target: METADATA });
	assert.equal(answer.status, 200);
	assert.equal(answer.body.length, 0);
	assert.equal(answer.get('content-length'), String((await lk.get(METADATA)).body.length));
});

// ---- H-08, H-09, H-10: the body and how it is declared -----------------------------

const json = JSON.stringify({ grant_type: 'client_credentials' });
const multipart = '--x\r\nContent-Disposition: form-data; name="grant_type"\r\n\r\nclient_credentials\r\n--x--\r\n';

table('H-08 refused:', [
	['JSON', [['Content-Type', 'application/json']], json],
	['multipart', [['Content-Type', 'multipart/form-data; boundary=x']], multipart],
	['text/plain', [['Content-Type', 'text/plain']], BODY],
	['no type with a body', [], BODY],
	['an empty type', [['Content-Type', '']], BODY],
	['a longer type', [['Content-Type', `${FORM}x`]], BODY],
	['two types', [['Content-Type', FORM], ['Content-Type', FORM]], BODY],
	['a list of types', [['Content-Type', `${FORM}, application/json`]], BODY],
	['another charset', [['Content-Type', `${FORM}; charset=iso-8859-1`]], BODY],
	['another parameter', [['Content-Type', `${FORM}; boundary=x`]], BODY],
], async (headers, body) => {
	for (const target of POST_ONLY)
		J400('invalid_request')(await lk.send({ method: 'POST', target, headers: [auth, ...headers], body }));
	await noChange(() => lk.token(lk.machine, { grant_type: 'client_credentials' }));
});

table('H-08 accepted:', [
	['charset=utf-8', `${FORM}; charset=utf-8`],
	['any case', 'Application/X-WWW-Form-URLEncoded;CHARSET=UTF-8'],
	['a quoted charset', `${FORM}; charset="utf-8"`],
], async (type) => {
	TOKENS(await lk.send({ method: 'POST', target: '/oauth/token', headers: [auth, ['Content-Type', type]], body: BODY }));
});

table('H-09 a query in the target of', POST_ONLY.map((path) => [path, path]), async (path) => {
	for (const query of ['?x=1', '?', `?${BODY}`])
		J400('invalid_request')(await lk.post(`${path}${query}`, `${BODY}&token=x`, [auth]));
});

test('H-09 a secret in the query is not honoured', async () => {
	const { client_id, client_secret } = lk.machine;
	const answer = await lk.post(`/oauth/token?${form({ client_id, client_secret })}`, BODY);
	J400('invalid_request')(answer);
});

table('H-10 Content-Encoding', POST_ONLY.map((path) => [path, path]), async (target) => {
	for (const coding of ['gzip', 'br', 'deflate'])
		STATUS(415)(await lk.send({
			method: 'POST', target, body: BODY,
			headers: [auth, ['Content-Type', FORM], ['Content-Encoding', coding]],
		}));
});

// ---- H-11: sizes -------------------------------------------------------------------

const pad = (bytes) => {
	let out = BODY;
	for (let i = 0; out.length < bytes; i++)
		out += `&x${i}=${'a'.repeat(Math.max(0, Math.min(7000, bytes - out.length - `&x${i}=`.length)))}`;
	return out.slice(0, bytes);
};

test('H-11 a body of 64 KiB is read', async () => {
	const body = pad(65536);
	assert.equal(body.length, 65536);
	TOKENS(await lk.post('/oauth/token', body, [auth]));
});

table('H-11 a body over 64 KiB:', POST_ONLY.map((path) => [path, path]), async (path) => {
	JSON_ERROR(413, 'invalid_request')(await lk.post(path, pad(65537), [auth]));
});

test('H-11 a body far over the limit: 413 can be read while it is still being sent', async () => {
	const body = Buffer.alloc(8 << 20, 'a').toString();
	const c = await lk.connect();
	await c.send(requestBytes({
		method: 'POST', target: '/oauth/token', host: lk.host, headers: [['Content-Type', FORM]], body,
	}));
	assert.equal((await c.read({ method: 'POST', target: '/oauth/token' }, 5000)).status, 413);
	await c.waitClosed(8000 * SLOW);
	assert.equal(c.error, undefined);
});

test('RFC 9112 3.2.2 absolute-form: ours is answered, another authority is not', async () => {
	const ask = async (target) => (await lk.get(target)).status;
	assert.equal(await ask(`https://${lk.host}/.well-known/oauth-authorization-server`), 200);
	assert.equal(await ask(`https://${lk.host}/nothing`), 404);
	assert.equal(await ask('https://elsewhere.example/'), 400);
	assert.equal(await ask(`http://${lk.host}/`), 400);
});

test('a flood of refused connections is one line a second for each reason', async () => {
	const told = () => lk.events('connection_refused').filter((e) => /neither a path/.test(e.why));
	const before = told().length;
	const from = address();
	const begun = Date.now();
	for (let i = 0; i < 60; i++)
		assert.equal((await lk.get('nowhere', [], { from })).status, 400);
	const mine = () => told().slice(before).filter((e) => e.peer === from);
	const sum = () => mine().reduce((n, e) => n + e.count, 0);
	await lk.eventually('all are counted', () => sum() === 60);
	const workers = lk.events('started')[0].workers;
	assert.ok(mine().length <= workers * (2 + (Date.now() - begun) / 1000), JSON.stringify(mine()));
});

test('H-11 a body announced as huge is refused before it is sent', async () => {
	const c = await lk.connect();
	await c.send(requestBytes({
		method: 'POST', target: '/oauth/token', host: lk.host,
		headers: [['Content-Type', FORM], ['Content-Length', '2000000000']],
	}));
	const answer = await c.read({ method: 'POST', target: '/oauth/token' }, 5000);
	assert.equal(answer.status, 413);
	c.close();
});

test('H-11 an authorisation request over 16 KiB is 414', async () => {
	const request = lk.request(lk.web);
	STATUS(414)(await lk.get(`/oauth/authorize?${form(request.params)}&${'x'.repeat(20000)}`));
	const fits = await lk.get(`/oauth/authorize?${form(request.params)}&x=${'x'.repeat(8000)}&y=${'y'.repeat(6000)}`);
	assert.ok([200, 303].includes(fits.status), String(fits));
});

test('H-11 a header block over 32 KiB is 431', async () => {
	STATUS(431)(await lk.get(METADATA, [['X-Big', 'x'.repeat(33000)]]));
	STATUS(200)(await lk.get(METADATA, [['X-Big', 'x'.repeat(20000)]]));
	STATUS(431)(await lk.get(METADATA, Array.from({ length: 500 }, (_, i) => [`X-${i}`, 'x'])));
});

// ---- H-12: framing -------------------------------------------------------------------

const START = `POST /oauth/token HTTP/1.1\r\nHost: ${lk.host}\r\nContent-Type: ${FORM}\r\n${auth.join(': ')}\r\n`;
const GET = `GET ${METADATA} HTTP/1.1\r\n`;
const HOST = `Host: ${lk.host}\r\n`;
const chunk = (text) => `${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`;
const n = BODY.length;

table('H-12 400 and close:', [
	['two different Content-Lengths', `${START}Content-Length: ${n}\r\nContent-Length: ${n + 1}\r\n\r\n${BODY}`],
	['two equal Content-Lengths', `${START}Content-Length: ${n}\r\nContent-Length: ${n}\r\n\r\n${BODY}`],
	['a list of Content-Lengths', `${START}Content-Length: ${n}, ${n}\r\n\r\n${BODY}`],
	['Content-Length with chunked', `${START}Content-Length: ${n}\r\nTransfer-Encoding: chunked\r\n\r\n${chunk(BODY)}`],
	['chunked with Content-Length', `${START}Transfer-Encoding: chunked\r\nContent-Length: ${n}\r\n\r\n${chunk(BODY)}`],
	['Transfer-Encoding: xchunked with Content-Length', `${START}Transfer-Encoding: xchunked\r\nContent-Length: ${n}\r\n\r\n${BODY}`],
	['chunked twice', `${START}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n${chunk(BODY)}`],
	['Content-Length: +n', `${START}Content-Length: +${n}\r\n\r\n${BODY}`],
	['Content-Length: n and letters', `${START}Content-Length: ${n}abc\r\n\r\n${BODY}`],
	['Content-Length: -1', `${START}Content-Length: -1\r\n\r\n${BODY}`],
	['Content-Length: 0x1d', `${START}Content-Length: 0x1d\r\n\r\n${BODY}`],
	['an empty Content-Length', `${START}Content-Length:\r\n\r\n${BODY}`],
	['Content-Length beyond 64 bits', `${START}Content-Length: 18446744073709551645\r\n\r\n${BODY}`],
	['space before the colon', `${GET}${HOST}X-A : b\r\n\r\n`],
	['Content-Length with a space before the colon', `${START}Content-Length : ${n}\r\n\r\n${BODY}`],
	['NUL in a header value', `${GET}${HOST}X-A: a\0b\r\n\r\n`],
	['NUL in a header name', `${GET}${HOST}X\0A: b\r\n\r\n`],
	['obs-fold', `${GET}${HOST}X-A: b\r\n c\r\n\r\n`],
	['obs-fold by tab', `${GET}${HOST}X-A: b\r\n\tc\r\n\r\n`],
	['a first header that is folded', `${GET} X-A: b\r\n${HOST}\r\n`],
	['no Host', `${GET}X-A: b\r\n\r\n`],
	['two Hosts', `${GET}${HOST}${HOST}\r\n`],
	['bare LF after the request line', `GET ${METADATA} HTTP/1.1\n${HOST}\r\n`],
	['bare LF between headers', `${GET}Host: ${lk.host}\nX-A: b\r\n\r\n`],
	['bare LF at the end', `${GET}${HOST}\n`],
	['bare CR in a value', `${GET}${HOST}X-A: a\rb\r\n\r\n`],
	['bare CR as line end', `${GET}Host: ${lk.host}\rX-A: b\r\n\r\n`],
	['a line without a colon', `${GET}${HOST}nonsense\r\n\r\n`],
	['an empty header name', `${GET}${HOST}: b\r\n\r\n`],
	['a control character in a value', `${GET}${HOST}X-A: \x01\r\n\r\n`],
	['two spaces in the request line', `GET  ${METADATA} HTTP/1.1\r\n${HOST}\r\n`],
	['a tab in the request line', `GET\t${METADATA} HTTP/1.1\r\n${HOST}\r\n`],
	['a target with a raw control character', `GET /\x01 HTTP/1.1\r\n${HOST}\r\n`],
	['HTTP/0.9', `GET ${METADATA}\r\n\r\n`],
	['a chunk size that is no number', `${START}Transfer-Encoding: chunked\r\n\r\nzz\r\n${BODY}\r\n0\r\n\r\n`],
	['a chunk with a bare LF', `${START}Transfer-Encoding: chunked\r\n\r\n${n.toString(16)}\n${BODY}\r\n0\r\n\r\n`],
	['a chunk longer than announced', `${START}Transfer-Encoding: chunked\r\n\r\n5\r\n${BODY}\r\n0\r\n\r\n`],
], async (bytes) => {
	const c = await lk.connect();
	// A second request behind the first one is what a smuggler hopes for.
	await c.send(bytes + `${GET}${HOST}\r\n`);
	const answer = await c.read({ method: 'POST', target: '/oauth/token' }, 5000);
	assert.ok(answer, 'closed without an answer');
	assert.ok([400, 501, 505].includes(answer.status), String(answer));
	assert.ok(!/access_token/.test(answer.text));
	assert.equal((await c.rest(5000)).length, 0, 'something more was answered');
	assert.ok(await c.waitClosed(5000), 'the connection stays open');
});

test('H-12 other versions of HTTP are refused', async () => {
	for (const version of ['HTTP/1.0', 'HTTP/2.0', 'HTTP/1.2', 'http/1.1', 'HTTP/1.1x']) {
		const c = await lk.connect();
		await c.send(`GET ${METADATA} ${version}\r\n${HOST}\r\n`);
		const answer = await c.read({}, 5000);
		if (version === 'HTTP/1.0' && answer?.status === 200)
			continue;
		assert.ok([400, 505].includes(answer?.status), `${version}: ${answer}`);
		c.close();
	}
});

test('H-12 an honest chunked body is read', async () => {
	const c = await lk.connect();
	await c.send(`${START}Transfer-Encoding: chunked\r\n\r\n${chunk(BODY)}`);
	TOKENS(await c.read({ method: 'POST', target: '/oauth/token' }));
	c.close();
});

test('H-12 requests in a row on one connection are answered in order', async () => {
	const c = await lk.connect();
	await c.send(`${GET}${HOST}\r\nGET /nowhere HTTP/1.1\r\n${HOST}\r\n${GET}${HOST}\r\n`);
	const statuses = [await c.read(), await c.read(), await c.read()].map((a) => a.status);
	assert.deepEqual(statuses, [200, 404, 200]);
	c.close();
});

test('H-12 a request in single bytes is the same request', async () => {
	const c = await lk.connect();
	for (const byte of `${START}Content-Length: ${n}\r\n\r\n${BODY}`)
		c.socket.write(byte);
	TOKENS(await c.read({ method: 'POST', target: '/oauth/token' }));
	c.close();
});

test('H-16 a reply waits for its change, also on memory that a closed connection left', async () => {
	const close = ['Connection', 'close'];
	for (let i = 0; i < 10; i++) {
		// Both threads answer and close; then both wait for the disk.
		await Promise.all(Array.from({ length: 4 }, () => lk.get(METADATA, [close], { from: address() })));
		await Promise.all(Array.from({ length: 4 }, async () => {
			const from = address();
			const tokens = await lk.grant(lk.web, {}, { user: lk.ben });
			OK(await lk.refresh(lk.web, tokens.refresh_token, {}, { from, headers: [close] }));
		}));
	}
});

test('H-16 an acknowledged change survives kill -9 at the moment of the reply', async () => {
	const first = await lk.grant(lk.web);
	const second = (await lk.refresh(lk.web, first.refresh_token)).json;
	await lk.stop('SIGKILL');
	await lk.serve();
	assert.equal(await lk.active(first.access_token), false);
	assert.equal(await lk.active(second.access_token), true);
	OK(await lk.refresh(lk.web, second.refresh_token));
});

close(lk);
