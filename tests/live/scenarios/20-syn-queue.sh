# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2046,SC2086,SC2154 # lib.sh has the variables; numbers are not quoted
#
# The SYN queue: how long requests stay, how they leave it, what happens when it
# is full, with and without cookies.

scenario late_ack 46 -- "the final ACK comes 300 ms late: so long was it half-open"
late_ack()
{
	local dur least most

	trace
	server --accept loop --max 23 --close-first
	peer late-ack --count 23 --delay-ms 300
	finish server
	facts peer synack=23 failed=0
	facts server accepted=23 closed=23
	untrace
	kernel PassiveOpens=23 ListenDrops=0
	events synq-add:23 synack:23 synq-del:23 synq-del,cause=established:23 \
		acceptq-add,cause=handshake:23 acceptq-del,cause=accepted:23 synack-retrans:0
	# as long as the peer says that it waited, within 15 ms; the peer begins a little later, on its side
	least=$(fact peer half_open_min_us) most=$(fact peer half_open_max_us)
	within "the peer's own measure, us" "$least" 300000 "$most"
	for dur in $(values dur_ns synq-del) $(values dur_ns state old=SYN_RECV new=ESTABLISHED); do
		within "microseconds half-open" $((dur / 1000)) $((least - 15000)) $((most + (SLOW ? 60000 : 15000)))
	done
	expect "numbers of requests and children" "$(values conn synq-add | sort | paste -sd ' ')" \
		"$(values conn state old=SYN_RECV new=ESTABLISHED | sort | paste -sd ' ')"
	within "p50 of the SYN queue, us" $(($(listener synq.wait.p50_ns) / 1000)) $((least * 9 / 10)) $((most * 11 / 10))
	listener_is synq.wait.count=23 accepted=23 established=23
}

# By IPv4 the child is made before the route is looked for, and ends by tcp_done().
scenario third_unrouted 46 -- "no route leads back to a client whose third packet comes: refused, and no queue is full"
third_unrouted()
{
	local to=10.77.1.1/32 made=1

	[ -z "$v6" ] || { to=fd77::101/128 made=0; }

	trace
	server --accept loop --max 1 --close-first
	peer_start 'syn 1; expect-synack 1; say here; wait-line; ack 1; settle 50; say here; wait-line; ack 1; settle 50'
	ip $v6 route add unreachable $to
	say peer
	hear peer here
	ip $v6 route del unreachable $to
	peer_go
	finish server
	untrace
	kernel ListenDrops=1 ListenOverflows=0 PassiveOpens=$((made + 1)) AttemptFails=$made
	! sees ListenDrops || events drop:1 drop,cause=no-memory:1 acceptq-add:1
}

scenario half_open_reset 46 -- "a RST takes half-open requests down"
half_open_reset()
{
	trace
	server --accept on-line
	peer_start 'syn 1-23; expect-synack 1-23; say here; wait-line; rst 1-23; settle 50'
	expect "ss: half-open" "$(ss -Htn state syn-recv | wc -l)" 23
	peer_go
	expect "ss: half-open" "$(ss -Htn state syn-recv | wc -l)" 0
	stop server
	untrace
	kernel AttemptFails=23 EmbryonicRsts=23 PassiveOpens=0
	events synq-add:23 synq-del:23 acceptq-add:0
	sees request-reset && events synq-del,cause=reset:23
	expect "SYN queue" "$(values synq synq-add | tail -n 1)" 23
	listener_is synq.peak=23 synq.now=0 established=0
}

# 5.10 before 5.10.226 lets backlog requests in, the others backlog + 1: the kernel says which.
scenario synq_full 46 -- "SYN queue full without cookies"
synq_full()
{
	local n

	sysctl_set ipv4/tcp_syncookies 0
	trace
	server --backlog 3 --accept on-line
	peer script 'syn 1-7; settle 100; rst 1-7; settle 50'
	n=$(fact peer synack)
	stop server
	untrace
	within "SYN-ACKs" "$n" 3 4
	kernel TCPReqQFullDrop=$((7 - n)) ListenDrops=$((7 - n)) ListenOverflows=0
	events synq-add:$n drop:$((7 - n)) drop,cause=synq-full:$((7 - n))
	expect "SYN queue at the refusals" "$(values synq drop | unique)" "$n"
	listener_is synq.peak=$n synq.limit=3 refused.synq-full=$((7 - n))
	expect findings "$(findings)" synq-full
}

# As many requests as the limit are full for older kernels only: there the handshakes of 4 to 7 are refused.
scenario both_full 46 -- "no cookies, the SYN queue at its limit and the accept queue full: refused by the one that the kernel says"
both_full()
{
	sysctl_set ipv4/tcp_syncookies 0
	trace
	server --backlog 3 --accept on-line
	peer script 'auto 4-7; syn 1-3; settle 50; syn 4; settle 20; syn 5; settle 20; syn 6; settle 20; syn 7; settle 50; syn 8-12; settle 100; rst 1-12; settle 50'
	stop server
	untrace
	within "refused" "$(count drop)" 5 9
}

scenario synq_full_cookies 46 -- "SYN queue full with cookies; the cookies come back"
synq_full_cookies()
{
	local n

	trace
	server --backlog 3 --accept on-line
	peer_start 'syn 1-7; settle 100; say here; wait-line; ack 1-3; settle 50; ack 7; settle 50; rst 1-7; settle 50'
	n=$(ss -Htn state syn-recv | wc -l)
	peer_go
	facts peer synack_conns=7
	stop server
	untrace
	within "half-open" "$n" 3 4
	kernel SyncookiesSent=$((7 - n)) ListenDrops=0 PassiveOpens=4
	sees cookie-verdict && kernel SyncookiesRecv=1
	events synq-add:$n drop:0 acceptq-add,cause=handshake:3
	events cookie-sent:$((7 - n))
	sees cookie-verdict && events cookie-ok:1 acceptq-add,cause=cookie:1
	listener_is synq.peak=$n cookies.sent=$((7 - n))
	expect findings "$(findings)" cookies
}

scenario cookie_bad 46 -- "tcp_syncookies=2: good and bad ones"
cookie_bad()
{
	sysctl_set ipv4/tcp_syncookies 2
	trace
	server --accept on-line
	peer script 'syn 1-5; expect-synack 1-5; ack 1-2; bad-ack 3-5; expect-rst 3-5'
	serve queue
	facts server acceptq=2
	stop server
	untrace
	kernel SyncookiesSent=5 SyncookiesRecv=2 SyncookiesFailed=3 PassiveOpens=2
	events synq-add:0 cookie-sent:5
	sees cookie-verdict && events cookie-ok:2 cookie-bad:3 acceptq-add,cause=cookie:2
	sees cookie-verdict && listener_is cookies.ok=2 cookies.bad=3
	listener_is synq.peak=0
}

scenario synq_quarter 46 -- "the last quarter of tcp_max_syn_backlog is reserved"
synq_quarter()
{
	sysctl_set ipv4/tcp_syncookies 0
	sysctl_set ipv4/tcp_max_syn_backlog 16
	trace
	server --accept on-line
	peer script 'syn 1-17; settle 100; rst 1-17; settle 50'
	facts peer synack_conns=13
	stop server
	untrace
	kernel ListenDrops=4 TCPReqQFullDrop=0 ListenOverflows=0
	events synq-add:13 drop:4 drop,cause=synq-quarter,synq=13:4
	listener_is synq.peak=13 refused.synq-quarter=4
	expect findings "$(findings)" synq-quarter
}

# TCPReqQFullDrop before or after
nstat_drops()
{
	awk '$1 == "TcpExt:" { if (!n) n = split($0, name); else for (i = 1; i <= n; i++) if (name[i] == "TCPReqQFullDrop") print $i }' "$dir/$1"
}

# Which of both it is depends on the kernel, 3c5b4d69c358; its counter knows.
scenario synq_quarter_at_limit 46 -- "the last quarter is reserved, and the SYN queue at its limit, which kernels judge differently"
synq_quarter_at_limit()
{
	local full=0

	sysctl_set ipv4/tcp_syncookies 0
	sysctl_set ipv4/tcp_max_syn_backlog 1
	trace
	server --accept on-line --backlog 2
	peer script 'syn 1-3; settle 100; rst 1-3; settle 50'
	facts peer synack_conns=2
	stop server
	untrace
	kernel ListenDrops=1 ListenOverflows=0
	cmp -s <(nstat_drops before) <(nstat_drops after) || full=1
	events synq-add:2 drop:1 drop,cause=synq-full:$full drop,cause=synq-quarter:$((1 - full))
}

# The kernel takes no ACK for a cookie while these are off.
scenario cookie_off 46 -- "tcp_syncookies is set to 0 while cookies are out, tcptrace comes after they were sent"
cookie_off()
{
	sysctl_set ipv4/tcp_syncookies 2
	server --accept on-line
	peer_start 'syn 1-5; expect-synack 1-5; say here; wait-line; bad-ack 3; expect-rst 3; say here; wait-line;
		bad-ack 4-5; expect-rst 4-5; settle 50'
	trace
	say peer
	hear peer here
	sysctl_set ipv4/tcp_syncookies 0
	peer_go
	stop server
	untrace
	kernel SyncookiesFailed=1
	sees cookie-verdict && events cookie-bad:1
}

scenario expire 46 loose -- "no final ACK: SYN-ACKs are sent again until the request expires"
expire()
{
	sysctl_set ipv4/tcp_synack_retries 1
	trace
	server --accept on-line
	peer no-ack --count 5 --for-ms $((SLOW ? 4500 : 3700))
	facts peer synack=10 synack_conns=5 synack_repeat=5
	expect "ss: half-open" "$(ss -Htn state syn-recv | wc -l)" 0
	wait_seen 5 synq-del
	stop server
	untrace
	kernel RetransSegs=5 ListenDrops=0 PassiveOpens=0
	events synq-add:5 synack:5 synack-retrans:5 synq-del:5 synq-del,cause=expired:5
	listener_is expired=5 synack_retrans=5 synq.now=0
	within "milliseconds half-open" $(($(values dur_ns synq-del | sort -n | tail -n 1) / 1000000)) 2900 $((SLOW ? 20000 : 4800))
	expect findings "$(findings)" requests-expire
}

scenario icmp 46 -- "ICMP unreachable takes requests down, but none by a wrong number; a RST that comes too late takes none"
icmp()
{
	trace
	server --accept on-line
	peer_start 'syn 1-3; expect-synack 1-3; icmp 1-2; icmp 3 1; settle 50; say here; wait-line; rst 3; rst 1; settle 50'
	expect "ss: half-open" "$(ss -Htn state syn-recv | wc -l)" 1
	peer_go
	stop server
	untrace
	kernel ListenDrops=2 ListenOverflows=0 AttemptFails=1
	events synq-add:3 synq-del:3 drop:0
	events synq-del,cause=other:2
	sees request-reset && events synq-del,cause=reset:1
	listener_is synq.now=0
}

scenario icmp_unheeded 6 -- "a request of a listener bound to a device ends by no ICMP message that came by another one"
icmp_unheeded()
{
	trace
	peer_start 'say here; wait-line; syn 1; expect-synack 1; icmp-lo 1; settle 50; ack 1; settle 50'
	server --accept loop --max 1 --close-first --device peer0
	peer_go
	finish server
	untrace
	kernel ListenDrops=0 AttemptFails=0 PassiveOpens=1
	events synq-add:1 synq-del:1 drop:0 synq-del,cause=established:1 acceptq-add:1
}

scenario request_killed 46 -- "ss -K takes requests down, which the kernel counts nowhere; what an ICMP message takes down it counts"
request_killed()
{
	trace
	server --accept on-line
	peer_start 'syn 1-3; expect-synack 1-3; icmp 1; settle 50; say here; wait-line; settle 50'
	ss -K state syn-recv "sport = :$port" > /dev/null 2>&1
	[[ -z $(ss -Htn state syn-recv) ]] || skip "no CONFIG_INET_DIAG_DESTROY"
	peer_go
	stop server
	untrace
	kernel ListenDrops=1 AttemptFails=0 EmbryonicRsts=0
	events synq-add:3 drop:0
	events synq-del:3 synq-del,cause=other:3
	listener_is synq.now=0
}

scenario duplicate_syn 46 loose -- "the same SYN twice is one request"
duplicate_syn()
{
	trace
	server --accept on-line
	peer script 'syn 1; expect-synack 1; syn 1; expect-synack 1; ack 1; settle 50'
	facts peer synack_repeat=1
	stop server
	untrace
	kernel PassiveOpens=1
	events synq-add:1 synack:1 synq-del:1 acceptq-add:1
	events synack-retrans:1
}

scenario defer_accept 46 loose -- "TCP_DEFER_ACCEPT: the bare ACK leaves it in the SYN queue, data takes it on"
defer_accept()
{
	trace
	server --defer-accept 3 --accept on-line
	peer_start 'syn 1-2; expect-synack 1-2; ack 1-2; expect-none 1-2 100; say here; wait-line;
		data 1; expect-ack 1; rst 2; settle 50'
	serve queue
	facts server acceptq=0
	peer_go
	serve queue
	facts server acceptq=1
	stop server
	untrace
	kernel PassiveOpens=1 ListenDrops=0
	listener_is defer_accept=true
	events synq-add:2 synq-del,cause=established:1 synq-del:2 acceptq-add,cause=handshake:1
	within "milliseconds deferred" $(($(values dur_ns synq-del cause=established) / 1000000)) 100 $((SLOW ? 2000 : 400))
}

scenario ghost 46 -- "a client that believes it is connected: its ACK was refused, and its request expires"
ghost()
{
	sysctl_set ipv4/tcp_synack_retries 0
	trace
	server --backlog 1 --accept on-line
	peer script 'auto 1; syn 1; settle 50; syn 2-3; expect-synack 2-3; ack 2; settle 20; ack 3; expect-none 3 1800'
	expect "ss: half-open" "$(ss -Htn state syn-recv | wc -l)" 0
	wait_seen 3 synq-del
	stop server
	untrace
	kernel ListenOverflows=1 ListenDrops=1 PassiveOpens=2
	events synq-add:3 synq-del,cause=established:2 synq-del:3
	# without a SYN-ACK retransmit nothing says that it expired
	[[ $mechanism == tracepoint ]] || events synq-del,cause=expired:1
	sees drop-ack && events drop,cause=acceptq-full-ack:1
	sees drop-ack && listener_is ghosts=1
	sees drop-ack && expect "clients unaware, in what it cost" "$(grep '"type":"finding"' "$json" | grep -c '"ghosts":1')" 1
}
