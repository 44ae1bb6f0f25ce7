# SPDX-License-Identifier: Apache-2.0
# Completion of latchkey for bash: made by scripts/completion, not by hand.

_latchkey_connections() {
	latchkey status --json 2>/dev/null | sed -n 's/^ *"name": "\(.*\)",\{0,1\}$/\1/p'
}

_latchkey_verbs() {
	case $1 in
	client) echo 'add list show edit rotate-secret disable enable remove' ;;
	resource) echo 'add list remove' ;;
	scope) echo 'add list remove' ;;
	user) echo 'add list show passwd disable enable remove' ;;
	grant) echo 'list show end' ;;
	key) echo 'list rotate' ;;
	db) echo 'copy' ;;
	dev) echo 'trust certificate' ;;
	esac
}

_latchkey_options() {
	case $1 in
	'demo') echo '--dir --port --app-port --api-port --script --keep --json --help' ;;
	'init') echo '--issuer --brand --database --development --dir --json --help' ;;
	'serve') echo '--listen --tls-cert --tls-key --workers --user --set --replace --check --show-config --dir --json --help' ;;
	'client add') echo '--name --type --redirect-uri --scope --default-scope --grant --origin --browser-refresh --native --development --client-uri --logo-file --tos-uri --policy-uri --contact --initiate-uri --settings-uri --subject-type --redirect-uri-optional --unsafe-pkce-exempt --unsafe-retry-without-key --dir --json --help' ;;
	'client list') echo '--dir --json --help' ;;
	'client show') echo '--dir --json --help' ;;
	'client edit') echo '--name --redirect-uri --scope --default-scope --grant --origin --browser-refresh --native --development --client-uri --logo-file --tos-uri --policy-uri --contact --initiate-uri --settings-uri --subject-type --redirect-uri-optional --unsafe-pkce-exempt --unsafe-retry-without-key --no-development --no-pkce-exempt --revoke-client-tokens --dir --json --help' ;;
	'client rotate-secret') echo '--overlap --dir --json --help' ;;
	'client disable') echo '--dir --json --help' ;;
	'client enable') echo '--dir --json --help' ;;
	'client remove') echo '--dir --json --help' ;;
	'resource add') echo '--name --uri --dir --json --help' ;;
	'resource list') echo '--dir --json --help' ;;
	'resource remove') echo '--dir --json --help' ;;
	'scope add') echo '--describe --dir --json --help' ;;
	'scope list') echo '--dir --json --help' ;;
	'scope remove') echo '--dir --json --help' ;;
	'user add') echo '--username --name --company --entity --password-stdin --dir --json --help' ;;
	'user list') echo '--dir --json --help' ;;
	'user show') echo '--dir --json --help' ;;
	'user passwd') echo '--password-stdin --dir --json --help' ;;
	'user disable') echo '--dir --json --help' ;;
	'user enable') echo '--dir --json --help' ;;
	'user remove') echo '--dir --json --help' ;;
	'grant list') echo '--user --client --ended --dir --json --help' ;;
	'grant show') echo '--dir --json --help' ;;
	'grant end') echo '--dir --json --help' ;;
	'key list') echo '--dir --json --help' ;;
	'key rotate') echo '--retire --dir --json --help' ;;
	'db copy') echo '--to --dir --json --help' ;;
	'restore') echo '--rotations --dir --json --help' ;;
	'explain') echo '--dir --json --help' ;;
	'audit') echo '--since --event --object --limit --dir --json --help' ;;
	'dev trust') echo '--dir --json --help' ;;
	'dev certificate') echo '--dir --json --help' ;;
	'connect') echo '--issuer --client-id --client-secret-file --client-secret-fd --client-secret --scope --resource --parameter --redirect-uri --browser --device --paste --timeout --ca-file --key --authorization-endpoint --token-endpoint --revocation-endpoint --s256-unadvertised --development --vault --json --help' ;;
	'token') echo '--header --min-ttl --vault --no-agent --json --help' ;;
	'call') echo '--request --header --data --output --include --fail --silent --max-time --ca-file --vault --no-agent --json --help' ;;
	'exec') echo '--fd --socket --header --min-ttl --vault --no-agent --help' ;;
	'status') echo '--vault --no-agent --json --help' ;;
	'log') echo '--vault --json --help' ;;
	'disconnect') echo '--vault --json --help' ;;
	'agent') echo '--passphrase-fd --key --quiet --vault --help' ;;
	esac
}

_latchkey() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local command=${COMP_WORDS[1]} first=2 i verbs
	COMPREPLY=()
	if [ "$COMP_CWORD" -eq 1 ]; then
		mapfile -t COMPREPLY < <(compgen -W 'demo init serve client resource scope user grant key db restore explain audit dev connect token call exec status log disconnect agent --help --version' -- "$cur")
		return
	fi
	verbs=$(_latchkey_verbs "$command")
	if [ -n "$verbs" ]; then
		if [ "$COMP_CWORD" -eq 2 ]; then
			mapfile -t COMPREPLY < <(compgen -W "$verbs" -- "$cur")
			return
		fi
		command="$command ${COMP_WORDS[2]}"
		first=3
	fi
	for ((i = first; i < COMP_CWORD; i++)); do
		if [ "$command" = exec ] && [ "${COMP_WORDS[i]}" = -- ]; then
			mapfile -t COMPREPLY < <(compgen -c -- "$cur")
			return
		fi
	done
	case $prev in
	--ca-file | --client-secret-file | --dir | --logo-file | --output | --tls-cert | --tls-key)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return ;;
	esac
	case $cur in
	-*)
		mapfile -t COMPREPLY < <(compgen -W "$(_latchkey_options "$command")" -- "$cur") ;;
	*)
		case $command in
		token | call | exec | status | log | disconnect)
			mapfile -t COMPREPLY < <(compgen -W "$(_latchkey_connections)" -- "$cur") ;;
		esac ;;
	esac
}

complete -F _latchkey latchkey
