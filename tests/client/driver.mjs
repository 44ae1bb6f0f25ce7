// SPDX-License-Identifier: Apache-2.0
//
// A program that uses liblatchkey (driver.c), and a vault for it. Its commands and
// answers are told at the top of driver.c.
//
//	const place = vault();                     // a directory and a key file
//	const driver = new Driver(place);
//	await driver.ok({ do: 'token', name: 'acme' });
//	await driver.end();                        // throws if it crashed

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';

import { BINARY, SLOW } from '../lib/latchkey.mjs';

const program = (name) => path.join(path.dirname(BINARY), 'tests/client', name);

// A new vault's directory, keyed by a file. remove() takes all of it away.
export function vault() {
	const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'latchkey-vault-'));
	const key = path.join(dir, 'key');
	fs.writeFileSync(key, randomBytes(32), { mode: 0o600 });
	return {
		dir, vault: path.join(dir, 'vault'), key: `file:${key}`,
		file: (name, text) => {
			fs.writeFileSync(path.join(dir, name), text, { mode: 0o600 });
			return path.join(dir, name);
		},
		remove: () => fs.rmSync(dir, { recursive: true, force: true }),
	};
}

export class Driver {
	// faults: LATCHKEY_FAULT for the program that has fault points. env: more of it.
	// open: members of {"do": "open"}; false: it is not sent.
	constructor(place, { faults, env = {}, open = {} } = {}) {
		const wants = faults === undefined ? env : { LATCHKEY_FAULT: faults, ...env };
		this.child = spawn(program(faults === undefined ? 'driver' : 'driver_faults'), [],
			{ env: { ...process.env, ...wants }, stdio: ['pipe', 'pipe', 'pipe'] });
		this.faulty = faults !== undefined;
		this.exit = new Promise((resolve) => {
			this.child.once('close', (status, signal) => resolve({ status, signal }));
		});
		this.child.stdin.on('error', () => {});
		this.stderr = '';
		this.child.stderr.on('data', (b) => { this.stderr += b; });
		this.lines = readline.createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
		this.queue = Promise.resolve();
		if (open !== false)
			this.opened = this.ok({ do: 'open', vault: place.vault, key: place.key, no_agent: true, ...open });
	}

	get pid() {
		return this.child.pid;
	}

	// The next line it writes: an object, or undefined when it has ended.
	async line() {
		const { value, done } = await this.lines.next();
		return done ? undefined : JSON.parse(value);
	}

	write(line) {
		this.child.stdin.write(`${typeof line === 'string' ? line : JSON.stringify(line)}\n`);
	}

	// One command and its answer; undefined when it died of it. shown: called with what
	// the person is shown on the way.
	send(command, shown = () => {}) {
		const answer = this.queue.then(async () => {
			this.write(command);
			for (;;) {
				const line = await this.line();
				if (line?.show === undefined)
					return line;
				shown(line, this);
			}
		});
		this.queue = answer.catch(() => {});
		return answer;
	}

	async ok(command, shown) {
		return this.ends('ok', command, shown);
	}

	async ends(status, command, shown) {
		const answer = await this.send(command, shown);
		assert.equal(answer?.status, status, `${JSON.stringify(command)}\n${JSON.stringify(answer)}\n${this.stderr}`);
		return answer;
	}

	kill(signal = 'SIGKILL') {
		this.child.kill(signal);
		return this.exit;
	}

	async end() {
		this.child.stdin.end();
		const timer = setTimeout(() => this.child.kill('SIGABRT'), 20000 * SLOW);
		const ended = await this.exit;
		clearTimeout(timer);
		assert.deepEqual(ended, { status: 0, signal: null }, this.stderr);
		if (!this.faulty) // the library prints nothing
			assert.equal(this.stderr, '');
	}
}

// A registration for a client of one of these servers, as the driver takes it.
export function registration(place, { issuer, caFile, client, redirectUri = client.redirect_uri, scope = client.scope }) {
	return {
		issuer, ca_file: caFile, client_id: client.client_id, redirect_uri: redirectUri, scope,
		...(client.client_secret ? { client_secret_file: place.file(`secret-${randomBytes(4).toString('hex')}`, `${client.client_secret}\n`) } : {}),
	};
}

// Connects `name` as a web application does. authorize(url): what the browser brings to
// the redirect URI, as pairs or as a query.
export async function connect(driver, name, registered, authorize, browser = 'session-1') {
	const { url } = await driver.ok({ do: 'start', name, browser, ...registered });
	const brought = await authorize(url);
	const query = typeof brought === 'string' ? brought : new URLSearchParams(brought).toString();
	return driver.ok({ do: 'finish', browser, query });
}

// For a real Latchkey: the person who signs in and consents, by its own pages.
export function consenting(lk, user) {
	return async (url) => {
		const browser = await lk.as(user);
		const answer = await browser.walk(await browser.get(lk.local(url)), { user });
		const to = answer.get('location');
		assert.ok(to, `no redirect in\n${answer}`);
		return new URL(to).search.slice(1);
	};
}
