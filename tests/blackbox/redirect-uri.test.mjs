// SPDX-License-Identifier: Apache-2.0
//
// RULEBOOK section 4 and appendix A2: which redirect URIs may be registered, and
// that a presented one matches to the octet or not at all.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { close, startCast, table } from '../lib/cast.mjs';
import { CODE, J400, OK, PAGE, noChange } from '../lib/outcome.mjs';

const lk = await startCast({
	prepare: async (made) => {
		const add = (name, options) => made.client(name, { type: 'public', scope: 'export-jobs:read', ...options });
		made.query = await add('Query', { 'redirect-uri': ['https://app.example/cb?t=1', 'https://app.example/open?'] });
		made.v6 = await add('Six', { native: true, 'redirect-uri': 'http://[::1]/cb' });
		made.claimed = await add('Claimed', { native: true, 'redirect-uri': 'https://app.example/native' });
		made.twin = await add('Twin', { 'redirect-uri': 'https://app.example/cb' });
		made.devIp = await add('Dev IP', {
			development: true, 'redirect-uri': ['http://127.0.0.1:3000/cb', 'http://[::1]:3000/cb', 'http://localhost:3000/cb'],
		});
	},
});

const presented = (client, uri, more = {}) => lk.ask(client, { redirect_uri: uri, ...more });
const ASKS = (answer) => assert.ok(answer.status === 200 || lk.isOwn(answer.get('location') ?? 'x:'), String(answer));

// ---- A2: each must give a page and no Location --------------------------------------

const CB = 'https://app.example/cb';
const VECTORS = [
	`${CB}/`, 'https://app.example/CB', 'https://APP.example/cb', 'HTTPS://app.example/cb',
	'https://app.example:443/cb', `${CB}?`, `${CB}?x=1`, `${CB}#`, `${CB}#f`,
	'https://app.example/./cb', 'https://app.example/a/../cb', 'https://app.example/%63b',
	'https://app.example//cb', 'https://app.example\\cb', 'https://app.example@evil.example/cb',
	'https://user@app.example/cb', 'https://app.example.evil.example/cb',
	'https://evil.example/?https://app.example/cb', 'https://app.example%2eevil.example/cb',
	'http://app.example/cb', '//app.example/cb', '/cb',
	'javascript:alert(1)//https://app.example/cb', 'data:text/html,x',
	` ${CB}`, `${CB} `, `\t${CB}`, `${CB}\t`, `${CB}\r\n`, `${CB}\0`, `${CB}\u00a0`, `\u00a0${CB}`,
	'https://\uff41pp.example/cb', 'https://app\uff0eexample/cb', 'https://app.example/c', 'https://app.example',
	'https://app.example/cb/extra', 'https://app.example/*', 'https://app.example:444/cb', 'https:/app.example/cb',
	'https:app.example/cb', 'https:///app.example/cb', 'https://app.example/cb;x', `${CB}%20`, `${CB}%00`,
	'https://other.example/cb',
];

table('A-06 R-01 A2 presented for https://app.example/cb:', VECTORS.map((uri) => [JSON.stringify(uri), uri]),
	async (uri) => PAGE(400)(await presented(lk.web, uri)));

table('A-06 R-03 A2 presented for http://127.0.0.1/cb:', [
	'http://127.0.0.1:0/cb', 'http://127.0.0.1:65536/cb', 'http://127.0.0.1:080/cb', 'http://127.0.0.1:/cb',
	'http://127.0.0.1:8080x/cb', 'http://127.0.0.1.evil.example/cb', 'http://localhost:8080/cb',
	'http://[::1]:8080/cb', 'https://127.0.0.1/cb', 'http://127.0.0.1:8080/cb/', 'http://127.0.0.1:8080/CB',
	'http://127.0.0.1:8080/cb?x=1', 'http://127.0.0.1:8080', 'http://127.0.0.2:8080/cb', 'http://127.1:8080/cb',
	'http://x@127.0.0.1:8080/cb', 'http://127.0.0.1:8080@evil.example/cb', 'http://127.0.0.1:+80/cb',
	'http://127.0.0.1:%38080/cb', 'HTTP://127.0.0.1:8080/cb', 'http://127.0.0.1: 8080/cb', 'http://127.0.0.1:8080#/cb',
	'http://127.0.0.1:18446744073709551617/cb',
].map((uri) => [uri, uri]), async (uri) => PAGE(400)(await presented(lk.native, uri)));

test('R-08 A2 the right value sent twice is a page', async () => {
	PAGE(400)(await lk.ask(lk.web, { redirect_uri: [CB, CB] }));
});

test('R-08 a missing redirect_uri is a page, also with one registered', async () => {
	PAGE(400)(await presented(lk.web2, undefined));
	PAGE(400)(await presented(lk.web, undefined));
});

test('R-08 a redirect_uri that is not registered with this client is a page', async () => {
	PAGE(400)(await presented(lk.web2, CB));
});

// ---- what must pass --------------------------------------------------------------------

table('A2 must pass:', [
	['R-01 the same string', 'web', CB],
	['R-01 the other registered string', 'web', `${CB}?t=1`],
	['R-03 loopback with a port', 'native', 'http://127.0.0.1:49152/cb'],
	['R-03 loopback with the lowest port', 'native', 'http://127.0.0.1:1/cb'],
	['R-03 loopback with the highest port', 'native', 'http://127.0.0.1:65535/cb'],
	['R-03 loopback without a port', 'native', 'http://127.0.0.1/cb'],
	['R-03 IPv6 loopback with a port', 'v6', 'http://[::1]:49152/cb'],
	['R-05 a private-use scheme', 'native', 'com.example.pocket:/cb'],
	['R-04 localhost of a development client', 'dev', 'http://localhost:3000/cb'],
	['R-12 a claimed https link', 'claimed', 'https://app.example/native'],
	['R-10 the same URI of another client', 'twin', CB],
], async (who, uri) => ASKS(await presented(lk[who], uri)));

table('A2 must not pass:', [
	['R-03 127.0.0.1 for [::1]', 'v6', 'http://127.0.0.1:5000/cb'],
	['R-03 localhost for [::1]', 'v6', 'http://localhost:5000/cb'],
	['R-03 another spelling of [::1]', 'v6', 'http://[0:0:0:0:0:0:0:1]:5000/cb'],
	['R-04 localhost on another port', 'dev', 'http://localhost:3001/cb'],
	['R-04 localhost without a port', 'dev', 'http://localhost/cb'],
	['R-04 development loopback on another port', 'devIp', 'http://127.0.0.1:3001/cb'],
	['R-04 development IPv6 loopback on another port', 'devIp', 'http://[::1]:3001/cb'],
	['R-05 a private-use scheme with an authority', 'native', 'com.example.pocket://cb'],
	['R-05 a private-use scheme in capitals', 'native', 'COM.example.pocket:/cb'],
	['R-12 a claimed https link on a port', 'claimed', 'https://app.example:8443/native'],
], async (who, uri) => PAGE(400)(await presented(lk[who], uri)));

test('R-09 a registered query stays, the answer is appended', async () => {
	const first = await lk.authorize(lk.query, { redirect_uri: `${CB}?t=1` });
	CODE(first);
	assert.ok(first.get('location').startsWith(`${CB}?t=1&`), first.get('location'));
	const open = await lk.authorize(lk.query, { redirect_uri: 'https://app.example/open?' });
	CODE(open);
	assert.match(open.get('location'), /^https:\/\/app\.example\/open\?[a-z]/);
	OK(await lk.exchange(lk.query, first));
});

// ---- registration ---------------------------------------------------------------------------

async function register(kind, uri) {
	return lk.command('client', 'add', '--name', 'Candidate', '--scope', 'export-jobs:read', '--json',
		...kind, '--redirect-uri', uri);
}

const WEB = ['--type', 'confidential'];
const PUBLIC = ['--type', 'public'];
const NATIVE = ['--type', 'public', '--native'];
const DEVELOPMENT = ['--type', 'confidential', '--development'];

const REFUSED = [
	['R-02 http', WEB, 'http://app.example/cb'],
	['R-02 ftp', WEB, 'ftp://app.example/cb'],
	['R-02 http for a native client', NATIVE, 'http://app.example/cb'],
	['R-02 http elsewhere for a development client', DEVELOPMENT, 'http://app.example/cb'],
	['R-02 capitals in the scheme', WEB, 'HTTPS://app.example/cb'],
	['R-03 loopback without the native flag', PUBLIC, 'http://127.0.0.1/cb'],
	['R-04 localhost without the development flag', WEB, 'http://localhost:3000/cb'],
	['R-04 localhost for a native client', NATIVE, 'http://localhost:3000/cb'],
	['R-05 a private-use scheme for a web client', WEB, 'com.example.app:/cb'],
	['R-05 a scheme without a dot', NATIVE, 'myapp:/cb'],
	['R-05 a scheme in capitals', NATIVE, 'com.Example.app:/cb'],
	['R-05 an authority behind a private-use scheme', NATIVE, 'com.example.app://host'],
	['R-05 a private-use scheme with no path', NATIVE, 'com.example.app:'],
	...['javascript:alert(1)', 'data:text/html,x', 'file:///etc/passwd', 'blob:https://app.example/1', 'about:blank', 'ws://app.example/', 'wss://app.example/']
		.map((uri) => [`R-05 ${uri}`, NATIVE, uri]),
	['R-06 a fragment', WEB, `${CB}#f`],
	['R-06 a bare #', WEB, `${CB}#`],
	['R-06 userinfo', WEB, 'https://user@app.example/cb'],
	['R-06 user and password', WEB, 'https://u:p@app.example/cb'],
	['R-06 a wildcard', WEB, 'https://app.example/*'],
	['R-06 a wildcard host', WEB, 'https://*.app.example/cb'],
	['R-06 a backslash', WEB, 'https://app.example\\cb'],
	['R-06 a space', WEB, 'https://app.example/c b'],
	['R-06 a leading space', WEB, ` ${CB}`],
	['R-06 a control character', WEB, 'https://app.example/c\x01b'],
	['R-06 beyond ASCII', WEB, 'https://app.example/caf\u00e9'],
	['R-06 dot segments', WEB, 'https://app.example/a/../cb'],
	['R-06 a dot segment', WEB, 'https://app.example/./cb'],
	['R-06 a relative URI', WEB, '/cb'],
	['R-06 without a scheme', WEB, '//app.example/cb'],
	['R-06 an empty host', WEB, 'https:///cb'],
	['R-06 port 0', WEB, 'https://app.example:0/cb'],
	['R-06 a port too high', WEB, 'https://app.example:65536/cb'],
	['R-06 nothing', WEB, ''],
	...['code', 'state', 'iss', 'error', 'response'].map((name) => [`R-06 ${name} in the query`, WEB, `${CB}?${name}=1`]),
	...['127.0.0.2', '127.1', '0x7f.1', '2130706433', '0.0.0.0', '[::ffff:127.0.0.1]', '[0:0:0:0:0:0:0:1]', 'localhost.', 'LOCALHOST', 'a.localhost']
		.flatMap((host) => [[`R-07 ${host} for a native client`, NATIVE, `http://${host}/cb`],
			[`R-07 ${host} for a development client`, DEVELOPMENT, `http://${host}:3000/cb`]]),
];

test('R-02 R-03 R-04 R-05 R-06 R-07 what is refused at registration', async (t) => {
	for (const [what, kind, uri] of REFUSED)
		await t.test(what, async () => {
			const result = await register(kind, uri);
			assert.ok(result.status !== 0 && result.status !== null, `registered: ${uri}`);
			assert.match(result.stderr, /redirect/i);
			assert.ok(result.stderr.trim().split('\n').length <= 4, result.stderr);
			assert.ok(!/client_id/.test(result.stdout));
		});
});

test('R-02 R-03 R-04 R-05 R-12 what is accepted at registration', async (t) => {
	for (const [what, kind, uri] of [
		['R-02 https', WEB, 'https://app.example/'],
		['R-02 https without a path', WEB, 'https://app.example'],
		['R-02 https with a port', WEB, 'https://app.example:8443/cb'],
		['R-02 https with a query', WEB, 'https://app.example/cb?a=b&c=d'],
		['R-03 native loopback', NATIVE, 'http://127.0.0.1:8080/cb'],
		['R-03 native IPv6 loopback', NATIVE, 'http://[::1]/cb'],
		['R-04 development localhost', DEVELOPMENT, 'http://localhost:3000/cb'],
		['R-04 development loopback', DEVELOPMENT, 'http://127.0.0.1:3000/cb'],
		['R-05 private use', NATIVE, 'com.example.app:/oauth/cb'],
		['R-12 claimed https for a native client', NATIVE, 'https://app.example/cb'],
	])
		await t.test(what, async () => {
			const result = await register(kind, uri);
			assert.equal(result.status, 0, result.stderr);
		});
});

// ---- what happens later ---------------------------------------------------------------------

test('R-11 the redirect URI must still be registered at redemption', async () => {
	const client = await lk.client('Mover', {
		type: 'confidential', scope: 'export-jobs:read', 'redirect-uri': ['https://mover.example/a', 'https://mover.example/b'],
	});
	await lk.eventually('the new client', async () => (await lk.ask(client)).status !== 400);
	const granted = await lk.authorize(client);
	CODE(granted);
	await lk.change('client', 'edit', client.client_id, '--redirect-uri', 'https://mover.example/b');
	await lk.eventually('the change', async () => (await presented(client, 'https://mover.example/a')).status === 400);
	J400('invalid_grant')(await lk.exchange(client, granted));
});

test('R-11 a code is compared with the URI it was asked for, not with any registered one', async () => {
	const granted = await lk.authorize(lk.web);
	J400('invalid_grant')(await lk.exchange(lk.web, granted, { redirect_uri: `${CB}?t=1` }));
});

test('R-04 a localhost URI is refused at run time once the flag is gone', async () => {
	const client = await lk.client('Grown up', {
		type: 'public', development: true, scope: 'export-jobs:read',
		'redirect-uri': ['http://localhost:4000/cb', 'https://grown.example/cb'],
	});
	await lk.eventually('the new client', async () => (await lk.ask(client)).status !== 400);
	const edited = await lk.command('client', 'edit', client.client_id, '--no-development');
	if (edited.status !== 0) {
		assert.match(edited.stderr, /localhost/); // or the command refuses, naming the URI
		return;
	}
	await lk.eventually('the change', async () => (await lk.ask(client)).status === 400);
	PAGE(400)(await lk.ask(client));
	ASKS(await presented(client, 'https://grown.example/cb'));
});

test('R-10 two clients with one redirect URI are told apart by client_id', async () => {
	const granted = await lk.authorize(lk.twin);
	CODE(granted);
	J400('invalid_grant')(await lk.exchange(lk.web, granted));
	await noChange(() => lk.exchange(lk.twin, granted));
});

close(lk);
