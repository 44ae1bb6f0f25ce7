// SPDX-License-Identifier: Apache-2.0
//
// passport-oauth2 in an express application under development: it listens on
// http://localhost:PORT, which only a client registered for development may name.
//
// passport-oauth2 knows nothing of client_secret_basic; a confidential client
// gives the header itself (customHeaders) and no clientSecret.

import express from 'express';
import session from 'express-session';
import passport from 'passport';
import { Strategy } from 'passport-oauth2';

import { farewell, say, settings } from './dialogue.mjs';

const as = await (await fetch(`${settings.issuer}/.well-known/oauth-authorization-server`)).json();
const halves = [settings.clientId, settings.clientSecret ?? ''].map(encodeURIComponent);
const basic = `Basic ${Buffer.from(halves.join(':')).toString('base64')}`;
const headers = settings.clientSecret ? { Authorization: basic } : {};

const strategy = new Strategy({
	authorizationURL: as.authorization_endpoint,
	tokenURL: as.token_endpoint,
	clientID: settings.clientId,
	callbackURL: settings.redirectUri,
	scope: settings.scope.split(' '),
	customHeaders: headers,
	pkce: 'S256',
	state: true,
	passReqToCallback: true,
}, (req, accessToken, refreshToken, params, profile, done) => {
	done(null, { ...params, refresh_token: refreshToken, iss: req.query.iss });
});
passport.use('latchkey', strategy);

const app = express();
app.use(session({ secret: 'one run only', resave: false, saveUninitialized: true }));
app.get('/connect', passport.authenticate('latchkey', { session: false }));
app.get('/callback', passport.authenticate('latchkey', { session: false }),
	(req, res) => res.json(req.user));
app.use((error, req, res, next) => res.status(500).send(`${error.stack} ${error.oauthError?.data ?? ''}`));

const local = new URL(settings.redirectUri);
const listening = app.listen(local.port, 'localhost');
await new Promise((resolve, reject) => listening.once('listening', resolve).once('error', reject));

// The person's browser: to /connect, over to the server, back to /callback.
const connect = await fetch(`${local.origin}/connect`, { redirect: 'manual' });
const cookie = connect.headers.get('set-cookie').split(';')[0];
const callback = await say('visit', connect.headers.get('location'));
const answer = await fetch(callback, { headers: { cookie } });
if (answer.status !== 200)
	throw new Error(await answer.text());
const tokens = await answer.json();
await say('tokens', tokens);

// As passport-oauth2-refresh does it.
const refreshed = await new Promise((resolve, reject) => {
	strategy._oauth2.getOAuthAccessToken(tokens.refresh_token, { grant_type: 'refresh_token' },
		(error, access, refresh, params) => (error
			? reject(new Error(error.data ?? error))
			: resolve({ ...params, refresh_token: refresh })));
});
await say('refreshed', refreshed);

// Passport has no revocation; RFC 7009 is one POST.
const revoked = await fetch(as.revocation_endpoint, {
	method: 'POST',
	headers,
	body: new URLSearchParams({
		token: refreshed.refresh_token,
		...(settings.clientSecret ? {} : { client_id: settings.clientId }),
	}),
});
if (revoked.status !== 200)
	throw new Error(`revocation: ${revoked.status} ${await revoked.text()}`);
await say('revoked');
listening.close();
listening.closeAllConnections();
farewell();
