// SPDX-License-Identifier: Apache-2.0
//
// A steady rate of introspections, as the APIs of a platform ask them, and whatever was
// wrong with an answer: refused, reset, not 200, not active.

import https from 'node:https';

import { basic, form, SLOW } from '../lib/latchkey.mjs';

export const RATE = Math.floor(500 / SLOW);

// Requests at `rate` a second until stop(): most over kept connections, some over new ones.
// token() gives the access token of the moment.
export function load(lk, token, ports = [lk.port], rate = RATE) {
	const kept = new https.Agent({ keepAlive: true, maxSockets: 16, scheduling: 'fifo', ca: lk.ca });
	const fresh = new https.Agent({ keepAlive: false, ca: lk.ca });
	const seen = { sent: 0, wrong: [], ms: [] };
	const under = new Set();
	const one = (agent) => new Promise((resolve) => {
		const body = form({ token: token() });
		const began = performance.now();
		const wrong = (what) => { seen.wrong.push(`${Date.now()} ${agent === kept ? 'kept' : 'new'} ${what}`); resolve(); };
		const request = https.request({ host: '127.0.0.1', servername: 'localhost', port: ports[seen.sent % ports.length], agent, method: 'POST',
			path: '/oauth/introspect', headers: { 'Host': lk.host, 'Content-Type': 'application/x-www-form-urlencoded',
				'Content-Length': body.length, 'Authorization': basic(lk.api.client_id, lk.api.client_secret) } }, (answer) => {
			let text = '';
			answer.on('data', (b) => { text += b; });
			answer.on('error', (e) => wrong(e.code));
			answer.on('end', () => (answer.statusCode === 200 && JSON.parse(text).active === true ? resolve(seen.ms.push(performance.now() - began)) : wrong(`${answer.statusCode} ${text}`)));
		});
		request.on('error', (e) => wrong(`${e.code} ${e.message}`));
		request.end(body);
	});
	let owed = 0;
	let last = Date.now();
	const timer = setInterval(() => {
		owed += (Date.now() - last) * rate / 1000;
		last = Date.now();
		for (; owed >= 1; owed--) {
			const asked = one(seen.sent++ % 10 === 0 ? fresh : kept);
			under.add(asked);
			asked.then(() => under.delete(asked));
		}
	}, 5);
	return async () => {
		clearInterval(timer);
		await Promise.all(under);
		kept.destroy();
		return seen;
	};
}

// The q-th part of a list of times, in milliseconds.
export const quantile = (ms, q) => ms.toSorted((a, b) => a - b)[Math.min(ms.length - 1, Math.floor(ms.length * q))];
