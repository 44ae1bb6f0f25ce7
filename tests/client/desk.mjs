// SPDX-License-Identifier: Apache-2.0
//
// A person's desk: a home, a runtime directory and a vault of its own, the commands run
// there, and what the person does when a command asks.
//
//	const desk = new Desk();
//	await desk.connect('acme', at(lk, lk.native), consenting(lk, lk.ana));
//	const { status, stdout } = await desk.run('token', 'acme');
//	desk.remove();

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';

import { BINARY, run, sleep, SLOW } from '../lib/latchkey.mjs';
import { watch } from '../lib/leftovers.mjs';

// Nothing of the machine that runs the tests: no display, no session, no agent.
const CLEARED = ['DISPLAY', 'WAYLAND_DISPLAY', 'SSH_CONNECTION', 'SSH_TTY', 'BROWSER', 'DBUS_SESSION_BUS_ADDRESS',
	'LATCHKEY_VAULT', 'LATCHKEY_KEY', 'XDG_STATE_HOME', 'CREDENTIALS_DIRECTORY'];

export class Desk {
	constructor({ key = 'file', env = {} } = {}) {
		this.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'latchkey-desk-'));
		for (const name of ['home', 'run'])
			fs.mkdirSync(path.join(this.dir, name), { mode: 0o700 });
		if (key === 'file')
			fs.writeFileSync(path.join(this.dir, 'key'), randomBytes(32), { mode: 0o600 });
		this.vault = path.join(this.dir, 'home/.local/state/latchkey');
		this.env = {
			...process.env, ...Object.fromEntries(CLEARED.map((name) => [name, undefined])),
			HOME: path.join(this.dir, 'home'), XDG_RUNTIME_DIR: path.join(this.dir, 'run'),
			LATCHKEY_KEY: key === 'file' ? `file:${path.join(this.dir, 'key')}` : key, ...env,
		};
		this.children = new Set();
	}

	file(name, text, mode = 0o600) {
		const at = path.join(this.dir, name);
		fs.writeFileSync(at, text, { mode });
		return at;
	}

	// A command to its end: {status, stdout, stderr}.
	run(...args) {
		const options = typeof args.at(-1) === 'object' ? args.pop() : {};
		return run(BINARY, args, { ...options, env: { ...this.env, ...options.env } });
	}

	async ends(status, ...args) {
		const result = await this.run(...args);
		assert.equal(result.status, status, `${args.filter((a) => typeof a === 'string').join(' ')}\n${result.stderr}${result.stdout}`);
		return result;
	}

	async json(...args) {
		return JSON.parse((await this.ends(0, ...args, '--json')).stdout);
	}

	async token(name, ...more) {
		return (await this.ends(0, 'token', name, ...more)).stdout.trimEnd();
	}

	// A command that runs on; stdio: of spawn, for more than three descriptors.
	start(args, { env = {}, stdio = ['pipe', 'pipe', 'pipe'], ...options } = {}) {
		return new Running(this, spawn(BINARY, args, { ...options, stdio, env: { ...this.env, ...env } }));
	}

	// Connects by an address that is pasted back. walk(url): the address at which the
	// browser ended.
	async connect(name, args, walk, { ends = 0 } = {}) {
		const running = this.start(['connect', name, ...args, '--paste']);
		const [, url] = await running.says(/^ {4}(https:\S+)$/m);
		await running.says(/paste it here: $/);
		running.child.stdin.end(`${await walk(url)}\n`);
		const result = await running.end();
		assert.equal(result.status, ends, result.stderr + result.stdout);
		return { ...result, url };
	}

	// An empty vault: what cannot be connected leaves one.
	async makeVault(...more) {
		await this.ends(4, 'connect', 'x', '--issuer', 'https://localhost:1', '--client-id', 'x', ...more);
	}

	async agent(args = [], options = {}) {
		const agent = this.start(['agent', ...args], options);
		await agent.says(/"event":"agent_started"/);
		agent.socket = JSON.parse(agent.stderr.split('\n').find((l) => l.includes('agent_started'))).socket;
		return agent;
	}

	remove() {
		for (const running of this.children)
			running.child.kill('SIGKILL');
		fs.rmSync(this.dir, { recursive: true, force: true });
	}
}

export class Running {
	constructor(desk, child) {
		this.child = child;
		this.stdout = '';
		this.stderr = '';
		desk.children.add(this);
		watch(child);
		child.stdin?.on('error', () => {});
		child.stdout?.on('data', (b) => { this.stdout += b; });
		child.stderr?.on('data', (b) => { this.stderr += b; });
		this.ended = new Promise((resolve) => {
			child.once('close', (status, signal) => {
				desk.children.delete(this);
				resolve({ status, signal, stdout: this.stdout, stderr: this.stderr });
			});
		});
		this.ended.then((e) => { this.over = e; });
	}

	get pid() {
		return this.child.pid;
	}

	// Waits until standard error (or `where`) matches.
	async says(pattern, where = 'stderr') {
		for (let i = 0; i < 1000 * SLOW; i++) {
			const match = pattern.exec(this[where]);
			if (match)
				return match;
			if (this.over)
				break;
			await sleep(10);
		}
		throw new Error(`never said ${pattern}:\n${this.stderr}${this.stdout}`);
	}

	kill(signal) {
		this.child.kill(signal);
		return this.ended;
	}

	async end() {
		const timer = setTimeout(() => this.child.kill('SIGABRT'), 30000 * SLOW);
		const ended = await this.ended;
		clearTimeout(timer);
		return ended;
	}

	// Its log, a JSON object a line.
	events(name) {
		return this.stderr.split('\n').filter((l) => l.startsWith('{')).map((l) => JSON.parse(l))
			.filter((e) => name === undefined || e.event === name);
	}

	proc(name) {
		return fs.readFileSync(`/proc/${this.pid}/${name}`);
	}
}

// ---- the servers, as options of connect ------------------------------------------------

export function at(lk, client, { redirectUri = client.redirect_uri, scope = client.scope } = {}) {
	return ['--issuer', lk.issuer, '--client-id', client.client_id, '--redirect-uri', redirectUri,
		'--ca-file', lk.findCa?.() ?? lk.who.caFile, ...scope.split(' ').flatMap((s) => ['--scope', s])];
}

// A walk through this project's pages.
export function consenting(lk, user, how = {}) {
	return async (url) => {
		const browser = await lk.as(user);
		const answer = await browser.walk(await browser.get(lk.local(url)), { user, ...how });
		return answer.get('location') ?? assert.fail(`no redirect in\n${answer}`);
	};
}

// The same at a strict server, which has no pages.
export function approving(strict) {
	return (url) => `${strict.client.redirect_uri}?${new URLSearchParams(strict.authorize(url))}`;
}

// One line to a Unix socket, and what came back until it was closed; where more wait than
// it listens for, once there is room.
export function say(socket, line) {
	return new Promise((resolve, reject) => {
		const c = net.connect(socket);
		let text = '';
		c.on('connect', () => { if (line !== undefined) c.write(line); });
		c.on('data', (b) => { text += b; });
		c.on('error', (e) => {
			if (e.code === 'EAGAIN')
				resolve(sleep(20).then(() => say(socket, line)));
			else if (e.code === 'EPIPE' || e.code === 'ECONNRESET')
				resolve(text);
			else
				reject(e);
		});
		c.on('close', () => resolve(text));
	});
}
