// SPDX-License-Identifier: Apache-2.0
//
// The peer of the bench: node-oidc-provider PORT DATA. Prints `ready {...}`, and
// for each number on standard input that many refresh tokens, made through its
// own models.

import fs from 'node:fs';
import https from 'node:https';
import { randomBytes } from 'node:crypto';
import readline from 'node:readline';

import { Provider } from 'oidc-provider';

// Its own in-memory adapter forgets all but the newest thousand entries; this one
// forgets nothing, and is as fast as memory can be.
const kept = new Map();
class Memory {
	constructor(model) { this.model = model; }
	key(id) { return `${this.model}:${id}`; }
	async upsert(id, payload) { kept.set(this.key(id), payload); }
	async find(id) { return kept.get(this.key(id)); }
	async findByUid(uid) { return [...kept.values()].find((p) => p.uid === uid); }
	async findByUserCode() { return undefined; }
	async consume(id) { kept.get(this.key(id)).consumed = Math.floor(Date.now() / 1000); }
	async destroy(id) { kept.delete(this.key(id)); }
	async revokeByGrantId(grantId) {
		for (const [key, payload] of kept)
			if (payload.grantId === grantId)
				kept.delete(key);
	}
}

const [port, data] = process.argv.slice(2);
const secret = randomBytes(32).toString('hex');
const provider = new Provider(`https://localhost:${port}`, {
	adapter: Memory,
	clients: [{
		client_id: 'ledger', client_secret: secret, redirect_uris: ['https://ledger.example/callback'],
		grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
		response_types: ['code'], token_endpoint_auth_method: 'client_secret_basic', scope: 'openid offline_access',
	}],
	routes: { token: '/oauth/token' },
	features: {
		introspection: { enabled: true }, clientCredentials: { enabled: true },
		devInteractions: { enabled: false }, rpInitiatedLogout: { enabled: false },
	},
	rotateRefreshToken: true,
	cookies: { keys: [randomBytes(16).toString('hex')] },
	findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
	ttl: { AccessToken: 3600, ClientCredentials: 600, RefreshToken: 86400, Grant: 86400 },
});

async function refreshToken(client) {
	const grant = new provider.Grant({ accountId: 'ana', clientId: 'ledger' });
	grant.addOIDCScope('openid offline_access');
	const grantId = await grant.save();
	const token = new provider.RefreshToken({
		accountId: 'ana', client, grantId, scope: 'openid offline_access', gty: 'authorization_code',
		authTime: Math.floor(Date.now() / 1000), claims: {}, expiresWithSession: false,
	});
	return token.save();
}

const client = await provider.Client.find('ledger');
const machine = new provider.ClientCredentials({ client });
const token = await machine.save();
https.createServer({ cert: fs.readFileSync(`${data}/tls-cert.pem`), key: fs.readFileSync(`${data}/tls-key.pem`) },
	provider.callback()).listen(Number(port), '127.0.0.1', () =>
	console.log(`ready ${JSON.stringify({ secret, token })}`));
for await (const line of readline.createInterface({ input: process.stdin })) {
	const tokens = [];
	for (let i = 0; i < Number(line); i++)
		tokens.push(await refreshToken(client));
	console.log(`tokens-${line} ${JSON.stringify(tokens)}`);
}
