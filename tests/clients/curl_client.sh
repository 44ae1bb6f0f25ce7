#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The flow by curl alone: what an integrator tries first, and what support asks for.
set -euo pipefail

fetch() {
	curl --silent --show-error --fail-with-body --cacert "$CA_FILE" "$@"
}

# say WORD TEXT: says a line; the answer is in $answer.
say() {
	printf '%s\n' "$1${2:+ $2}"
	IFS= read -r answer
}

# member NAME: that member of the JSON object on standard input.
member() {
	python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"
}

# parameter URL NAME: that query parameter, decoded.
parameter() {
	python3 -c 'import sys, urllib.parse as u
print(u.parse_qs(u.urlsplit(sys.argv[1]).query)[sys.argv[2]][0])' "$1" "$2"
}

base64url() {
	openssl base64 -A | tr '+/' '-_' | tr -d '='
}

if [ -n "$CLIENT_SECRET" ]; then
	who=(--user "$CLIENT_ID:$CLIENT_SECRET")
else
	who=(--data-urlencode "client_id=$CLIENT_ID")
fi

server=$(fetch "$ISSUER/.well-known/oauth-authorization-server")
authorize=$(member authorization_endpoint <<<"$server")
token=$(member token_endpoint <<<"$server")
revoke=$(member revocation_endpoint <<<"$server")

verifier=$(openssl rand 32 | base64url)
challenge=$(printf %s "$verifier" | openssl dgst -sha256 -binary | base64url)
state=$(openssl rand -hex 16)
encode() {
	python3 -c 'import sys, urllib.parse as u; print(u.quote(sys.argv[1], safe=""))' "$1"
}
say visit "$authorize?response_type=code&client_id=$CLIENT_ID&state=$state\
&redirect_uri=$(encode "$REDIRECT_URI")&scope=$(encode "$SCOPE")\
&code_challenge=$challenge&code_challenge_method=S256"
callback=$answer
[ "$(parameter "$callback" state)" = "$state" ]

tokens=$(fetch "${who[@]}" "$token" \
	--data-urlencode grant_type=authorization_code \
	--data-urlencode "code=$(parameter "$callback" code)" \
	--data-urlencode "redirect_uri=$REDIRECT_URI" \
	--data-urlencode "code_verifier=$verifier")
iss=$(parameter "$callback" iss)
say tokens "$(python3 -c 'import json, sys
print(json.dumps({**json.load(sys.stdin), "iss": sys.argv[1]}))' "$iss" <<<"$tokens")"

refreshed=$(fetch "${who[@]}" "$token" \
	--data-urlencode grant_type=refresh_token \
	--data-urlencode "refresh_token=$(member refresh_token <<<"$tokens")")
say refreshed "$refreshed"

fetch "${who[@]}" "$revoke" --data-urlencode "token=$(member refresh_token <<<"$refreshed")"
say revoked
