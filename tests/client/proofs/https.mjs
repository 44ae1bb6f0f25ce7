// SPDX-License-Identifier: Apache-2.0
//
// What the servers of these tests stand on: a certificate that `latchkey init` made
// for localhost, an https server that knows its connections, and a record of every
// request with what was secret in it.

import { createHash } from 'node:crypto';
import https from 'node:https';
import fs from 'node:fs';
import path from 'node:path';

import { basic, form, Latchkey, parseForm } from '../../lib/latchkey.mjs';

export const digest = (token) => createHash('sha256').update(token).digest('hex').slice(0, 16);

// A directory of `latchkey init`, never served: its CA and certificate.
export async function identity() {
	const lk = new Latchkey();
	await lk.init();
	return { ...pems(lk), remove: () => lk.remove() };
}

export function pems(lk) {
	const read = (name) => fs.readFileSync(path.join(lk.data, name));
	return { caFile: lk.findCa(), ca: lk.ca, cert: read('tls-cert.pem'), key: read('tls-key.pem') };
}

// answer(request, response) for every request; request.form holds its parameters.
export class HttpsServer {
	constructor(who, answer) {
		this.open = new Set();
		this.server = https.createServer({ cert: who.cert, key: who.key }, async (request, response) => {
			try {
				const parts = [];
				for await (const part of request)
					parts.push(part);
				request.text = Buffer.concat(parts).toString();
				request.form = Object.fromEntries(parseForm(request.text));
				await answer(request, response);
			} catch {
				response.destroy();
			}
		});
		this.server.keepAliveTimeout = 60000;
		this.server.on('secureConnection', (socket) => {
			this.open.add(socket);
			socket.on('error', () => {});
			socket.once('close', () => this.open.delete(socket));
		});
		this.server.on('clientError', (error, socket) => socket.destroy());
		this.server.on('tlsClientError', () => {});
	}

	async listen(port = 0, host = '127.0.0.1') {
		await new Promise((resolve, reject) => {
			this.server.once('error', reject);
			this.server.listen(port, host, 1024, resolve);
		});
		this.port = this.server.address().port;
		return this;
	}

	async close() {
		for (const socket of this.open)
			socket.destroy();
		await new Promise((resolve) => { this.server.close(resolve); });
	}
}

// What is to happen instead of the honest answer, by endpoint: each of `next` once, in
// order; `always` until `honest`. Answers are in hostile.mjs.
export class Script {
	constructor() {
		this.waiting = new Map();
	}

	next(endpoint, ...answers) {
		this.waiting.set(endpoint, [...(this.waiting.get(endpoint) ?? []), ...answers]);
	}

	always(endpoint, answer) {
		this.waiting.set(endpoint, Object.assign([answer], { forever: true }));
	}

	honest() {
		this.waiting.clear();
	}

	take(endpoint) {
		const list = this.waiting.get(endpoint) ?? [];
		return list.forever ? list[0] : list.shift();
	}
}

export function send(response, status, body, headers = {}) {
	const text = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
	response.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store',
		'Content-Length': Buffer.byteLength(text), ...headers });
	response.end(text);
}

// The halves of an Authorization: Basic header, form-decoded (RFC 6749 2.3.1).
export function basicHalves(request) {
	const [, base64] = /^Basic (.+)$/.exec(request.headers.authorization ?? '') ?? [];
	if (base64 === undefined)
		return undefined;
	const text = Buffer.from(base64, 'base64').toString();
	const colon = text.indexOf(':');
	const plain = (half) => decodeURIComponent(half.replace(/\+/g, '%20'));
	return { id: plain(text.slice(0, colon)), secret: plain(text.slice(colon + 1)) };
}

// One request as a plain client: {status, body} or {broken: code}. params: a form post.
export function ask(who, url, { params, client, headers = {} } = {}) {
	const body = params && form(client && !client.client_secret ? { client_id: client.client_id, ...params } : params);
	const all = { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }) };
	if (client?.client_secret)
		all.authorization = basic(client.client_id, client.client_secret);
	return new Promise((resolve) => {
		const broken = (error) => resolve({ broken: error.code });
		const request = https.request(url, { method: body === undefined ? 'GET' : 'POST', ca: who.ca, headers: all }, async (answer) => {
			let text = '';
			try {
				for await (const part of answer)
					text += part;
				resolve({ status: answer.statusCode, headers: answer.headers, body: text });
			} catch (error) {
				broken(error);
			}
		});
		request.once('error', broken);
		request.end(body);
	});
}
