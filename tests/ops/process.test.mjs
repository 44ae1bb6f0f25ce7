// SPDX-License-Identifier: Apache-2.0
//
// The process itself (issue 2 sections 3 and 5): configuration, signals, health,
// a disk that is full or read-only, keys that are missing or wrong.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';

import { cast, startCast } from '../lib/cast.mjs';
import { Latchkey, SLOW, address, run, sleep } from '../lib/latchkey.mjs';
import { J400, JSON_ERROR, OK, TOKENS } from '../lib/outcome.mjs';

const machine = { grant_type: 'client_credentials' };
const lk = await startCast();
after(() => lk.remove());

const started = [];
async function fresh(options = {}) {
	const own = await Latchkey.start({ prepare: cast, ...options });
	started.push(own);
	return own;
}
after(async () => {
	const ends = await Promise.allSettled(started.map((own) => own.remove()));
	assert.deepEqual(ends.filter((e) => e.status === 'rejected').map((e) => e.reason), []);
});

// A directory that is made but not served.
async function made(conf = {}) {
	const own = new Latchkey({ conf });
	await own.init();
	started.push(own);
	return own;
}

const sentence = (result, expected) => {
	assert.ok(result.status > 0, `exit ${result.status} ${result.signal}: ${result.stdout}${result.stderr}`);
	assert.match(result.stderr, expected);
	assert.ok(result.stderr.trim().split('\n').length <= 4, result.stderr);
};

// A certificate of the test's own making, in place of the one init made.
function certificate(own, { name = 'localhost', days = 90, from = new Date() } = {}) {
	const at = (p) => path.join(own.data, p);
	const stamp = (ms) => new Date(ms).toISOString().replace(/[-:T]/g, '').replace(/\..*/, 'Z');
	fs.writeFileSync(at('ca.cnf'), `[ca]\ndefault_ca = d\n[d]\ndatabase = ${at('ca.txt')}\nnew_certs_dir = ${own.data}\nrand_serial = yes\ndefault_md = sha256\npolicy = p\nx509_extensions = e\n[p]\ncommonName = supplied\n[e]\nsubjectAltName = DNS:${name}\n`);
	fs.writeFileSync(at('ca.txt'), '');
	for (const old of ['tls-cert.pem', 'tls-key.pem'])
		fs.rmSync(at(old), { force: true });
	execFileSync('openssl', ['req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', `/CN=${name}`, '-keyout', at('tls-key.pem'), '-out', at('csr.pem')], { stdio: 'ignore' });
	execFileSync('openssl', ['ca', '-batch', '-notext', '-config', at('ca.cnf'), '-selfsign', '-keyfile', at('tls-key.pem'), '-in', at('csr.pem'), '-out', at('new-cert.pem'),
		'-startdate', stamp(from.getTime()), '-enddate', stamp(from.getTime() + days * 86400000)], { stdio: 'ignore' });
	fs.chmodSync(at('tls-key.pem'), 0o600);
	fs.renameSync(at('new-cert.pem'), at('tls-cert.pem'));
}

const DAY_MS = 86400000;

test('threads that check passwords stand behind those that answer', () => {
	const tasks = `/proc/${lk.child.pid}/task`;
	const nice = fs.readdirSync(tasks).map((t) => Number(fs.readFileSync(`${tasks}/${t}/stat`, 'utf8').replace(/.*\) /, '').split(' ')[16]));
	const own = Number(fs.readFileSync(`/proc/${lk.child.pid}/stat`, 'utf8').replace(/.*\) /, '').split(' ')[16]);
	assert.ok(nice.includes(Math.min(19, own + 10)) || nice.includes(10), `${nice}`);
	assert.ok(nice.filter((n) => n === own).length > 2, `${nice}`);
});

// ---- init ---------------------------------------------------------------------------------------

test('init makes a directory for its owner only, whole or not at all', async () => {
	const own = await made();
	const mode = (f) => (fs.statSync(f).mode & 0o777).toString(8);
	assert.equal(mode(own.data), '700');
	for (const name of fs.readdirSync(own.data)) {
		const file = path.join(own.data, name);
		assert.ok(['600', '400'].includes(mode(file)) || /\.(pem|conf)$/.test(name), `${name} is ${mode(file)}`);
		if (/key/.test(name))
			assert.equal(mode(file), '600', name);
	}
	const again = await own.cli('init', '--dir', own.data, '--issuer', own.issuer);
	sentence(again, /not empty/);
	for (const issuer of ['http://localhost', 'https://localhost/', 'localhost', 'https://localhost?x', 'https://localhost#x', 'https://user@localhost', '']) {
		const bad = await own.cli('init', '--dir', path.join(own.dir, 'bad'), '--issuer', issuer);
		assert.ok(bad.status > 0, issuer);
		assert.ok(!fs.existsSync(path.join(own.dir, 'bad')), issuer);
	}
});

// ---- configuration -----------------------------------------------------------------------------

test('an unknown key is refused with its line number', async () => {
	const own = await made();
	const conf = path.join(own.data, 'latchkey.conf');
	fs.appendFileSync(conf, '# a remark\nfrobnicate = 1\n');
	const line = fs.readFileSync(conf, 'utf8').split('\n').indexOf('frobnicate = 1') + 1;
	for (const more of [['--check'], []]) {
		const result = await own.cli('serve', '--dir', own.data, ...more);
		sentence(result, new RegExp(`latchkey\\.conf:${line}\\b|line ${line}\\b`));
		assert.match(result.stderr, /frobnicate/);
	}
});

for (const [what, line] of [
	['a value out of bounds', 'access_lifetime = 2h'], ['a value that is no number', 'workers = many'],
	['a line without =', 'nonsense'], ['a key twice', 'brand = A\nbrand = B'], ['a code that lives too long', 'code_lifetime = 61'],
	['plain HTTP to the world', 'proxy_listen = 0.0.0.0:8080'], ['health for the world', 'health_listen = 0.0.0.0:9464'],
])
	test(`serve --check refuses ${what}`, async () => {
		const own = await made();
		const conf = path.join(own.data, 'latchkey.conf');
		if (line.startsWith('health'))
			fs.writeFileSync(conf, fs.readFileSync(conf, 'utf8').replace(/^health_listen.*$/m, ''));
		fs.appendFileSync(conf, `${line}\n`);
		const result = await own.cli('serve', '--dir', own.data, '--check');
		assert.ok(result.status > 0, `${result.stdout}${result.stderr}`);
		assert.ok(result.stderr.length > 10);
	});

test('serve --check says everything that is wrong, one sentence a line', async () => {
	const own = await made({ frobnicate: '1', workers: 'many', proxies: 'foo', tos_uri: 'http://a.example' });
	certificate(own, { from: new Date(Date.now() - 9 * DAY_MS), days: 8, name: 'other.example' });
	fs.renameSync(path.join(own.data, 'latchkey.db'), path.join(own.data, 'away.db'));
	const result = await own.cli('serve', '--dir', own.data, '--check');
	assert.ok(result.status > 0);
	const said = result.stderr.split('\n').filter((l) => l.startsWith('latchkey: '));
	for (const what of [/frobnicate/, /workers/, /proxies: foo/, /tos_uri/, /expired at/, /not for localhost/, /latchkey\.db is missing/])
		assert.equal(said.filter((l) => what.test(l)).length, 1, `${what}\n${result.stderr}`);
	assert.equal(said.length, 7, result.stderr);
	const started = await own.cli('serve', '--dir', own.data, { timeoutMs: 5000 });
	assert.match(started.stderr, /frobnicate[^]*workers/);
});

test('a configuration others may change, a directory others may enter: refused, naming chmod', async () => {
	const own = await made();
	for (const [file, mode, says] of [['latchkey.conf', 0o620, /chmod go-w .*latchkey\.conf/], ['latchkey.conf', 0o602, /chmod go-w/], ['', 0o701, /chmod 700/], ['', 0o770, /chmod 700/]]) {
		const at = path.join(own.data, file);
		const before = fs.statSync(at).mode & 0o777;
		fs.chmodSync(at, mode);
		for (const more of [['--check'], ['--listen', `127.0.0.1:${own.port}`]])
			sentence(await own.cli('serve', '--dir', own.data, ...more, { timeoutMs: 5000 }), says);
		fs.chmodSync(at, before);
	}
});

test('serve --check says so when all is well, and does not serve', async () => {
	const own = await made();
	const result = await own.cli('serve', '--dir', own.data, '--listen', `127.0.0.1:${own.port}`, '--check');
	assert.equal(result.status, 0, result.stderr);
});

test('serve --show-config prints every key with what is in force', async () => {
	const own = await made({ access_lifetime: '7m' });
	const result = await own.must('serve', '--dir', own.data, '--show-config');
	assert.match(result.stdout, /^access_lifetime\s*=\s*(7m|420)/m);
	assert.match(result.stdout, /^idle_timeout\s*=/m);
});

test('a port that is taken, a certificate that is missing: a sentence', async () => {
	const own = await made();
	sentence(await own.cli('serve', '--dir', own.data, '--listen', `127.0.0.1:${lk.port}`), new RegExp(`${lk.port}`));
	fs.renameSync(path.join(own.data, 'tls-cert.pem'), path.join(own.data, 'elsewhere.pem'));
	sentence(await own.cli('serve', '--dir', own.data, '--listen', `127.0.0.1:${own.port}`), /tls-cert\.pem/);
});

for (const [what, how, says, checked] of [
	['that has expired', { from: new Date(Date.now() - 9 * DAY_MS), days: 8 }, /expired at/, true],
	['that is not valid yet', { from: new Date(Date.now() + DAY_MS), days: 8 }, /not valid before/, true],
	['for another host', { name: 'other.example' }, /not for localhost/, true],
	['that expires soon', { days: 13 }, /expires at/, false],
])
	test(`a certificate ${what}: --check and the log say so, and it serves`, async () => {
		const own = await made();
		certificate(own, how);
		const result = await own.cli('serve', '--dir', own.data, '--check');
		assert.match(result.stderr, says);
		assert.equal(result.status !== 0, checked);
		own.ready = () => own.eventually('the start', () => own.events('started').length > 0);
		await own.serve();
		await own.eventually('the warning', () => own.events('certificate').some((e) => says.test(e.what)));
	});

test('a reload does not take a certificate that has expired', async () => {
	const own = await fresh();
	certificate(own, { from: new Date(Date.now() - 9 * DAY_MS), days: 8 });
	own.child.kill('SIGHUP');
	await own.eventually('the complaint', () => own.events('reload_failed').some((e) => /expired at/.test(e.what)));
	TOKENS(await own.token(own.machine, machine));
});

test('files for TLS that are missing, encrypted or out of reach: a sentence each, and no question', async () => {
	const own = await made();
	const check = () => own.cli('serve', '--dir', own.data, '--check', { timeoutMs: 10000 });
	for (const [file, says] of [['tls-cert.pem', /put the certificate chain there or set tls_cert/], ['tls-key.pem', /put the private key there or set tls_key/]]) {
		fs.renameSync(path.join(own.data, file), path.join(own.data, 'away'));
		sentence(await check(), says);
		fs.renameSync(path.join(own.data, 'away'), path.join(own.data, file));
	}
	const key = path.join(own.data, 'tls-key.pem');
	execFileSync('openssl', ['pkcs8', '-topk8', '-in', key, '-out', `${key}.new`, '-passout', 'pass:secret'], { stdio: 'ignore' });
	fs.chmodSync(`${key}.new`, 0o600);
	fs.renameSync(`${key}.new`, key);
	sentence(await check(), /encrypted/);
});

test('an address in use: what to do, for health_listen too', async () => {
	const own = await made();
	sentence(await own.cli('serve', '--dir', own.data, '--listen', `127.0.0.1:${lk.port}`), /another server .* choose another port/);
	sentence(await own.cli('serve', '--dir', own.data, '--listen', `127.0.0.1:${own.port}`, '--set', `health_listen=127.0.0.1:${lk.adminPort}`), /set health_listen = off/);
});

test('a private key that others may read is refused', async () => {
	const own = await made();
	fs.chmodSync(path.join(own.data, 'tls-key.pem'), 0o644);
	sentence(await own.cli('serve', '--dir', own.data, '--listen', `127.0.0.1:${own.port}`), /tls-key\.pem/);
});

// ---- keys and schema ---------------------------------------------------------------------------

const masterKey = (own) => path.join(own.data, fs.readdirSync(own.data).find((f) => /master/.test(f)));

test('a missing master key: a sentence', async () => {
	const own = await made();
	fs.renameSync(masterKey(own), path.join(own.dir, 'kept'));
	sentence(await own.cli('serve', '--dir', own.data, '--listen', `127.0.0.1:${own.port}`), /master/);
	sentence(await own.command('client', 'list'), /master/);
});

test('the wrong master key: a sentence, and nothing is changed', async () => {
	const own = await made();
	const other = await made();
	fs.copyFileSync(masterKey(other), masterKey(own));
	sentence(await own.cli('serve', '--dir', own.data, '--listen', `127.0.0.1:${own.port}`), /master|key/);
	sentence(await own.command('scope', 'add', 'a:b', '--describe', 'x'), /master|key/);
});

test('a master key that others may read is refused', async () => {
	const own = await made();
	fs.chmodSync(masterKey(own), 0o644);
	sentence(await own.cli('serve', '--dir', own.data, '--listen', `127.0.0.1:${own.port}`), /master|key/);
});

test('a schema that is too new: a sentence', async () => {
	const own = await made();
	const db = path.join(own.data, fs.readdirSync(own.data).find((f) => /\.db$|sqlite/.test(f)));
	execFileSync('sqlite3', [db, 'PRAGMA user_version = 9999;']);
	sentence(await own.cli('serve', '--dir', own.data, '--listen', `127.0.0.1:${own.port}`), /schema|version|newer/);
	sentence(await own.command('client', 'list'), /schema|version|newer/);
});

test('a damaged database: a sentence', async () => {
	const own = await made();
	const db = path.join(own.data, fs.readdirSync(own.data).find((f) => /\.db$|sqlite/.test(f)));
	for (const f of fs.readdirSync(own.data).filter((x) => /-(wal|shm)$/.test(x)))
		fs.rmSync(path.join(own.data, f));
	fs.writeFileSync(db, 'this is not a database, but it is long enough to be looked at'.repeat(100));
	sentence(await own.cli('serve', '--dir', own.data, '--listen', `127.0.0.1:${own.port}`), /database|\.db/);
});

// ---- signals --------------------------------------------------------------------------------------

test('SIGTERM drains: what is under way is answered, then the process ends', async () => {
	const own = await fresh();
	const c = await own.connect();
	const body = 'grant_type=client_credentials';
	const auth = Buffer.from(`${own.machine.client_id}:${own.machine.client_secret}`).toString('base64');
	await c.send(`POST /oauth/token HTTP/1.1\r\nHost: ${own.host}\r\nAuthorization: Basic ${auth}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 10)}`);
	await sleep(100);
	const idle = await own.connect();
	own.child.kill('SIGTERM');
	await idle.waitClosed(5000);
	await sleep(200);
	await assert.rejects(own.connect(), 'a new connection is taken');
	assert.equal(own.exited, undefined, 'it did not wait');
	await c.send(body.slice(10));
	const answer = await c.read({ method: 'POST', target: '/oauth/token' });
	TOKENS(answer);
	assert.match(answer.get('connection') ?? '', /close/i);
	await own.stop();
	assert.deepEqual(own.exited, { status: 0, signal: null });
	const names = own.events().map((e) => e.event);
	assert.ok(names.includes('stopping') && names.includes('stopped'));
});

test('SIGHUP reloads the certificate without dropping a connection', async () => {
	const own = await fresh();
	const fingerprint = async () => {
		const c = await own.connect();
		const print = c.socket.getPeerCertificate().fingerprint256;
		c.close();
		return print;
	};
	const before = await fingerprint();
	const kept = await own.connect();
	for (const f of ['tls-cert.pem', 'tls-key.pem'])
		fs.rmSync(path.join(own.data, f));
	await own.change('dev', 'certificate');
	own.child.kill('SIGHUP');
	await own.eventually('the new certificate', async () => (await fingerprint()) !== before, 3000 * SLOW);
	await kept.send(`GET /.well-known/oauth-authorization-server HTTP/1.1\r\nHost: ${own.host}\r\n\r\n`);
	assert.equal((await kept.read()).status, 200);
	await own.eventually('the event', () => own.events('reloaded').some((e) => e.what === 'certificate'));
});

test('SIGHUP with a bad certificate or configuration keeps the old one and says so', async () => {
	const own = await fresh();
	const cert = path.join(own.data, 'tls-cert.pem');
	const good = fs.readFileSync(cert);
	fs.writeFileSync(cert, 'nonsense');
	own.child.kill('SIGHUP');
	await own.eventually('the complaint', () => own.events('reload_failed').length > 0, 3000 * SLOW);
	TOKENS(await own.token(own.machine, machine));
	fs.writeFileSync(cert, good);
	own.configure({ frobnicate: '1' });
	const before = own.events('reload_failed').length;
	own.child.kill('SIGHUP');
	await own.eventually('the complaint', () => own.events('reload_failed').length > before, 3000 * SLOW);
	TOKENS(await own.token(own.machine, machine));
});

test('SIGHUP reads the configuration again', async () => {
	const own = await fresh();
	assert.equal((await own.token(own.machine, machine)).json.expires_in, 600);
	own.configure({ access_lifetime: '5m' });
	own.child.kill('SIGHUP');
	await own.eventually('the new lifetime', async () => (await own.token(own.machine, machine)).json.expires_in === 300, 3000 * SLOW);
});

test('systemd waits for longer than a stopping server does', async () => {
	const unit = fs.readFileSync(new URL('../../dist/latchkey.service', import.meta.url), 'utf8');
	const shown = await lk.must('serve', '--dir', lk.data, '--show-config');
	const drain = Number(/^drain_timeout = (\d+)/m.exec(shown.stdout)[1]);
	assert.ok(Number(/^TimeoutStopSec=(\d+)/m.exec(unit)[1]) > drain);
});

test('no verdict of --check keeps systemd from starting what would serve', () => {
	const unit = fs.readFileSync(new URL('../../dist/latchkey.service', import.meta.url), 'utf8');
	assert.deepEqual(unit.match(/^ExecStartPre=.*/gm), ['ExecStartPre=-@BINDIR@/latchkey serve --check --dir /var/lib/latchkey']);
});

// ---- readiness, health, metrics -------------------------------------------------------------------

test('readiness is told to systemd', async () => {
	const own = await made();
	const socket = path.join(own.dir, 'notify');
	const listener = run('python3', ['-c', `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1]); s.settimeout(20)
print(s.recv(4096).decode())
`, socket]);
	await own.eventually('the socket', () => fs.existsSync(socket), 5000);
	own.env = { ...own.env, NOTIFY_SOCKET: socket };
	await own.serve();
	assert.match((await listener).stdout, /READY=1/);
});

test('/healthz and /metrics, on a listener of their own', async () => {
	TOKENS(await lk.token(lk.machine, machine));
	const health = await lk.health('/healthz');
	assert.equal(health.status, 200);
	const metrics = await lk.health('/metrics');
	assert.equal(metrics.status, 200);
	assert.match(metrics.get('content-type'), /^text\/plain/);
	for (const line of metrics.text.split('\n').filter((l) => l && !l.startsWith('#')))
		assert.match(line, /^[a-z0-9_]+(\{[^}]*\})? -?[0-9.e+-]+$/);
	assert.match(metrics.text, /# TYPE latchkey_\w+ (counter|gauge|histogram)/);
	assert.equal((await lk.health('/oauth/token')).status, 404);
	for (const path of ['/healthz', '/metrics'])
		assert.equal((await lk.get(path)).status, 404, `${path} is public`);
});

test('the manual has every metric that is shown, and every event of the log and of the trail', async () => {
	const root = new URL('../../', import.meta.url).pathname;
	const out = path.join(lk.dir, 'latchkey.1');
	const made = await run(path.join(root, 'scripts/manual'), [path.join(root, 'docs/latchkey.1.in'), path.join(root, 'src'), out]);
	assert.equal(made.status, 0, made.stderr); // it compares the trail's events with the program's
	const manual = fs.readFileSync(out, 'utf8').replaceAll('\\-', '-');
	const shown = [...(await lk.health('/metrics')).text.matchAll(/^# TYPE (\w+)/gm)].map((m) => m[1]);
	assert.ok(shown.length > 20);
	assert.deepEqual(shown.filter((name) => !manual.includes(`.It Cm ${name}\n`)), []);
	const logged = new Set(lk.events().map((e) => e.event));
	assert.deepEqual([...logged].filter((name) => !manual.includes(`.It Cm ${name}\n`)), []);
	const cut = fs.readFileSync(path.join(root, 'docs/latchkey.1.in'), 'utf8').replace('signed_in , ', '');
	fs.writeFileSync(`${out}.in`, cut);
	assert.match((await run(path.join(root, 'scripts/manual'), [`${out}.in`, path.join(root, 'src'), out])).stderr, /signed_in/);
});

test('the log is one JSON object a line, one line a request', async () => {
	const from = address();
	const mine = () => lk.events('request').filter((e) => e.peer === from);
	for (let i = 0; i < 5; i++)
		TOKENS(await lk.token(lk.machine, machine, { from }));
	const refused = await lk.post('/oauth/token', machine, [], { from });
	J400('invalid_client')(refused);
	await lk.eventually('six lines', () => mine().length >= 6);
	assert.deepEqual(mine().map((e) => e.status).sort(), [200, 200, 200, 200, 200, 400]);
	const line = mine().find((e) => e.status === 400);
	assert.equal(line.error, 'client_missing'); // the reason, for explain
	assert.equal(line.error_id, refused.get('latchkey-error-id'));
	assert.equal(line.path, '/oauth/token');
	assert.ok(mine().filter((e) => e.status === 200).every((e) => e.client === lk.machine.client_id));
});

// ---- H-15, IN-08, RV-07: when the store cannot ------------------------------------------------------

const UNAVAILABLE = (answer) => {
	assert.ok([500, 503].includes(answer.status), String(answer));
	JSON_ERROR(answer.status, answer.json.error)(answer);
	assert.ok(['server_error', 'temporarily_unavailable'].includes(answer.json.error), String(answer));
	if (answer.status === 503)
		assert.match(answer.get('retry-after') ?? '', /^\d+$/);
};

test('H-15 RV-07 a disk that is full gives 503, and nothing is lost', async (t) => {
	const mount = fs.mkdtempSync('/tmp/latchkey-disk-');
	const mounted = process.getuid() === 0
		&& spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=24m,mode=700', 'tmpfs', mount]).status === 0;
	if (!mounted) {
		fs.rmdirSync(mount);
		t.skip('cannot mount a small file system here');
		return;
	}
	const own = new Latchkey({ dir: mount });
	try {
		await own.init();
		await cast(own);
		await own.serve();
		const alive = [];
		for (let i = 0; i < 4; i++)
			alive.push(await own.grant(own.web));
		// Fill it to the last block.
		const filler = fs.openSync(path.join(mount, 'filler'), 'w');
		for (const size of [1 << 20, 1 << 16, 4096])
			for (;;)
				try {
					fs.writeSync(filler, Buffer.alloc(size, 1));
				} catch {
					break;
				}
		let failed = 0;
		let tokens = alive[0];
		for (let i = 0; i < 400 && failed < 5; i++) {
			const answer = await own.refresh(own.web, tokens.refresh_token);
			if (answer.status === 200) {
				tokens = answer.json;
			} else {
				UNAVAILABLE(answer);
				failed++;
			}
		}
		assert.ok(failed > 0, 'the disk is full and nothing fails');
		UNAVAILABLE(await own.revoke(own.web, alive[1].refresh_token));
		assert.equal(await own.active(alive[1].access_token), true, 'a revocation that failed counts as done');
		fs.closeSync(filler);
		fs.rmSync(path.join(mount, 'filler'));
		const next = await own.eventually('recovery', async () => {
			const answer = await own.refresh(own.web, tokens.refresh_token);
			return answer.status === 200 && answer.json;
		}, 5000 * SLOW);
		assert.equal(await own.active(next.access_token), true);
		for (const other of alive.slice(1))
			assert.equal(await own.active(other.access_token), true);
		OK(await own.revoke(own.web, alive[1].refresh_token));
		assert.equal(await own.active(alive[1].access_token), false);
		await own.stop();
		assert.deepEqual(own.exited, { status: 0, signal: null });
		await own.serve();
		OK(await own.refresh(own.web, next.refresh_token));
	} finally {
		await own.stop();
		spawnSync('umount', ['-l', mount]);
		fs.rmdirSync(mount);
	}
});

test('H-15 IN-08 a file that may not grow (RLIMIT_FSIZE) gives 503, reading goes on', async () => {
	const own = await fresh();
	const tokens = await own.grant(own.web);
	let newest = tokens;
	spawnSync('prlimit', ['--pid', String(own.child.pid), '--fsize=4096:4096']);
	let failed;
	for (let i = 0; i < 200 && !failed; i++) {
		const answer = await own.refresh(own.web, newest.refresh_token);
		if (answer.status === 200)
			newest = answer.json;
		else
			failed = answer;
	}
	assert.ok(failed, 'nothing fails');
	UNAVAILABLE(failed);
	assert.equal(own.exited, undefined, 'the server died');
	const told = await own.introspect(newest.access_token);
	if (told.status === 200)
		assert.equal(told.json.active, true);
	else
		UNAVAILABLE(told);
	await own.stop('SIGKILL');
	await own.serve();
	assert.equal(await own.active(newest.access_token), true);
	OK(await own.refresh(own.web, newest.refresh_token));
});

test('H-15 a database that is read-only gives 503 or a sentence, and nothing is lost', async (t) => {
	const mount = fs.mkdtempSync('/tmp/latchkey-disk-');
	const mounted = process.getuid() === 0
		&& spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64m,mode=700', 'tmpfs', mount]).status === 0;
	if (!mounted) {
		fs.rmdirSync(mount);
		t.skip('cannot mount a file system here');
		return;
	}
	const own = new Latchkey({ dir: mount });
	try {
		await own.init();
		await cast(own);
		await own.serve();
		const tokens = await own.grant(own.web);
		await own.stop();
		spawnSync('mount', ['-o', 'remount,ro', mount]);
		const result = await own.cli('serve', '--dir', own.data, '--listen', `127.0.0.1:${own.port}`, { timeoutMs: 4000 });
		if (result.status !== null) { // it refuses to start, in words
			sentence(result, /read-only|readonly|written|write/i);
		} else {
			await own.serve();
			UNAVAILABLE(await own.refresh(own.web, tokens.refresh_token));
			await own.stop();
		}
		spawnSync('mount', ['-o', 'remount,rw', mount]);
		await own.serve();
		assert.equal(await own.active(tokens.access_token), true);
		OK(await own.refresh(own.web, tokens.refresh_token));
	} finally {
		await own.stop();
		spawnSync('umount', ['-l', mount]);
		fs.rmdirSync(mount);
	}
});

test('/healthz hears of a fault that came right after a write', async () => {
	const own = await fresh();
	const limit = (most) => spawnSync('prlimit', ['--pid', String(own.child.pid), `--fsize=${most}:unlimited`]);
	for (let i = 0; i < 5; i++) {
		const tokens = await own.grant(own.web);
		limit(4096);
		UNAVAILABLE(await own.refresh(own.web, tokens.refresh_token));
		await own.eventually('ill', async () => (await own.health('/healthz')).status === 503, 3000 * SLOW);
		limit('unlimited');
		await own.eventually('well', async () => (await own.health('/healthz')).status === 200, 3000 * SLOW);
	}
});

test('/healthz knows that nothing can be written while nobody writes, and learns that it is over', async () => {
	const own = await fresh();
	const tokens = await own.grant(own.web);
	const healthy = async () => (await own.health('/healthz')).status === 200;
	const limit = (most) => spawnSync('prlimit', ['--pid', String(own.child.pid), `--fsize=${most}:unlimited`]);
	limit(4096);
	UNAVAILABLE(await own.refresh(own.web, tokens.refresh_token));
	await own.eventually('health', async () => !(await healthy()), 2000 * SLOW);
	for (let i = 0; i < 12; i++) {
		await sleep(1000);
		assert.equal(await healthy(), false, 'health forgot');
	}
	limit('unlimited');
	await own.eventually('health again', healthy, 3000 * SLOW);
	OK(await own.refresh(own.web, tokens.refresh_token));
});

for (const [what, away] of [
	['removed', (db) => fs.rmSync(db)],
	['replaced', (db) => { fs.copyFileSync(db, `${db}.copy`); fs.renameSync(`${db}.copy`, db); }],
	['without its log', (db) => fs.rmSync(`${db}-wal`)],
])
	test(`H-15 a database ${what} under the server is noticed, and nothing is answered from it`, async () => {
		const own = await fresh();
		const tokens = await own.grant(own.web);
		away(path.join(own.data, 'latchkey.db'));
		UNAVAILABLE(await own.refresh(own.web, tokens.refresh_token)); // at once: no write is acknowledged
		UNAVAILABLE(await own.introspect(tokens.access_token));
		assert.equal((await own.health('/healthz')).status, 503);
		await own.eventually('the fault', () => own.events('fault').some((e) => /removed or replaced/.test(e.what)), 1500 * SLOW);
		assert.equal(own.exited, undefined);
	});

test('H-15 a database removed is noticed within a second, without a request', async () => {
	const own = await fresh();
	fs.rmSync(path.join(own.data, 'latchkey.db'));
	await own.eventually('the fault', () => own.events('fault').some((e) => /removed or replaced/.test(e.what)), 1000 * SLOW);
	assert.equal((await own.health('/healthz')).status, 503);
});

test('H-15 a sign-in while nothing can be written is a page with 503, and works afterwards', async () => {
	const own = await fresh();
	await own.grant(own.web);
	spawnSync('prlimit', ['--pid', String(own.child.pid), '--fsize=4096:4096']);
	const browser = own.browser();
	const answer = await browser.signIn(own.ben).catch((e) => e);
	assert.ok(!(answer instanceof Error), String(answer));
	assert.ok([500, 503].includes(answer.status), String(answer));
	assert.ok(answer.isHtml);
	await own.stop('SIGKILL');
	await own.serve();
	const again = own.browser();
	await again.signIn(own.ben);
	assert.equal((await again.get('/account')).status, 200);
});

// ---- users, capabilities -----------------------------------------------------------------------------

test('started as root it becomes the owner of the directory; as root itself it says so and keeps no capability', async (t) => {
	if (process.getuid() !== 0) {
		t.skip('not root');
		return;
	}
	const status = (own) => fs.readFileSync(`/proc/${own.child.pid}/status`, 'utf8');
	const own = await fresh();
	assert.match(status(own), /^CapEff:\s+0+$/m);
	assert.match(status(own), /^NoNewPrivs:\s+1$/m);
	await own.eventually('the warning', () => own.events('unsafe').some((e) => /root/.test(e.what)));
	const other = await made();
	const uid = Number(execFileSync('id', ['-u', 'nobody']));
	fs.chmodSync(other.dir, 0o755);
	for (const f of ['', ...fs.readdirSync(other.data)])
		fs.chownSync(path.join(other.data, f), uid, uid);
	await other.serve();
	assert.match(status(other), new RegExp(`^Uid:\\s+${uid}\\s+${uid}\\s+${uid}`, 'm'));
	assert.match(status(other), /^CapEff:\s+0+$/m);
	await other.stop();
	assert.deepEqual(other.exited, { status: 0, signal: null });
});

test('no core dump and no other process may read its memory', async () => {
	const limits = fs.readFileSync(`/proc/${lk.child.pid}/limits`, 'utf8');
	const dumpable = fs.statSync(`/proc/${lk.child.pid}/mem`);
	assert.ok(/^Max core file size\s+0\s/m.test(limits) || dumpable.uid === 0);
});

test('file descriptor exhaustion is survived', async () => {
	const own = await fresh({ conf: { idle_timeout: '2', handshake_timeout: '2' } });
	spawnSync('prlimit', ['--pid', String(own.child.pid), '--nofile=64:64']);
	const many = [];
	for (let i = 0; i < 120; i++)
		many.push(await own.connect({ plain: true, from: `127.5.${i}.1` }).catch(() => null));
	await sleep(300);
	assert.equal(own.exited, undefined);
	for (const c of many)
		c?.close();
	await own.eventually('service again', async () => {
		try {
			return (await own.token(own.machine, machine, { from: `127.6.0.${1 + Math.floor(Math.random() * 250)}` })).status === 200;
		} catch {
			return false;
		}
	}, 8000 * SLOW);
});
