# SPDX-License-Identifier: Apache-2.0
"""Authlib's OAuth2Session: code flow with PKCE, refresh, revocation."""
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session

from dialogue import (CA_FILE, CLIENT_ID, CLIENT_SECRET, ISSUER, REDIRECT_URI, SCOPE,
                      parameter, say)

session = OAuth2Session(
    CLIENT_ID, CLIENT_SECRET, scope=SCOPE, redirect_uri=REDIRECT_URI,
    code_challenge_method='S256',
    token_endpoint_auth_method='client_secret_basic' if CLIENT_SECRET else 'none',
    revocation_endpoint_auth_method='client_secret_basic' if CLIENT_SECRET else 'none')
session.verify = CA_FILE
server = session.get(f'{ISSUER}/.well-known/oauth-authorization-server', withhold_token=True).json()

verifier = generate_token(48)
url, state = session.create_authorization_url(
    server['authorization_endpoint'], code_verifier=verifier)
callback = say('visit', url)

tokens = session.fetch_token(
    server['token_endpoint'], authorization_response=callback, state=state,
    code_verifier=verifier)
say('tokens', {**tokens, 'iss': parameter(callback, 'iss')})

refreshed = session.refresh_token(
    server['token_endpoint'], refresh_token=tokens['refresh_token'])
say('refreshed', refreshed)

answer = session.revoke_token(
    server['revocation_endpoint'], token=refreshed['refresh_token'],
    token_type_hint='refresh_token')
assert answer.status_code == 200, answer.text
say('revoked')
