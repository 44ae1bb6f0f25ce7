// SPDX-License-Identifier: Apache-2.0
//
// Stands between the client and a real Latchkey, at the issuer's own address and with
// its certificate (the server is at 127.0.0.2): counts what passes, and loses, delays
// or breaks off answers after the server has committed what they tell of.

import https from 'node:https';

import { Latchkey } from '../../lib/latchkey.mjs';
import { basicHalves, digest, HttpsServer, pems, Script, send } from './https.mjs';

const SECRET_PARAMETERS = ['code', 'code_verifier', 'refresh_token', 'token', 'client_secret'];
const UPSTREAM = '127.0.0.2';

export class Middleman extends Script {
	// options: of Latchkey.start.
	static async start(options) {
		const lk = await Latchkey.start({ ...options, at: UPSTREAM });
		const man = new Middleman();
		Object.assign(man, { lk, who: pems(lk), issuer: lk.issuer, ledger: [], secrets: new Set(), expiresIn: undefined });
		man.agent = new https.Agent({ keepAlive: true, maxSockets: 64 });
		man.server = await new HttpsServer(man.who, (q, r) => man.route(q, r)).listen(lk.port);
		return man;
	}

	async close() {
		await this.server.close();
		this.agent.destroy();
		await this.lk.remove();
	}

	count(what) {
		return this.ledger.filter((e) => Object.entries(what).every(([k, v]) => e[k] === v)).length;
	}

	refreshes() {
		return this.count({ grant_type: 'refresh_token' });
	}

	// What ada's browser brings to the redirect URI after she said yes, as pairs.
	async authorize(url) {
		const { lk } = this;
		const browser = await lk.as(lk.ana);
		const answer = await browser.walk(await browser.get(lk.local(url)), { user: lk.ana });
		const pairs = Object.fromEntries(new URL(answer.get('location')).searchParams);
		this.note(pairs.code);
		return pairs;
	}

	async route(request, response) {
		const endpoint = request.url.replace(/^.*\//, '').replace('oauth-authorization-server', 'metadata');
		const entry = { at: Date.now(), endpoint, grant_type: request.form.grant_type,
			token: request.form.refresh_token && digest(request.form.refresh_token), retryKey: request.headers['idempotency-key'] };
		this.ledger.push(entry);
		for (const name of SECRET_PARAMETERS)
			this.note(request.form[name]);
		this.note(basicHalves(request)?.secret);
		const forward = () => this.forward(request, entry);
		const answer = this.take(endpoint);
		if (answer)
			return answer(response, request, forward);
		const { status, body, headers } = await forward();
		return send(response, status, body, headers);
	}

	note(secret) {
		if (secret)
			this.secrets.add(secret);
	}

	// What the server says: {status, body, headers}; it is noted as said, told or not.
	async forward(request, entry) {
		const { status, headers, body } = await this.ask(request);
		delete headers['content-length'];
		delete headers.connection;
		entry.status = status;
		if (!/json/.test(headers['content-type'] ?? ''))
			return { status, headers, body };
		const said = JSON.parse(body || '{}');
		entry.error = said.error;
		this.note(said.access_token);
		this.note(said.refresh_token);
		if (said.expires_in && this.expiresIn)
			said.expires_in = typeof this.expiresIn === 'function' ? this.expiresIn() : this.expiresIn;
		return { status, headers, body: body && JSON.stringify(said) };
	}

	ask(request) {
		return new Promise((resolve, reject) => {
			const up = https.request({ host: UPSTREAM, port: this.lk.port, servername: 'localhost', ca: this.lk.ca, agent: this.agent,
				method: request.method, path: request.url, headers: request.headers }, async (answer) => {
				const parts = [];
				for await (const part of answer)
					parts.push(part);
				resolve({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(parts).toString() });
			});
			up.once('error', reject);
			up.end(request.text);
		});
	}
}
