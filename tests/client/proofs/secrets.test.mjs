// SPDX-License-Identifier: Apache-2.0
//
// One whole run of a client, watched: every argument list and environment while it
// goes, every file it leaves, everything it prints, and the memory that a crash would
// leave behind. None of them has a token, a code, a verifier or a client secret in it
// (RULEBOOK CL-37). The servers of the run know them all.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';

import { cast } from '../../lib/cast.mjs';
import { BINARY, form, SLOW, sleep } from '../../lib/latchkey.mjs';
import { answers } from '../hostile.mjs';
import { Client, tool } from './client.mjs';
import { HttpsServer, send } from './https.mjs';
import { Middleman } from './middleman.mjs';

const man = await Middleman.start({ prepare: cast });
const client = await Client.make();
const api = await new HttpsServer(man.who, async (request, response) => {
	const [, token] = /^Bearer (.+)$/.exec(request.headers.authorization ?? '') ?? [];
	const good = token !== undefined && await man.lk.active(token);
	send(response, good ? 200 : 401, { good }, good ? {} : { 'WWW-Authenticate': 'Bearer error="invalid_token"' });
}).listen();
after(async () => {
	await client.remove();
	await api.close();
	await man.close();
});

// ---- looking ----------------------------------------------------------------------------

// A secret as it stands, and in the spellings in which it travels.
const spellings = (secret) => [secret, encodeURIComponent(secret), form({ x: secret }).slice(2), Buffer.from(secret).toString('base64').replace(/=+$/, ''),
	Buffer.from(secret).toString('hex')];

function find(bytes, secrets = man.secrets) {
	return [...secrets].filter((secret) => spellings(secret).some((s) => bytes.includes(s))).map((s) => `${s.slice(0, 9)}...`);
}

// Every argument list and environment of the processes that are about this directory.
class Watch {
	constructor(dir) {
		Object.assign(this, { dir, seen: new Set(), looks: 0 });
		this.timer = setInterval(() => this.look(), 2);
	}

	look() {
		this.looks++;
		for (const pid of fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid))
			try {
				const environment = fs.readFileSync(`/proc/${pid}/environ`, 'latin1');
				if (!environment.includes(this.dir))
					continue;
				this.seen.add(environment);
				this.seen.add(fs.readFileSync(`/proc/${pid}/cmdline`, 'latin1'));
			} catch {
				// It has ended meanwhile.
			}
	}

	end() {
		clearInterval(this.timer);
		return [...this.seen].join('\n');
	}
}

const files = () => fs.readdirSync(client.dir, { recursive: true }).map((f) => path.join(client.dir, f)).filter((f) => fs.statSync(f).isFile());

test('the control: what is looked for is found, however it is spelt', () => {
	const secret = 'lk_rt_0123456789+/=';
	for (const spelt of spellings(secret))
		assert.equal(find(Buffer.from(`x${spelt}y`), [secret]).length, 1);
	assert.equal(find(Buffer.from('nothing'), [secret]).length, 0);
});

// ---- the run ------------------------------------------------------------------------------

const said = []; // what may be shown to anyone: all but the standard output of `token`

async function latchkey(...args) {
	const result = await client.latchkey(...args);
	said.push(result.stderr);
	return result;
}

async function connect(name) {
	said.push(await client.connectByPaste(name,
		{ issuer: man.issuer, who: man.lk.web, caFile: man.who.caFile, consent: (url) => man.authorize(url) }));
}

test('a whole run: nothing that was secret is seen anywhere', async (t) => {
	const watch = new Watch(client.dir);
	man.lk.ledger.secrets.forEach((s) => man.secrets.add(s));
	await connect('acme');
	const token = (await latchkey('token', 'acme')).stdout.trim();
	assert.equal(await man.lk.active(token), true);
	assert.match((await latchkey('token', 'acme', '--json')).stdout, /access_token/);
	const target = `https://localhost:${api.port}/jobs`;
	assert.match((await latchkey('call', 'acme', target, '--ca-file', man.who.caFile)).stdout, /true/);
	await man.lk.revoke(man.lk.web, token); // of the access token: the API refuses it, the grant lives
	const called = await latchkey('call', 'acme', target, '--ca-file', man.who.caFile);
	assert.match(called.stdout, /true/, called.stderr);
	const child = await latchkey('exec', 'acme', '--', 'sh', '-c', 'env; tr "\\0" "\\n" </proc/self/cmdline; sleep 0.1');
	assert.equal(child.status, 0, child.stderr);
	said.push(child.stdout);

	// A server that repeats what it was sent, in its error.
	man.next('token', (response, request) => send(response, 400, { error: 'invalid_request', error_description: `no such token: ${request.form.refresh_token}` }));
	const agent = await client.agent();
	await client.with({ no_agent: true }, async (driver) => {
		const refused = await driver.refresh('acme');
		assert.equal(refused.status, 'configuration', refused.message);
		said.push(JSON.stringify(refused));
		said.push(JSON.stringify(await driver.log('acme')), JSON.stringify(await driver.info('acme')));
		man.next('token', answers.dropped());
		const dropped = await driver.refreshSettled('acme');
		assert.equal(dropped.status, 'ok', dropped.message);
	});
	assert.equal((await latchkey('token', 'acme', '--min-ttl', '1')).status, 0);
	for (const args of [['status'], ['status', 'acme', '--json'], ['log', 'acme'], ['log', 'acme', '--json'], ['status', 'nobody']])
		said.push((await latchkey(...args)).stdout);
	assert.equal(await agent.stop(), 0);
	said.push(agent.output);
	const left = files(); // while the connection is there
	const kept = left.map((f) => [f, fs.readFileSync(f)]);
	assert.equal((await latchkey('disconnect', 'acme')).status, 0);
	const lists = watch.end();

	assert.ok(watch.looks > 50 && lists.includes('acme'), 'it was watched');
	assert.ok(man.secrets.size > 8, `${man.secrets.size} secrets`);
	assert.ok(left.some((f) => f.includes('acme')), left.join());
	t.diagnostic(`${man.secrets.size} secrets, ${watch.looks} looks at the processes, ${left.length} files, ${said.join('').length} characters of output`);
	assert.deepEqual(find(Buffer.from(lists, 'latin1')), [], 'in an argument list or an environment');
	assert.deepEqual(find(Buffer.from(said.join('\n'))), [], 'in what was printed');
	for (const [file, bytes] of kept)
		assert.deepEqual(find(bytes), [], `in ${file}`);
	for (const file of files())
		assert.deepEqual(find(fs.readFileSync(file)), [], `in ${file}, after all`);
	assert.deepEqual(find(Buffer.from(man.lk.log)), [], 'in the log of the server');
});

// ---- a crash ----------------------------------------------------------------------------------

const CORES = path.join(client.dir, 'cores');
const pattern = fs.readFileSync('/proc/sys/kernel/core_pattern', 'utf8').trim();
// A sanitizer's runtime leaves no cores, and has memory of its own.
const without = SLOW > 1 ? 'under a sanitizer' : /^[|/]/.test(pattern) && `core_pattern is ${pattern}`;
const cores = () => fs.readdirSync(CORES).filter((f) => f.startsWith('core'));

// Runs a command with no limit on core files, and ends it by SIGABRT once it is ready.
async function abort(command, ready) {
	fs.rmSync(CORES, { recursive: true, force: true });
	fs.mkdirSync(CORES);
	const running = client.spawn(['-c', 'ulimit -c unlimited; exec "$0" "$@"', ...command], { command: '/bin/sh', cwd: CORES });
	await ready(running);
	running.child.kill('SIGABRT');
	assert.equal(await running.exit, 'SIGABRT', running.output);
	return cores().map((f) => fs.readFileSync(path.join(CORES, f)));
}

test('the control: a program without precautions leaves a core with its secret', { skip: without }, async () => {
	const [core] = await abort(['/bin/sh', '-c', 'echo ready; SECRET=lk_rt_planted_for_the_control; read line'], (r) => r.says(/ready/));
	assert.ok(core, 'no core was left');
	assert.equal(find(core, ['lk_rt_planted_for_the_control']).length, 1);
});

test('a crash of the agent leaves no core', { skip: without }, async () => {
	await connect('core');
	const left = await abort([BINARY, 'agent'], async () => {
		for (let i = 0; i < 100 && !/pid/.test((await client.latchkey('status')).stdout); i++)
			await sleep(20);
		assert.equal((await client.latchkey('token', 'core')).status, 0);
	});
	assert.deepEqual(left.map((core) => find(core)), []);
});

test('a crash of a host program: its core has no secret that the library holds', { skip: without }, async () => {
	await connect('host');
	let mine;
	const left = await abort([tool('driver')], async (running) => {
		running.child.stdin.write('{"do":"open","no_agent":true}\n{"do":"token","name":"host"}\n');
		const [, token] = await running.says(/"token":"([^"]+)"/);
		running.child.stdin.write('{"do":"after","name":"host"}\n');
		await running.says(new RegExp(`"token":"(?!${token})`));
		mine = token;
	});
	assert.ok(mine);
	assert.ok(left.length > 0, 'the host may leave a core: that is its own affair');
	// What the host was given is the host's: the tokens that the driver has printed.
	const given = /"token":"([^"]+)"/g;
	assert.ok(given);
	const held = [...man.secrets].filter((s) => !s.startsWith('lk_at_'));
	for (const core of left)
		assert.deepEqual(find(core, held), [], 'a refresh token, a code, a verifier or the client secret');
});
