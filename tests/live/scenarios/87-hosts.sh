# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2046,SC2086,SC2154 # lib.sh has the variables; numbers are not quoted
#
# Recordings of two machines on one ladder. Both are namespaces of this one, so the truth is known: their clock is the
# same, and shift makes the second one's another. A relay between them takes its time.

# record NAME NETNS: into NAME.tcp, attached when this returns
record()
{
	mkfifo "$dir/ready"
	"$tcptrace" -q --netns "$2" --mechanism "$mechanism" -w "$dir/$1.tcp" --ready-fd 9 9> "$dir/ready" > /dev/null 2> "$dir/talk" &
	pid[$1]=$!
	until_ready
}

machines=(web1)

# machine NAME PID|self RELAY-ARGS: a namespace NAME behind a relay from that of PID, with a server, recorded
machine()
{
	local there=$1 from=()

	[[ -c /dev/net/tun ]] || skip "no TUN devices"
	[[ $2 == self ]] || from=(nsenter -t "$2" -n)
	unshare -n sleep $limit &
	pid[at_$there]=$!
	until [[ $(readlink "/proc/${pid[at_$there]}/ns/net") != "$(readlink /proc/self/ns/net)" ]]; do :; done
	start "relay_$there" "${from[@]}" "$bin/relay" "${pid[at_$there]}" "${@:3}"
	hear "relay_$there" READY
	machines+=("$there")
	record "$there" "$(stat -L -c %i "/proc/${pid[at_$there]}/ns/net")"
	start "server_$there" nsenter -t "${pid[at_$there]}" -n "$bin/server" --port "$port" --timeout $limit --accept loop
	hear "server_$there" READY
}

# apart THERE_US BACK_US JITTER_US [NET LOST]: 10.98.0.1 here and a server on 10.98.0.2, both recorded
apart()
{
	record web1 "$ns"
	machine db3 self "$@"
}

# joined SECONDS PPM [SECONDS]: the second and third recording as those of other clocks; ladders, what is said of the clocks
joined()
{
	local name by=("0 0" "$1 $2" "${3:-} 0") reads=()

	for name in "${machines[@]}"; do
		[[ $name == web1 ]] || stop "server_$name"
		kill -INT "${pid[$name]}"
		wait "${pid[$name]}"
		unset "pid[$name]"
	done
	for name in "${machines[@]:1}"; do
		kill "${pid[at_$name]}" "${pid[relay_$name]}"
		wait "${pid[at_$name]}" "${pid[relay_$name]}" 2> /dev/null
		unset "pid[at_$name]" "pid[relay_$name]"
	done
	for name in "${machines[@]}"; do
		"$bin/shift" $name ${by[0]} < "$dir/$name.tcp" > "$dir/$name" || die "shift: $(tail -n 1 "$dir/errors")"
		by=("${by[@]:1}")
		reads+=(-r "$dir/$name")
	done
	"$tcptrace" flow "${reads[@]}" > "$dir/flow" 2>> "$dir/errors" || fail "flow: $?"
	"$tcptrace" conns -j "${reads[@]}" > "$dir/conns" 2>> "$dir/errors" || fail "conns: $?"
	cp "$dir/flow" "$OUT/$mechanism/$scenario.$family.flow"
}

# clock KEY [MACHINE]
clock()
{
	grep '"type":"clock","host":"'"${2:-db3}" "$dir/conns" | awk -f "$here/json.awk" -f <(echo "{ print get(\"$1\") }")
}

# off_by TRUE_NS [MACHINE]: of what is said, and it is within the bound
off_by()
{
	local off=$(($(clock offset_ns "${2:-}") - $1))

	off=${off#-}
	((off <= $(clock error_ns "${2:-}"))) || fail "off by $off ns, more than it says it can be: $(clock error_ns "${2:-}")"
	echo "$off"
}

scenario hosts_two 4 own each -- "flow -r -r: 101 connections over 5 ms each way, a clock that is 3.7 s ahead and drifts"
hosts_two()
{
	local drifted

	apart 4500 4500 1000
	"$bin/client" 10.98.0.2 "$port" --count 101 > "$dir/client" 2>> "$dir/errors" || fail "client: $?"
	joined 3.7 35
	expect "both ends" "$(grep -c '"peer_host":"web1"' "$dir/conns")" 101
	expect ladders "$(grep -c '^conn.*server.*10.98.0.2:.*  db3$' "$dir/flow")" 101
	expect "one-sided" "$(grep -c 'none of the recordings' "$dir/flow")" 0
	expect by "$(clock by)" connections
	drifted=$((($(clock to_ns) - $(clock from_ns)) / 2 * 35 / 1000000))
	within "ns off" "$(off_by $((3700000000 + drifted)))" 0 $((SLOW ? 2000000 : 300000))	# a guest's two ways are less alike
	within "ns it can be off" "$(clock error_ns)" 4000000 6500000
}

scenario hosts_asymmetric 4 own each -- "flow -r -r: 5 ms there and 12 ms back: off by half of the difference, which the bound holds"
hosts_asymmetric()
{
	apart 5000 12000 0
	"$bin/client" 10.98.0.2 "$port" --count 11 > "$dir/client" 2>> "$dir/errors" || fail "client: $?"
	joined 3000 0
	within "ns off" "$(off_by 3000000000000)" 3000000 4000000
	within "ns it can be off" "$(clock error_ns)" 8500000 10000000
}

scenario hosts_lost 4 own each -- "flow -r -r: a SYN that did not arrive, and only that one"
hosts_lost()
{
	apart 1000 1000 0 98 81
	"$bin/client" 10.98.0.2 "$port" > "$dir/client" 2>> "$dir/errors" || fail "client: $?"
	timeout 1 bash -c 'exec 5<> /dev/tcp/10.98.0.2/81' 2> /dev/null
	"$bin/client" 10.98.0.2 "$port" > "$dir/client" 2>> "$dir/errors" || fail "client: $?"
	joined 1 0
	expect ladders "$(grep -c '^conn.*server.*  db3$' "$dir/flow")" 2
	expect "one-sided" "$(grep -c 'none of the recordings   10.98.0.2:81' "$dir/flow")" 1
	# by tracepoints not every SYN is seen
	expect "what is said" "$(grep -cE 'its SYN did not reach the TCP of db3|db3 .* has gaps, or was not seeing' "$dir/flow")" 1
}

scenario hosts_translated 4 own each -- "flow -r -r: addresses and ports of both ends are translated on the way: all are joined"
hosts_translated()
{
	apart 1000 1000 200
	"$bin/client" 10.98.0.9 "$port" --count 31 > "$dir/client" 2>> "$dir/errors" || fail "client: $?"
	"$bin/client" 10.98.0.2 "$port" --count 7 > "$dir/client" 2>> "$dir/errors" || fail "client: $?"
	joined 86400 0
	expect "both ends" "$(grep -c '"peer_host":"web1"' "$dir/conns")" 38
	expect "translated ones" "$(grep -c 'addresses were translated on the way' "$dir/flow")" 31
	expect "as the client sees them" "$(grep -c '^ *client  10.98.0.1:[0-9]* -> 10.98.0.9:' "$dir/flow")" 31
	expect "as the server sees them" "$(grep -c "^ *server  10.98.0.2:$port <- 10.98.0.8:" "$dir/flow")" 31
	expect "one-sided" "$(grep -c 'none of the recordings' "$dir/flow")" 0
	within "ns off" "$(off_by 86400000000000)" 0 1300000
}

scenario hosts_chain 4 own each -- "flow -r -r -r: three machines in a chain: the first and the last have no connection in common"
hosts_chain()
{
	apart 2000 2000 500
	machine far "${pid[at_db3]}" 1000 1000 200 99
	"$bin/client" 10.98.0.2 "$port" --count 23 > "$dir/client" 2>> "$dir/errors" || fail "client: $?"
	nsenter -t "${pid[at_db3]}" -n "$bin/client" 10.99.0.2 "$port" --count 23 > "$dir/client" 2>> "$dir/errors" ||
		fail "client: $?"
	joined 3.7 0 -5
	expect "of both" "$(grep -c '"host":"db3".*"peer_host":"web1"' "$dir/conns")" 23
	expect "and of these" "$(grep -c '"host":"far".*"peer_host":"db3"' "$dir/conns")" 23
	expect "by connections" "$(clock by db3) $(clock by far)" "connections connections"
	expect "by way of" "$(grep -c 'by way of db3' "$dir/flow")" 1
	within "ns off" "$(off_by 3700000000)" 0 2400000
	within "ns off, over two" "$(off_by -5000000000 far)" 0 3500000
	((($(clock error_ns far) > $(clock error_ns)))) || fail "two errors are no more than one"
}

scenario hosts_tuple 4 own each -- "flow -r -r: the same two addresses and ports, three times"
hosts_tuple()
{
	needs python3
	apart 1000 1000 0
	python3 - "$port" <<-'END' 2>> "$dir/errors" || fail "client: $?"
	import socket, struct, sys, time
	for i in range(3):
	    s = socket.socket()
	    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
	    s.bind(("10.98.0.1", 40000))
	    s.connect(("10.98.0.2", int(sys.argv[1])))
	    s.send(b"x" * (i + 1))
	    time.sleep(0.05)
	    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
	    s.close()
	    time.sleep(0.05)
	END
	joined 1 0
	expect "both ends" "$(grep -c '"peer_host":"web1"' "$dir/conns")" 3
	expect "each with its own bytes" "$(grep '"peer_host":"web1"' "$dir/conns" | grep -o '"bytes_in":[0-9]*' | paste -sd' ')" \
		'"bytes_in":1 "bytes_in":2 "bytes_in":3'
	expect "one-sided" "$(grep -c 'none of the recordings' "$dir/flow")" 0
}
