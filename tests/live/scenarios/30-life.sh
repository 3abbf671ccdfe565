# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2046,SC2086,SC2154 # lib.sh has the variables; numbers are not quoted
#
# Connections from their first call to their end, with the owner of both ends.

scenario lifecycle 46 -- "one connection on loopback: every step of both ends"
lifecycle()
{
	local c s

	trace
	server --accept loop --echo 5 --max 1
	client --bytes 5
	finish server
	untrace
	kernel ActiveOpens=1 PassiveOpens=1 AttemptFails=0 EstabResets=0
	c=$(values conn connect) s=$(values conn synq-add)
	expect "the client's steps" "$(values event - conn="$c" | grep -v -e state -e destroy | paste -sd ' ')" \
		"socket connect connect-return close"
	expect "the server's steps" "$(values event - conn="$s" | grep -v -e state -e destroy | sort | paste -sd ' ')" \
		"accept acceptq-add acceptq-del close synack synq-add synq-del"
	expect "the kernel's order up to ESTABLISHED" "$(values event - conn="$s" | head -n 6 | paste -sd ' ')" \
		"synq-add synack state synq-del acceptq-add state"
	expect "the client's transitions" "$(chain conn="$c" | sed 's/ TIME_WAIT>CLOSE//')" \
		"CLOSE>SYN_SENT SYN_SENT>ESTABLISHED ESTABLISHED>FIN_WAIT1 FIN_WAIT1>FIN_WAIT2 FIN_WAIT2>TIME_WAIT"
	expect "the server's transitions" "$(chain conn="$s")" \
		"LISTEN>SYN_RECV SYN_RECV>ESTABLISHED ESTABLISHED>CLOSE_WAIT CLOSE_WAIT>LAST_ACK LAST_ACK>CLOSE"
	expect "owners of the client's end" "$(lines - conn="$c" | grep -v TIME_WAIT | awk -f "$here/json.awk" -f <(echo '{ print get("pid"), get("comm") }') | unique)" \
		"$(fact client pid) client"
	expect "owners of the server's end" "$(values pid - conn="$s" | unique)" "$(fact server pid)"
	expect "comm of the server's end" "$(values comm - conn="$s" | unique)" server
	expect "ends" "$(values lport - conn="$s" | unique) $(values family - | unique)" "$port $family_name"
	expect "ports that match" "$(values rport - conn="$s" | unique)" \
		"$(values lport connect-return conn="$c")"
	events accept,listener=$(nth 1):1 connect-return,ret=0:1 destroy:3 acceptq-del,cause=accepted:1
}

scenario half_close 46 -- "shutdown(SHUT_WR), then a close() that makes no transition, or the last one"
half_close()
{
	trace
	server --accept loop --echo 5 --max 46
	client --bytes 5 --half-close --count 23
	client --bytes 5 --half-close --wait-close --count 23
	finish server
	untrace
	events shutdown:46 state,old=ESTABLISHED,new=FIN_WAIT1:46 state,old=CLOSE_WAIT,new=LAST_ACK:46 \
		close:93 close,comm=client:46 close,comm=server:47
}

scenario not_tcp 4 -- "raw sockets with TCP's number, and descriptors of every other kind: only TCP sockets are told of"
not_tcp()
{
	trace
	start descriptors "$bin/descriptors" hold
	hear descriptors HELD
	say descriptors
	finish descriptors
	untrace
	events socket,comm=descriptors:8 bind,comm=descriptors:3 listen:2 shutdown:0
}

scenario no_address 4 loose -- "connect() and bind() of what is no address: none is told; of what is nearly mapped, or is and may not be, the begin too"
no_address()
{
	local wrong

	trace
	start strange "$bin/strange" addresses "$port"
	finish strange
	untrace
	events bind,errno=EAFNOSUPPORT:1 connect-return,errno=EINVAL:1 connect-return,errno=EAFNOSUPPORT:2 \
		connect,rport="$port":1 connect-return,rport="$port":1 \
		connect,rport=$((port + 1)):1 connect-return,rport=$((port + 1)),errno=ENETUNREACH:1
	wrong=$(lines - comm=strange | grep -Ev "\"rport\":($port|$((port + 1)))," | grep -E '"(lport|rport|laddr|raddr)":')
	expect "ends of what was refused" "$wrong" ''
}

scenario container 46 own each -- "where the root of the cgroups is not seen: connect() and close() by system calls"
container()
{
	local root group

	root=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
	group=$root/container-$$-$family
	[[ -n $root ]] && mkdir "$group" || skip "no cgroup can be made"
	cat > "$dir/in-container" <<-EOF
		#!/bin/sh
		echo \$\$ > $group/cgroup.procs
		exec unshare -Cm sh -c 'mount -t tmpfs none /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup && exec "\$@"' - $tcptrace "\$@"
	EOF
	chmod +x "$dir/in-container"
	[[ $mechanism != tracepoint ]] || "$dir/in-container" --mechanism tracepoint doctor | grep -q sys_enter_close ||
		fail "the root of the cgroups is seen"
	tcptrace=$dir/in-container half_close
	rmdir "$group"
}

scenario ring 46 -- "connections without a descriptor, in slots of an io_uring, which the kernel's worker closes"
ring()
{
	local serves taken=23

	trace
	start uring "$bin/uring" "$port" 23
	hear uring ''
	[[ $reply == READY ]] || { untrace; skip "no io_uring here"; }
	serves=${pid[uring]}
	client --count 23
	hear uring ''
	[[ $reply == ACCEPTED ]] || { untrace; skip "no multishot accept into slots here"; }
	say uring
	finish uring
	all_gone
	untrace
	[[ $mechanism != tracepoint ]] || taken=0		# their completions name nothing
	events accept,pid="$serves":$taken acceptq-del,cause=accepted:23 close,comm=client:23
	listener_is lport="$port" accepted=23
	expect "callers" "$(lines close | grep -v '"comm":"\(client\|uring\)"' | grep -c '"comm"')" 0
	[[ $mechanism == tracepoint ]] || events close,comm=uring:24
}

scenario ring_thread 4 own -- "connects by the thread of an io_uring (SQPOLL): the program's, by its own name, also in a recording"
ring_thread()
{
	own_trace -w "$dir/rec"
	server --accept loop --max 7
	start uring "$bin/uring" -c "$port" 7
	hear uring ''
	[[ $reply == CONNECTED ]] || { untrace; skip "no SQPOLL here: $reply"; }
	finish uring
	finish server
	untrace
	"$tcptrace" -j -r "$dir/rec" > "$json"
	events connect,comm=uring:7 accept,comm=server:7
}

scenario mapped 6 -- "an IPv4 connection through IPv6 sockets"
mapped()
{
	local local=127.0.0.1

	trace
	server --accept loop --max 23
	client --mapped --count 23
	finish server
	facts client ok=23
	untrace
	kernel ActiveOpens=23 PassiveOpens=23
	events connect,family=ipv6,raddr=127.0.0.1:23 synq-add,family=ipv6,laddr=127.0.0.1,raddr=127.0.0.1:23 \
		accept,family=ipv6,raddr=127.0.0.1:23 connect:23 acceptq-add:23 accept:23
}

scenario repaired 46 -- "TCP_REPAIR, as CRIU restores: 23 connections for which no SYN leaves"
repaired()
{
	trace
	client --count 23 --repair
	facts client ok=23
	untrace
	kernel ActiveOpens=0 OutSegs=0
	events connect:23 connect-return,ret=0:23 state,old=SYN_SENT,new=ESTABLISHED:23 rst-sent:0
}

scenario refused 46 -- "23 connects to a port where nobody listens"
refused()
{
	trace
	client --count 23
	facts client refused=23
	untrace
	kernel ActiveOpens=23 AttemptFails=23
	events connect:23 connect-return,errno=ECONNREFUSED,rport=$port:23 state,old=SYN_SENT,new=CLOSE:23 \
		rst-received:23 close:23 destroy:23 socket:23
}

scenario client_reset 46 -- "clients close with a reset"
client_reset()
{
	trace
	server --accept loop --max 23
	client --count 23 --rst
	finish server
	facts client ok=23
	untrace
	kernel ActiveOpens=23 PassiveOpens=23 EstabResets=46
	events state,old=ESTABLISHED,new=CLOSE:46 rst-sent:23 rst-received:23 accept:23 destroy:47
}

scenario server_closes 46 -- "the server closes first and keeps TIME_WAIT"
server_closes()
{
	trace
	server --accept loop --close-first --max 23
	client --count 23 --wait-close
	finish server
	untrace
	kernel ActiveOpens=23 PassiveOpens=23
	events state,new=TIME_WAIT,lport=$port:23 state,old=ESTABLISHED,new=CLOSE_WAIT:23 \
		state,old=LAST_ACK,new=CLOSE:23 accept:23 close:47
}

scenario connect_timeout 46 -- "a non-blocking connect that nobody answers"
connect_timeout()
{
	trace
	server --backlog 0 --accept none
	client_hold --nonblock --count 2 --timeout-ms 100
	stop server
	client_go
	untrace
	events connect-return,errno=EINPROGRESS:2 state,old=SYN_SENT,new=CLOSE:1 drop,cause=acceptq-full-syn:1
}

scenario retrans_unqueued 46 own -- "a SYN sent again that the full queue of its device drops: recorded with that error"
retrans_unqueued()
{
	local header results

	needs tc
	tc qdisc add dev lo root pfifo limit 0 2> /dev/null || skip "no pfifo in this kernel"
	trace -w "$dir/run.tcp"
	client_hold --nonblock --timeout-ms 2500
	client_go
	untrace
	# user/source/file.h, short.h, kmod/uapi/tcptrace.h: header_size; event (20) and ret of each record, 0 of a short one
	header=$(od -An -td4 -j24 -N4 "$dir/run.tcp")
	results=$(od -An -v -td4 -w64 -j$((header)) "$dir/run.tcp" | awk '
		second { second = 0; if ($10 % 256 == 20) print $16; next }
		$2 >= 0 { second = 1; next }
		$14 % 256 == 20 { print 0 }' | unique)
	excused RetransSegs || expect "results" "$results" -105
}

# An address is translated behind the socket's own route: where that one's route is gone the segment was counted. The socket's
# own route is gone: it was not.
scenario retrans_unrouted 4 own alone -- "a SYN sent again to where no route goes any more, by the socket or behind a translation"
retrans_unrouted()
{
	local i

	needs nft
	nft -f - <<-EOF || skip "nft does not work here"
	table ip live {
		chain out {
			type nat hook output priority -100
			ip daddr 127.0.0.6 dnat to 127.0.0.16
			ip daddr 127.0.0.7 dnat to 127.0.0.17
		}
		chain in {
			type filter hook input priority 0
			tcp dport $port drop
		}
	}
	EOF
	own_trace --check
	for i in 6 7 8; do
		start "c$i" "$bin/client" --timeout $limit --nonblock --timeout-ms 2500 127.0.0.$i $port
	done
	sleep 0.3
	ip route add unreachable 127.0.0.16 table local
	ip route add blackhole 127.0.0.17 table local
	ip route add unreachable 127.0.0.8 table local
	for i in 6 7 8; do finish c$i; done
	untrace
	kernel ActiveOpens=3
	excused RetransSegs || expect "sent again, and to whom" "$(values raddr retrans | unique)" "127.0.0.6 127.0.0.7"
}

scenario threads 46 own each -- "25 threads blocked in accept() before we attach"
threads()
{
	local tids

	server --accept threads 25 --max 25
	tids=$(blocked_threads "${pid[server]}" 25)
	own_trace --check
	client_hold --count 25
	all_accepted 25
	client_go
	finish server
	untrace
	kernel PassiveOpens=25
	events accept:25 acceptq-del,cause=accepted:25 exists,new=LISTEN:1
	expect "threads that accepted" "$(values tid accept | unique)" "$tids"
	expect "the process" "$(values pid accept | unique)" "$(fact server pid)"
	expect "calls whose begin nobody saw" "$(count accept dur_ns=)" 25
	listener_is accepted=25 opener.pid="$(fact server pid)" acceptor.pid="$(fact server pid)"
}

# blocked_threads PID N: when N of its threads wait in accept(), their numbers
blocked_threads()
{
	local i task n tids

	for ((i = 0; i < 1000; i++)); do
		n=0 tids=''
		for task in /proc/"$1"/task/*; do
			[[ $(cat "$task/wchan" 2>/dev/null) == inet_csk_accept* ||
				$(cut -d' ' -f1 "$task/syscall" 2>/dev/null) == @(43|288) ]] || continue
			n=$((n + 1)) tids+="${task##*/}"$'\n'
		done
		((n == $2)) && { printf %s "$tids" | unique; return; }
		sleep 0.01
	done
	echo "$n threads in accept, not $2"
}

scenario blocked_accept 46 own each -- "one accept() blocked before we attach, the next one not"
blocked_accept()
{
	server --accept loop --max 2
	blocked_threads "${pid[server]}" 1 > /dev/null
	own_trace --check
	client --count 2
	finish server
	all_gone
	untrace
	events accept:2 acceptq-del,cause=accepted:2
	expect "known begins" "$(count accept dur_ns=*)" 1
}

scenario prefork 46 -- "5 children share a listener: who opened it, who accepts"
prefork()
{
	local opener

	trace
	server --accept loop --fork 5 --max 101
	client --count 101 --parallel 3
	finish server
	facts server accepted=101 closed=101
	opener=$(fact server pid)
	untrace
	kernel PassiveOpens=101
	events listen:1 accept:101 acceptq-del,cause=accepted:101
	within "children that accepted" "$(values pid accept | sort -u | wc -l)" 2 5
	expect "the opener among those that accepted" "$(values pid accept | grep -cx "$opener")" 0
	listener_is opener.pid="$opener" accepted=101
	expect "owners of a conn after accept()" \
		"$(lines - event=accept | awk -f "$here/json.awk" -f <(echo '{ print get("conn"), get("pid") }') | sort | cksum_)" \
		"$(lines close listener=$(nth 1) conn=* | awk -f "$here/json.awk" -f <(echo '{ print get("conn"), get("pid") }') | sort | cksum_)"
}

scenario orphaned 4 own host -- "who listened is killed, his worker goes on: it is named from then on"
orphaned()
{
	local i opener worker

	command -v python3 > /dev/null || skip "no python3"
	own_trace
	server_and_child
	client --count 1
	wait_seen 1 accept
	opener=${pid[server]} worker=$(values pid accept)
	expect "whose request it was" "$(values pid synq-add)" "$opener"
	kill -KILL "$opener"
	# until it was noticed, nobody is named; who is gone is not for long
	for ((i = 0; i < patience * 10; i++)); do
		client --count 1
		[[ $(values pid synq-add | tail -n 1) != "$worker" ]] || break
		sleep 0.1
	done
	kill "$worker"
	finish server 137
	untrace
	expect "whose the last request was" "$(values pid synq-add | tail -n 1)" "$worker"
	expect "who is named after it was noticed" "$(values pid synq-add | tail -n +2 | grep -v "$opener" | unique)" "$worker"
	listener_is opener.pid="$opener" opener_gone=true
}

scenario in_flight 4 own host -- "a listener on its way to another process, when we come: who opened it is unknown, and not said to have ended"
in_flight()
{
	command -v python3 > /dev/null || skip "no python3"
	background python python3 -c "
import socket, time
s = socket.socket()
s.bind(('127.0.0.1', $port))
s.listen(8)
ways = socket.socketpair()
socket.send_fds(ways[0], [b'x'], [s.fileno()])
s.close()
other = socket.socket()
time.sleep(600)"
	until_port "$port"
	own_trace
	client --count 3
	end python
	untrace
	listener_is lport="$port" acceptq_added.handshake=3 opener.pid= opener.comm= holder.pid= opener_gone=
}

# Who listens, and a child that accepts.
server_and_child()
{
	start server python3 -c "
import os, signal, socket
s = socket.create_server(('127.0.0.1', $port))
if os.fork():
    print('READY', flush=True)
    signal.pause()
signal.alarm($patience)
while True:
    s.accept()[0].close()"
	hear server READY
}

# No connection is followed then, but who has the listener is asked and recorded all the same.
scenario orphaned_recorded 4 own -- "-w - alone: standard error says how much it is; the opener ends, and the recording has who holds its listener"
orphaned_recorded()
{
	local i opener worker

	command -v python3 > /dev/null || skip "no python3"
	view "$dir/record" '' -w -
	server_and_child
	client --count 3
	opener=${pid[server]}
	kill -KILL "$opener"
	json=$dir/replay
	for ((i = 0; i < patience * 10; i++)); do
		"$tcptrace" -j -r "$dir/record" > "$json" 2> /dev/null
		[[ $(listener opener_gone) != true ]] || break
		sleep 0.1
	done
	worker=$(values pid accept | unique)
	unview
	kill "$worker"
	finish server 137
	grep -q '^[1-9][0-9]* records, 0 lost  (bpf: ' "$dir/talk" || fail "it says $(cat "$dir/talk")"
	expect "lines of a summary" "$(grep -c -e accept -e event "$dir/talk")" 0
	"$tcptrace" -j -r "$dir/record" > "$json"
	events accept:3 connect:3 destroy:6
	listener_is opener.pid="$opener" opener_gone=true holder.pid="$worker" acceptor.pid="$worker" accepted=3
}

# A text as one word, to compare and to show when it differs.
cksum_() { awk '{ s = s $0 ";" } END { print NR, substr(s, 1, 4000) }'; }

scenario exists 46 own each -- "sockets that exist when we attach are known with their owners"
exists()
{
	server --accept epoll --echo 1 --max 7
	client_hold --count 7
	all_accepted 7
	own_trace --check
	client_go
	finish server
	untrace
	events exists,new=LISTEN,pid=$(fact server pid):1 exists,new=ESTABLISHED:14 \
		exists,new=ESTABLISHED,pid=$(fact server pid),comm=server,fd=*:7 \
		exists,new=ESTABLISHED,pid=$(fact client pid),comm=client,fd=*:7 exists:15
	events state,old=LAST_ACK,new=CLOSE:7 state,new=TIME_WAIT:7 close:15
	expect "pids of the server's ends" "$(values pid state lport=$port old=ESTABLISHED | unique)" "$(fact server pid)"
	listener_is opener.pid="$(fact server pid)" open=false
}

# No connection waits in the accept queue: all N are the server's.
all_accepted()
{
	local i

	for ((i = 0; i < 1000; i++)); do
		[[ $(ss -Hltn "sport = :$port" | awk '{ print $2 }') == 0 &&
			$(ss -Htn state established "sport = :$port" | wc -l) == "$1" ]] && return
		sleep 0.01
	done
	fail "the server did not accept $1"
}

scenario exists_queued 46 own each -- "connections and requests that wait in both queues when we attach"
exists_queued()
{
	server --backlog 7 --accept on-line
	peer_start 'syn 1-5; expect-synack 1-5; ack 1-3; settle 50; say here; wait-line; ack 4; settle 50; rst 5; settle 50'
	own_trace --check
	serve 'accept 2'
	peer_go
	serve 'accept 2'
	facts server acceptq=0
	stop server
	untrace
	kernel PassiveOpens=1
	events exists,new=LISTEN,synq=2,acceptq=3:1 exists,new=NEW_SYN_RECV:2 exists,queued=true:3 \
		acceptq-add:1 acceptq-del,cause=accepted:4 synq-del:2 synq-del,cause=established:1
	expect "accept queue after each accept" "$(values acceptq acceptq-del | paste -sd ' ')" "2 1 1 0"
	listener_is accepted=4 acceptq.now=0 synq.now=0 acceptq.peak=3
}

# fastopen_peer SCRIPT: of a client, at a server whose queue of Fast Open has room for two
fastopen_peer()
{
	sysctl_set ipv4/tcp_fastopen $((0x203))
	trace
	server --fastopen 2 --accept on-line
	peer script "$1"
}

scenario fastopen 46 -- "Fast Open: two are taken at the SYN, then its queue is full"
fastopen()
{
	fastopen_peer 'syn-data 1-3 5; expect-synack 1-3; ack 1-3; settle 50'
	facts peer tfo_acked=2
	serve 'accept 3'
	facts server accepted=3 acceptq=0
	stop server
	untrace
	kernel TCPFastOpenPassive=2 TCPFastOpenListenOverflow=1 PassiveOpens=3
	events acceptq-add,cause=fastopen:2 acceptq-add,cause=handshake:1 synq-add:1 \
		acceptq-del,cause=accepted:3 accept:3 drop:0
	listener_is acceptq_added.fastopen=2 accepted=3
}

scenario fastopen_again 46 -- "a child of Fast Open sends its SYN-ACK again: it is no listener"
fastopen_again()
{
	fastopen_peer 'syn-data 1 5; expect-synack 1; settle 1500; ack 1; settle 50'
	serve 'accept 1'
	stop server
	untrace
	kernel TCPFastOpenPassive=1 PassiveOpens=1
	events acceptq-add:1 synq-add:0 accept:1 synack-retrans:"$(fact peer synack_repeat)"
	listener_is acceptq_added.fastopen=1 accepted=1 synack_retrans="$(fact peer synack_repeat)"
	within "SYN-ACKs sent again" "$(fact peer synack_repeat)" 1 3
	expect listeners "$(grep -c '^{"type":"listener"' "$json")" 1
}

# interrupt SIGNAL: the server's accept(), once it sleeps there
interrupt()
{
	blocked_threads "${pid[server]}" 1 > /dev/null
	kill "-$1" "${pid[server]}"
	hear server SIGNAL
}

# strange WHAT: tests/live/strange.c
strange()
{
	trace
	start strange "$bin/strange" "$1" "$port"
	finish strange
	untrace
}

scenario swapped 4 each loose -- "accept() fails when its descriptor is another listener's: told of the one it was called on"
swapped()
{
	strange swapped
	events accept:1 accept,errno=EINVAL,lport=$port:1
}

scenario reused 4 own each loose -- "-q: accept() returns when its descriptor is its client's: no second listener"
reused()
{
	own_trace -q
	start strange "$bin/strange" reused "$port"
	finish strange
	untrace
	expect listeners "$(grep -c '^{"type":"listener"' "$json")" 1
	listener_is accepted=1 open=false
}

scenario restarted 4 each loose -- "two signals in accept(): the first that is handled decides whether it goes on"
restarted()
{
	strange restarted
	events accept:1 accept,errno=EINTR:0
	within "accept(), ms" $(($(values dur_ns accept) / 1000000)) 400 $((patience * 1000))
}

scenario unheard 4 each loose -- "accept() of what does not listen makes no listener, nor does a port of before listen()"
unheard()
{
	strange unheard
	events accept,errno=EINVAL:2
	if [[ $(fact strange again) == 0 ]]; then
		events listen,errno=EINVAL:1
		expect listeners "$(grep -c '^{"type":"listener"' "$json")" 1
		expect failures "$(listener accept_errors 1)" 1
	else
		expect listeners "$(grep -c '^{"type":"listener"' "$json")" 2
		expect "failures of each" "$(listener accept_errors 1) $(listener accept_errors 2)" "1 0"
		expect "port of a transition to LISTEN" "$(values lport state new=LISTEN | tail -n 1)" ''
	fi
	expect finding "$(findings)" accept-fails
}

scenario interrupted 46 each loose -- "a signal in accept(): EINTR for the program, or one long call; it is no failure"
interrupted()
{
	trace
	server --accept loop --max 1
	interrupt USR1
	interrupt USR1
	interrupt USR1
	interrupt USR2
	sleep 0.4
	interrupt USR2
	client --count 1
	finish server
	facts server accepted=1 errors=0
	untrace
	events accept,errno=EINTR:3 accept,ret=-4:3 accept:4
	within "the last accept(), ms" $(($(values dur_ns accept raddr=*) / 1000000)) 400 $((patience * 1000))
	listener_is accepted=1 accept_errors=0
	expect findings "$(findings)" ''
}
