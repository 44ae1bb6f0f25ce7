// SPDX-License-Identifier: Apache-2.0
//
// node-oidc-provider with an adapter that is a Map in memory (so nothing is
// durable), opaque tokens, rotating refresh tokens, over node's TLS
// with the same certificate. provider-server.mjs is the server.

import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { basic, freePort } from '../lib/latchkey.mjs';

const SERVER = path.join(path.dirname(fileURLToPath(import.meta.url)), 'provider-server.mjs');

function once(child, word) {
	return new Promise((resolve, reject) => {
		let out = '';
		child.stdout.on('data', (b) => {
			out += b;
			const line = out.split('\n').find((l) => l.startsWith(word));
			if (line)
				resolve(JSON.parse(line.slice(word.length)));
		});
		child.on('exit', (status) => reject(new Error(`oidc-provider ended: ${status}`)));
	});
}

export async function startProvider(lk) {
	const port = await freePort();
	const child = spawn(process.execPath, [SERVER, String(port), lk.data], { stdio: ['pipe', 'pipe', 'inherit'] });
	const made = await once(child, 'ready ');
	const authorization = basic('ledger', made.secret);
	const request = (name, target, body) => {
		const file = path.join(lk.dir, `provider-${name}`);
		fs.writeFileSync(file, `POST ${target} HTTP/1.1\r\nHost: localhost:${port}\r\nAuthorization: ${authorization}\r\n`
			+ `Content-Type: application/x-www-form-urlencoded\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
		return ['--ca', lk.findCa(), '--port', String(port), '--mode', 'fixed', '--input', file];
	};
	return {
		pids: [child.pid],
		introspect: request('introspect', '/token/introspection', `token=${made.token}`),
		machine: request('machine', '/oauth/token', 'grant_type=client_credentials'),
		// Fresh refresh tokens each round, as many as there are connections.
		async refresh(count, run) {
			child.stdin.write(`${count}\n`);
			const tokens = await once(child, `tokens-${count} `);
			const file = path.join(lk.dir, `provider-tokens-${Date.now()}`);
			fs.writeFileSync(file, tokens.join('\n'));
			return run(['--ca', lk.findCa(), '--port', String(port), '--mode', 'refresh', '--connections', String(count),
				'--basic', authorization.slice('Basic '.length), '--input', file]);
		},
		stop: () => child.kill(),
	};
}
