// SPDX-License-Identifier: Apache-2.0
//
// How things are measured: the load tool, its requests, processors and memory.

import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { basic, Latchkey } from '../lib/latchkey.mjs';

export const ROUNDS = Number(process.env.ROUNDS ?? 3);
export const SECONDS = Number(process.env.SECONDS ?? 4);
export const CONNECTIONS = 64;
const TOOLS = path.dirname(path.resolve(process.env.LOAD ?? 'build/tests/bench/load'));
const PINNED = os.cpus().length > 1;

export const tool = (name) => path.join(TOOLS, name);
export const pin = (pid, cpu) => PINNED && spawnSync('taskset', ['-acp', String(cpu), String(pid)]);
const memory = (pid, what) =>
	Number(new RegExp(`${what}:\\s+(\\d+)`).exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);
export const rss = (pid) => memory(pid, 'VmRSS');
export const ownMemory = (pid) => memory(pid, 'RssAnon'); // without the pages of files
export const credentials = (client) => basic(client.client_id, client.client_secret).slice('Basic '.length);
export const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];

// A server of one worker, not started yet, with one client, one person and one API.
export async function installation(more = {}) {
	const lk = new Latchkey({ conf: { log_level: 'warning', workers: 1, connections_per_address: 2000 }, ...more });
	await lk.init();
	await lk.scope('export-jobs:read', 'See your export jobs');
	lk.web = await lk.client('Ledger', { type: 'confidential', 'redirect-uri': 'https://ledger.example/callback',
		scope: 'export-jobs:read', grant: ['authorization_code', 'refresh_token'] });
	await lk.user({ username: 'ana', companies: ['urn:acme:company:1:Acme'] });
	lk.api = await lk.resource('API');
	return lk;
}

export function load(args, pids, { pinned = PINNED } = {}) {
	const command = [tool('load'), '--seconds', String(SECONDS), ...pids.flatMap((p) => ['--pid', String(p)]), ...args];
	const child = spawn(pinned ? 'taskset' : command[0], pinned ? ['-c', '1', ...command] : command.slice(1));
	let out = '', err = '';
	child.stdout.on('data', (b) => { out += b; });
	child.stderr.on('data', (b) => { err += b; });
	return new Promise((resolve, reject) => child.on('exit', (status) =>
		(status === 0 ? resolve(JSON.parse(out)) : reject(new Error(`load ${args.join(' ')}: ${err}`)))));
}

export function requestFile(dir, name, { port, target, headers, body }) {
	const file = path.join(dir, name);
	fs.writeFileSync(file, `POST ${target} HTTP/1.1\r\nHost: localhost:${port}\r\n${headers.map((h) => `${h}\r\n`).join('')}`
		+ `Content-Type: application/x-www-form-urlencoded\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
	return file;
}
