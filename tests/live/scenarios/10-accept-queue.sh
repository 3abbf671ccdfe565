# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2046,SC2086,SC2154 # lib.sh has the variables; numbers are not quoted
#
# The accept queue full at every place where the kernel looks: at the SYN, at the
# third packet, at a cookie's ACK; and what a full one looks like from outside.

scenario listen_2 46 -- "listen(2), 8 clients, no accept: 3 are held, 5 refused"
listen_2()
{
	trace
	server --backlog 2 --accept none
	client_hold --nonblock --count 8 --timeout-ms 150
	stop server
	client_go
	facts client ok=3 timeout=5
	untrace
	kernel ListenOverflows=5 ListenDrops=5 PassiveOpens=3 ActiveOpens=8 EstabResets=6
	events listen,backlog=2,acceptq_max=2,synq_max=2,ret=0:1 connect:8 synq-add:3 synack:3 \
		synq-del,cause=established:3 acceptq-add,cause=handshake:3 drop:5 \
		drop,cause=acceptq-full-syn,acceptq=3:5 acceptq-del,cause=listener-closed:3
	expect "SYN queue when one came in" "$(values synq synq-add | paste -sd ' ')" "1 1 1"
	expect "SYN queue when one left" "$(values synq synq-del | paste -sd ' ')" "0 0 0"
	expect "accept queue when one came in" "$(values acceptq acceptq-add | paste -sd ' ')" "1 2 3"
	expect "accept queue when the next SYN came" "$(values acceptq synq-add | paste -sd ' ')" "0 1 2"
	expect "accept queue when the listener closed" "$(values acceptq acceptq-del | paste -sd ' ')" "2 1 0"
	expect "refused and never connected" "$(values rport drop | sort | paste -sd ' ')" \
		"$(values lport state old=SYN_SENT new=CLOSE | sort | paste -sd ' ')"
	listener_is established=3 accepted=0 drops=5 refused.acceptq-full-syn=5 acceptq.peak=3 \
		acceptq.limit=2 synq.peak=1 backlog=2 effective=2 decides=backlog
	expect findings "$(findings)" "accept-stalled"
}

scenario listen_0 46 -- "listen(0) holds one; the next is refused, not queued"
listen_0()
{
	trace
	server --backlog 0 --accept on-line
	peer script 'auto 1; syn 1; settle 50; syn 2; expect-none 2 100'
	serve queue
	facts server acceptq=1 acceptq_max=0
	stop server
	untrace
	kernel ListenOverflows=$(listener refused.acceptq-full-syn) PassiveOpens=1
	listener_is established=1 drops=1 acceptq.peak=1 acceptq.limit=0 backlog=0 effective=0
}

scenario somaxconn 4 -- "net.core.somaxconn clamps what listen() asked for"
somaxconn()
{
	sysctl_set core/somaxconn 3
	trace
	server --backlog 4096 --accept batch 4
	peer script 'auto 1-6; syn 1-4; settle 50; fin 1-4; settle 50'
	stop server
	untrace
	kernel ListenOverflows=0 PassiveOpens=4
	events listen,backlog=4096,somaxconn=3,acceptq_max=3:1 acceptq-del,cause=accepted:4
	listener_is backlog=4096 somaxconn=3 effective=3 decides=somaxconn acceptq.peak=4 drops=0
	expect findings "$(findings)" ""
}

scenario acceptq_full_syn 46 -- "accept queue full: a SYN and its repetition are refused"
acceptq_full_syn()
{
	trace
	server --backlog 2 --accept on-line
	peer script 'auto 1-3; syn 1-3; settle 50; syn 4-5; expect-none 4-5 100; syn 4; expect-none 4 50'
	serve queue
	facts server acceptq=3 acceptq_max=2
	stop server
	untrace
	kernel ListenOverflows=3 ListenDrops=3 PassiveOpens=3
	events drop:3 drop,cause=acceptq-full-syn,synq=0,acceptq=3,acceptq_max=2,listener=*:3
	expect "refused clients" "$(values raddr drop | sort | uniq -c | awk '{ print $1 }' | unique)" "1 2"
	listener_is established=3 accepted=0 drops=3 refused.acceptq-full-syn=3 acceptq.peak=3
}

# Three wait, then two half-open ones are completed, and only one has room.
full_ack='auto 1-3; syn 1-3; settle 50; syn 4-5; expect-synack 4-5; ack 4; expect-none 4 50; ack 5'

scenario acceptq_full_ack 46 -- "accept queue full at the third packet; a later segment gets in"
acceptq_full_ack()
{
	trace
	server --backlog 3 --accept on-line
	peer_start "$full_ack; expect-none 5 100; data 5; expect-none 5 100; say here; wait-line;
		data-again 5; expect-ack 5"
	serve 'accept'
	peer_go
	serve queue
	facts server acceptq=4
	stop server
	untrace
	kernel ListenOverflows=2 ListenDrops=2 PassiveOpens=5
	sees drop-ack && events drop,cause=acceptq-full-ack,acceptq=4,synq=1,listener=*:2 drop:2
	events synq-add:5 synq-del,cause=established:5 acceptq-add:5 acceptq-del,cause=accepted:1
	expect "the refused one and the late one" "$(values raddr drop | unique)" \
		"$(sees drop-ack && values raddr acceptq-add | tail -n 1)"
	listener_is established=5 accepted=1
	sees drop-ack && listener_is ghosts=0 refused.acceptq-full-ack=2
}

scenario abort_on_overflow 46 -- "tcp_abort_on_overflow: the third packet is answered by a RST"
abort_on_overflow()
{
	sysctl_set ipv4/tcp_abort_on_overflow 1
	trace
	server --backlog 3 --accept on-line
	peer script "$full_ack; expect-rst 5"
	serve queue
	facts server acceptq=4
	stop server
	untrace
	kernel ListenOverflows=1 ListenDrops=1 EmbryonicRsts=1 PassiveOpens=4
	sees drop-ack && events drop,cause=acceptq-full-ack:1
	sees request-reset && events synq-del,cause=reset:1
	events synq-add:5 synq-del:5 synq-del,cause=established:4
}

scenario acceptq_full_cookie 46 -- "accept queue full at the ACK of a cookie"
acceptq_full_cookie()
{
	sysctl_set ipv4/tcp_syncookies 2
	trace
	server --backlog 2 --accept on-line
	peer script 'syn 1-5; expect-synack 1-5; ack 1-5; expect-none 1-5 50'
	serve queue
	facts server acceptq=3
	stop server
	untrace
	kernel SyncookiesSent=5 SyncookiesRecv=5 SyncookiesFailed=0 ListenOverflows=2 ListenDrops=2 PassiveOpens=3
	events cookie-sent:5 synq-add:0 acceptq-add,cause=cookie:3
	sees drop-cookie && events drop,cause=acceptq-full-cookie:2 cookie-ok:5 cookie-bad:0
	expect "accept queue" "$(values acceptq acceptq-add | paste -sd ' ')" "1 2 3"
	listener_is cookies.sent=5 synq.peak=0 acceptq.peak=3
}

scenario bursts 4 -- "7 bursts fill the queue to 100 and drain at once: each peak is seen"
bursts()
{
	local rounds=$((SLOW ? 3 : 7))

	trace
	server --backlog 128 --accept batch 100 --close-first --max $((rounds * 100))
	client --burst 100 --rounds $rounds
	finish server
	facts client ok=$((rounds * 100))
	untrace
	kernel ListenOverflows=0 PassiveOpens=$((rounds * 100))
	expect "bursts whose 100 was seen" "$(count acceptq-add acceptq=100)" $rounds
	events acceptq-add:$((rounds * 100)) acceptq-del,cause=accepted:$((rounds * 100)) \
		acceptq-del,acceptq=0:$rounds accept:$((rounds * 100))
	listener_is acceptq.peak=100 acceptq.limit=128 accepted=$((rounds * 100)) drops=0
}

scenario rst_in_acceptq 46 -- "clients reset while they wait for accept()"
rst_in_acceptq()
{
	trace
	server --accept on-line
	peer script 'auto 1-5; syn 1-5; settle 50; rst 1-3; settle 50'
	serve 'accept 5'
	facts server accepted=5 acceptq=0
	stop server
	untrace
	kernel PassiveOpens=5 EstabResets=3
	events acceptq-add:5 acceptq-del:5 acceptq-del,cause=reset:3 acceptq-del,cause=accepted:2 \
		acceptq-del,acceptq_max=*:5 accept,acceptq_max=*:5 state,old=ESTABLISHED,new=CLOSE:3 rst-received:3
	listener_is acceptq_removed.reset=3 acceptq_removed.accepted=2 acceptq.now=0
}

scenario listener_closed 46 loose -- "the listener is closed with both queues filled"
listener_closed()
{
	trace
	server --accept on-line
	peer_start 'syn 1-5; expect-synack 1-5; ack 1-3; expect-none 1-3 50; say here; wait-line;
		expect-rst 1-3; ack 4-5; expect-rst 4-5'
	serve close-listener
	peer_go
	stop server
	untrace
	kernel EstabResets=3 PassiveOpens=3
	events synq-add:5 acceptq-add:3 acceptq-del,cause=listener-closed:3 acceptq-del:3 \
		state,old=LISTEN,new=CLOSE:1
	events synq-del,cause=established:3 synq-del:5
	sees request-closed && events synq-del,cause=listener-closed:2
	listener_is open=false synq.now=0 acceptq.now=0
}

scenario relisten 46 -- "listen() again changes the limit, shutdown() empties the queue"
relisten()
{
	trace
	server --backlog 1 --accept on-line
	peer script 'auto 1-2; syn 1-2; settle 50; syn 3; expect-none 3 50'
	serve 'relisten 7'
	facts server acceptq_max=7 acceptq=2
	serve shutdown-listener
	stop server
	untrace
	kernel ListenOverflows=1 EstabResets=2
	events listen:2 listen,backlog=1,acceptq_max=1:1 listen,backlog=7,acceptq_max=7,acceptq=2:1 \
		shutdown:1 state,old=LISTEN,new=CLOSE:1 acceptq-del,cause=listener-closed:2
	listener_is backlog=7 acceptq.peak=2
}

# tcp_disconnect() of a listener: what waits is reset, the address stays
scenario shut_and_again 46 -- "shutdown() over waiters, then listen(): they were reset, and the next ones are not mixed up with them"
shut_and_again()
{
	trace
	server --backlog 2 --accept on-line
	peer script 'auto 1-2; syn 1-2; settle 50'
	serve shutdown-listener
	serve 'relisten 5'
	peer script 'auto 3-5; syn 3-5; settle 50'
	serve 'accept 3'
	stop server
	untrace
	kernel PassiveOpens=5
	events acceptq-add:5 acceptq-del,cause=listener-closed:2 acceptq-del,cause=accepted:3 \
		state,old=CLOSE,new=LISTEN:2 state,old=LISTEN,new=CLOSE:2
	listener_is backlog=5 acceptq.peak=3 acceptq.now=0 accepted=3
	[[ $(findings) == *closed-waiting* ]] || fail "findings are '$(findings)'"
	expect "evidence" "$(grep -o '"closed":[0-9]*' "$json")" '"closed":2'
}

# overflows: how many third packets and SYNs were refused for a full accept queue, until now
overflows()
{
	own_counters after
	awk -v names=ListenOverflows -f "$here/json.awk" -f "$here/ledger.awk" "$dir/before" "$dir/after"
}

# A program that comes after tcptrace's runs before it, and waits for the accept().
scenario overtaken 4 own each -- "a third packet is refused, and another CPU has made room before we look: it was the full accept queue"
overtaken()
{
	[[ -e $bin/late.bpf.o && $mechanism == fentry && $(nproc) -gt 1 ]] || skip "in guests, by fentry"
	own_trace --check
	start late "$bin/late" "$bin/late.bpf.o"
	hear late READY
	server --backlog 3 --accept on-line
	peer_start 'auto 1-3; syn 1-3; settle 50; syn 4-5; expect-synack 4-5; ack 4; expect-none 4 50; say here; wait-line;
		ack 5; settle 50'
	say peer
	until [[ $(overflows) == 1 ]]; do sleep 0.05; done
	serve accept
	finish peer
	stop late 143	# SIGTERM
	stop server
	untrace
	kernel ListenOverflows=1 ListenDrops=1 PassiveOpens=4
	events drop:1 drop,cause=acceptq-full-ack,acceptq=3:1
}
