// SPDX-License-Identifier: Apache-2.0
//
// Honest traffic in a process of its own, so that what else the test does is not taken
// for the server's time. Told by its parent: {lk, token, chains, rate}, then "go" and
// "stop" as often as it likes; tells the times of each stretch: of introspections of the
// token, a tenth of them over new connections, and of refreshes of each chain in turn.

import https from 'node:https';

import { basic, form, sleep } from '../lib/latchkey.mjs';
import { load } from '../ops/load.mjs';

const EVERY_MS = 50; // a refresh

let story;
let stop;

function refresh(agent, token) {
	const { lk } = story;
	const body = form({ grant_type: 'refresh_token', refresh_token: token });
	return new Promise((resolve, reject) => {
		const request = https.request({ host: '127.0.0.1', servername: 'localhost', port: lk.port, agent, method: 'POST', path: '/oauth/token',
			headers: { 'Host': lk.host, 'Content-Type': 'application/x-www-form-urlencoded', 'Content-Length': body.length,
				'Authorization': basic(lk.web.client_id, lk.web.client_secret) } }, (answer) => {
			let text = '';
			answer.on('data', (b) => { text += b; });
			answer.on('end', () => (answer.statusCode === 200 ? resolve(JSON.parse(text).refresh_token) : reject(new Error(`${answer.statusCode} ${text}`))));
		});
		request.on('error', reject);
		request.end(body);
	});
}

// One after the other, each when its time has come.
function refreshes(ca) {
	const agent = new https.Agent({ keepAlive: true, ca });
	const seen = { sent: 0, ms: [], wrong: [] };
	let over = false;
	const run = (async () => {
		for (let due = performance.now(); !over; due += EVERY_MS) {
			await sleep(Math.max(0, due - performance.now()));
			const at = seen.sent++ % story.chains.length;
			const began = performance.now();
			await refresh(agent, story.chains[at]).then((token) => {
				story.chains[at] = token;
				seen.ms.push(performance.now() - began);
			}, (e) => seen.wrong.push(`refresh: ${e.message}`));
		}
	})();
	return async () => {
		over = true;
		await run;
		agent.destroy();
		return seen;
	};
}

process.on('message', async (m) => {
	if (m.lk) {
		story = m;
		story.ca = Buffer.from(m.lk.ca, 'base64');
	} else if (m === 'go') {
		const both = [load({ ...story.lk, ca: story.ca }, () => story.token, [story.lk.port], story.rate), refreshes(story.ca)];
		stop = () => Promise.all(both.map((end) => end()));
	} else if (m === 'stop') {
		const [asked, refreshed] = await stop();
		process.send({ sent: asked.sent + refreshed.sent, wrong: [...asked.wrong, ...refreshed.wrong],
			introspect: asked.ms, refresh: refreshed.ms });
	} else {
		process.exit(0);
	}
});
process.send('ready');
