// SPDX-License-Identifier: Apache-2.0
//
// What a stranger does wrong, or has done wrong for them, with the integrator's commands:
// each ends with its own exit status, and says what to do next.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';

import { BINARY, faketimeOff, run, sleep } from '../lib/latchkey.mjs';
import { approving, at, Desk, say } from './desk.mjs';
import { identity } from './proofs/https.mjs';
import { Refusal, Strict } from './strict.mjs';

const who = await identity();
const other = await identity(); // another CA
const strict = await Strict.start(who);
const open = await Strict.start(who, { client: { client_id: 'open', redirect_uri: 'http://127.0.0.1/cb' } });
const desk = new Desk();
after(async () => {
	desk.remove();
	await strict.close();
	await open.close();
	await who.remove();
	await other.remove();
});

const secret = (text = strict.client.client_secret) => ['--client-secret-file', desk.file('secret', `${text}\n`)];
const books = at(strict, strict.client, { scope: 'books:read' });

test('a certificate that is not trusted: a configuration while connecting, and --ca-file is named', async () => {
	const without = books.filter((word, i) => word !== '--ca-file' && books[i - 1] !== '--ca-file');
	for (const more of [[], ['--ca-file', other.caFile]]) {
		const { stderr } = await desk.ends(1, 'connect', 'untrusted', ...without, ...more, '--paste');
		assert.match(stderr, /certificate is not trusted .*--ca-file/);
	}
});

test('a sentence names the options of the command, and files as they were given', async () => {
	const file = path.join(desk.dir, 'my ca_file.pem'), secretFile = path.join(desk.dir, 'client_secret_file');
	const args = books.map((word) => (word === who.caFile ? file : word));
	assert.ok((await desk.ends(1, 'connect', 'named', ...args, '--paste')).stderr.includes(file));
	assert.ok((await desk.ends(1, 'connect', 'named', ...books, '--client-secret-file', secretFile)).stderr.includes(secretFile));
});

test('later it may pass: the tokens are kept', async () => {
	const ca = desk.file('ca.pem', fs.readFileSync(who.caFile));
	strict.expiresIn = 1;
	await desk.connect('later', [...books.map((w) => (w === who.caFile ? ca : w)), ...secret()], approving(strict));
	strict.expiresIn = 3600;
	fs.copyFileSync(other.caFile, ca);
	await sleep(1100);
	assert.match((await desk.ends(4, 'token', 'later')).stderr, /certificate/);
	const { state, outcome } = await desk.json('status', 'later');
	assert.deepEqual([state, outcome], ['connected', 'try_later']);
});

test('a vault that is not there is not made by looking for it', async () => {
	const typo = path.join(desk.dir, 'typo');
	for (const args of [['status'], ['status', '--json'], ['status', 'x'], ['token', 'x'], ['log', 'x'], ['disconnect', 'x'], ['call', 'x', 'https://localhost:1/'], ['exec', 'x', '--vault', typo, '--', 'true']]) {
		const { stdout, stderr } = await desk.ends(7, ...args, ...(args[0] === 'exec' ? [] : ['--vault', typo]));
		assert.ok(stderr.includes(`there is no vault in directory ${typo}`), stderr);
		assert.doesNotMatch(stderr, /See: latchkey status/);
		assert.equal(stdout, '');
		assert.equal(fs.existsSync(typo), false);
	}
	fs.mkdirSync(typo, { mode: 0o700 }); // nor is a directory one
	await desk.ends(7, 'status', '--vault', typo);
	assert.deepEqual(fs.readdirSync(typo), []);
	await desk.makeVault('--vault', typo);
	await desk.ends(0, 'status', '--vault', typo);
});

test('a name that no connection can have is a wrong use', async () => {
	for (const args of [['connect', ...books], ['token'], ['status'], ['log'], ['disconnect'], ['call', 'https://localhost:1/'], ['exec', '--', 'true']])
		for (const name of ['.hidden', 'a/b', 'x'.repeat(65)])
			assert.match((await desk.ends(2, args[0], name, ...args.slice(1))).stderr, /no name of a connection/);
});

test('what ends while an address is awaited is not the person who says no', async () => {
	for (const [input, says] of [['', /standard input ended/], ['\n', /an empty line was given/]]) {
		const running = desk.start(['connect', 'eof', ...books, ...secret(), '--paste']);
		await running.says(/paste it here: $/);
		running.child.stdin.end(input);
		assert.equal((await running.end()).status, 1);
		assert.match(running.stderr, says);
	}
});

test('a descriptor that is not open is said to be that', async () => {
	assert.match((await desk.ends(2, 'agent', '--passphrase-fd', '9')).stderr, /--passphrase-fd 9: that descriptor is not open/);
	assert.match((await desk.ends(2, 'agent', '--passphrase-fd', 'x')).stderr, /not the number of a descriptor/);
	assert.match((await desk.ends(2, 'connect', 'x', ...books, '--client-secret-fd', '9')).stderr, /--client-secret-fd 9: that descriptor is not open/);
});

test('the browser stays at the server: what must be registered is told at once, and at the end', async () => {
	for (const [uri, told] of [[[], 'http://127.0.0.1/callback, with any port,'], [['--redirect-uri', 'http://localhost/mine'], 'http://localhost/mine']]) {
		const args = ['connect', 'stays', '--issuer', strict.issuer, '--client-id', strict.client.client_id, '--ca-file', who.caFile, ...secret(), ...uri];
		const running = desk.start([...args, '--browser', '--timeout', '1'], { env: { BROWSER: 'true', DISPLAY: ':9' } });
		assert.equal((await running.end()).status, 4);
		assert.ok(running.stderr.includes(`redirect URI: ${told} must be registered`), running.stderr);
		assert.match(running.stderr, /nobody came back from the browser in time: .*not registered there for the client: http:\/\/(127\.0\.0\.1\/callback|localhost\/mine)\n$/);
	}
	const { stderr } = await desk.ends(1, 'connect', 'stays', ...books, ...secret(), '--browser');
	assert.match(stderr, /this redirect URI is something else, so paste \(--paste\): https:/);
});

test('invalid_client: how it was sent, where it may be wrong, what to do', async () => {
	const wrong = await desk.ends(1, 'connect', 'wrong', ...books, ...secret('not-it'), '--paste');
	assert.match(wrong.stderr, /invalid_client \(401\); ledger sync was sent with its secret, by client_secret_basic: .*--client-secret-file/);
	const none = await desk.ends(1, 'connect', 'none', ...books, '--paste');
	assert.match(none.stderr, /invalid_client \(401\); ledger sync was sent without a secret \(method none\): .*--client-secret-file/);
	assert.doesNotMatch(wrong.stderr + none.stderr, /not-it/);
});

test('invalid_scope: which were refused, or that none was asked for', async () => {
	const picky = await Strict.start(who);
	after(() => picky.close());
	picky.par = () => { throw new Refusal('invalid_scope'); };
	const asked = [...at(picky, picky.client, { scope: 'books:burn' }), '--client-secret-file', desk.file('picky', picky.client.client_secret), '--paste'];
	assert.match((await desk.ends(1, 'connect', 'picky', ...asked)).stderr, /ledger sync is not registered there for all of these scopes: /);
	const none = await desk.ends(1, 'connect', 'picky', ...asked.filter((a) => !['--scope', 'books:burn'].includes(a)));
	assert.match(none.stderr, /ledger sync asked for no scope, and the server has none for it by default: .*\(--scope\)$/m);
	assert.doesNotMatch(none.stderr, /registered/);
});

test('S256 that is not advertised: the command names its own option', async () => {
	const silent = await Strict.start(who);
	after(() => silent.close());
	silent.extensions = { code_challenge_methods_supported: undefined };
	const args = [...at(silent, silent.client, { scope: 'books:read' }), '--client-secret-file', desk.file('silent', silent.client.client_secret)];
	const { stderr } = await desk.ends(1, 'connect', 'silent', ...args, '--paste');
	assert.match(stderr, /PKCE with S256 .*; if its documentation says so, connect with --s256-unadvertised$/m);
	assert.doesNotMatch(stderr, /LK_/);
	await desk.connect('silent', [...args, '--s256-unadvertised'], approving(silent));
	await desk.connect('silent', [], approving(silent)); // and it is kept
});

test('a clock that is far off is what a certificate of another time hints at', async () => {
	for (const [by, says] of [['+30y', /has expired/], ['-10y', /not yet valid/]]) {
		const { stderr } = await desk.ends(1, 'connect', 'clock', ...books, '--paste', { env: await faketimeOff(by) });
		assert.match(stderr, says);
		assert.match(stderr, /is this machine's clock right\?$/m);
		assert.doesNotMatch(stderr, /--ca-file/);
	}
});

test('http is for development: what the library refuses names the way', async () => {
	await desk.connect('open', at(open, open.client, { scope: 'books:read' }), approving(open));
	assert.match((await desk.ends(1, 'call', 'open', 'http://localhost:1/')).stderr, /in development only .*--development/);
	assert.match((await desk.ends(1, 'connect', 'x', '--issuer', 'http://localhost:1', '--client-id', 'x', '--paste')).stderr, /https:\/\/, save with --development/);
	assert.doesNotMatch((await desk.ends(1, 'connect', 'x', '--issuer', 'http://as.example', '--client-id', 'x', '--paste')).stderr, /--development/);
});

test('exec --socket: who asks while descriptors have run out is answered when there are some again', async () => {
	const running = desk.start(['exec', 'open', '--socket', '--', 'sh', '-c', 'echo "$LATCHKEY_TOKEN_SOCKET"; read -r line']);
	const [, socket] = await running.says(/^(\/\S+)$/m, 'stdout');
	const limit = (n) => run('prlimit', ['--pid', String(running.pid), `--nofile=${n}:`]);
	await say(socket); // the token is in memory
	assert.equal((await limit(3)).status, 0);
	await say(socket); // for whom the kernel had a descriptor ready
	const asked = say(socket);
	await running.says(/the socket cannot be answered now: Too many open files/);
	await sleep(250); // said once, however often it is tried
	assert.equal((await limit(1024)).status, 0);
	const got = await asked;
	assert.ok(open.honours(got.trimEnd()), `${got}\n${running.stderr}`);
	assert.equal(running.stderr.split('cannot be answered').length, 2, running.stderr);
	running.child.stdin.end('\n');
	assert.equal((await running.end()).status, 0);
});

test('what could not be printed is said, and is no success', async () => {
	for (const line of ['"$0" --help >/dev/full', '"$0" --version >&-', '"$0" connect --help >/dev/full']) {
		const told = await run('sh', ['-c', line, BINARY]);
		assert.equal(told.status, 1, line);
		assert.match(told.stderr, /could not be written to standard output/);
	}
});
