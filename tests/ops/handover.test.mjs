// SPDX-License-Identifier: Apache-2.0
//
// A restart, an upgrade, a new certificate and new keys while requests come in at a
// steady rate, over connections that are kept and over new ones: none is refused, none
// is reset, none is answered 5xx (issue 4 section 2).

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';

import { startCast } from '../lib/cast.mjs';
import { BINARY, requestBytes, SLOW, sleep } from '../lib/latchkey.mjs';
import { load, RATE } from './load.mjs';

const made = [];
after(async () => {
	for (const pid of made)
		try {
			process.kill(pid, 'SIGKILL');
		} catch { /* it has ended */ }
});

// A successor as an operator starts one; resolves once it answers.
function start(lk, args = ['--replace'], { command = BINARY, before = [], stdio } = {}) {
	const child = spawn(command, [...before, 'serve', '--dir', lk.data,
		'--listen', `127.0.0.1:${lk.port}`, ...args], { env: { ...process.env, ...lk.env },
		stdio: stdio ?? ['ignore', 'pipe', 'pipe'] });
	child.log = '';
	for (const stream of [child.stdout, child.stderr])
		stream.on('data', (b) => { child.log += b; });
	child.ended = new Promise((resolve) => child.once('exit', (status, signal) => resolve({ status, signal })));
	made.push(child.pid);
	child.started = new Promise((resolve, reject) => {
		child.stderr.on('data', () => child.log.includes('"event":"started"') && resolve());
		child.ended.then((e) => reject(new Error(`${JSON.stringify(e)}\n${child.log}`)));
	});
	child.started.catch(() => {});
	return child;
}

async function alive(lk, rounds) {
	const { access_token } = await lk.grant(lk.web);
	lk.pool.close(); // what idles would be waited for
	const stop = load(lk, () => access_token);
	await sleep(300);
	await rounds();
	await sleep(500);
	const seen = await stop();
	assert.deepEqual(seen.wrong, [], `of ${seen.sent}`);
	assert.ok(seen.sent > RATE / 2, `${seen.sent} sent`);
	return seen;
}

const gone = (pid) => {
	try {
		process.kill(pid, 0);
		return false;
	} catch {
		return true;
	}
};

test('serve --replace, five times under load: nobody notices', async (t) => {
	const lk = await startCast();
	let running = lk.child;
	const seen = await alive(lk, async () => {
		for (let i = 0; i < 5; i++) {
			const successor = start(lk);
			await successor.started;
			await lk.eventually('the old one ends', () => gone(running.pid) || running.exitCode !== null, 20000 * SLOW);
			running = successor;
			await sleep(200);
		}
	});
	t.diagnostic(`${seen.sent} requests, ${seen.wrong.length} wrong`);
	assert.deepEqual(await lk.exit, { status: 0, signal: null }, lk.log);
	assert.equal(lk.events('handed_over').length, 1);
	running.kill('SIGTERM');
	assert.deepEqual(await running.ended, { status: 0, signal: null }, running.log);
	await lk.remove();
});

test('SIGUSR2 starts the program that stands there now, with the same command line', async () => {
	const lk = await startCast();
	await alive(lk, async () => {
		lk.child.kill('SIGUSR2');
		await lk.exit;
	});
	const [{ pid }] = lk.events('handed_over');
	made.push(pid);
	const words = fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
	assert.ok(words.includes('--replace') && words.includes(lk.data), words.join(' '));
	const ignored = BigInt(`0x${/^SigIgn:\s*(\w+)/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))[1]}`);
	assert.equal(ignored >> 16n & 1n, 0n, 'SIGCHLD is ignored by who waits for nobody, not by its successor');
	process.kill(pid, 'SIGTERM');
	await lk.eventually('the successor ends', () => gone(pid));
	await lk.remove();
});

test('a connection that idles through it is answered once more, and told to go', async () => {
	const lk = await startCast();
	const idle = await lk.connect();
	const ask = async () => {
		await idle.send(requestBytes({ target: '/.well-known/oauth-authorization-server', host: lk.host }));
		return idle.read({ method: 'GET' });
	};
	assert.equal((await ask()).status, 200);
	const successor = start(lk);
	await successor.started;
	await sleep(300);
	assert.equal(lk.exited, undefined, 'the old one waits for who idles');
	const answer = await ask();
	assert.equal(answer.status, 200);
	assert.match(answer.get('connection'), /close/i);
	assert.deepEqual(await lk.exit, { status: 0, signal: null }, lk.log);
	successor.kill('SIGTERM');
	await successor.ended;
	await lk.remove();
});

test('SIGTERM after a handover waits for nobody who idles', async () => {
	const lk = await startCast();
	const idle = await lk.connect();
	const successor = start(lk);
	await successor.started;
	await sleep(300);
	assert.deepEqual(await lk.stop(), { status: 0, signal: null }, lk.log);
	idle.close();
	successor.kill('SIGTERM');
	await successor.ended;
	await lk.remove();
});

test('a successor that fails changes nothing', async () => {
	const lk = await startCast();
	await alive(lk, async () => {
		const wrong = start(lk, ['--replace', '--tls-cert', path.join(lk.dir, 'nowhere.pem')]);
		const ended = await wrong.ended;
		assert.equal(ended.status, 1, wrong.log);
		assert.match(wrong.log, /nowhere\.pem/);
	});
	assert.equal(lk.events('handed_over').length, 0);
	await lk.remove();
});

test('the control socket is for the owner, and is found whatever the length of its path', async () => {
	const lk = await startCast();
	const at = path.join(lk.data, 'control.sock');
	assert.equal((fs.statSync(at).mode & 0o777).toString(8), '600');
	await lk.remove();
	const long = path.join(fs.mkdtempSync('/tmp/latchkey-test-'), 'd'.repeat(120));
	const deep = await startCast({ dir: (fs.mkdirSync(long, { recursive: true }), long) });
	const successor = start(deep);
	await successor.started;
	assert.deepEqual(await deep.exit, { status: 0, signal: null }, deep.log);
	successor.kill('SIGTERM');
	await successor.ended;
	await deep.remove();
	fs.rmSync(path.dirname(long), { recursive: true, force: true });
});

test('what a killed server left behind is no server: --replace starts', async () => {
	const lk = await startCast();
	lk.child.kill('SIGKILL');
	await lk.exit;
	const next = start(lk);
	await next.started;
	next.kill('SIGTERM');
	assert.deepEqual(await next.ended, { status: 0, signal: null }, next.log);
	await lk.remove();
});

test('without --replace, a second server of the same addresses is refused as before', async () => {
	const lk = await startCast();
	const second = start(lk, []);
	assert.equal((await second.ended).status, 1);
	assert.match(second.log, /another server/);
	await lk.remove();
});

test('new certificate and new keys under load: nobody notices', async () => {
	const lk = await startCast();
	await alive(lk, async () => {
		for (let i = 0; i < 3; i++) {
			for (const old of ['tls-cert.pem', 'tls-key.pem'])
				fs.rmSync(path.join(lk.data, old));
			await lk.change('dev', 'certificate');
			lk.child.kill('SIGHUP');
			await lk.change('key', 'rotate');
			await sleep(300);
		}
	});
	assert.ok(lk.events('reloaded').length >= 3);
	assert.deepEqual(lk.events('fault'), []);
	await lk.remove();
});

// The two words of systemd's protocol, spoken by hand: sd_listen_fds(3).
const ACTIVATE = `
import os, socket, sys
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(('127.0.0.1', int(sys.argv[1])))
s.listen(128)
os.dup2(s.fileno(), 3)
os.set_inheritable(3, True)
os.environ['LISTEN_FDS'] = '1'
for i in range(int(sys.argv[2])):
    pid = os.fork()
    if pid == 0:
        os.environ['LISTEN_PID'] = str(os.getpid())
        os.execv(sys.argv[3], sys.argv[3:])
    print('pid', pid, flush=True)
    os.waitpid(pid, 0)
`;

test('socket activation: what comes while nobody runs waits, and all workers answer', async () => {
	const lk = await startCast();
	await lk.stop();
	const child = start(lk, ['--workers', '3'], { command: 'python3', before: ['-c', ACTIVATE, String(lk.port), '2', BINARY] });
	await child.started;
	const ask = async () => {
		const c = await lk.connect();
		await c.send(requestBytes({ target: '/.well-known/oauth-authorization-server', host: lk.host }));
		const answer = await c.read({ method: 'GET' });
		c.close();
		return answer.status;
	};
	for (let i = 0; i < 12; i++)
		assert.equal(await ask(), 200);
	const first = Number(/pid (\d+)/.exec(child.log)[1]);
	process.kill(first, 'SIGTERM');
	// Knocks while it stops and the second one starts: the backlog keeps them.
	assert.deepEqual(await Promise.all(Array.from({ length: 20 }, async (_, i) => { await sleep(i * 20); return ask(); })), Array(20).fill(200));
	const second = Number([...child.log.matchAll(/pid (\d+)/g)][1][1]);
	made.push(second);
	process.kill(second, 'SIGTERM');
	await child.ended;
	await lk.remove();
});
