// SPDX-License-Identifier: Apache-2.0
//
// The integrator's commands (issue 3 section 3) against the real server and a strict
// one: what each does, how each ends, and what none of them shows.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { startCast } from '../lib/cast.mjs';
import { BINARY, run, sleep } from '../lib/latchkey.mjs';
import { at, approving, consenting, Desk, say } from './desk.mjs';
import { HttpsServer, pems, send } from './proofs/https.mjs';
import { Refusal, Strict } from './strict.mjs';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

const lk = await startCast();
const who = pems(lk);
const desk = new Desk();
after(() => { desk.remove(); return lk.remove(); });

const ana = consenting(lk, lk.ana);
const native = at(lk, lk.native);
const strictServer = async (options) => {
	const strict = await Strict.start(who, options);
	after(() => strict.close());
	return strict;
};
const secretFile = (server, name) => ['--client-secret-file', desk.file(name, `${server.client.client_secret}\n`)];

// ---- connect ------------------------------------------------------------------------------

test('connect --paste: the person consents, the connection is kept, and says what was granted', async () => {
	const { stdout, stderr } = await desk.connect('acme', native, ana);
	assert.match(stdout, /^acme is connected\. For a token: latchkey token acme$/m);
	assert.match(stdout, /^It may +export-jobs:read export-jobs:write$/m);
	assert.match(stdout, /^It acts for +urn:acme:company:\d$/m);
	assert.ok(stdout.includes(desk.vault));
	assert.doesNotMatch(stdout + stderr, /lk_(at|rt|ac)_/);
	assert.equal(await lk.active(lk.secret(await desk.token('acme'))), true);
});

test('connect --json prints one value and nothing else', async () => {
	const { stdout } = await desk.connect('json', [...native, '--json'], ana);
	const { name, issuer, scope, subject, not_granted: missing } = JSON.parse(stdout);
	assert.deepEqual({ name, issuer, scope, missing }, { name: 'json', issuer: lk.issuer, scope: lk.native.scope, missing: [] });
	assert.match(subject, /^urn:acme:company:/);
});

test('connect by the browser: BROWSER gets the URL as one argument, the answer comes to loopback', async () => {
	const told = path.join(desk.dir, 'told');
	const browser = desk.file('browser', `#!/bin/sh\nprintf '%s\\n' "$#" "$1" > ${told}.new && mv ${told}.new ${told}\n`, 0o700);
	const running = desk.start(['connect', 'bybrowser', ...native, '--browser'], { env: { BROWSER: browser, DISPLAY: ':9' } });
	await lk.eventually('the browser', () => fs.existsSync(told));
	const [count, url] = fs.readFileSync(told, 'utf8').split('\n');
	assert.equal(count, '1');
	const location = await ana(url);
	assert.match(location, /^http:\/\/127\.0\.0\.1:\d+\/cb\?/);
	const page = await new Promise((resolve, reject) => {
		http.get(location, (answer) => { answer.resume(); answer.on('end', () => resolve(answer)); }).on('error', reject);
	});
	assert.ok([200, 302, 303].includes(page.statusCode), page.statusCode);
	const ended = await running.end();
	assert.equal(ended.status, 0, ended.stderr);
	assert.equal(await lk.active(lk.secret(await desk.token('bybrowser'))), true);
});

test('connect by device code (RFC 8628)', async () => {
	const strict = await strictServer();
	const running = desk.start(['connect', 'bydevice', ...at(strict, strict.client, { scope: 'books:read' }), ...secretFile(strict, 'device-secret'), '--device']);
	const [, code] = await running.says(/enter the code\n\n {4}(\S+)\n/);
	strict.decide(code);
	assert.equal((await running.end()).status, 0, running.stderr);
	assert.ok(strict.honours(await desk.token('bydevice')));
});

test('connect says when fewer scopes were granted than asked for', async () => {
	const strict = await strictServer({ scope: 'books:read' });
	const family = strict.family.bind(strict);
	strict.family = () => family('books:read');
	const args = [...at(strict, strict.client, { scope: 'books:read books:write' }), ...secretFile(strict, 'fewer-secret')];
	const { stdout, stderr } = await desk.connect('fewer', args, approving(strict));
	assert.match(stderr, /less than was asked/);
	assert.match(stdout, /^It may not +books:write$/m);
});

test('connect NAME again: what is not given is as it was, whatever was given then', async () => {
	const strict = await strictServer();
	const family = strict.family.bind(strict);
	const pushed = [];
	strict.par = function par(form) {
		pushed.push(form);
		return Strict.prototype.par.call(this, form);
	};
	const args = [...at(strict, strict.client, { scope: 'books:read books:write' }), ...secretFile(strict, 'again-secret'),
		'--resource', 'https://api.example/', '--parameter', 'prompt=consent', '--parameter', 'x=a&b'];
	await desk.connect('again', args, approving(strict));
	const first = await desk.token('again');
	strict.family = () => family('books:read');
	const again = await desk.connect('again', [], approving(strict));
	const fixed = pushed.map(({ state, code_challenge: challenge, ...rest }) => rest);
	assert.deepEqual(fixed[1], fixed[0]);
	assert.equal(fixed[1].x, 'a&b');
	assert.match(again.stdout, /^It may not +books:write$/m);
	const second = await desk.token('again');
	assert.notEqual(second, first);
	assert.ok(strict.honours(second));
	await desk.connect('again', ['--scope', 'books:read'], approving(strict));
	assert.deepEqual([pushed[2].scope, pushed[2].prompt], ['books:read', 'consent']);
});

test('connect NAME alone of a name that is not kept: 7, and no vault is made', async () => {
	const none = new Desk();
	const { stderr } = await none.ends(7, 'connect', 'x', '--paste');
	assert.match(stderr, /no vault[^]*\nA new connection takes --issuer and --client-id\n$/);
	assert.equal(fs.existsSync(none.vault), false);
	none.remove();
	assert.match((await desk.ends(7, 'connect', 'nobody', '--paste')).stderr, /no connection "nobody"[^]*--issuer and --client-id/);
});

test('connect NAME again by the browser: the redirect URI is the one that was given, on any port', async () => {
	const running = desk.start(['connect', 'bybrowser', '--browser'], { env: { BROWSER: '/bin/true', DISPLAY: ':9' } });
	const [, url] = await running.says(/^ {4}(https:\S+)$/m);
	await running.says(/redirect URI: http:\/\/127\.0\.0\.1\/cb must be/);
	const location = await ana(url);
	assert.match(location, /^http:\/\/127\.0\.0\.1:\d+\/cb\?/);
	await new Promise((resolve) => { http.get(location, (answer) => { answer.resume(); answer.on('end', resolve); }); });
	assert.equal((await running.end()).status, 0, running.stderr);
});

test('a client secret comes from a file or a descriptor, and never from an argument', async () => {
	const strict = await strictServer();
	const base = at(strict, strict.client, { scope: 'books:read' });
	const { stderr } = await desk.ends(2, 'connect', 'argv', ...base, '--client-secret', 'sesame');
	assert.match(stderr, /--client-secret-file/);
	assert.doesNotMatch(stderr, /sesame/);
	const fd = fs.openSync(desk.file('by-fd', `${strict.client.client_secret}\n`), 'r');
	const running = desk.start(['connect', 'byfd', ...base, '--client-secret-fd', '5', '--paste'], { stdio: ['pipe', 'pipe', 'pipe', null, null, fd] });
	const [, url] = await running.says(/^ {4}(https:\S+)$/m);
	for (const name of ['cmdline', 'environ'])
		assert.ok(!running.proc(name).includes(strict.client.client_secret), name);
	running.child.stdin.end(`${approving(strict)(url)}\n`);
	assert.equal((await running.end()).status, 0, running.stderr);
	assert.ok(strict.honours(await desk.token('byfd')));
	await desk.ends(2, 'connect', 'both', ...base, '--client-secret-fd', '5', '--client-secret-file', 'x');
});

test('connect ends 8 when the person says no, and keeps nothing', async () => {
	await desk.connect('denied', native, consenting(lk, lk.ana, { decision: 'deny' }), { ends: 8 });
	await desk.ends(7, 'token', 'denied');
});

test('connect says what is wrong with what was pasted, and that there is no device flow', async () => {
	const running = desk.start(['connect', 'wrong', ...native, '--paste']);
	await running.says(/paste it here: $/);
	running.child.stdin.write('hello\n');
	await running.says(/That was not it: .*state=.*\nCopy .*paste it here: $/);
	running.child.stdin.end();
	const { status, stderr } = await running.end();
	assert.equal(status, 1);
	assert.match(stderr, /: \nlatchkey connect: standard input ended, and no address was pasted: nothing was connected\n$/);
	assert.match((await desk.ends(1, 'connect', 'wrong', ...native, '--device')).stderr, /no device flow .*pasting an address/);
});

test('connect --paste: --timeout is how long it waits, and a late person finds it ended 4', async () => {
	const running = desk.start(['connect', 'idle', ...native, '--paste', '--timeout', '1']);
	await running.says(/paste it here: $/);
	running.child.stdin.write('half a li'); // and no more
	const { status, stderr } = await running.end();
	assert.equal(status, 4, stderr);
	assert.match(stderr, /paste it here: \nlatchkey connect: no address was pasted in time: connect again\n$/);
	for (const time of ['0', '11m'])
		assert.match((await desk.ends(2, 'connect', 'idle', ...native, '--paste', '--timeout', time)).stderr, /--timeout/);
});

test('a device code that ran out ends 4, and polling with it', async () => {
	const strict = await strictServer();
	const args = [...at(strict, strict.client, { scope: 'books:read' }), ...secretFile(strict, 'late-secret'), '--device'];
	strict.poll = () => { throw new Refusal('expired_token'); };
	const { stderr } = await desk.ends(4, 'connect', 'late', ...args);
	assert.match(stderr, /the code ran out before anybody decided: connect again for a new one\n$/);
	assert.equal(strict.count({ grant_type: 'urn:ietf:params:oauth:grant-type:device_code' }), 1);
	strict.poll = () => { throw new Refusal('authorization_pending'); };
	assert.match((await desk.ends(4, 'connect', 'late', ...args, '--timeout', '2')).stderr, /nobody decided in time \(--timeout\)/);
});

test('connect where no browser can be started: it is said, and the address works by hand', async () => {
	const env = { BROWSER: '/nonexistent', PATH: '/nonexistent', DISPLAY: ':9' };
	const running = desk.start(['connect', 'byhand', ...native], { env });
	const [, url] = await running.says(/^ {4}(https:\S+)$/m);
	await running.says(/No browser could be started: open that address yourself/);
	const location = await ana(url);
	await new Promise((resolve) => { http.get(location, (answer) => { answer.resume(); answer.on('end', resolve); }); });
	assert.equal((await running.end()).status, 0, running.stderr);
});

test('Ctrl-C while the person is away leaves nothing behind', async () => {
	const running = desk.start(['connect', 'gone', ...native, '--paste']);
	await running.says(/paste it here: $/);
	assert.equal((await running.kill('SIGINT')).signal, 'SIGINT');
	await desk.ends(7, 'token', 'gone');
	await desk.connect('gone', native, ana); // and nothing is in its way
});

test('what cannot be a connection is said before anything is asked', async () => {
	for (const [args, pattern] of [
		[['connect', 'x', '--issuer', lk.issuer], /--issuer and --client-id are both needed/],
		[['connect', 'x', '--client-id', 'x'], /--issuer and --client-id are both needed/],
		[['connect'], /NAME is missing/],
		[['connect', 'x', ...native, '--paste', '--device'], /one at most/],
		[['connect', 'x', ...native, '--parameter', 'prompt'], /NAME=VALUE/],
		[['connect', 'x', ...native, '--timeout', 'soon'], /no time/],
	])
		assert.match((await desk.ends(2, ...args)).stderr, pattern, args.join(' '));
	const http = native.map((word) => (word === lk.issuer ? lk.issuer.replace('https', 'http') : word));
	assert.match((await desk.ends(1, 'connect', 'x', ...http, '--paste')).stderr, /https/);
});

// ---- token ----------------------------------------------------------------------------------

test('token prints the token and nothing else; --header and --json as they say', async () => {
	const plain = await desk.ends(0, 'token', 'acme');
	assert.match(plain.stdout, /^lk_at_[\w-]+\n$/);
	assert.equal(plain.stderr, '');
	const token = lk.secret(plain.stdout.trimEnd());
	assert.equal((await desk.ends(0, 'token', 'acme', '--header')).stdout, `Authorization: Bearer ${token}\n`);
	const json = await desk.json('token', 'acme');
	assert.equal(json.access_token, token);
	assert.equal(json.token_type, 'Bearer');
	assert.ok(json.expires_in > 500 && json.expires_in <= 600, json.expires_in);
	await desk.ends(2, 'token', 'acme', '--header', '--json');
});

test('token --min-ttl refreshes what would not live so long', async () => {
	const strict = await strictServer({ expiresIn: 4 });
	await desk.connect('ttl', [...at(strict, strict.client, { scope: 'books:read' }), ...secretFile(strict, 'ttl-secret')], approving(strict));
	const first = await desk.token('ttl');
	assert.equal(await desk.token('ttl', '--min-ttl', '1'), first);
	await sleep(1100);
	const second = await desk.token('ttl', '--min-ttl', '3');
	assert.notEqual(second, first);
	assert.equal(strict.refreshes(), 1);
	assert.ok(strict.honours(second));
	await desk.ends(2, 'token', 'ttl', '--min-ttl', 'long');
});

// ---- how they end ------------------------------------------------------------------------------

test('3: the connection is at its end', async () => {
	const strict = await strictServer({ expiresIn: 1 });
	await desk.connect('ended', [...at(strict, strict.client, { scope: 'books:read' }), ...secretFile(strict, 'ended-secret')], approving(strict));
	strict.families.at(-1).ended = 'by the server';
	await sleep(1100);
	const { stdout, stderr } = await desk.ends(3, 'token', 'ended');
	assert.equal(stdout, '');
	assert.match(stderr, /connect/);
	await desk.ends(3, 'status', 'ended');
	await desk.ends(3, 'call', 'ended', 'https://localhost:1/');
	await desk.ends(3, 'exec', 'ended', '--', 'true');
	assert.match(stderr, /: latchkey connect ended$/m);
	const again = await desk.connect('ended', [], approving(strict));
	assert.match(again.stdout, /^It may +books:read$/m);
	assert.ok(strict.honours(await desk.token('ended')));
});

test('4: the server cannot be reached, and nothing is lost', async () => {
	const strict = await strictServer({ expiresIn: 1 });
	const { port } = strict.server;
	await desk.connect('later', [...at(strict, strict.client, { scope: 'books:read' }), ...secretFile(strict, 'later-secret')], approving(strict));
	await strict.server.close();
	await sleep(1100);
	assert.match((await desk.ends(4, 'token', 'later')).stderr, /try again|later|refused/i);
	await strict.server.listen(port);
	await lk.eventually('the server is asked again', async () => (await desk.run('token', 'later')).status === 0);
	assert.ok(strict.honours(await desk.token('later')));
});

test('5: the vault has a passphrase, and nobody to give it', async () => {
	const locked = new Desk({ key: 'passphrase' });
	assert.match((await locked.ends(5, 'connect', 'x', ...native, '--paste')).stderr, /agent/);
	locked.remove();
});

test('6: the vault is not the person\'s alone, or not a directory', async () => {
	const open = path.join(desk.dir, 'open');
	fs.mkdirSync(open, { mode: 0o755 });
	fs.chmodSync(open, 0o755);
	await desk.ends(6, 'token', 'acme', '--vault', open);
	await desk.ends(6, 'token', 'acme', '--vault', desk.file('flat', ''));
});

test('1: a place or a key that cannot be, which is no failure of a disk, and no vault is made', async () => {
	const fresh = new Desk();
	const vain = async (says, env, ...more) => {
		const { stderr } = await fresh.ends(1, 'connect', 'x', '--issuer', 'https://localhost:1', '--client-id', 'x', ...more, { env });
		assert.match(stderr, says);
		assert.doesNotMatch(stderr, /hunter2/);
	};
	await vain(/one of: keyring, credential:NAME, file:PATH, passphrase \(--key, LATCHKEY_KEY\)/, { LATCHKEY_KEY: 'somewhere' });
	await vain(/whole path/, {}, '--key', 'file:here');
	await vain(/in the vault itself/, {}, '--key', `file:${fresh.vault}/key`);
	await vain(/does not belong in a URL/, {}, '--vault', 'postgresql://ada:hunter2@localhost/x');
	assert.equal(fs.existsSync(fresh.vault), false);
	await fresh.makeVault();
	await vain(/another was asked for \(passphrase\)/, { LATCHKEY_KEY: 'passphrase' });
	fresh.remove();
});

test('7 and 2: no such connection, used wrongly', async () => {
	for (const args of [['token', 'nobody'], ['log', 'nobody'], ['status', 'nobody'], ['disconnect', 'nobody'], ['call', 'nobody', 'https://localhost:1/'], ['exec', 'nobody', '--', 'true']]) {
		const { stdout, stderr } = await desk.ends(7, ...args);
		assert.equal(stdout, '');
		assert.match(stderr, /no connection "nobody"/);
	}
	for (const args of [['token'], ['token', 'a', 'b'], ['token', 'a', '--nix'], ['log'], ['status', 'a', 'b'], ['disconnect'], ['call', 'a'], ['exec', 'a'], ['exec', 'a', 'b'], ['exec', '--', 'a', 'b'], ['call', 'a', 'b', '-Z'], ['agent', 'x'], ['call', 'a', 'b', '-X']])
		await desk.ends(2, ...args);
});

// ---- secret ----------------------------------------------------------------------------------

test('secret: the server rotates it, the message names the command, and nobody consents again', async () => {
	const strict = await strictServer({ expiresIn: 2 });
	await desk.connect('rotated', [...at(strict, strict.client, { scope: 'books:read' }), ...secretFile(strict, 'rotated-secret')], approving(strict));
	const { client_secret: old } = strict.client;
	strict.client.client_secret = strict.secret('cs_rotated+/=:');
	await sleep(2100);
	const { stderr } = await desk.ends(1, 'token', 'rotated');
	assert.match(stderr, /invalid_client \(401\); ledger sync .*if its secret was rotated there, the new one \(latchkey secret\) is enough/);
	assert.match(stderr, /: latchkey secret rotated --client-secret-file FILE$/m);
	assert.match((await desk.ends(2, 'secret', 'rotated')).stderr, /--client-secret-file or --client-secret-fd/);
	assert.doesNotMatch((await desk.ends(2, 'secret', 'rotated', '--client-secret', 'sesame')).stderr, /sesame/);
	await desk.ends(7, 'secret', 'nobody', ...secretFile(strict, 'rotated-secret'));
	const wrong = await desk.ends(1, 'secret', 'rotated', '--client-secret-file', desk.file('rotated-old', old));
	assert.match(wrong.stderr, /the new secret is kept, and this came of trying it:\n.*invalid_client/);
	const { stdout } = await desk.ends(0, 'secret', 'rotated', ...secretFile(strict, 'rotated-secret'));
	assert.equal(stdout, 'rotated has its new secret, and the server takes it.\n');
	assert.ok(strict.honours(await desk.token('rotated')));
	assert.equal(strict.families.length, 1, 'a person consented again');
	assert.ok((await desk.json('log', 'rotated')).some((e) => e.event === 'secret' && e.outcome === 'ok'));
	strict.client.client_secret = strict.secret('cs_once more');
	const running = desk.start(['secret', 'rotated', '--client-secret-fd', '5', '--json'],
		{ stdio: ['pipe', 'pipe', 'pipe', null, null, fs.openSync(desk.file('rotated-fd', 'cs_once more\n'), 'r')] });
	assert.deepEqual(JSON.parse((await running.end()).stdout), { name: 'rotated', tried: true });
	await sleep(2100);
	assert.ok(strict.honours(await desk.token('rotated')));
	strict.families.at(-1).ended = 'by the server';
	await sleep(2100);
	await desk.ends(3, 'token', 'rotated');
	assert.match((await desk.ends(3, 'secret', 'rotated', ...secretFile(strict, 'rotated-secret'))).stderr, /is kept.*\n.*\n.*: latchkey connect rotated$/m);
});

test('secret: without a refresh token there is nothing to try it with', async () => {
	const strict = await strictServer();
	const issue = strict.issue.bind(strict);
	strict.issue = (family) => ({ ...issue(family), refresh_token: undefined });
	await desk.connect('untried', [...at(strict, strict.client, { scope: 'books:read' }), ...secretFile(strict, 'untried-secret')], approving(strict));
	strict.client.client_secret = strict.secret('cs_untried');
	const { stdout } = await desk.ends(0, 'secret', 'untried', ...secretFile(strict, 'untried-secret'));
	assert.equal(stdout, 'untried has its new secret; it is needed when the person connects again.\n');
	assert.ok(strict.honours(await desk.token('untried')));
	await desk.connect('untried', [], approving(strict)); // with the new one
});

test('secret: a public client has none to replace, and connect takes its first and drops its last', async () => {
	const strict = await strictServer({ expiresIn: 2, client: { client_id: 'shifting', redirect_uri: 'https://app.example/cb' } });
	const revoked = () => strict.ledger.filter((e) => e.endpoint === 'revoke' && e.outcome === 'done').length;
	const registration = at(strict, strict.client, { scope: 'books:read' });
	const first = ['--client-secret-file', desk.file('first-secret', 'cs_first\n')];
	await desk.connect('shifting', registration, approving(strict));
	const refused = await desk.ends(1, 'secret', 'shifting', ...first);
	assert.match(refused.stderr, /"shifting" was connected as a public client, .*connect again with it \(--client-secret-file\)$/m);
	assert.doesNotMatch(refused.stderr, /is kept/);
	await sleep(2100);
	assert.ok(strict.honours(await desk.token('shifting')), 'a secret was kept');

	strict.client.client_secret = strict.secret('cs_first');
	await sleep(2100);
	const without = await desk.ends(1, 'token', 'shifting');
	assert.match(without.stderr, /without a secret: if it has one there now, connect again with it \(--client-secret-file\)/);
	assert.doesNotMatch(without.stderr, /latchkey secret/);
	await desk.connect('shifting', first, approving(strict));
	assert.equal(revoked(), 1, 'the old grant was not ended');

	strict.client.client_secret = undefined;
	await sleep(2100);
	assert.match((await desk.ends(1, 'token', 'shifting')).stderr, /if it has none there now, connect again without \(--public\)/);
	assert.match((await desk.ends(1, 'connect', 'shifting', ...registration, '--paste')).stderr, /, without \(--public\)$/m);
	assert.match((await desk.ends(2, 'connect', 'shifting', '--public', ...first)).stderr, /is not --public/);
	assert.match((await desk.ends(2, 'connect', 'shifting', '--client-secret-file', '')).stderr, /names no file/);
	await desk.connect('shifting', ['--public'], approving(strict));
	assert.equal(revoked(), 2, 'the old grant was not ended');
	await sleep(2100);
	assert.ok(strict.honours(await desk.token('shifting')));
	await desk.connect('shifting', registration, approving(strict)); // and it is kept that there is none
});

// ---- call ---------------------------------------------------------------------------------------

const asked = [];
let refuseOnce = false;
const api = await new HttpsServer(who, async (request, response) => {
	const token = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1];
	asked.push({ method: request.method, url: request.url, headers: request.headers, body: request.text, token });
	if (refuseOnce || !(await lk.active(token ?? 'none'))) {
		refuseOnce = false;
		return send(response, 401, { error: 'invalid_token' }, { 'WWW-Authenticate': 'Bearer error="invalid_token"' });
	}
	if (request.url === '/slow') {
		response.writeHead(200, { 'Content-Type': 'text/plain' });
		return response.write('the first half');
	}
	if (request.url === '/missing')
		return send(response, 404, 'not here', { 'Content-Type': 'text/plain' });
	return send(response, 200, `${request.method} ${request.text}`, { 'Content-Type': 'text/plain', 'X-Two': 'second' });
}).listen();
after(() => api.close());
const url = `https://localhost:${api.port}`;

test('call sends the token and prints the body', async () => {
	const { stdout, stderr } = await desk.ends(0, 'call', 'acme', `${url}/v1/me?x=1`);
	assert.equal(stdout, 'GET ');
	assert.equal(stderr, '');
	assert.equal(asked.at(-1).url, '/v1/me?x=1');
	lk.secret(asked.at(-1).token);
});

test('call takes curl\'s words: -X -H -d -i -o -f -s', async () => {
	assert.equal((await desk.ends(0, 'call', 'acme', '-XPUT', '-H', 'X-One: 1', '-H', 'Content-Type: text/plain', '-d', 'body', url)).stdout, 'PUT body');
	assert.equal(asked.at(-1).headers['x-one'], '1');
	assert.equal(asked.at(-1).headers['content-type'], 'text/plain');
	assert.equal((await desk.ends(0, 'call', 'acme', url, '--data', 'a=b')).stdout, 'POST a=b');
	assert.equal(asked.at(-1).headers['content-type'], 'application/x-www-form-urlencoded');
	assert.equal((await desk.ends(0, 'call', 'acme', url, '-d', '@-', { input: 'from stdin\n' })).stdout, 'POST from stdin\n');
	assert.equal((await desk.ends(0, 'call', 'acme', url, '-d', `@${desk.file('body', 'from a file')}`)).stdout, 'POST from a file');
	assert.equal((await desk.ends(0, 'call', 'acme', url, '-d', '@-', { input: '' })).stdout, 'POST ');
	assert.match((await desk.ends(2, 'call', 'acme', url, '-m', '0')).stderr, /a second at least/);
	assert.match((await desk.ends(2, 'call', 'acme')).stderr, /too few words; expected: NAME URL$/m);
	const { stdout } = await desk.ends(0, 'call', 'acme', url, '-i');
	assert.match(stdout, /^HTTP 200\r\n(.*\r\n)*x-two: second\r\n(.*\r\n)*\r\nGET $/i);
	assert.equal((await desk.ends(0, 'call', 'acme', `${url}/missing`)).stdout, 'not here');
	const failed = await desk.ends(1, 'call', 'acme', '-f', `${url}/missing`);
	assert.equal(failed.stdout, '');
	assert.match(failed.stderr, /404/);
	assert.equal((await desk.ends(1, 'call', 'acme', '-sf', `${url}/missing`)).stderr, '');
	const out = path.join(desk.dir, 'out');
	await desk.ends(0, 'call', 'acme', '-o', out, url);
	assert.equal(fs.readFileSync(out, 'utf8'), 'GET ');
	await desk.ends(1, 'call', 'acme', '-f', '-o', out, `${url}/missing`);
	assert.equal(fs.readFileSync(out, 'utf8'), 'GET '); // as it was, and no half file beside it
	assert.deepEqual(fs.readdirSync(desk.dir).filter((n) => n.startsWith('out')), ['out']);
	assert.deepEqual(await desk.json('call', 'acme', `${url}/missing`).then(({ status, body }) => ({ status, body })), { status: 404, body: 'not here' });
});

test('Ctrl-C in the middle of an answer leaves neither half a file nor a trace of it', async () => {
	const half = path.join(desk.dir, 'half');
	const running = desk.start(['call', 'acme', '-o', half, `${url}/slow`]);
	await lk.eventually('it has begun', () => fs.readdirSync(desk.dir).some((n) => n.startsWith('half.') && fs.statSync(path.join(desk.dir, n)).size > 0));
	assert.equal((await running.kill('SIGINT')).signal, 'SIGINT');
	assert.deepEqual(fs.readdirSync(desk.dir).filter((n) => n.startsWith('half')), []);
});

test('CL-28 call: on 401 invalid_token it refreshes once and repeats once', async () => {
	const before = lk.secret(await desk.token('acme'));
	const count = asked.length;
	refuseOnce = true;
	assert.equal((await desk.ends(0, 'call', 'acme', url, '-d', 'twice')).stdout, 'POST twice');
	assert.equal(asked.length - count, 2);
	assert.equal(asked.at(-2).token, before);
	assert.notEqual(asked.at(-1).token, before);
	lk.secret(asked.at(-1).token);
});

test('call gives the token to nobody whom it is not for', async () => {
	assert.match((await desk.ends(2, 'call', 'acme', '-H', 'authorization: Bearer x', url)).stderr, /Authorization/);
	assert.match((await desk.ends(1, 'call', 'acme', `http://localhost:${api.port}/`)).stderr, /in development only .*--development/);
	assert.match((await desk.ends(1, 'call', 'acme', 'http://api.example/')).stderr, /https/);
	const count = asked.length;
	assert.ok((await desk.run('call', 'acme', `https://127.0.0.2:${api.port}/`)).status > 0);
	assert.equal(asked.length, count);
});

test('call --output writes into what is no plain file, and leaves it there', async () => {
	const fifo = path.join(desk.dir, 'fifo');
	assert.equal(spawnSync('mkfifo', [fifo]).status, 0);
	const reading = run('timeout', ['20', 'cat', fifo]);
	await desk.ends(0, 'call', 'acme', '-o', fifo, url);
	assert.ok(fs.lstatSync(fifo).isFIFO(), 'the FIFO was replaced');
	assert.equal((await reading).stdout, 'GET ');
});

// ---- exec ------------------------------------------------------------------------------------------

test('exec: the token is at a descriptor, as often as it is opened, and nowhere else', async () => {
	const token = lk.secret(await desk.token('acme'));
	const script = 'cat /dev/fd/3 /dev/fd/3; echo "$LATCHKEY_TOKEN_FD"; tr "\\0" "\\n" </proc/$$/environ; tr "\\0" "\\n" </proc/$$/cmdline';
	const { stdout } = await desk.ends(0, 'exec', 'acme', '--', 'sh', '-c', script);
	const [first, second, fd, ...rest] = stdout.split('\n');
	assert.deepEqual([first, second, fd], [token, token, '3']);
	assert.ok(!rest.join('\n').includes(token), 'the token is in the environment or the arguments');
	const sealed = await desk.ends(0, 'exec', 'acme', '--', 'sh', '-c', 'echo x >&3 && echo written; cat <&3');
	assert.equal(sealed.stdout, `${token}\n`);
});

test('exec --header is what curl -H @/dev/fd/3 reads', async () => {
	const { stdout } = await desk.ends(0, 'exec', 'acme', '--header', '--', 'curl', '-sS', '--cacert', who.caFile, '-H', '@/dev/fd/3', `${url}/curl`);
	assert.equal(stdout, 'GET ');
	assert.equal(asked.at(-1).url, '/curl');
});

test('exec --fd: another descriptor; one that is open is not taken', async () => {
	const token = lk.secret(await desk.token('acme'));
	assert.equal((await desk.ends(0, 'exec', 'acme', '--fd', '7', '--', 'cat', '/dev/fd/7')).stdout, `${token}\n`);
	const running = desk.start(['exec', 'acme', '--', 'true'], { stdio: ['pipe', 'pipe', 'pipe', fs.openSync('/dev/null', 'r')] });
	assert.equal((await running.end()).status, 2);
	assert.match(running.stderr, /--fd/);
	for (const fd of ['2', '-1', 'x', '5000'])
		await desk.ends(2, 'exec', 'acme', '--fd', fd, '--', 'true');
});

test('exec: signals and exit status are the command\'s', async () => {
	await desk.ends(42, 'exec', 'acme', '--', 'sh', '-c', 'exit 42');
	await desk.ends(127, 'exec', 'acme', '--', path.join(desk.dir, 'no-such-command'));
	await desk.ends(126, 'exec', 'acme', '--', desk.file('not-executable', ''));
	const running = desk.start(['exec', 'acme', '--', 'sh', '-c', 'trap "echo caught; exit 7" TERM; echo ready; while :; do sleep 0.05; done']);
	await running.says(/ready/, 'stdout');
	running.child.kill('SIGTERM');
	const ended = await running.end();
	assert.equal(ended.status, 7);
	assert.match(ended.stdout, /caught/);
	const piped = await desk.ends(0, 'exec', 'acme', '--', 'sh', '-c', 'trap | grep -c PIPE; grep SigIgn /proc/self/status');
	const ignored = BigInt(`0x${/SigIgn:\s+([0-9a-f]+)/.exec(piped.stdout)[1]}`);
	assert.equal(ignored & (1n << 12n), 0n, 'SIGPIPE is what the command expects it to be');
});

test('exec --socket: each who connects reads a token that is fresh then', async () => {
	const strict = await strictServer({ expiresIn: 2 });
	await desk.connect('long', [...at(strict, strict.client, { scope: 'books:read' }), ...secretFile(strict, 'long-secret')], approving(strict));
	const running = desk.start(['exec', 'long', '--socket', '--', 'sh', '-c', 'echo "$LATCHKEY_TOKEN_SOCKET"; read -r line; exit 9']);
	const [, socket] = await running.says(/^(\/\S+)$/m, 'stdout');
	const first = (await say(socket)).trimEnd();
	assert.ok(strict.honours(first));
	await sleep(2100);
	const second = (await say(socket)).trimEnd();
	assert.notEqual(second, first);
	assert.ok(strict.honours(second));
	assert.equal(fs.statSync(path.dirname(socket)).mode & 0o777, 0o700);
	for (const pid of [running.pid, ...fs.readFileSync(`/proc/${running.pid}/task/${running.pid}/children`, 'utf8').trim().split(' ')])
		for (const name of ['cmdline', 'environ'])
			assert.ok(!fs.readFileSync(`/proc/${pid}/${name}`).includes(second), name);
	running.child.stdin.end('\n');
	assert.equal((await running.end()).status, 9);
	assert.equal(fs.existsSync(path.dirname(socket)), false);
});

test('exec --socket: what a killed one leaves is cleared away by the next, and nothing else', async () => {
	const script = ['exec', 'acme', '--socket', '--', 'sh', '-c', 'echo "$LATCHKEY_TOKEN_SOCKET"; read -r line'];
	const start = async () => {
		const running = desk.start(script);
		const [, socket] = await running.says(/^(\/\S+)$/m, 'stdout');
		return { running, place: path.dirname(socket) };
	};
	const alive = await start();
	const killed = await start();
	assert.ok(killed.place.startsWith(path.join(desk.dir, 'run/latchkey-exec-')), killed.place);
	killed.running.child.kill('SIGKILL');
	killed.running.child.stdin.end(); // which ends the command that outlives it
	await killed.running.ended;
	assert.ok(fs.existsSync(killed.place));
	const empty = fs.mkdtempSync(path.join(desk.dir, 'run/latchkey-exec-')); // about to have its socket
	const next = await start();
	assert.equal(fs.existsSync(killed.place), false);
	assert.ok(fs.existsSync(empty) && fs.existsSync(alive.place));
	for (const { running, place } of [alive, next]) {
		running.child.stdin.end('\n');
		assert.equal((await running.end()).status, 0);
		assert.equal(fs.existsSync(place), false);
	}
});

test('exec --socket passes signals on, and ends as a shell would when one ends the command', async () => {
	const script = 'trap "echo caught; exit 7" TERM; echo ready; while :; do sleep 0.05; done';
	const caught = desk.start(['exec', 'acme', '--socket', '--', 'sh', '-c', script]);
	await caught.says(/ready/, 'stdout');
	caught.child.kill('SIGTERM');
	assert.equal((await caught.end()).status, 7);
	const ended = desk.start(['exec', 'acme', '--socket', '--', 'sh', '-c', 'echo ready; exec sleep 60']);
	await ended.says(/ready/, 'stdout');
	ended.child.kill('SIGTERM');
	assert.equal((await ended.end()).status, 128 + 15);
	await desk.ends(127, 'exec', 'acme', '--socket', '--', path.join(desk.dir, 'no-such-command'));
});

// ---- looking, and the end ------------------------------------------------------------------------------

test('status: a table for people, facts for programs', async () => {
	const { stdout } = await desk.ends(0, 'status');
	assert.match(stdout, /^Vault +directory /m);
	assert.match(stdout, /^Its key +key file /m);
	assert.match(stdout, /^Agent +none runs$/m);
	assert.match(stdout, /^acme +connected +https:\S+ .*in \d+ min/m);
	const { vault, key, agent, connections } = await desk.json('status');
	assert.ok(vault.includes(desk.vault) && key.includes('key') && agent === '');
	const acme = connections.find((c) => c.name === 'acme');
	assert.equal(acme.state, 'connected');
	assert.equal(acme.issuer, lk.issuer);
	assert.equal(acme.client_id, lk.native.client_id);
	assert.equal(acme.unanswered, false);
	assert.match(acme.expires_at, /^\d{4}-\d\d-\d\dT[\d:]+Z$/);
	const one = await desk.json('status', 'acme');
	assert.equal(one.name, 'acme');
	assert.equal(one.vault, vault);
	assert.doesNotMatch(JSON.stringify([connections, one]), /lk_(at|rt)_/);
});

test('status tells of a refresh when there was one', async () => {
	await desk.connect('fresh', native, ana);
	const fresh = await desk.json('status', 'fresh');
	assert.deepEqual([fresh.state, fresh.refreshed_at, fresh.outcome, fresh.detail], ['connected', null, 'none', '']);
	assert.match((await desk.ends(0, 'status', 'fresh')).stdout, /^Last refresh +none yet$/m);
	const refreshed = await desk.json('status', 'ttl');
	assert.equal(refreshed.outcome, 'ok');
	assert.match(refreshed.refreshed_at, /^\d{4}-/);
	const { expires_at: expired } = await desk.json('status', 'later'); // a token of a second
	assert.ok(Date.parse(expired) < Date.now() - 1000, `${expired}: it has ended, and not just now`);
	assert.match((await desk.ends(0, 'status', 'later')).stdout, /^Token expires +\d+ (s|min) ago$/m);
});

test('status is JSON wherever the vault is', async () => {
	const name = Buffer.concat([Buffer.from(`${desk.dir}/`), Buffer.from([0xff])]);
	fs.mkdirSync(name, { mode: 0o700, recursive: true });
	const there = (...args) => run('sh', ['-c', `cd "$0"/$(printf '\\377') && exec "$@" --vault here`, desk.dir, BINARY, ...args], { env: { LATCHKEY_KEY: `file:${desk.dir}/odd.key` } });
	await there('connect', 'x', '--issuer', 'https://localhost:1', '--client-id', 'x'); // which makes the vault, and fails
	const told = await there('status', '--json');
	fs.rmSync(name, { recursive: true });
	assert.equal(told.status, 0, told.stderr);
	assert.match(JSON.parse(told.stdout).vault, /not UTF-8/);
});

test('log: what was tried, oldest first, without tokens', async () => {
	const list = await desk.json('log', 'acme');
	assert.equal(list[0].event, 'connect');
	assert.equal(list[0].outcome, 'ok');
	assert.ok(list.some((e) => e.event === 'refresh' && e.outcome === 'ok'));
	assert.ok(list.every((e, i) => i === 0 || e.at >= list[i - 1].at));
	assert.doesNotMatch(JSON.stringify(list), /lk_(at|rt|ac)_/);
	assert.match((await desk.ends(0, 'log', 'acme')).stdout, /^AT +EVENT +OUTCOME/);
	assert.ok((await desk.json('log', 'later')).some((e) => e.outcome === 'try_later'));
});

test('status NAME and log only look: they work on a vault that is read-only, where a token does not', async () => {
	const d = new Desk();
	after(() => d.remove());
	await d.connect('acme', native, ana);
	fs.rmSync(path.join(d.vault, 'acme.lock')); // as in a copy
	spawnSync('chmod', ['-R', 'a-w', d.vault]);
	try {
		// Who is root must not be let through by that.
		const [program, ...first] = process.getuid() === 0
			? ['setpriv', '--bounding-set=-dac_override,-dac_read_search', BINARY] : [BINARY];
		const reads = (...args) => run(program, [...first, ...args], { env: d.env });
		for (const args of [['status'], ['status', 'acme'], ['log', 'acme']]) {
			const { status, stderr } = await reads(...args);
			assert.equal(status, 0, `${args}: ${stderr}`);
		}
		const one = JSON.parse((await reads('status', 'acme', '--json')).stdout);
		assert.deepEqual([one.name, one.state], ['acme', 'connected']);
		const { status, stderr } = await reads('status', 'nobody');
		assert.equal(status, 7);
		assert.match(stderr, /no connection "nobody" in .*\nSee: latchkey status\n$/);
		assert.equal((await reads('token', 'acme')).status, 6);
	} finally {
		spawnSync('chmod', ['-R', 'u+w', d.vault]);
	}
});

test('status and log have the whole sentence, with what to do, however long', async () => {
	const strict = await strictServer({ expiresIn: 1 });
	await desk.connect('sentence', [...at(strict, strict.client, { scope: 'books:read' }), ...secretFile(strict, 'sentence-secret')], approving(strict));
	strict.client.client_secret = strict.secret('another one');
	await sleep(1100);
	const { stderr } = await desk.ends(1, 'token', 'sentence');
	const [, said] = /^latchkey token: (.*\(latchkey secret\).* or removed)$/m.exec(stderr);
	assert.ok(said.length > 200, said);
	assert.equal((await desk.json('status', 'sentence')).detail, said);
	assert.equal((await desk.json('log', 'sentence')).at(-1).detail, said);
	for (const command of ['status', 'log'])
		assert.ok((await desk.ends(0, command, 'sentence')).stdout.includes(said), command);
});

test('disconnect revokes, then forgets', async () => {
	await desk.connect('short', native, ana);
	const token = lk.secret(await desk.token('short'));
	const { stdout } = await desk.ends(0, 'disconnect', 'short');
	assert.match(stdout, /short is disconnected/);
	assert.equal(await lk.active(token), false);
	await desk.ends(7, 'token', 'short');
});

test('log: what was tried stays when a connection goes, and it is said that it went', async () => {
	const { stdout, stderr } = await desk.ends(0, 'log', 'short', '--json');
	assert.deepEqual(JSON.parse(stdout).map(({ event, outcome }) => [event, outcome]), [['connect', 'ok'], ['revoke', 'ok']]);
	assert.equal(stderr, 'short is not connected now; this is what was tried before.\n');
	assert.match((await desk.ends(0, 'log', 'short')).stdout, /^AT +EVENT[^]*\brevoke +ok\b/);
	await desk.connect('short', native, ana);
	const again = await desk.ends(0, 'log', 'short', '--json');
	assert.deepEqual(JSON.parse(again.stdout).map((e) => e.event), ['connect', 'revoke', 'connect']);
	assert.equal(again.stderr, '');
	await desk.ends(0, 'disconnect', 'short');
});

test('VAULT.md knows every file of a vault, and looking at what is not there makes none', async () => {
	await desk.ends(7, 'log', 'nowhere');
	const agent = await desk.agent([], { env: { XDG_RUNTIME_DIR: undefined } });
	const files = fs.readdirSync(desk.vault, { recursive: true }).filter((n) => n !== 'attempts');
	await agent.kill('SIGTERM');
	const told = [...fs.readFileSync(path.join(ROOT, 'docs/VAULT.md'), 'utf8').matchAll(/^\| (`[^|]*`) \|/gm)]
		.flatMap(([, names]) => names.match(/[^`]+(?=`)/g)).filter((n) => n !== ', ')
		.map((n) => new RegExp(`^${n.replace(/\./g, '\\.').replace(/\bNAME\b/, '[\\w.@-]+').replace(/\bID\b/, '[0-9a-f]{64}')}$`));
	assert.ok(told.length >= 12);
	assert.deepEqual(files.filter((file) => !told.some((pattern) => pattern.test(file))), []);
	assert.ok(['.lock', 'agent.sock', 'short.log', 'short.lock'].every((n) => files.includes(n)), files);
	assert.deepEqual(files.filter((n) => n.startsWith('nowhere')), []);
});

test('CL-39 disconnect where the server is away: 4, nothing is forgotten, and the same again succeeds', async () => {
	const strict = await strictServer();
	const { port } = strict.server;
	await desk.connect('away', [...at(strict, strict.client, { scope: 'books:read' }), ...secretFile(strict, 'away-secret')], approving(strict));
	const token = await desk.token('away');
	await strict.server.close();
	const { stdout, stderr } = await desk.ends(4, 'disconnect', 'away');
	assert.equal(stdout, '');
	assert.match(stderr, /^Nothing was forgotten: try again later\. .*latchkey disconnect away --forget$/m);
	assert.equal(await desk.token('away'), token);
	assert.equal((await desk.json('log', 'away')).at(-1).outcome, 'try_later');
	await strict.server.listen(port);
	assert.match((await desk.ends(0, 'disconnect', 'away')).stdout, /is disconnected/);
	assert.equal(strict.honours(token), false);
	await desk.ends(7, 'token', 'away');
});

test('CL-39 disconnect --forget forgets all the same, and says what still stands at the server', async () => {
	const strict = await strictServer();
	const connect = (name) => desk.connect(name, [...at(strict, strict.client, { scope: 'books:read' }), ...secretFile(strict, `${name}-secret`)], approving(strict));
	await connect('forgotten');
	await connect('counted');
	await strict.server.close();
	const { stdout, stderr } = await desk.ends(0, 'disconnect', 'forgotten', '--forget');
	assert.equal(stdout, 'forgotten is forgotten here.\n');
	assert.ok(stderr.includes(`${strict.issuer} goes on honouring what it granted`), stderr);
	assert.match(stderr, /its access token expires in (5\d|60) min/);
	await desk.ends(7, 'token', 'forgotten');
	const { revoked, detail, expires_at: expires } = await desk.json('disconnect', 'counted', '--forget');
	assert.equal(revoked, false);
	assert.match(detail, /\S/);
	assert.match(expires, /^\d{4}-\d\d-\d\dT[\d:]+Z$/);
	await desk.ends(7, 'disconnect', 'counted', '--forget');
});

test('CL-39 disconnect where the server refuses or cannot revoke: 1, and what to do', async () => {
	const strict = await strictServer();
	const args = [...at(strict, strict.client, { scope: 'books:read' }), ...secretFile(strict, 'refuses-secret')];
	await desk.connect('refuses', args, approving(strict));
	const before = strict.client.client_secret;
	strict.client.client_secret = 'another one';
	assert.match((await desk.ends(1, 'disconnect', 'refuses')).stderr, /invalid_client[^]*--forget/);
	strict.client.client_secret = before;
	assert.deepEqual(await desk.json('disconnect', 'refuses'), { name: 'refuses', issuer: strict.issuer, revoked: true });
	const none = await strictServer();
	none.extensions = { revocation_endpoint: undefined };
	await desk.connect('cannot', [...at(none, none.client, { scope: 'books:read' }), ...secretFile(none, 'cannot-secret')], approving(none));
	assert.match((await desk.ends(1, 'disconnect', 'cannot')).stderr, /no revocation endpoint .*by hand[^]*--forget/);
	await desk.ends(0, 'disconnect', 'cannot', '--forget');
});

test('disconnect --forget ends what cannot be read', async () => {
	await desk.connect('torn', native, ana);
	fs.appendFileSync(path.join(desk.vault, 'torn.record'), 'x');
	await desk.ends(6, 'token', 'torn');
	assert.match((await desk.ends(6, 'disconnect', 'torn')).stderr, /Nothing was forgotten\. .*--forget/);
	await desk.ends(0, 'disconnect', 'torn', '--forget');
	await desk.ends(7, 'token', 'torn');
});

// ---- help -----------------------------------------------------------------------------------

const CONNECT = ['connect', 'token', 'call', 'exec', 'status', 'log', 'secret', 'disconnect', 'agent'];

test('--help of each tells its options and how it ends; so does the manual', async () => {
	const manual = fs.readFileSync(path.join(path.dirname(BINARY), 'docs/latchkey-connect.1'), 'utf8').replace(/\\-/g, '-');
	const exits = [...fs.readFileSync(path.join(ROOT, 'src/cli/exits.def'), 'utf8').matchAll(/EXIT\(\w+, (\d+), "(.*)"\)/g)];
	assert.ok(exits.length >= 9);
	for (const command of CONNECT) {
		const { stdout, stderr } = await desk.ends(0, command, '--help');
		assert.equal(stderr, '');
		for (const [, status, sentence] of exits)
			assert.ok(stdout.includes(`  ${status}  ${sentence}\n`), `${command}: ${status}`);
		for (const [, letter, option] of stdout.matchAll(/^ {2}(?:-(\w), )?--([\w-]+)/gm)) {
			assert.ok(manual.includes(`Fl -${option}`) || option === 'help' || option === 'dir', `${command} --${option} is not in the manual`);
			assert.ok(!letter || manual.includes(`.It Fl ${letter} , Fl -${option}`), letter);
		}
		assert.doesNotMatch(stdout, /--dir /);
	}
	// A vault takes no directory that others can look into, which is what systemd makes.
	assert.ok(manual.includes('StateDirectory=') && !/StateDirectory=(?!\S+\s(?:-p )?StateDirectoryMode=0700)/.test(manual), 'StateDirectoryMode');
	assert.match(manual, new RegExp(exits[3][2].slice(0, 30)));
});

// ---- nothing secret ---------------------------------------------------------------------------------------------

test('no file of the person has a token, a code or a secret in the clear', () => {
	const secrets = [...lk.ledger.secrets].filter((s) => typeof s === 'string' && s.startsWith('lk_'));
	assert.ok(secrets.length > 5);
	for (const name of fs.readdirSync(desk.dir, { recursive: true })) {
		const file = path.join(desk.dir, String(name));
		if (!fs.statSync(file).isFile())
			continue;
		const text = fs.readFileSync(file);
		for (const secret of secrets)
			assert.ok(!text.includes(secret), file);
	}
});
