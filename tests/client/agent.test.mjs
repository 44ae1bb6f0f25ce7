// SPDX-License-Identifier: Apache-2.0
//
// latchkey agent (issue 3 section 3): who may ask it, what it keeps fresh by itself, and
// that everything is the same with it, without it, and while it is killed.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after } from 'node:test';

import { startCast } from '../lib/cast.mjs';
import { BINARY, run, SLOW, sleep } from '../lib/latchkey.mjs';
import { Pace } from '../lib/pace.mjs';
import { sideBySide } from '../lib/side-by-side.mjs';
import { at, approving, consenting, Desk, say } from './desk.mjs';
import { identity } from './proofs/https.mjs';
import { Strict } from './strict.mjs';

const { test, begin } = sideBySide('latchkey agent', 6);
const who = await identity();
const desks = [];
const desk = (options) => {
	desks.push(new Desk(options));
	return desks.at(-1);
};
after(() => { desks.forEach((d) => d.remove()); return who.remove(); });

const servers = [];
const server = async (options) => {
	const strict = await Strict.start(who, options);
	servers.push(strict);
	return strict;
};
after(() => Promise.all(servers.map((s) => s.close())));

const connect = (d, name, strict) => d.connect(name, [...at(strict, strict.client, { scope: 'books:read' }),
	'--client-secret-file', d.file(`secret-${name}`, `${strict.client.client_secret}\n`)], approving(strict));
const until = async (what, check, ms = 20000 * SLOW) => {
	for (const pace = new Pace(); pace.took < ms; await pace.step())
		if (await check())
			return;
	throw new Error(`${what}: not within ${ms} ms`);
};
const stops = async (agent) => assert.deepEqual((({ status, signal }) => ({ status, signal }))(await agent.kill('SIGTERM')), { status: 0, signal: null }, agent.stderr);

// ---- life ----------------------------------------------------------------------------------

test('it says where it is, is seen by status, and a signal ends it cleanly', async () => {
	for (const signal of ['SIGTERM', 'SIGINT']) {
		const d = desk();
		const agent = await d.agent();
		assert.ok(agent.socket.startsWith(path.join(d.dir, 'run/latchkey/agent-')), agent.socket);
		assert.equal(fs.statSync(path.dirname(agent.socket)).mode & 0o777, 0o700);
		assert.equal((await d.json('status')).agent, `agent (pid ${agent.pid})`);
		const ended = await agent.kill(signal);
		assert.deepEqual([ended.status, ended.signal], [0, null], ended.stderr);
		assert.equal(agent.events('agent_stopped').length, 1);
		assert.equal(fs.existsSync(agent.socket), false);
		assert.equal((await d.json('status')).agent, '');
	}
});

test('a second agent of the same vault says so and ends 1; one of another vault does not mind', async () => {
	const d = desk();
	const agent = await d.agent();
	const { stderr } = await d.ends(1, 'agent');
	assert.match(stderr, new RegExp(`pid ${agent.pid}`));
	const other = await d.agent(['--vault', path.join(d.dir, 'other')]);
	assert.notEqual(other.socket, agent.socket);
	await stops(other);
	await stops(agent);
});

test('many that start at once: exactly one is the agent', async () => {
	const d = desk();
	await d.makeVault();
	const all = Array.from({ length: 6 }, () => d.start(['agent']));
	await until('all but one have ended', () => all.filter((a) => a.over === undefined).length === 1
		&& all.some((a) => a.over === undefined && a.events('agent_started').length === 1));
	for (const a of all.filter((one) => one.over))
		assert.equal(a.over.status, 1, a.stderr);
	await stops(all.find((a) => !a.over));
});

test('the socket that a killed agent left is replaced', async () => {
	const d = desk();
	const first = await d.agent();
	await first.kill('SIGKILL');
	assert.ok(fs.existsSync(first.socket));
	assert.equal((await d.json('status')).agent, '');
	const second = await d.agent();
	assert.equal(second.socket, first.socket);
	assert.equal((await d.json('status')).agent, `agent (pid ${second.pid})`);
	await stops(second);
});

test('without XDG_RUNTIME_DIR it listens in the vault', async () => {
	const d = desk({ env: { XDG_RUNTIME_DIR: undefined } });
	const agent = await d.agent();
	assert.equal(agent.socket, path.join(d.vault, 'agent.sock'));
	assert.equal((await d.json('status')).agent, `agent (pid ${agent.pid})`);
	await stops(agent);
});

test('a directory that others can write is not used', async () => {
	const d = desk();
	fs.mkdirSync(path.join(d.dir, 'run/latchkey'));
	fs.chmodSync(path.join(d.dir, 'run/latchkey'), 0o755);
	assert.match((await d.ends(1, 'agent')).stderr, /yours alone/);
});

test('Type=notify: systemd is told when it is ready and when it stops', async () => {
	const d = desk();
	const socket = path.join(d.dir, 'notify');
	// node has no datagram sockets of that kind; python3 is a dependency of the tests.
	const script = 'import socket, sys\ns = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\ns.bind(sys.argv[1])\n'
		+ 'print("bound", flush=True)\nfor _ in range(2):\n    print(s.recv(100).decode(), flush=True)';
	const listener = spawn('python3', ['-c', script, socket]);
	let told = '';
	listener.stdout.on('data', (b) => { told += b; });
	await until('the listener', () => told.includes('bound'));
	const agent = await d.agent([], { env: { NOTIFY_SOCKET: socket } });
	await until('READY', () => told.includes('READY=1'));
	await stops(agent);
	await until('STOPPING', () => told.includes('STOPPING=1'));
});

test('the systemd unit has no word that systemd does not know', async (t) => {
	const d = desk();
	const unit = fs.readFileSync(path.join(path.dirname(BINARY), 'dist/latchkey-agent.service'), 'utf8').replace(/^ExecStart=\/\S+\/latchkey /m, `ExecStart=${BINARY} `);
	const told = await run('systemd-analyze', ['verify', '--user', '--man=no', d.file('latchkey-agent.service', unit)], { env: d.env }).catch(() => undefined);
	if (told === undefined)
		return t.skip('there is no systemd');
	assert.deepEqual([told.status, told.stderr], [0, '']);
	assert.match((await run('systemd-analyze', ['verify', '--user', '--man=no', d.file('wrong.service', unit.replace('UMask', 'UMusk'))], { env: d.env })).stderr, /UMusk/);
});

// ---- what it does ------------------------------------------------------------------------------

test('a program gets the token of the agent, and the same without one', async () => {
	const d = desk();
	const strict = await server();
	await connect(d, 'acme', strict);
	const without = await d.token('acme');
	const agent = await d.agent();
	assert.equal(await d.token('acme'), without);
	assert.equal(await d.token('acme', '--no-agent'), without);
	assert.equal(strict.refreshes(), 0);
	await stops(agent);
	assert.equal(await d.token('acme'), without);
});

test('it refreshes ahead of expiry by itself, every connection, and logs it without tokens', async () => {
	const d = desk();
	const strict = await server({ expiresIn: 8 });
	await connect(d, 'one', strict);
	const agent = await d.agent();
	await connect(d, 'two', strict); // made while it runs
	const began = Date.now();
	await until('both are refreshed', () => strict.refreshes() >= 2, 12000 * SLOW);
	assert.ok(Date.now() - began < 8000 * SLOW, 'later than expiry');
	const first = strict.ledger.find((e) => e.grant_type === 'refresh_token');
	const issued = strict.ledger.find((e) => e.grant_type === 'authorization_code').at; // 70 % of 7 or 8 s, planned in whole seconds
	assert.ok(first.at - issued > 3000, `${first.at - issued} ms is too early`);
	await until('it is logged', () => new Set(agent.events('agent_done').filter((e) => e.what === 'refresh').map((e) => e.connection)).size === 2);
	assert.ok(agent.events('agent_done').every((e) => e.outcome === 'ok'));
	const count = strict.refreshes();
	for (const name of ['one', 'two'])
		assert.ok(strict.honours(await d.token(name)));
	assert.ok(strict.refreshes() <= count + 1);
	for (const secret of strict.secrets)
		assert.ok(!agent.stderr.includes(secret), 'a secret in the log');
	await stops(agent);
});

test('a connection that needs the person is left alone; one that they renew is kept again', async () => {
	const d = desk();
	const strict = await server({ expiresIn: 3 });
	await connect(d, 'acme', strict);
	const agent = await d.agent();
	strict.families.at(-1).ended = 'by the server';
	await until('it fails', () => agent.events('agent_failed').length === 1);
	assert.equal(agent.events('agent_failed')[0].outcome, 'reconnect');
	const count = strict.refreshes();
	await sleep(3000);
	assert.equal(strict.refreshes(), count);
	await d.ends(3, 'token', 'acme');
	await connect(d, 'acme', strict);
	await until('it is refreshed', () => strict.refreshes() > count && strict.ledger.at(-1).outcome === 'done');
	await stops(agent);
});

test('a rotated client secret that is given to the vault is the agent\'s as well', async () => {
	const d = desk();
	const strict = await server({ expiresIn: 6 });
	await connect(d, 'acme', strict);
	const agent = await d.agent();
	strict.client.client_secret = strict.secret('cs_rotated');
	await until('it fails', () => agent.events('agent_failed').some((e) => e.outcome === 'configuration'));
	assert.match(agent.events('agent_failed').at(-1).detail, /the new one \(latchkey secret\) is enough/);
	await d.ends(0, 'secret', 'acme', '--client-secret-file', d.file('rotated', 'cs_rotated\n'));
	const done = () => agent.events('agent_done').filter((e) => e.what === 'refresh').length;
	const asked = done(); // 2 where the token had run out meanwhile
	assert.ok(asked >= 1, 'the agent was not asked');
	await until('it goes on by itself', () => done() > asked);
	assert.ok(strict.honours(await d.token('acme')));
	assert.equal(strict.families.length, 1);
	await stops(agent);
	assert.doesNotMatch(agent.stderr, /cs_rotated/);
});

test('a server that is away is asked ever more seldom, and again when it is back', async () => {
	const d = desk();
	const strict = await server({ expiresIn: 3 });
	const { port } = strict.server;
	await connect(d, 'acme', strict);
	const agent = await d.agent();
	await strict.server.close();
	await until('it fails', () => agent.events('agent_failed').length > 0, 15000 * SLOW);
	assert.equal(agent.events('agent_failed')[0].outcome, 'try_later');
	await until('the last token has expired', async () => (await d.run('token', 'acme')).status === 4);
	await strict.server.listen(port);
	await until('somebody who asks has one', async () => (await d.run('token', 'acme')).status === 0, 20000 * SLOW);
	assert.ok(strict.honours(await d.token('acme')));
	await stops(agent);
});

test('every way to end is the same with the agent and without', async () => {
	const d = desk();
	const strict = await server({ expiresIn: 1 });
	await connect(d, 'ended', strict);
	strict.families.at(-1).ended = 'by the server';
	await sleep(1100);
	const outcomes = async () => {
		const list = [];
		for (const args of [['token', 'nobody'], ['token', 'ended'], ['token', '.x'], ['call', 'ended', 'https://localhost:1/'], ['exec', 'ended', '--', 'true'], ['log', 'nobody']])
			list.push(await d.run(...args).then(({ status, stdout, stderr }) => ({ args, status, stdout, stderr })));
		return list;
	};
	const without = await outcomes();
	assert.deepEqual(without.map((o) => o.status), [7, 3, 2, 3, 3, 7]);
	const agent = await d.agent();
	assert.deepEqual(await outcomes(), without);
	await stops(agent);
});

test('a vault with a passphrase: the agent asks once, and the person\'s programs have the key of it', async () => {
	const d = desk({ key: 'passphrase' });
	const given = (text) => ({ stdio: ['pipe', 'pipe', 'pipe', fs.openSync(d.file('passphrase', text), 'r')] });
	await d.ends(5, 'connect', 'x', '--issuer', 'https://localhost:1', '--client-id', 'x');
	const agent = await d.agent(['--passphrase-fd', '3'], given('correct horse battery staple\n'));
	const strict = await server({ expiresIn: 2 });
	await connect(d, 'acme', strict);
	assert.ok(strict.honours(await d.token('acme')));
	assert.match((await d.json('status')).key, /passphrase/);
	for (const name of ['cmdline', 'environ'])
		assert.ok(!agent.proc(name).includes('correct horse'), name);
	assert.ok(!agent.stderr.includes('correct horse'));
	const holds = d.start(['exec', 'acme', '--socket', '--', 'sh', '-c', 'echo "$LATCHKEY_TOKEN_SOCKET"; read -r line']);
	const [, socket] = await holds.says(/^(\/\S+)$/m, 'stdout');
	await stops(agent);
	await d.ends(5, 'token', 'acme');
	// Who has the vault open goes on: a rotation asks nobody for anything.
	await sleep(2100);
	const refreshes = strict.refreshes();
	assert.ok(strict.honours((await say(socket)).trimEnd()));
	assert.equal(strict.refreshes(), refreshes + 1);
	holds.child.stdin.end('\n');
	await holds.end();
	const wrong = d.start(['agent', '--passphrase-fd', '3'], given('something else\n'));
	assert.equal((await wrong.end()).status, 5, wrong.stderr);
	const again = await d.agent(['--passphrase-fd', '3'], given('correct horse battery staple\n'));
	assert.ok(strict.honours(await d.token('acme')));
	await stops(again);
});

test('a passphrase that is too short makes no vault, and leaves no directory of one', async () => {
	const d = desk({ key: 'passphrase' });
	const agent = d.start(['agent', '--passphrase-fd', '3'], { stdio: ['pipe', 'pipe', 'pipe', fs.openSync(d.file('short', 'short\n'), 'r')] });
	assert.equal((await agent.end()).status, 5);
	assert.match(agent.stderr, /8 characters at least/);
	assert.equal(fs.existsSync(d.vault), false);
	fs.mkdirSync(d.vault, { recursive: true, mode: 0o700 }); // one that somebody made is theirs
	await d.start(['agent', '--passphrase-fd', '3'], { stdio: ['pipe', 'pipe', 'pipe', fs.openSync(path.join(d.dir, 'short'), 'r')] }).end();
	assert.ok(fs.existsSync(d.vault));
});

test('the passphrase is asked for on the terminal without echo, which Ctrl-C gives back', async () => {
	const d = desk({ key: 'passphrase' });
	// script(1) would do, were its options the same everywhere: python3 has a terminal.
	const code = `
import os, pty, sys, termios, time, signal
pid, tty = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], [sys.argv[1], 'agent'])
def read_until(text):
    seen = b''
    while text not in seen:
        seen += os.read(tty, 1000)
    return seen
def echo():
    return bool(termios.tcgetattr(tty)[3] & termios.ECHO)
read_until(b'Passphrase of the vault: ')
time.sleep(0.2)
assert not echo(), 'echo is on while it asks'
if sys.argv[2] == 'interrupt':
    os.write(tty, b'\\x03')
    deadline = time.time() + 10
    while not echo() and time.time() < deadline:
        time.sleep(0.02)
    assert echo(), 'echo was not given back'
    _, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGINT, status
else:
    os.write(tty, b'correct horse\\n')
    read_until(b'The same again: ')
    os.write(tty, b'correct horse\\n')
    seen = read_until(b'agent_started')
    assert b'correct horse' not in seen, seen
    os.kill(pid, signal.SIGTERM)
    os.read(tty, 1000)
    _, status = os.waitpid(pid, 0)
    assert status == 0, status
print('fine')
`;
	for (const how of ['interrupt', 'answer']) {
		const python = spawn('python3', ['-c', code, BINARY, how], { env: d.env });
		let said = '';
		for (const stream of [python.stdout, python.stderr])
			stream.on('data', (b) => { said += b; });
		const timer = setTimeout(() => python.kill('SIGKILL'), 30000 * SLOW);
		await new Promise((resolve) => { python.on('close', resolve); });
		clearTimeout(timer);
		assert.equal(said.trim(), 'fine', how);
	}
});

// ---- crowds and deaths -----------------------------------------------------------------------------

// This project's server, because its retry key is what makes good even an answer that a
// killed agent never saw; a token of it must live for 30 s, so they ask for ones that
// have 26 of them left.
test('8 processes ask while the agent is killed -9 and started again: every answer is good, nothing is lost', async () => {
	const d = desk();
	const lk = await startCast({ conf: { access_lifetime: '30' } });
	after(() => lk.remove());
	await d.connect('acme', at(lk, lk.native), consenting(lk, lk.ana));
	let asking = true;
	let agent = await d.agent();
	const answers = [];
	const askers = Array.from({ length: 8 }, async () => {
		while (asking) {
			const { status, stdout, stderr } = await d.run('token', 'acme', '--min-ttl', '26');
			answers.push({ status, token: stdout.trimEnd(), stderr });
		}
	});
	for (let i = 0; i < 8; i++) {
		await sleep(400 + 150 * i);
		await agent.kill('SIGKILL');
		await sleep(150 * (i % 3));
		agent = await d.agent();
	}
	asking = false;
	await Promise.all(askers);
	assert.ok(answers.length > 40, `${answers.length} answers`);
	assert.deepEqual(answers.filter((a) => a.status !== 0 || !a.token.startsWith('lk_at_')).slice(0, 2), []);
	assert.ok(new Set(answers.map((a) => a.token)).size >= 3, 'it was refreshed meanwhile');
	assert.equal(await lk.active(await d.token('acme')), true);
	assert.equal((await lk.json('grant', 'list', '--user', 'ana')).filter((g) => g.state === 'live').length, 1);
	await stops(agent);
});

test('many at once at the moment of expiry: the server sees one refresh', async () => {
	const d = desk();
	const strict = await server({ expiresIn: 60 });
	await connect(d, 'acme', strict);
	const agent = await d.agent();
	strict.delay = 300;
	const all = await Promise.all(Array.from({ length: 16 }, () => d.token('acme', '--min-ttl', '55')));
	assert.equal(new Set(all).size, 1);
	assert.ok(strict.refreshes() <= 1);
	await stops(agent);
});

test('one server that hangs holds up its own connection alone', async () => {
	const d = desk();
	const slow = await server({ expiresIn: 1 });
	const quick = await server();
	await connect(d, 'slow', slow);
	await connect(d, 'quick', quick);
	await sleep(1100);
	slow.delay = 4000;
	const agent = await d.agent();
	const waiting = d.run('token', 'slow');
	await sleep(300);
	const began = Date.now();
	await d.token('quick');
	assert.ok(Date.now() - began < 2000 * SLOW);
	assert.equal((await waiting).status, 0);
	await stops(agent);
});

test('SIGTERM lets a refresh that is under way end', async () => {
	const d = desk();
	const strict = await server({ expiresIn: 1 });
	await connect(d, 'acme', strict);
	await sleep(1100);
	strict.delay = 1500;
	const agent = await d.agent();
	const waiting = d.run('token', 'acme');
	await until('it is asked', () => strict.refreshes() === 1);
	await stops(agent);
	assert.equal((await waiting).status, 0);
	assert.equal((await d.json('status', 'acme')).unanswered, false);
	assert.ok(strict.refreshes() <= 2);
});

// ---- who may ask, and how --------------------------------------------------------------------------

test('what is no line of ours is not answered, and costs nothing', async () => {
	const d = desk();
	const agent = await d.agent();
	for (const line of ['GET / HTTP/1.1\r\n\r\n', '{}\n', '{"ask":"token"}\n', '{"ask":"token","name":"../x"}\n', '\n', '\0\n', `{"ask":"${'x'.repeat(400000)}"}\n`])
		assert.equal(await say(agent.socket, line), '', line.slice(0, 40));
	assert.match(await say(agent.socket, '{"ask":"hello"}\n'), new RegExp(`"pid":${agent.pid}\\b`));
	assert.match(await say(agent.socket, '{"ask":"key"}\n'), /"status":"configuration"/); // a key file's key is not given away
	assert.match(await say(agent.socket, '{"ask":"token","name":"nobody"}\n'), /"status":"not_found"/);
	await stops(agent);
});

test('who says nothing is hung up on, and a crowd of them keeps nobody out for long', async () => {
	const d = desk();
	const agent = await d.agent();
	const began = Date.now();
	const silent = Array.from({ length: 300 }, () => say(agent.socket));
	await Promise.all(silent);
	assert.ok(Date.now() - began < 9000 * SLOW, `${Date.now() - began} ms`);
	assert.equal((await d.json('status')).agent, `agent (pid ${agent.pid})`);
	await stops(agent);
});

test('another user is not heard, not even root', async (t) => {
	if (process.getuid() !== 0)
		return t.skip('only root can become another');
	const d = desk();
	const nobody = 65534;
	for (const name of ['', 'home', 'run', 'key'])
		fs.chownSync(path.join(d.dir, name), nobody, nobody);
	const agent = await d.agent([], { uid: nobody, gid: nobody });
	assert.equal(await say(agent.socket, '{"ask":"hello"}\n'), '');
	await until('it is logged', () => agent.events('agent_refused').length > 0);
	const [refused] = agent.events('agent_refused');
	assert.deepEqual([refused.uid, refused.pid], [0, process.pid]);
	await agent.kill('SIGTERM');
});

test('a program does not believe an agent that is another user\'s', async (t) => {
	if (process.getuid() !== 0)
		return t.skip('only root can become another');
	const d = desk();
	const agent = await d.agent();
	await stops(agent);
	fs.chmodSync(d.dir, 0o755);
	for (const name of ['run', 'run/latchkey'])
		fs.chmodSync(path.join(d.dir, name), 0o777);
	const script = `require('net').createServer((c) => c.end('{"status":"ok","pid":1}\\n')).listen(${JSON.stringify(agent.socket)}, () => console.log('there'))`;
	const other = spawn(process.execPath, ['-e', script], { uid: 65534, gid: 65534, cwd: '/' });
	let said = '';
	other.stdout.on('data', (b) => { said += b; });
	await until('it listens', () => said.includes('there'));
	assert.match(await say(agent.socket, '{"ask":"hello"}\n'), /"pid":1/);
	assert.equal((await d.json('status')).agent, '');
	other.kill();
});

test('idle, it is not woken; no core is dumped; nothing secret stands where others look', async () => {
	const d = desk();
	const strict = await server({ expiresIn: 3600 });
	await connect(d, 'acme', strict);
	const agent = await d.agent();
	const token = await d.token('acme');
	await sleep(1500); // what the vault's change made it do
	const switches = () => fs.readdirSync(`/proc/${agent.pid}/task`).map((tid) => /^voluntary_ctxt_switches:\s+(\d+)$/m
		.exec(fs.readFileSync(`/proc/${agent.pid}/task/${tid}/status`, 'utf8'))[1]).join();
	const before = switches();
	await sleep(4000);
	if (SLOW === 1) // a sanitizer has a thread of its own
		assert.equal(switches(), before);
	for (const name of ['cmdline', 'environ'])
		assert.ok(!agent.proc(name).includes(token), name);
	assert.match(agent.proc('limits').toString(), /Max core file size +0 +0/);
	await stops(agent);
});

begin();
