// SPDX-License-Identifier: Apache-2.0
//
// An authorization server that lies, stalls and breaks off. Each site is an issuer of
// its own (a path of one origin) and honest (strict.mjs) until it is told what to do:
//
//   const site = hostile.site({ metadata: (m) => ({ ...m, issuer: 'https://other.example' }) });
//   site.next('token', answers.status(429, { 'Retry-After': '7' }));   // once, then honest
//   site.always('token', answers.hang());
//
// An answer is (response, request, honest) => ...; honest() does what an honest server
// would do and gives {status, body}: what is dropped after it was done.

import zlib from 'node:zlib';
import { randomBytes } from 'node:crypto';

import { HttpsServer, Script, send } from './proofs/https.mjs';
import { Strict } from './strict.mjs';

const JSON_TYPE = { 'Content-Type': 'application/json' };

class Site extends Strict {
	constructor(who, origin, options) {
		super(who, { path: `/${randomBytes(6).toString('hex')}`, ...options });
		this.origin = origin;
		this.issuer = origin + this.path;
		this.spoil = options.metadata ?? ((m) => m);
		this.script = new Script();
	}

	metadata() {
		return this.spoil(super.metadata());
	}

	next(...args) {
		this.script.next(...args);
	}

	always(...args) {
		this.script.always(...args);
	}

	honest() {
		this.script.honest();
	}

	async route(request, response) {
		const endpoint = this.endpoint(request.url);
		const answer = this.script.take(endpoint);
		if (!answer)
			return super.route(request, response);
		const done = () => new Promise((resolve) => {
			super.route(request, { writeHead(status) { this.status = status; }, end(body) { resolve({ status: this.status, body }); } });
		});
		if (!answer.asks)
			this.ledger.push({ at: Date.now(), endpoint, method: request.method, grant_type: request.form.grant_type, outcome: 'hostile' });
		return answer(response, request, done);
	}
}

export class Hostile {
	static async start(who) {
		const hostile = new Hostile();
		hostile.who = who;
		hostile.sites = [];
		hostile.server = await new HttpsServer(who, (q, r) => hostile.route(q, r)).listen();
		hostile.origin = `https://localhost:${hostile.server.port}`;
		return hostile;
	}

	site(options = {}) {
		const site = new Site(this.who, this.origin, options);
		this.sites.push(site);
		return site;
	}

	route(request, response) {
		const site = this.sites.find((s) => request.url.includes(s.path));
		return site ? site.route(request, response) : send(response, 404, { error: 'not_found' });
	}

	get secrets() {
		return new Set(this.sites.flatMap((s) => [...s.secrets]));
	}

	close() {
		return this.server.close();
	}
}

// ---- what it can do ----------------------------------------------------------------------

// Nothing more comes until the client gives up.
const waits = (answer) => Object.assign(answer, { waits: true });

// Does what was asked, then answers as `how` says: the deed is done.
const after = (how) => Object.assign(async (response, request, honest) => how(response, await honest()), { asks: true });

const raw = (response, bytes, end = true) => {
	response.socket.write(bytes);
	if (end)
		response.socket.end();
};

export const answers = {
	text: (status, body, headers = {}) => (response) => send(response, status, body, { ...JSON_TYPE, ...headers }),
	json: (body, headers) => answers.text(200, JSON.stringify(body), headers),
	status: (status, headers = {}, body = '') => answers.text(status, body, headers),
	error: (status, error, headers) => answers.text(status, JSON.stringify({ error }), headers),
	html: (status, body = '<!doctype html><title>Welcome to the Wi-Fi</title>') =>
		answers.text(status, body, { 'Content-Type': 'text/html' }),
	redirect: (status, to) => answers.text(status, '', { Location: to }),

	// The honest answer, its members changed: change(body, form) gives an object or JSON as text.
	changed: (change, headers = {}) => after((response, { status, body }) => {
		const made = change(JSON.parse(body));
		send(response, status, made, headers);
	}),

	hang: () => waits(() => new Promise(() => {})),
	reset: () => (response) => response.socket.destroy(),
	// Done, and nobody is told.
	dropped: () => after((response) => response.socket.destroy()),
	hangsAfter: () => waits(after(() => new Promise(() => {}))),
	half: () => after((response, { body }) =>
		raw(response, `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, body.length >> 1)}`)),
	failsAfter: (status) => after((response) => send(response, status, 'the page you see when the back end died')),

	// One octet a second, headers first.
	drip: () => waits(after(async (response, { body }) => {
		const bytes = `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
		for (const octet of bytes) {
			if (response.socket?.writable !== true)
				return;
			response.socket.write(octet);
			await new Promise((resolve) => { setTimeout(resolve, 1000).unref(); });
		}
	})),
	endless: (prefix = '{"access_token":"') => (response) => {
		response.writeHead(200, JSON_TYPE);
		response.write(prefix);
		const chunk = 'a'.repeat(65536);
		const more = () => {
			while (!response.destroyed && response.write(chunk));
			if (!response.destroyed)
				response.once('drain', more);
		};
		more();
	},
	huge: (bytes) => answers.text(200, `{"access_token":"${'a'.repeat(bytes)}","token_type":"Bearer"}`),
	bomb: (bytes) => (response) => {
		const body = zlib.gzipSync(`{"token_type":"Bearer","access_token":"${'a'.repeat(bytes)}"}`);
		send(response, 200, body, { 'Content-Encoding': 'gzip' });
	},
	zipped: () => after((response, { body }) => send(response, 200, zlib.gzipSync(body), { 'Content-Encoding': 'gzip' })),
	http10: () => after((response, { body }) => raw(response, `HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n${body}`)),
	http09: () => (response) => raw(response, '{"access_token":"x","token_type":"Bearer"}'),
	headers: (count) => (response) => raw(response, `HTTP/1.1 200 OK\r\n${Array.from({ length: count }, (_, i) => `X-Flood-${i}: ${'f'.repeat(100)}\r\n`).join('')}\r\n{}`),
	continues: () => waits(async (response) => {
		while (response.socket?.writable) {
			response.socket.write('HTTP/1.1 100 Continue\r\n\r\n');
			await new Promise((resolve) => { setTimeout(resolve, 20).unref(); });
		}
	}),
	deep: (depth) => answers.text(200, `{"access_token":"x","token_type":"Bearer","a":${'['.repeat(depth)}${']'.repeat(depth)}}`),
};
