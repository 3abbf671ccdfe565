# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2046,SC2086,SC2154 # lib.sh has the variables; numbers are not quoted
#
# The command line at work: filters, each with traffic that must not appear, and
# programs run by tcptrace.

# two_servers [WHAT TO ADD TO THE CLIENT]: 23 connections to 8080, 29 to 8081; then the tracer ends
two_servers()
{
	port=8080 as=server8080 server --accept loop --max 23
	port=8081 as=server8081 server --accept loop --max 29
}

two_clients()
{
	port=8080 client --count 23
	first=$(fact client pid)
	port=8081 client --count 29
}

two_end()
{
	finish server8080
	finish server8081
	untrace
}

scenario filter_port 46 own -- "-P: the local port"
filter_port()
{
	own_trace -P 8080
	two_servers
	two_clients
	two_end
	events accept:23 accept,lport=8080:23 synq-add:23 acceptq-del:23 listen:1 connect:0 \
		state,old=LISTEN,new=SYN_RECV:23 -,lport=8081:0 -,rport=8081:0 -,rport=8080:0
}

# Its connections have the address and port that clients called, it has another: TPROXY, as envoy, istio and haproxy use it.
scenario filter_port_tproxy 4 own each -- "-P: the port of a transparent proxy's listener, and that which its clients call"
filter_port_tproxy()
{
	needs nft python3
	nft -f - <<-EOF || skip "nft does not work here"
	table ip live {
		chain out { type route hook output priority mangle; ip daddr 198.51.100.0/24 tcp dport 80 meta mark set 1; }
		chain pre {
			type filter hook prerouting priority mangle;
			ip daddr 198.51.100.0/24 tcp dport 80 tproxy to 127.0.0.1:$port meta mark set 1 accept;
		}
	}
	EOF
	ip rule add fwmark 1 lookup 100
	ip route add local 0.0.0.0/0 dev lo table 100
	ip addr add 192.0.2.1/32 dev lo
	ip route add default dev lo src 192.0.2.1
	cat > "$dir/proxy.py" <<-EOC
	import socket, sys
	s = socket.socket()
	s.setsockopt(socket.SOL_IP, 19, 1)		# IP_TRANSPARENT
	s.bind(("0.0.0.0", $port))
	s.listen(4)
	print("READY", flush=True)
	for line in sys.stdin:
	    for i in range(int(line)):
	        s.accept()[0].close()
	    print("TOOK", flush=True)
	EOC
	start proxy python3 "$dir/proxy.py"
	hear proxy READY
	tproxied $port 1 1
	listener_is lport=$port open=true acceptq.now=2 accepted=3 drops=0
	tproxied 80 0 0
	listener_is acceptq.now=2 at_least.accepted=true at_least.drops=true
	expect "whether it is open, of another port's" "$(listener open)" ""
	expect "connections of any other port" "$(count - lport=$port)" 0
	stop proxy 143
}

# tproxied PORT LISTENERS MORE: five clients, of which three are accepted, with -P PORT; two more of the last run wait
tproxied()
{
	own_trace -P "$1"
	start crowd "$bin/client" --timeout $limit --hold --count 5 198.51.100.1 80
	hear crowd HELD
	say proxy 3
	hear proxy TOOK
	wait_seen 3 accept
	untrace
	say crowd
	finish crowd
	say proxy 2
	hear proxy TOOK
	events exists,new=LISTEN:$2 synq-add:5 synq-del,cause=established:5 acceptq-add:5 acceptq-del,cause=accepted:3 accept:3 \
		state,old=LISTEN,new=SYN_RECV:5 state,old=SYN_RECV,new=ESTABLISHED:5 synq-add,lport=80:5
}

scenario filter_remote_port 46 own -- "-D: the remote port"
filter_remote_port()
{
	own_trace -D 8080
	two_servers
	two_clients
	two_end
	events connect-return:23 connect-return,rport=8080:23 state,old=ESTABLISHED,new=FIN_WAIT1:23 \
		accept:0 synq-add:0 -,lport=8080:0 -,rport=8081:0 listen:0
}

scenario filter_port_reset 46 own -- "-P: the end of a socket whose reset took its ports off"
filter_port_reset()
{
	own_trace -P $port
	server --accept loop --max 23
	client --count 23 --rst
	finish server
	untrace
	events accept:23 destroy:24 socket:0
	expect "conns at the end" "$(last_line end conns_now)" 0
}

scenario filter_pid 46 own each -- "-p: the sockets of one process"
filter_pid()
{
	two_servers
	own_trace -p "${pid[server8080]}"
	two_clients
	two_end
	events accept:23 acceptq-add:23 acceptq-del:23 -,lport=8081:0 connect:0
	events synq-add:23 state,old=SYN_RECV,new=ESTABLISHED:23 state,old=LAST_ACK,new=CLOSE:23
	# of one that waits, by tracepoints: another process may have taken it
	expect "pids" "$(values pid - | grep . | unique)" "${pid[server8080]:-$(fact server8080 pid)}"
}

# The number in every pid file is the master's, and its workers call accept().
scenario filter_pid_opener 46 own -- "-p of a master: its workers' accept() is seen, what they take is counted, and nothing waits"
filter_pid_opener()
{
	server --accept loop --fork 3 --max 23
	own_trace -p "${pid[server]}"
	client --count 23 --parallel 3
	finish server
	facts server accepted=23
	untrace
	events acceptq-add:23 acceptq-del,cause=accepted:23 accept:23
	listener_is established=23 accepted=23 acceptq.now=0 acceptq.oldest_ns=0 acceptq.wait.count=23 at_least.accepted=''
	expect findings "$(findings)" ''
	within "longest wait, us" $(($(listener acceptq.wait.max_ns) / 1000)) 0 $((SLOW ? 900000 : 90000))
}

scenario filter_family 4 own -- "-4 and -6"
filter_family()
{
	local any=--any

	own_trace -4
	as=six server --accept loop --max 29
	port=8081 any='' as=four server --accept loop --max 23
	local=127.0.0.1 port=8081 client --count 23
	local=::1 client --count 29
	finish four
	finish six
	untrace
	events connect:23 accept:23 -,family=ipv6:0 -,lport=8080:0
}

scenario filter_family6 4 own -- "-6, v4-mapped included"
filter_family6()
{
	own_trace -6
	any=--any as=six server --accept loop --max 36
	port=8081 as=four server --accept loop --max 23
	port=8081 client --count 23
	local=::1 client --count 29
	client --count 7
	finish four
	finish six
	untrace
	events accept:36 accept,raddr=127.0.0.1:7 -,family=ipv4:0 connect:29
}

scenario filter_rst 4 own -- "-6 -p: a RST by which a listener answers is its own, an IPv4 client's too"
filter_rst()
{
	any=--any server --accept on-line
	own_trace -6 -p "${pid[server]}"
	peer script "ack 1; settle 50"
	stop server
	untrace
	events rst-sent,family=ipv6,raddr=10.77.1.1:1 rst-sent:1
}

scenario filter_hooks 4 own each -- "no filter costs a hook: the verifier takes the programs with all of them"
filter_hooks()
{
	local root

	root=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
	"$tcptrace" --mechanism "$mechanism" doctor > "$dir/without" || fail "doctor ends with $?"
	"$tcptrace" --mechanism "$mechanism" -P 8080 -D 8081 -4 --netns "$ns" ${root:+--cgroup "$root"} -p $$ doctor > "$dir/with" ||
		fail "doctor with filters ends with $?"
	grep -v '^ ' "$dir/with" | diff - <(grep -v '^ ' "$dir/without") || fail "other hooks"
}

scenario filter_netns 46 own -- "--netns: another namespace with the same ports stays out"
filter_netns()
{
	own_trace
	# one more namespace, with traffic of the same kind
	unshare -n bash -c "ip link set lo up; '$bin/load' --count 101 --port $port" > "$dir/other" 2>&1
	grep -q 'connects=101' "$dir/other" || fail "the other namespace: $(tail -n 1 "$dir/other")"
	server --accept loop --max 23
	client --count 23
	finish server
	untrace
	events accept:23 connect:23 synq-add:23
	expect namespaces "$(values netns - | unique)" "$ns"
	"$tcptrace" -q --mechanism "$mechanism" --netns 4294967295 -d 0.1 > "$dir/text" 2> "$dir/talk"
	grep -q 'no process is in such a namespace now' "$dir/talk" || fail "of one that is not there it says $(cat "$dir/talk")"
	ip netns attach "tcptrace-$$" $$ || return 0
	server --accept loop --max 1
	expect "its listener, by the name" "$("$tcptrace" listeners --netns "tcptrace-$$" -j 2>&1 |
		sed -n 's/.*"lport":\([0-9]*\),.*"netns":\([0-9]*\).*/\1 \2/p')" "$port $ns"
	client --count 1
	finish server
	ip netns del "tcptrace-$$"
}

# The kernel's counters of a namespace go with it: nothing says that what was counted there is right.
scenario check_names 4 own -- "--check names a namespace that it could not compare, and does not pass"
check_names()
{
	local gone

	start other unshare -n bash -c "ip link set lo up; stat -L -c 'HERE %i' /proc/self/ns/net; read -r
		'$bin/load' --count 23 --port $port"
	hear other HERE
	gone=${reply#HERE }
	mkfifo "$dir/ready"
	"$tcptrace" -q --check --mechanism "$mechanism" --ready-fd 9 9> "$dir/ready" > "$dir/text" 2> "$dir/talk" &
	pid[tcptrace]=$!
	until_ready
	say other
	finish other
	kill -INT "${pid[tcptrace]}"
	kill_late "${pid[tcptrace]}"
	wait "${pid[tcptrace]}"
	expect "exit status" $? 1
	unset 'pid[tcptrace]'
	grep -q "namespace $gone is not compared: it ended before we did" "$dir/talk" ||
		fail "nothing is said of namespace $gone: $(grep -v Tracing "$dir/talk" | head -n 3)"
}

# born_again NUMBER: $another is a process in a new namespace of that number; those below it are taken first
born_again()
{
	local i below=()

	for ((i = 0; i < 10; i++)); do
		sleep 2			# what is gone is not gone at once
		unshare -n sleep $limit &
		another=$!
		until [[ $(< "/proc/$another/comm") == sleep ]]; do :; done
		[[ $(stat -L -c %i "/proc/$another/ns/net") != "$1" ]] || break
		below+=("$another")
	done
	((!${#below[@]})) || kill "${below[@]}"
	((i < 10)) || skip "no namespace gets the number $1 again"
}

# made N: what makes so many connections
made() { echo "(($1 == 0)) || '$bin/load' --count $1 --port $port"; }

# Where containers come and go their numbers are used again at once.
scenario check_number 4 own alone -- "--check: another namespace under the number of one that ended is not taken for it"
check_number()
{
	local gone before again status code said

	for again in "0 0 0" "0 5 0" "7 0 1"; do	# connections of the one while we look, of the other, and the status
		read -r before again status <<< "$again"
		sleep 3			# as above, of those before it
		start other unshare -n bash -c "ip link set lo up; stat -L -c 'HERE %i' /proc/self/ns/net; $(made 12)
			echo DONE; read -r; $(made $before)"
		hear other HERE
		gone=${reply#HERE }
		hear other DONE
		mkfifo "$dir/ready"
		"$tcptrace" -q --check --mechanism "$mechanism" --ready-fd 9 9> "$dir/ready" > "$dir/text" 2> "$dir/talk" &
		pid[tcptrace]=$!
		until_ready
		say other
		finish other
		born_again "$gone"
		nsenter -t $another -n bash -c "ip link set lo up; $(made $again)" > "$dir/another"
		kill -INT "${pid[tcptrace]}"
		kill_late "${pid[tcptrace]}"
		wait "${pid[tcptrace]}"
		code=$?
		unset 'pid[tcptrace]'
		kill $another
		# orphans of other tests keep namespaces that no process is in: they are not compared either
		grep "not compared" "$dir/talk" | grep -qv "namespace $gone " || expect "exit status of $before and $again" "$code" "$status"
		expect "differences of $before and $again" "$(grep -c DIFFERENT "$dir/text")" 0
		said=$(grep -c "namespace $gone is not compared: it ended before we did" "$dir/talk")
		expect "said of $before and $again ($(grep -v Tracing "$dir/talk" | head -n 3))" "$said" "$status"
	done
}

# It is asked for by name, process and number, and ends; the next one of the same port would get its number.
scenario netns_kept 3 own -- "--netns: one that ends meanwhile is kept, and no other is taken for it"
netns_kept()
{
	local there how

	for how in process number; do
		start other unshare -n bash -c "ip link set lo up; stat -L -c 'HERE %i' /proc/self/ns/net; read -r; $(made 7)"
		hear other HERE
		there=${reply#HERE }
		[[ $how == number ]] || there=${pid[other]}
		mkfifo "$dir/ready"
		"$tcptrace" -q --check --netns "$there" --mechanism "$mechanism" --ready-fd 9 9> "$dir/ready" > "$dir/text" 2> "$dir/talk" &
		pid[tcptrace]=$!
		until_ready
		say other
		finish other
		sleep 3			# what is gone is not gone at once
		unshare -n bash -c "ip link set lo up; stat -L -c 'HERE %i' /proc/self/ns/net; $(made 5)" > "$dir/another"
		! grep -qx "HERE ${reply#HERE }" "$dir/another" || fail "its number was given to the next"
		kill -INT "${pid[tcptrace]}"
		kill_late "${pid[tcptrace]}"
		wait "${pid[tcptrace]}"
		expect "exit status by $how ($(grep -v Tracing "$dir/talk" | head -n 3))" $? 0
		unset 'pid[tcptrace]'
		expect "the kernel's ActiveOpens by $how" "$(awk '$1 == "ActiveOpens" { print $3, $5 }' "$dir/text")" "7 7"
	done
}

# One after the other has the same number: each is called as it was when it lived, and one without a name by the number.
scenario netns_names 3 own -- "a namespace that is gone keeps its name, its successor has its own"
netns_names()
{
	local name number='' got i at

	mkfifo "$dir/ready"
	"$tcptrace" -q -P $port --mechanism "$mechanism" --ready-fd 9 9> "$dir/ready" > "$dir/text" 2> "$dir/talk" &
	pid[tcptrace]=$!
	until_ready
	for name in one-$$ two-$$ ""; do
		for ((i = 0; i < 10; i++)); do
			if [[ -n $name ]]; then
				ip netns add "$name" || break
				at="ip netns exec $name"
				got=$(stat -c %i "/run/netns/$name")
			else
				unshare -n sleep $limit &
				another=$!
				until [[ $(< "/proc/$another/comm") == sleep ]]; do :; done
				at="nsenter -t $another -n"
				got=$(stat -L -c %i "/proc/$another/ns/net")
			fi
			[[ $got != "${number:-$got}" ]] || break
			if [[ -n $name ]]; then ip netns del "$name"; else kill $another; fi
			sleep 2
		done
		number=${number:-$got}
		[[ $got == "$number" ]] || break
		$at ip link set lo up
		$at "$bin/load" --count 1 --port $port > /dev/null
		sleep .3		# names are looked at several times a second
		if [[ -n $name ]]; then ip netns del "$name"; else kill $another; fi
		sleep 2			# what is gone is not gone at once
	done
	kill -INT "${pid[tcptrace]}"
	wait "${pid[tcptrace]}"
	unset 'pid[tcptrace]'
	[[ $got == "$number" ]] || skip "no namespace gets the number $number again"
	for name in one-$$ two-$$ "$number"; do
		expect "listeners @$name ($(grep @ "$dir/text"))" "$(grep -c " @$name " "$dir/text")" 1
	done
}

scenario filter_cgroup 46 own each -- "--cgroup: the processes of one cgroup"
filter_cgroup()
{
	local root group

	root=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
	[[ -n $root ]] || skip "no cgroup2 is mounted"
	group=$root/live-$$-$family
	mkdir "$group" || skip "no cgroup can be made under $root"
	"$tcptrace" --cgroup "$group/cgroup.procs" -d 0.1 2> "$dir/talk"
	expect "exit status with a file" $? 2
	own_trace --cgroup "$group"
	port=8081 as=server8081 server --accept loop --max 29
	echo $BASHPID > "$group/cgroup.procs" || skip "no process may enter $group"
	as=server8080 server --accept loop --max 23
	port=8080 client --count 23
	echo $BASHPID > "$root/cgroup.procs"
	port=8081 client --count 29
	two_end
	rmdir "$group"
	events connect:23 accept:23 synq-add:23 acceptq-del:23 listen:1 -,lport=8081:0 -,rport=8081:0
}

scenario fail_on 4 own -- "--fail-on: exit status 1 for what a full queue refused, else 0; a program's own status comes first"
fail_on()
{
	own_trace --fail-on overflow,lost
	server --backlog 1 --accept none
	client_hold --nonblock --count 6 --timeout-ms 150
	stop server
	client_go
	untrace 1
	said 'fail-on overflow: segments that were refused: 4'
	not_said 'fail-on lost'
	own_trace -e state --fail-on refused,overflow,lost --ring 4 --priority 1
	expect "nice value" "$(ps -o ni= -p "${pid[tcptrace]}" | tr -d ' ')" 1
	five_accepts
	expect "status of a program that failed" "$("$tcptrace" -q --netns "$ns" --mechanism "$mechanism" --fail-on refused \
		-- sh -c 'exit 7' > /dev/null 2>&1; echo $?)" 7
}

scenario io 46 own each -- "--io: what is read and written, how much, at which end"
io()
{
	"$tcptrace" --mechanism "$mechanism" --io doctor | grep '^data [wr]' | grep -q ' none ' && skip "no hook by this mechanism"
	own_trace --io
	start load "$bin/load" $v6 --count 23 --echo 64 --port $port
	finish load
	facts load connects=23 accepts=23 errors=0
	untrace
	events write:46 read:46 write,ret=64:46 read,ret=64:46 write,lport=$port:23 write,rport=$port:23 \
		read,lport=$port:23 read,rport=$port:23
}

scenario io_splice 4 own each -- "--io: splice() out of a socket is a read, MSG_PEEK is none"
io_splice()
{
	local splices=1 peeks=0

	needs python3
	"$tcptrace" --mechanism "$mechanism" --io doctor > "$dir/doctor"
	grep '^data read' "$dir/doctor" | grep -q ' none ' && skip "no hook by this mechanism"
	grep -q 'loses: what splice() read' "$dir/doctor" && splices=0
	grep -q 'MSG_PEEK is told' "$dir/doctor" && peeks=1
	own_trace --io
	python3 - "$port" <<-'END' || fail "it cannot"
	import os, socket, sys
	listener = socket.socket()
	listener.bind(('127.0.0.1', int(sys.argv[1])))
	listener.listen(1)
	client = socket.create_connection(listener.getsockname())
	server = listener.accept()[0]
	client.sendall(b'x' * 5000)
	client.shutdown(socket.SHUT_WR)
	while len(server.recv(5000, socket.MSG_PEEK | socket.MSG_WAITALL)) < 5000: pass
	r, w = os.pipe()
	assert os.splice(server.fileno(), w, 3000) == 3000
	assert len(server.recv(700, socket.MSG_PEEK)) == 700
	assert len(server.recv(2000)) == 2000
	END
	untrace
	events read,ret=3000:$splices read,ret=700:$peeks read,ret=2000:1 write,ret=5000:1
}

# program STATUS ARGS...: tcptrace -- PROGRAM, in the foreground
program()
{
	local want=$1 rc

	shift
	json=$dir/json
	"$tcptrace" --json --mechanism "$mechanism" -- "$@" > "$json" 2> "$dir/talk" < /dev/null
	rc=$?
	expect "exit status" "$rc" "$want"
	judge_end
}

scenario run_program 46 own -- "-- PROGRAM: all of its sockets, none of others"
run_program()
{
	server --accept loop --max 30
	client --count 7
	program 0 "$bin/client" --count 23 $local 8080
	finish server
	events socket:23 connect:23 connect-return:23 close:23 state,old=CLOSE,new=SYN_SENT:23 \
		state,old=SYN_SENT,new=ESTABLISHED:23 state,old=ESTABLISHED,new=FIN_WAIT1:23 accept:0 synq-add:0
	grep -q '^tried=23 ok=23 ' "$dir/talk" || fail "the program's own output is missing"
	grep -v '^{' "$json" && fail "the program's own output is among the JSON"
}

scenario run_children 46 own -- "-- PROGRAM: its children too; its exit status is passed on"
run_children()
{
	program 7 bash -c "'$bin/server' $any --port 8080 --accept loop --max 23 > '$dir/s' &
		while ! grep -q READY '$dir/s'; do :; done
		'$bin/client' --count 23 $local 8080 > '$dir/c'; wait; exit 7"
	events listen:1 connect:23 accept:23 synq-add:23 acceptq-add:23 acceptq-del,cause=accepted:23 \
		state,old=LAST_ACK,new=CLOSE:23
	program 143 bash -c 'kill $$'
	program 2 "$bin/client" --count x $local 8080
}

scenario run_leader 46 own -- "-- PROGRAM whose first thread ends before the others, one of which becomes another program"
run_leader()
{
	server --accept loop --max 2
	program 0 "$bin/strange" leader $local $port
	finish server
	events connect:2 connect-return,ret=0:2 close:2
}

scenario run_daemon 46 own -- "-- PROGRAM that goes into the background: traced on until its daemon ends"
run_daemon()
{
	program 5 bash -c "(trap '' HUP; setsid '$bin/server' $any --port 8080 --accept loop --max 23 > '$dir/s' &)
		while ! grep -q READY '$dir/s'; do :; done
		(setsid bash -c \"sleep 0.5; '$bin/client' --count 23 $local 8080\" > '$dir/c' &)
		exit 5"
	events listen:1 connect:23 accept:23 acceptq-del,cause=accepted:23
	grep -q 'ended with status 5; what it left in the background is traced on' "$dir/talk" ||
		fail "it says $(cat "$dir/talk")"
}

scenario time_namespace 4 own -- "in a time namespace, whose clock is a day ahead: times and waits are the kernel's"
time_namespace()
{
	unshare --time true 2> /dev/null || skip "no time namespace can be made"
	mkfifo "$dir/ready"
	unshare --time --monotonic 86400 --boottime 86400 --fork "$tcptrace" -j -P "$port" --mechanism "$mechanism" --ready-fd 9 \
		9> "$dir/ready" > "$dir/json" 2> "$dir/talk" &
	pid[tcptrace]=$!
	until_ready
	server --accept none
	client --count 1 --hold &
	pid[client]=$!
	json=$dir/json
	wait_seen 1 acceptq-add
	kill "${pid[client]}"
	wait "${pid[client]}"
	stop server
	kill -INT "$(< "/proc/${pid[tcptrace]}/task/${pid[tcptrace]}/children")"
	wait "${pid[tcptrace]}"
	unset 'pid[tcptrace]' 'pid[client]'
	expect "the day" "$(values time acceptq-add | cut -dT -f1)" "$(date -u +%F)"
	within "ms that it waited" "$(($(values dur_ns acceptq-del) / 1000000))" 0 60000
}

scenario pidns 4 own each -- "in a PID namespace: -p, -- PROGRAM and what is shown have its numbers"
pidns()
{
	local max

	unshare -p -f --mount-proc true 2> /dev/null || skip "no PID namespace can be made"
	unshare -p -f --mount-proc bash -c "
		'$tcptrace' --json --mechanism $mechanism -- '$bin/load' --count 7 --port 8081 > '$dir/json'
		'$bin/server' --port 8080 --accept loop --max 5 > '$dir/server' & server=\$!
		until grep -q READY '$dir/server'; do sleep 0.1; done
		mkfifo '$dir/ready'
		'$tcptrace' --json --mechanism $mechanism -p \$server --ready-fd 9 9<> '$dir/ready' > '$dir/json-p' & tracer=\$!
		read -r < '$dir/ready'
		'$bin/client' --count 5 127.0.0.1 8080 > '$dir/client'
		wait \$server
		kill -INT \$tracer
		wait \$tracer
		echo \$server > '$dir/number'" > "$dir/out" 2> "$dir/talk" || fail "it ends with $?: $(cat "$dir/talk")"
	json=$dir/json
	judge_end
	events connect:7 accept:7 synq-add:7
	max=$(values pid - | sort -n | tail -n 1)
	within "the largest number of a process" "${max:-0}" 1 200
	json=$dir/json-p
	judge_end
	events exists,new=LISTEN:1 accept:5 acceptq-del:5 connect:0
	expect "processes" "$(values pid - | grep . | unique)" "$(cat "$dir/number")"
	expect "the listener's" "$(listener opener.pid)" "$(cat "$dir/number")"
	# who is outside has no number
	: > "$dir/talk"		# it says that it traces, from above
	unshare -p -f --mount-proc "$tcptrace" --json --mechanism "$mechanism" --netns "$ns" -e accept -c 3 -d 60 > "$dir/json" 2> "$dir/talk" &
	pid[tcptrace]=$!
	until_said Tracing
	server --accept loop --max 3
	client --count 3
	finish server
	wait "${pid[tcptrace]}"
	unset 'pid[tcptrace]'
	json=$dir/json
	events accept:3 accept,comm=server:3 accept,pid=:3
	grep -q 'processes outside of it have no number here' "$dir/talk" || fail "it says $(cat "$dir/talk")"
}

scenario run_missing 4 own -- "-- PROGRAM that does not exist"
run_missing()
{
	"$tcptrace" --mechanism "$mechanism" -- "$dir/nothing" > "$dir/o" 2> "$dir/talk"
	expect "exit status" $? 127
	grep -q "cannot run '$dir/nothing'" "$dir/talk" || fail "it says $(cat "$dir/talk")"
}

scenario select_event 46 own -- "-e, -x and -c choose lines, not what is counted"
select_event()
{
	own_trace --check -e accept,drop
	server --backlog 2 --accept batch 3
	peer script 'auto 1-3; syn 1-3; settle 50; fin 1-3; settle 50'
	stop server
	untrace
	events accept:3 -:3
	expect "events counted" "$(($(last_line end events) > 20))" 1
	listener_is accepted=3
	own_trace -x
	server --backlog 2 --accept none
	client_hold --nonblock --count 8 --timeout-ms 50
	stop server
	client_go
	untrace
	within "refused" "$(count drop cause=acceptq-full-syn)" 5 50
	kernel ListenOverflows=$(count drop)
	events connect:0 synq-add:0 accept:0
	own_trace -c 5 -e socket
	client --count 11
	wait "${pid[tcptrace]}"
	expect "exit status of -c" $? 0
	unset 'pid[tcptrace]'
	events socket:5 -:5
}
