// SPDX-License-Identifier: Apache-2.0
//
// oauth4webapi: every request and every answer by hand, as its examples show.

import * as oauth from 'oauth4webapi';

import { farewell, say, settings, withOtherIssuer } from './dialogue.mjs';

const issuer = new URL(settings.issuer);
const as = await oauth.processDiscoveryResponse(
	issuer, await oauth.discoveryRequest(issuer, { algorithm: 'oauth2' }));
const client = { client_id: settings.clientId };
const clientAuth = settings.clientSecret
	? oauth.ClientSecretBasic(settings.clientSecret)
	: oauth.None();

const verifier = oauth.generateRandomCodeVerifier();
const state = oauth.generateRandomState();
const url = new URL(as.authorization_endpoint);
for (const [name, value] of Object.entries({
	client_id: client.client_id,
	redirect_uri: settings.redirectUri,
	response_type: 'code',
	scope: settings.scope,
	state,
	code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
	code_challenge_method: 'S256',
}))
	url.searchParams.set(name, value);
const callback = await say('visit', url.href);

try {
	oauth.validateAuthResponse(as, client, withOtherIssuer(callback), state);
	await say('accepted', 'a callback with another iss');
} catch (error) {
	await say('refused', error.message.replace(/\n/g, ' '));
}

const params = oauth.validateAuthResponse(as, client, new URL(callback), state);
const tokens = await oauth.processAuthorizationCodeResponse(as, client,
	await oauth.authorizationCodeGrantRequest(
		as, client, clientAuth, params, settings.redirectUri, verifier));
await say('tokens', { ...tokens, iss: params.get('iss') });

const refreshed = await oauth.processRefreshTokenResponse(as, client,
	await oauth.refreshTokenGrantRequest(as, client, clientAuth, tokens.refresh_token));
await say('refreshed', refreshed);

await oauth.processRevocationResponse(
	await oauth.revocationRequest(as, client, clientAuth, refreshed.refresh_token));
await say('revoked');
farewell();
