#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# first-token.sh ISSUER CLIENT_ID REDIRECT_URI SCOPE - the authorisation code flow
# with PKCE by curl alone, to see what travels. The client secret is asked for (an
# empty line: a public client); it never stands in an argument list. CA_FILE names
# a private CA, such as dev-ca.pem of a development installation.
set -euo pipefail
[ $# -eq 4 ] || { sed -n '4,7s/^# //p' "$0" >&2; exit 2; }
issuer=$1 client_id=$2 redirect_uri=$3 scope=$4

fetch() {
	curl --silent --show-error ${CA_FILE:+--cacert "$CA_FILE"} "$@"
}
encode() {
	jq -rn --arg text "$1" '$text | @uri'
}
base64url() {
	openssl base64 -A | tr '+/' '-_' | tr -d '='
}

read -rsp "Client secret (none: press Enter): " secret && echo >&2

# RFC 8414: where the endpoints are.
metadata=$(fetch "$issuer/.well-known/oauth-authorization-server")
authorize=$(jq -r .authorization_endpoint <<<"$metadata")
token=$(jq -r .token_endpoint <<<"$metadata")

# RFC 7636: a verifier of our own, and its challenge for the request.
verifier=$(openssl rand 32 | base64url)
challenge=$(printf %s "$verifier" | openssl dgst -sha256 -binary | base64url)
state=$(openssl rand -hex 16)

echo "Open this in a browser, sign in and approve:"
echo "$authorize?response_type=code&client_id=$client_id&state=$state&redirect_uri=$(encode "$redirect_uri")&scope=$(encode "$scope")&code_challenge=$challenge&code_challenge_method=S256"
echo "Then paste the address at which the browser ends (no page need be there):"
read -r callback

parameter() {
	sed -n "s/.*[?&]$1=\([^&#]*\).*/\1/p" <<<"$callback" | sed 's/%3A/:/g; s/%2F/\//g'
}
# RFC 9207 and RFC 6749 10.12: our answer, from this server, before anything else.
[ "$(parameter state)" = "$state" ] || { echo "This is not the answer to our request: state differs." >&2; exit 1; }
[ "$(parameter iss)" = "$issuer" ] || { echo "This answer is not from $issuer." >&2; exit 1; }
[ -n "$(parameter code)" ] || { echo "There is no code in it: $(parameter error)" >&2; exit 1; }

# ask NAME=VALUE...: the token endpoint, as this client.
ask() {
	local fields=() field
	for field in "$@"; do fields+=(--data-urlencode "$field"); done
	if [ -n "$secret" ]; then
		fetch --config <(printf 'user = "%s:%s"\n' "$client_id" "$secret") "${fields[@]}" "$token"
	else
		fetch "${fields[@]}" --data-urlencode "client_id=$client_id" "$token"
	fi
}
tokens=$(ask grant_type=authorization_code "code=$(parameter code)" \
	"redirect_uri=$redirect_uri" "code_verifier=$verifier")
echo "The tokens:" && jq . <<<"$tokens"
refresh_token=$(jq -r '.refresh_token // empty' <<<"$tokens")
[ -n "$refresh_token" ] || exit 0
read -rp "Press Enter to refresh: "
echo "A new pair, and the old ones are dead:"
ask grant_type=refresh_token "refresh_token=$refresh_token" | jq .
