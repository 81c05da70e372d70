# SPDX-License-Identifier: MIT
# bash completion for wampctl(1). URIs that the daemon knows are asked from it, and only then.
# shellcheck shell=bash disable=SC2207  # words without white space

_wampctl() {
	local commands='call publish subscribe register status list watch wait raw help'
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local command='' words='' i socket=()

	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		--socket)
			socket=(--socket "${COMP_WORDS[i + 1]}")
			((i++))
			;;
		--session) ((i++)) ;;
		-*) ;;
		*)
			command=${COMP_WORDS[i]}
			break
			;;
		esac
	done
	case $prev in
	--socket)
		COMPREPLY=($(compgen -f -- "$cur"))
		return
		;;
	--session)
		words=$(wampctl "${socket[@]}" list --json sessions 2>/dev/null |
			sed -n 's/^{"session":"\([A-Za-z0-9_.-]*\)".*/\1/p')
		COMPREPLY=($(compgen -W "$words" -- "$cur"))
		return
		;;
	--timeout | --count | --concurrency | --kwargs | --key | -k | --string | -s) return ;;
	esac
	case $command in
	'') words="$commands --socket --session --version --help" ;;
	help) words=$commands ;;
	call) words='--key --kwargs --string --timeout --full --help' ;;
	publish | pub) words='--key --kwargs --string --ack --no-exclude-me --stdin --help' ;;
	subscribe | sub) words='--count --timeout --full --help' ;;
	register)
		words='--concurrency --help'
		;;
	status) words='--json --help' ;;
	list) words='sessions clients registrations subscriptions calls limits config errors --json --help' ;;
	watch) words='--session --count --timeout --json --help' ;;
	wait) words='--session --timeout --help' ;;
	raw) words='--help' ;;
	esac
	if [[ $command = call && $cur != -* && $prev = call ]]; then
		words=$(wampctl "${socket[@]}" list --json registrations 2>/dev/null |
			sed -n 's/^{"uri":"\([A-Za-z0-9_.]*\)".*/\1/p')
	fi
	COMPREPLY=($(compgen -W "$words" -- "$cur"))
}

complete -F _wampctl wampctl
