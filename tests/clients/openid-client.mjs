// SPDX-License-Identifier: Apache-2.0
//
// openid-client: discovery, code flow with PKCE, refresh, revocation.

import * as client from 'openid-client';

import { farewell, say, settings, withOtherIssuer } from './dialogue.mjs';

const config = await client.discovery(
	new URL(settings.issuer), settings.clientId, settings.clientSecret,
	settings.clientSecret ? client.ClientSecretBasic(settings.clientSecret) : client.None(),
	{ algorithm: 'oauth2' },
);

const pkceCodeVerifier = client.randomPKCECodeVerifier();
const expectedState = client.randomState();
const url = client.buildAuthorizationUrl(config, {
	redirect_uri: settings.redirectUri,
	scope: settings.scope,
	state: expectedState,
	code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
	code_challenge_method: 'S256',
});
const callback = await say('visit', url.href);
const checks = { pkceCodeVerifier, expectedState };

try {
	await client.authorizationCodeGrant(config, withOtherIssuer(callback), checks);
	await say('accepted', 'a callback with another iss');
} catch (error) {
	await say('refused', `${error.message} ${error.cause?.message ?? ''}`.replace(/\n/g, ' '));
}

const tokens = await client.authorizationCodeGrant(config, new URL(callback), checks);
await say('tokens', { ...tokens, iss: new URL(callback).searchParams.get('iss') });

const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token);
await say('refreshed', refreshed);

await client.tokenRevocation(config, refreshed.refresh_token);
await say('revoked');
farewell();
