# SPDX-License-Identifier: Apache-2.0
"""requests-oauthlib's OAuth2Session: code flow with PKCE, refresh, revocation."""
import base64
import hashlib
import secrets

from oauthlib.oauth2 import WebApplicationClient
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

from dialogue import (CA_FILE, CLIENT_ID, CLIENT_SECRET, ISSUER, REDIRECT_URI, SCOPE,
                      parameter, say)

session = OAuth2Session(
    client=WebApplicationClient(CLIENT_ID), scope=SCOPE.split(' '), redirect_uri=REDIRECT_URI)
session.verify = CA_FILE
server = session.get(f'{ISSUER}/.well-known/oauth-authorization-server', withhold_token=True).json()

# A confidential client authenticates by Basic, a public one by its client_id.
who = ({'auth': HTTPBasicAuth(CLIENT_ID, CLIENT_SECRET)} if CLIENT_SECRET
       else {'include_client_id': True})

verifier = secrets.token_urlsafe(48)
challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b'=')
url, _ = session.authorization_url(
    server['authorization_endpoint'], code_challenge=challenge.decode(),
    code_challenge_method='S256')
callback = say('visit', url)

tokens = session.fetch_token(
    server['token_endpoint'], authorization_response=callback, code_verifier=verifier, **who)
# oauthlib makes a list of the scope.
say('tokens', {**tokens, 'scope': ' '.join(tokens['scope']), 'iss': parameter(callback, 'iss')})

if CLIENT_SECRET:
    again = {'auth': HTTPBasicAuth(CLIENT_ID, CLIENT_SECRET)}
else:
    again = {'client_id': CLIENT_ID}
refreshed = session.refresh_token(
    server['token_endpoint'], refresh_token=tokens['refresh_token'], **again)
say('refreshed', {**refreshed, 'scope': ' '.join(refreshed['scope'])})

uri, headers, body = session._client.prepare_token_revocation_request(
    server['revocation_endpoint'], refreshed['refresh_token'],
    **({} if CLIENT_SECRET else {'client_id': CLIENT_ID}))
answer = session.post(
    uri, data=body, headers=headers, withhold_token=True, auth=who.get('auth'))
assert answer.status_code == 200, answer.text
say('revoked')
