// SPDX-License-Identifier: Apache-2.0
//
// node-oidc-provider as its manual sets it up for strict clients: PKCE, pushed
// requests, rotating refresh tokens, revocation, the device flow, OpenID. Nobody sits in
// front of it: its interactions are answered at once by ada, who says yes.

import { generateKeyPairSync, randomBytes } from 'node:crypto';
import https from 'node:https';

import { Provider as OidcProvider } from 'oidc-provider';

import { fill, form, forms, parseForm } from '../../lib/latchkey.mjs';
import { digest, HttpsServer } from './https.mjs';

const SCOPE = 'openid offline_access books:read';
export const REDIRECT_URI = 'https://app.example/cb';

function configuration(clients) {
	const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
	return {
		clients,
		jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256' }] },
		cookies: { keys: [randomBytes(16).toString('hex')] },
		scopes: ['openid', 'offline_access', 'books:read'],
		pkce: { required: () => true },
		rotateRefreshToken: true,
		features: {
			devInteractions: { enabled: false },
			deviceFlow: { enabled: true },
			introspection: { enabled: true },
			pushedAuthorizationRequests: { enabled: true },
			revocation: { enabled: true },
			rpInitiatedLogout: { enabled: false },
		},
		interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
		findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
		ttl: { AccessToken: 3600, AuthorizationCode: 60, DeviceCode: 300, Grant: 86400, Interaction: 300, RefreshToken: 86400, Session: 3600, IdToken: 3600 },
	};
}

const client = (client_id, more) => ({
	client_id, redirect_uris: [REDIRECT_URI], scope: SCOPE, response_types: ['code'],
	grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'], ...more,
});

export class Provider {
	static async start(who) {
		const provider = new Provider();
		const secret = randomBytes(24).toString('base64');
		provider.confidential = client('ledger sync', { client_secret: secret, token_endpoint_auth_method: 'client_secret_basic' });
		provider.public = client('pocket', { token_endpoint_auth_method: 'none', application_type: 'native', redirect_uris: ['http://127.0.0.1/cb'] });
		Object.assign(provider, { who, ledger: [], secrets: new Set([secret]), cookies: new Map() });
		let inner;
		provider.server = await new HttpsServer(who, (q, r) => inner(q, r)).listen();
		provider.issuer = `https://localhost:${provider.server.port}`;
		const oidc = new OidcProvider(provider.issuer, configuration([provider.confidential, provider.public]));
		provider.oidc = oidc;
		inner = provider.handler(oidc);
		return provider;
	}

	close() {
		return this.server.close();
	}

	// The provider reads the body itself where nobody else has parsed it: hand over ours.
	handler(oidc) {
		const callback = oidc.callback();
		return async (request, response) => {
			if (request.url.startsWith('/interaction/'))
				return this.interact(request, response);
			const entry = { at: Date.now(), endpoint: request.url.split('?')[0], grant_type: request.form.grant_type,
				token: request.form.refresh_token && digest(request.form.refresh_token) };
			this.ledger.push(entry);
			for (const name of ['code', 'code_verifier', 'refresh_token', 'device_code', 'token'])
				if (request.form[name])
					this.secrets.add(request.form[name]);
			request.body = request.form;
			const end = response.end.bind(response);
			response.end = (chunk, ...rest) => {
				entry.status = response.statusCode;
				this.overhear(String(chunk ?? ''));
				return end(chunk, ...rest);
			};
			return callback(request, response);
		};
	}

	overhear(text) {
		for (const [, , value] of text.matchAll(/"(access_token|refresh_token|id_token|device_code)":"([^"]+)"/g))
			this.secrets.add(value);
	}

	refreshes() {
		return this.ledger.filter((e) => e.grant_type === 'refresh_token').length;
	}

	// Signs ada in, then consents to everything that was asked.
	async interact(request, response) {
		const details = await this.oidc.interactionDetails(request, response);
		const { prompt, params, session } = details;
		if (this.refuse)
			return this.oidc.interactionFinished(request, response, { error: 'access_denied' }, { mergeWithLastSubmission: false });
		if (prompt.name === 'login')
			return this.oidc.interactionFinished(request, response, { login: { accountId: 'ada' } }, { mergeWithLastSubmission: false });
		const grant = details.grantId
			? await this.oidc.Grant.find(details.grantId)
			: new this.oidc.Grant({ accountId: session.accountId, clientId: params.client_id });
		grant.addOIDCScope(params.scope ?? SCOPE);
		return this.oidc.interactionFinished(request, response, { consent: { grantId: await grant.save() } }, { mergeWithLastSubmission: true });
	}

	// ---- ada's browser -------------------------------------------------------------------

	visit(url, { method = 'GET', body } = {}) {
		const cookie = [...this.cookies].map(([n, v]) => `${n}=${v}`).join('; ');
		return new Promise((resolve, reject) => {
			const request = https.request(url, { method, ca: this.who.ca, headers: { cookie, accept: 'text/html',
				...(body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded', 'content-length': Buffer.byteLength(body) }) } },
			async (answer) => {
				let text = '';
				for await (const part of answer)
					text += part;
				for (const line of answer.headers['set-cookie'] ?? []) {
					const [name, value] = line.split(';')[0].split('=');
					this.cookies.set(name, value);
				}
				resolve({ status: answer.statusCode, to: answer.headers.location && new URL(answer.headers.location, url).href, text, url });
			});
			request.once('error', reject);
			request.end(body);
		});
	}

	// Follows redirects within the provider; what leaves it is the result.
	async follow(answer) {
		for (let i = 0; i < 12; i++) {
			if (!answer.to || !answer.to.startsWith(`${this.issuer}/`))
				return answer;
			answer = await this.visit(answer.to);
		}
		throw new Error('redirects without an end');
	}

	// The query that the browser brings to the redirect URI.
	async authorize(url) {
		const end = await this.follow({ to: url });
		if (!end.to)
			throw new Error(`the provider stopped at ${end.status}: ${end.text.slice(0, 1000)}`);
		const query = new URL(end.to).search.slice(1);
		const { code } = Object.fromEntries(parseForm(query));
		if (code)
			this.secrets.add(code);
		return query;
	}

	// Types the user code and confirms (RFC 8628 3.3).
	async device(url, userCode) {
		let page = await this.follow({ to: url });
		for (let i = 0; i < 4 && forms(page.text).length; i++) {
			const [theForm] = forms(page.text);
			const filled = theForm.has('user_code') ? { user_code: userCode } : {};
			const target = new URL(theForm.action ?? page.url, page.url).href;
			page = await this.follow(await this.visit(target, { method: 'POST', body: form(fill(theForm, filled, theForm.buttons[0])) }));
		}
		return page;
	}
}
