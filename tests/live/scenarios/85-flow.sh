# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2046,SC2086,SC2154 # lib.sh has the variables; numbers are not quoted
#
# Ladders: both ends of a connection on one, whoever was named; only what was asked for.

# ladders [ARGS]: the view flow of this namespace, until `drawn`
ladders() { view "$dir/flow" flow "$@"; }

drawn()
{
	unview
	cp "$dir/flow" "$OUT/$mechanism/$scenario.$family.flow"
	sed -n 's/.*, \([0-9]*\) probe hits missed.*/\1/p' "$dir/flow" > "$OUT/$mechanism/$scenario.$family.missed"
	expect "records lost" "$(sed -n 's/.* events, \([0-9]*\) lost.*/\1/p' "$dir/flow")" 0
}

# in_order WORD...: the words are in the ladder, each behind the one before
in_order()
{
	local word at=0 n

	for word; do
		n=$(awk -v from=$at -v word="$word" 'NR > from && index($0, word) { print NR; exit }' "$dir/flow")
		[[ -n $n ]] || { fail "no '$word' below line $at: $(cat "$dir/flow")"; return; }
		at=$n
	done
}

fits() { expect "lines wider than 100" "$(sed '/^! /,$d; s/[^ -~]/x/g' "$dir/flow" | grep -c '.\{101\}')" 0; }

# recorded ARGS: what -w kept shows the same again, also where nothing is chosen any more
recorded()
{
	local args ladders='/^! /,$d; / events, /d; s/^conn *[0-9]* */conn /; /^conn/s/  */ /g'

	for args in "$*" ""; do
		"$tcptrace" flow $args -r "$dir/record" | sed "$ladders" > "$dir/again"
		sed "$ladders" "$dir/flow" | diff - "$dir/again" > "$dir/diff" || fail "replayed with '$args': $(head -n 9 "$dir/diff")"
	done
}

scenario flow_both_ends 46 own each -- "flow -P: both ends, and the handshake in its order; -w keeps them"
flow_both_ends()
{
	ladders -P "$port" -w "$dir/record"
	server --backlog 2 --accept loop --max 7
	client --count 7
	finish server
	drawn
	expect ladders "$(grep -c '^conn.*client' "$dir/flow")" 7
	expect "ends not seen" "$(grep -c 'not seen here' "$dir/flow")" 0
	expect "not over" "$(grep -c 'goes on' "$dir/flow")" 0
	recorded -P "$port"
	expect "lines of which both ends were recorded" "$("$tcptrace" conns -P "$port" -r "$dir/record" | grep -c " server .*=.*:$port ")" 7
	expect "whole SYNs" "$(grep -c '── SYN ──\+▶\|◀──\+ SYN ──' "$dir/flow")" 0
	in_order SYN_SENT NEW_SYN_RECV 'SYN-ACK' 'ESTABLISHED' 'SYN_RECV' 'accept queue: in' 'accept queue: out' \
		'accept() returned'
	fits
}

# Until the kernel of this namespace has refused a segment.
until_overflow()
{
	local i

	for ((i = 0; i < patience * 100; i++)); do
		awk '/^TcpExt:/ && !n { for (f = 1; f <= NF; f++) if ($f == "ListenOverflows") n = f; next }
		     /^TcpExt:/ { exit $n == 0 }' /proc/net/netstat && return
		sleep 0.01
	done
	die "no SYN was refused"
}

scenario flow_overflow 4 own -- "flow -x: the SYN that a full accept queue refuses, and comes again"
flow_overflow()
{
	ladders -x
	server --backlog 0 --accept on-line
	client_hold --count 1
	start late "$bin/client" "$local" "$port"
	until_overflow
	serve 'accept 1'
	client_go
	serve 'accept 1'
	finish late
	stop server
	drawn
	in_order SYN_SENT '! acceptq-full-syn' 'SYN again' NEW_SYN_RECV ESTABLISHED
	fits
}

scenario flow_namespaces 46 own -- "flow: ends in different namespaces are one ladder"
flow_namespaces()
{
	second_device
	ladders
	server --accept loop --max 1
	start remote nsenter -t "$other" -n "$bin/client" 10.99.0.1 "$port"
	finish remote
	finish server
	drawn
	kill "${pid[other]}"
	unset 'pid[other]'
	expect ladders "$(grep -c '^conn.*client.*10.99.0.2:.*netns' "$dir/flow")" 1
	expect "servers" "$(grep -c "^conn.*server.*10.99.0.1:$port.*netns $ns\$" "$dir/flow")" 1
	in_order SYN_SENT NEW_SYN_RECV ESTABLISHED SYN_RECV
	fits
}

scenario flow_program 4 own -- "flow -- curl: nginx's end too, also of a child that is gone at once"
flow_program()
{
	needs nginx curl
	mkdir -p "$dir/tmp"
	chmod 755 "$dir" "$dir/tmp"
	cat > "$dir/nginx.conf" <<-EOF
	daemon off; pid $dir/nginx.pid; error_log $dir/nginx.error;
	events { worker_connections 64; }
	http {
		access_log off; client_body_temp_path $dir/tmp; proxy_temp_path $dir/tmp;
		fastcgi_temp_path $dir/tmp; uwsgi_temp_path $dir/tmp; scgi_temp_path $dir/tmp;
		server { listen 127.0.0.1:$port backlog=2; return 200 "hello"; }
	}
	EOF
	nginx -p "$dir" -c "$dir/nginx.conf" > "$dir/nginx.log" 2>&1 &
	pid[nginx]=$!
	until [[ -n $(ss -Hltn "sport = :$port") ]]; do sleep 0.01; done
	"$tcptrace" flow --mechanism "$mechanism" -- sh -c "curl -s -o /dev/null http://127.0.0.1:$port/; exit 3" \
		> "$dir/flow" 2> "$dir/talk"
	expect "exit status of the program" $? 3
	curl -s -o /dev/null "http://127.0.0.1:$port/"
	kill -QUIT "${pid[nginx]}"
	wait "${pid[nginx]}"
	unset 'pid[nginx]'
	expect "clients" "$(grep -c '^conn.*client.*curl\[' "$dir/flow")" 1
	expect "servers" "$(grep -c '^conn.*server.*nginx\[' "$dir/flow")" 1
	expect ladders "$(grep -c '^  *us client' "$dir/flow")" 1
	in_order 'connect() called' SYN_SENT NEW_SYN_RECV ESTABLISHED 'accept queue: in' 'accept() returned' 'FIN'
	fits
}
