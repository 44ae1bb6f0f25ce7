// SPDX-License-Identifier: Apache-2.0
//
// HTTP/1.1 over TLS, byte for byte: what a test writes is what travels, and what
// comes back is handed over unjudged (no redirect followed, no header merged, no
// body decoded). Certificates are always checked.

import net from 'node:net';
import tls from 'node:tls';

const CRLF = '\r\n';

export class Answer {
	constructor(head, body, asked) {
		const lines = head.split(CRLF);
		const [, status, reason] = /^HTTP\/1\.1 (\d{3}) ?(.*)$/.exec(lines[0]) ?? [];
		if (!status)
			throw new Error(`not a status line: ${JSON.stringify(lines[0])}`);
		this.status = Number(status);
		this.reason = reason;
		this.headers = lines.slice(1).map((line) => {
			const colon = line.indexOf(':');
			return [line.slice(0, colon), line.slice(colon + 1).trim()];
		});
		this.body = body;
		this.asked = asked; // {method, target, ...}: what this answers
	}

	all(name) {
		return this.headers
			.filter(([n]) => n.toLowerCase() === name.toLowerCase())
			.map(([, v]) => v);
	}

	// The one value; two of a kind is a defect that no test should overlook.
	get(name) {
		const values = this.all(name);
		if (values.length > 1 && name.toLowerCase() !== 'set-cookie')
			throw new Error(`${values.length} ${name} headers`);
		return values[0];
	}

	get text() {
		return this.body.toString('utf8');
	}

	get json() {
		return strictJson(this.text);
	}

	get isHtml() {
		return /^text\/html\b/i.test(this.get('content-type') ?? '');
	}

	get isJson() {
		return /^application\/json\b/i.test(this.get('content-type') ?? '');
	}

	toString() {
		const head = this.headers.map(([n, v]) => `${n}: ${v}`).join('\n');
		return `${this.asked?.method} ${this.asked?.target}\n-> ${this.status}\n${head}\n\n${this.text.slice(0, 2000)}`;
	}
}

// JSON.parse keeps the last of two equal members and says nothing: count them.
export function strictJson(text) {
	const value = JSON.parse(text);
	const open = [];
	for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"\s*:?|[{}[\]]/g)) {
		if (token === '{')
			open.push(new Set());
		else if (token === '[')
			open.push(null);
		else if (token === '}' || token === ']')
			open.pop();
		else if (token.endsWith(':')) {
			const name = JSON.parse(token.replace(/\s*:$/, ''));
			if (open.at(-1).has(name))
				throw new Error(`duplicate member ${name}`);
			open.at(-1).add(name);
		}
	}
	return value;
}

// One connection: bytes out, answers in, in order.
export class Connection {
	constructor(socket) {
		this.socket = socket;
		this.buffer = Buffer.alloc(0);
		this.ended = false;
		this.waiting = [];
		this.closed = new Promise((resolve) => {
			socket.once('close', () => {
				this.ended = true;
				this.wake();
				resolve();
			});
		});
		socket.on('data', (chunk) => {
			this.buffer = Buffer.concat([this.buffer, chunk]);
			this.wake();
		});
		socket.on('end', () => {
			this.ended = true;
			this.wake();
		});
		socket.on('error', (error) => {
			this.error = error;
			this.ended = true;
			this.wake();
		});
	}

	// from: the loopback address to speak from (127.x.y.z), so that tests do not
	// share one address's limits.
	static async open({ port, host = '127.0.0.1', from, ca, servername = 'localhost', plain = false, ...rest }) {
		const common = { host, port, localAddress: from };
		const socket = plain
			? net.connect(common)
			: tls.connect({ ...common, ca, servername, ...rest });
		socket.setNoDelay(true);
		await new Promise((resolve, reject) => {
			socket.once(plain ? 'connect' : 'secureConnect', resolve);
			socket.once('error', reject);
			socket.once('close', () => reject(new Error('closed before it was open')));
		});
		return new Connection(socket);
	}

	wake() {
		for (const resolve of this.waiting.splice(0))
			resolve();
	}

	send(bytes) {
		return new Promise((resolve) => {
			this.socket.write(bytes, 'latin1', () => resolve());
		});
	}

	async until(find, timeoutMs) {
		const timer = setTimeout(() => {
			this.timedOut = true;
			this.wake();
		}, timeoutMs);
		try {
			for (;;) {
				const found = find();
				if (found !== undefined)
					return found;
				if (this.timedOut)
					throw new Error(`no answer within ${timeoutMs} ms; so far ${JSON.stringify(this.buffer.toString('latin1').slice(0, 300))}`);
				if (this.ended)
					return null;
				await new Promise((resolve) => this.waiting.push(resolve));
			}
		} finally {
			clearTimeout(timer);
		}
	}

	take(n) {
		const out = this.buffer.subarray(0, n);
		this.buffer = this.buffer.subarray(n);
		return Buffer.from(out);
	}

	// The next answer, or null when the peer closed without one.
	async read(asked = {}, timeoutMs = 60000) {
		const end = await this.until(() => {
			const at = this.buffer.indexOf('\r\n\r\n');
			return at < 0 ? undefined : at;
		}, timeoutMs);
		if (end === null)
			return null;
		const head = this.take(end + 4).subarray(0, end).toString('latin1');
		const answer = new Answer(head, Buffer.alloc(0), asked);
		if (answer.status >= 100 && answer.status < 200)
			return this.read(asked, timeoutMs);
		answer.body = await this.readBody(answer, asked, timeoutMs);
		return answer;
	}

	async readBody(answer, asked, timeoutMs) {
		if (asked.method === 'HEAD' || answer.status === 204 || answer.status === 304)
			return Buffer.alloc(0);
		if (answer.get('transfer-encoding') !== undefined)
			throw new Error('a chunked answer: this server always knows the length');
		const length = answer.get('content-length');
		if (length === undefined)
			throw new Error(`an answer without Content-Length: ${answer}`);
		const n = Number(length);
		const whole = await this.until(() => (this.buffer.length >= n ? true : undefined), timeoutMs);
		if (whole === null)
			throw new Error('closed within the body');
		return this.take(n);
	}

	// What is still to come until the peer closes.
	async rest(timeoutMs = 60000) {
		await this.until(() => undefined, timeoutMs);
		return this.take(this.buffer.length);
	}

	async waitClosed(timeoutMs = 60000) {
		const timer = AbortSignal.timeout(timeoutMs);
		return Promise.race([
			this.closed.then(() => true),
			new Promise((resolve) => timer.addEventListener('abort', () => resolve(false))),
		]);
	}

	close() {
		this.socket.destroy();
	}
}

// The server closes what is idle for a minute: a request must not meet that on its way.
const IDLE_MS = 30000;

// Keep-alive connections by where they speak from.
export class Pool {
	constructor(open) {
		this.open = open;
		this.idle = new Map();
	}

	async take(from) {
		const list = this.idle.get(from) ?? [];
		while (list.length) {
			const c = list.pop();
			if (!c.ended && c.buffer.length === 0 && performance.now() - c.idleSince < IDLE_MS)
				return c;
			c.close();
		}
		return this.open(from);
	}

	give(from, c) {
		if (!this.idle.has(from))
			this.idle.set(from, []);
		c.idleSince = performance.now();
		this.idle.get(from).push(c);
	}

	close() {
		for (const list of this.idle.values())
			for (const c of list)
				c.close();
		this.idle.clear();
	}
}

// The bytes of a request. headers: pairs; Host and Content-Length are added
// unless given (a value of null leaves the header out).
export function requestBytes({ method = 'GET', target, headers = [], body, host }) {
	const given = new Set(headers.map(([n]) => n.toLowerCase()));
	const bytes = body === undefined ? undefined : Buffer.from(body, 'utf8');
	const lines = [`${method} ${target} HTTP/1.1`];
	if (!given.has('host'))
		lines.push(`Host: ${host}`);
	for (const [n, v] of headers)
		if (v !== null)
			lines.push(`${n}: ${v}`);
	if (bytes !== undefined && !given.has('content-length') && !given.has('transfer-encoding'))
		lines.push(`Content-Length: ${bytes.length}`);
	const head = Buffer.from(lines.join(CRLF) + CRLF + CRLF, 'latin1');
	return bytes === undefined ? head : Buffer.concat([head, bytes]);
}
