// SPDX-License-Identifier: Apache-2.0
//
// A strict authorization server that knows no retry key: each refresh replaces the
// refresh token, and a replaced one that comes back ends the family (RFC 9700
// 4.14.2), whoever sent it. It obeys the RFCs in everything else, takes only what an
// exact client sends, and keeps a ledger of every request: a test can count.

import { createHash, randomBytes } from 'node:crypto';

import { basicHalves, digest, HttpsServer, send } from './proofs/https.mjs';

const random = (n = 24) => randomBytes(n).toString('base64url');
const s256 = (verifier) => createHash('sha256').update(verifier).digest('base64url');

export class Refusal extends Error {
	constructor(error, status = 400) {
		super(error);
		Object.assign(this, { error, status });
	}
}

export class Strict {
	// client: {client_id, client_secret (undefined: public), redirect_uri}
	constructor(who, { client, expiresIn = 3600, path = '', scope = 'books:read' } = {}) {
		Object.assign(this, { who, expiresIn, path, scope });
		this.client = client ?? { client_id: 'ledger sync', client_secret: `cs_${random()}+/=:`, redirect_uri: 'https://app.example/cb' };
		this.ledger = [];
		this.secrets = new Set([this.client.client_secret].filter(Boolean));
		this.pushed = new Map();
		this.codes = new Map();
		this.devices = new Map();
		this.refreshTokens = new Map(); // token -> its family
		this.accessTokens = new Map();
		this.families = [];
		this.delay = 0; // milliseconds before a token request is judged
		this.extensions = {}; // of the metadata
	}

	static async start(who, options) {
		const strict = new Strict(who, options);
		await strict.listen();
		return strict;
	}

	async listen() {
		this.server = await new HttpsServer(this.who, (q, r) => this.route(q, r)).listen();
		this.origin = `https://localhost:${this.server.port}`;
		this.issuer = this.origin + this.path;
	}

	close() {
		return this.server.close();
	}

	// expiresIn: seconds, or a function that gives them for each token.
	lifetime() {
		return typeof this.expiresIn === 'function' ? this.expiresIn() : this.expiresIn;
	}

	secret(value) {
		this.secrets.add(value);
		return value;
	}

	// ---- the ledger --------------------------------------------------------------

	count(what) {
		return this.ledger.filter((e) => Object.entries(what).every(([k, v]) => e[k] === v)).length;
	}

	refreshes() {
		return this.count({ grant_type: 'refresh_token' });
	}

	// ---- requests ------------------------------------------------------------------

	metadata() {
		const at = (name) => `${this.issuer}/${name}`;
		return {
			issuer: this.issuer,
			authorization_endpoint: at('authorize'),
			token_endpoint: at('token'),
			revocation_endpoint: at('revoke'),
			device_authorization_endpoint: at('device'),
			pushed_authorization_request_endpoint: at('par'),
			response_types_supported: ['code'],
			grant_types_supported: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
			code_challenge_methods_supported: ['S256'],
			token_endpoint_auth_methods_supported: ['client_secret_basic', 'none'],
			authorization_response_iss_parameter_supported: true,
			...this.extensions,
		};
	}

	// The well-known path goes between host and path (RFC 8414 3.1).
	endpoint(url) {
		if (url === `/.well-known/oauth-authorization-server${this.path}`)
			return 'metadata';
		return url.startsWith(`${this.path}/`) ? url.slice(this.path.length + 1) : undefined;
	}

	async route(request, response) {
		const endpoint = this.endpoint(request.url);
		const entry = { at: Date.now(), endpoint, method: request.method, grant_type: request.form.grant_type };
		this.ledger.push(entry);
		if (endpoint === 'metadata')
			return send(response, 200, this.metadata());
		try {
			const handler = { token: this.token, revoke: this.revoke, par: this.par, device: this.device }[endpoint];
			if (!handler || request.method !== 'POST')
				throw new Refusal('not_found', 404);
			this.authenticate(request);
			const body = await handler.call(this, request.form, entry, request);
			entry.outcome = 'done';
			return send(response, 200, body);
		} catch (error) {
			if (!(error instanceof Refusal))
				throw error;
			entry.outcome = error.error;
			return send(response, error.status, { error: error.error });
		}
	}

	authenticate(request) {
		const { client_id, client_secret } = this.client;
		const given = basicHalves(request);
		if (client_secret === undefined) {
			if (given || request.form.client_id !== client_id)
				throw new Refusal('invalid_client', 401);
		} else if (given?.id !== client_id || given.secret !== client_secret || 'client_secret' in request.form) {
			throw new Refusal('invalid_client', 401);
		}
	}

	// ---- the front channel ------------------------------------------------------------

	par(form) {
		const uri = `urn:ietf:params:oauth:request_uri:${random()}`;
		this.pushed.set(uri, form);
		return { request_uri: uri, expires_in: 60 };
	}

	// What a person's browser brings to the redirect URI after they said yes to the URL
	// that the client made: a list of pairs, to be spoiled or encoded.
	authorize(url) {
		const asked = this.asked(url);
		const code = this.secret(`ac_${random()}`);
		this.codes.set(code, asked);
		return { code, state: asked.state, iss: this.issuer };
	}

	asked(url) {
		const query = Object.fromEntries(new URL(url).searchParams);
		const asked = query.request_uri ? this.pushed.get(query.request_uri) : query;
		if (query.request_uri) {
			this.pushed.delete(query.request_uri);
			if (Object.keys(query).sort().join() !== 'client_id,request_uri')
				throw new Error(`more than client_id and request_uri: ${Object.keys(query)}`);
		}
		const { client_id, redirect_uri } = this.client;
		if (asked?.client_id !== client_id || asked.redirect_uri !== redirect_uri || asked.response_type !== 'code'
			|| asked.code_challenge_method !== 'S256' || !/^[\w-]{43}$/.test(asked.code_challenge) || !(asked.state?.length >= 22))
			throw new Error(`not an authorization request: ${JSON.stringify(asked)}`);
		return asked;
	}

	// ---- tokens ----------------------------------------------------------------------

	async token(form, entry, request) {
		entry.retryKey = request.headers['idempotency-key'];
		if (this.delay)
			await new Promise((resolve) => { setTimeout(resolve, this.delay); });
		const { grant_type: type } = form;
		if (type === 'authorization_code')
			return this.redeem(form);
		if (type === 'refresh_token')
			return this.refresh(form, entry);
		if (type === 'urn:ietf:params:oauth:grant-type:device_code')
			return this.poll(form);
		throw new Refusal('unsupported_grant_type');
	}

	redeem(form) {
		const asked = this.codes.get(form.code);
		this.codes.delete(form.code);
		this.secret(form.code_verifier ?? 'no verifier');
		if (!asked || asked.redirect_uri !== form.redirect_uri || s256(form.code_verifier ?? '') !== asked.code_challenge)
			throw new Refusal('invalid_grant');
		return this.issue(this.family(asked.scope ?? this.scope));
	}

	family(scope) {
		const family = { id: this.families.length, scope, current: undefined, access: undefined, ended: undefined };
		this.families.push(family);
		return family;
	}

	issue(family) {
		family.current = this.secret(`rt_${random()}`);
		family.access = this.secret(`at_${random()}`);
		this.refreshTokens.set(family.current, family);
		this.accessTokens.set(family.access, family);
		return { access_token: family.access, token_type: 'Bearer', expires_in: this.lifetime(),
			refresh_token: family.current, scope: family.scope };
	}

	refresh(form, entry) {
		entry.token = digest(form.refresh_token ?? '');
		const family = this.refreshTokens.get(form.refresh_token);
		if (!family || family.ended)
			throw new Refusal('invalid_grant');
		entry.family = family.id;
		if (family.current !== form.refresh_token) {
			family.ended = 'replay';
			throw new Refusal('invalid_grant');
		}
		return this.issue(family);
	}

	// Does an API take this access token?
	honours(token) {
		const family = this.accessTokens.get(token);
		return family !== undefined && !family.ended && family.access === token;
	}

	// RFC 7009: any 200 is success, an unknown token too.
	revoke(form, entry) {
		entry.token = digest(form.token ?? '');
		const family = this.refreshTokens.get(form.token) ?? this.accessTokens.get(form.token);
		if (family)
			family.ended ??= 'revoked';
		return '';
	}

	// ---- devices (RFC 8628) --------------------------------------------------------------

	device(form) {
		const made = { device_code: this.secret(`dc_${random()}`), user_code: random(6).toUpperCase(),
			verification_uri: `${this.issuer}/device-page`, expires_in: 60, interval: 1 };
		this.devices.set(made.device_code, { scope: form.scope ?? this.scope, user_code: made.user_code, decided: undefined, last: 0 });
		return made;
	}

	decide(userCode, approve = true) {
		for (const device of this.devices.values())
			if (device.user_code === userCode)
				device.decided = approve;
	}

	poll(form) {
		const device = this.devices.get(form.device_code);
		if (!device)
			throw new Refusal('invalid_grant');
		const early = Date.now() - device.last < 900;
		device.last = Date.now();
		if (early)
			throw new Refusal('slow_down');
		if (device.decided === undefined)
			throw new Refusal('authorization_pending');
		this.devices.delete(form.device_code);
		if (!device.decided)
			throw new Refusal('access_denied');
		return this.issue(this.family(device.scope));
	}
}
