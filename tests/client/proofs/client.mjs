// SPDX-License-Identifier: Apache-2.0
//
// A client as these proofs need it: a vault of its own in a directory of its own, the
// library driven line by line (tests/client/driver.c), the command, the agent.
//
//   LONG=1          the long forms (make test-client-long)
//   LATCHKEY_TEST_VAULT  a PostgreSQL, in which the vaults are then, each in a schema
//   LATCHKEY_TOOLS  where driver, crowd and their kin were built

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';

import { BINARY, form, random, run, SLOW, sleep } from '../../lib/latchkey.mjs';
import { freshSchema } from '../../lib/postgres.mjs';

const BROWSER = 'the session of one browser';
export const LONG = Boolean(process.env.LONG);
export const DATABASE = process.env.LATCHKEY_TEST_VAULT;
const TOOLS = process.env.LATCHKEY_TOOLS ?? path.join(path.dirname(BINARY), 'tests/client');
export const tool = (name) => path.join(TOOLS, name);

// What a test needs to register at a server of these proofs.
function registrationAt(server) {
	const at = server.lk ?? server;
	const who = server.client ?? at.web;
	return { issuer: server.issuer, client_id: who.client_id, client_secret: who.client_secret,
		redirect_uri: who.redirect_uri, scope: who.scope, ca_file: server.who.caFile };
}

export class Client {
	static async make() {
		const client = new Client();
		client.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'latchkey-client-'));
		client.schema = DATABASE && await freshSchema(DATABASE);
		client.vault = client.schema?.url ?? path.join(client.dir, 'vault');
		client.env = {
			HOME: client.dir, XDG_RUNTIME_DIR: client.dir, XDG_STATE_HOME: path.join(client.dir, 'state'), TMPDIR: client.dir,
			LATCHKEY_VAULT: client.vault, LATCHKEY_KEY: `file:${path.join(client.dir, 'vault-key')}`,
			DBUS_SESSION_BUS_ADDRESS: '', DISPLAY: '', WAYLAND_DISPLAY: '', LATCHKEY_FAULT: '',
		};
		client.drivers = new Set();
		client.names = 0;
		return client;
	}

	async remove() {
		for (const driver of this.drivers)
			driver.kill();
		if (!process.env.LATCHKEY_KEEP)
			fs.rmSync(this.dir, { recursive: true, force: true });
	}

	name() {
		this.names += 1;
		return `c${this.names}-${random(4)}`.replace(/[^\w-]/g, 'x');
	}

	// A private file with that text; its path.
	file(name, text) {
		const at = path.join(this.dir, name);
		fs.writeFileSync(at, text, { mode: 0o600 });
		return at;
	}

	latchkey(...args) {
		const options = typeof args.at(-1) === 'object' ? args.pop() : {};
		return run(BINARY, args, { ...options, env: { ...this.env, ...options.env } });
	}

	// options: of the driver's `open`; faulty: with fault points, and fault: which
	// (base/fault_point.h); env.
	async driver({ faulty = false, fault = '', env = {}, ...options } = {}) {
		const driver = new Driver(this, { faulty, env: { ...this.env, LATCHKEY_FAULT: fault, ...env }, options });
		this.drivers.add(driver);
		const { status, message } = await driver.opened;
		assert.match(status, /^(ok|killed)$/, message);
		return driver;
	}

	async with(options, act) {
		const driver = await this.driver(options);
		try {
			return await act(driver);
		} finally {
			await driver.end();
		}
	}

	// `latchkey connect NAME --paste`, to its end. who: what client add printed; consent:
	// (url) => the pairs that the browser brings back. Gives what it printed.
	async connectByPaste(name, { issuer, who, caFile, consent }) {
		const secret = this.file(`secret-of-${name}`, `${who.client_secret}\n`);
		const running = this.spawn(['connect', name, '--paste', '--issuer', issuer, '--client-id', who.client_id,
			'--client-secret-file', secret, '--redirect-uri', who.redirect_uri, '--ca-file', caFile, '--scope', 'export-jobs:read']);
		const [url] = await running.says(/https:\S+authorize\S+/);
		await running.says(/paste/i);
		running.child.stdin.end(`${who.redirect_uri}?${form(await consent(url))}\n`);
		assert.equal(await running.exit, 0, running.output);
		fs.rmSync(secret);
		return running.output;
	}

	// A command that goes on: says(pattern) waits until it has printed that.
	spawn(args, { env = {}, cwd = this.dir, command = BINARY } = {}) {
		return new Running(spawn(command, args, { env: { ...process.env, ...this.env, ...env }, cwd }));
	}

	async agent(args = [], options = {}) {
		const running = this.spawn(['agent', ...args], options);
		for (let i = 0; ; i++) {
			const { stdout } = await this.latchkey('status');
			if (/agent.*pid/i.test(stdout))
				return running;
			assert.ok(i < 200 && running.status === undefined, `no agent: ${running.output}${stdout}`);
			await sleep(25);
		}
	}
}

class Running {
	constructor(child) {
		Object.assign(this, { child, output: '', status: undefined });
		for (const stream of [child.stdout, child.stderr])
			stream.on('data', (b) => { this.output += b; });
		child.stdin.on('error', () => {});
		this.exit = new Promise((resolve) => {
			child.once('close', (status, signal) => {
				this.status = status ?? signal;
				resolve(this.status);
			});
		});
	}

	async says(pattern, timeoutMs = 15000 * SLOW) {
		const until = Date.now() + timeoutMs;
		for (;;) {
			const found = pattern.exec(this.output);
			if (found)
				return found;
			assert.ok(this.status === undefined && Date.now() < until, `it did not say ${pattern}: ${this.output}`);
			await sleep(10);
		}
	}

	async stop(signal = 'SIGTERM') {
		this.child.kill(signal);
		return this.exit;
	}
}

// One process of driver.c. Each verb gives what it answered, as an object; after it was
// killed, {killed: true}.
class Driver {
	constructor(client, { faulty, env, options }) {
		this.client = client;
		this.child = spawn(tool(faulty ? 'driver_faults' : 'driver'), [], { env: { ...process.env, ...env }, cwd: client.dir });
		this.errors = '';
		this.child.stderr.on('data', (b) => { this.errors += b; });
		this.child.stdin.on('error', () => {});
		this.waiting = [];
		readline.createInterface({ input: this.child.stdout }).on('line', (line) => this.heard(JSON.parse(line)));
		this.gone = new Promise((resolve) => {
			this.child.once('close', (status, signal) => {
				this.ended = { status, signal };
				for (const answer of this.waiting.splice(0))
					answer(this.last());
				resolve(this.ended);
			});
		});
		this.opened = this.do('open', options);
	}

	heard({ took_us: took, ...answer }) {
		if (answer.show !== undefined) {
			this.shown = answer;
			return;
		}
		this.waiting.shift()?.({ message: '', retry_after: 0, took_ms: took / 1000, ...answer });
	}

	// What is said for a process that is no more.
	last() {
		const { status, signal } = this.ended;
		return signal === 'SIGKILL' ? { killed: true, status: 'killed' } : { status: `died: ${status ?? signal}`, message: this.errors };
	}

	do(verb, fields = {}) {
		return new Promise((resolve) => {
			if (this.ended)
				return resolve(this.last());
			this.waiting.push(resolve);
			return this.child.stdin.write(`${JSON.stringify({ do: verb, ...fields })}\n`);
		});
	}

	kill() {
		this.child.kill('SIGKILL');
	}

	// {status, signal, trace}: trace is what a build with fault points came by.
	async end() {
		this.child.stdin.end();
		await this.gone;
		this.client.drivers.delete(this);
		const trace = [...this.errors.matchAll(/^fault point ([\w-]+)$/gm)].map((m) => m[1]);
		return { ...this.ended, trace };
	}

	// ---- verbs -----------------------------------------------------------------------------

	async start(server, change = {}, { name = this.client.name(), browser = BROWSER } = {}) {
		return this.startWith({ ...registrationAt(server), ...change }, { name, browser });
	}

	async startWith({ client_secret: secret, ...fields }, { name = this.client.name(), browser = BROWSER } = {}) {
		const file = secret && this.client.file(`secret-${name}`, secret);
		const got = await this.do('start', { name, browser, client_secret_file: file, ...fields });
		return { ...got, name };
	}

	finish(query, { browser = BROWSER } = {}) {
		return this.do('finish', { query, browser });
	}

	// From nothing to a connection, with the person's consent: {status, name}.
	async connect(server, change = {}, { name = this.client.name() } = {}) {
		const started = await this.start(server, change, { name });
		assert.equal(started.status, 'ok', started.message);
		const got = await this.finish(form(await server.authorize(started.url)));
		assert.equal(got.status, 'ok', got.message);
		return { ...got, name };
	}

	// By the device flow; shown: what the person was told, if anything.
	async connectDevice(server) {
		const { client_secret: secret, ...fields } = registrationAt(server);
		const name = this.client.name();
		const got = await this.do('connect', { name, way: 'device', timeout_s: 5, client_secret_file: this.client.file(`secret-${name}`, secret), ...fields });
		const shown = this.shown;
		this.shown = undefined;
		return { ...got, name, shown };
	}

	open(name) {
		return this.do('connection', { name });
	}

	drop(name) {
		return this.do('drop', { name });
	}

	token(name, fields = {}) {
		return this.do('token', { name, ...fields });
	}

	async info(name) {
		const { info, ...answer } = await this.do('info', { name });
		return { ...answer, ...info };
	}

	log(name) {
		return this.do('log', { name });
	}

	disconnect(name) {
		return this.do('disconnect', { name });
	}

	forget(name) {
		return this.do('forget', { name });
	}

	// Another token than the one that is there, as after a 401.
	async refresh(name) {
		const got = await this.do('token', { name });
		return got.status === 'ok' ? this.do('after', { name }) : got;
	}

	// The same again and again, until it is settled: a token, or the connection is at its
	// end. What failed before may be told again until its pause is over.
	async refreshSettled(name, timeoutMs = 30000 * SLOW) {
		const until = Date.now() + timeoutMs;
		for (;;) {
			const got = await this.refresh(name);
			if (/^(ok|reconnect|killed|died|bug)/.test(got.status) || Date.now() > until)
				return got;
			await sleep(100);
		}
	}
}
