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

# apart THERE_US BACK_US JITTER_US [LOST]: 10.98.0.1 here and a server on 10.98.0.2, both recorded
apart()
{
	local inum

	[[ -c /dev/net/tun ]] || skip "no TUN devices"
	unshare -n sleep $limit &
	pid[other]=$!
	until [[ $(readlink "/proc/${pid[other]}/ns/net") != "$(readlink /proc/self/ns/net)" ]]; do :; done
	inum=$(stat -L -c %i "/proc/${pid[other]}/ns/net")
	start relay "$bin/relay" "${pid[other]}" "$@"
	hear relay READY
	record web1 "$ns"
	record db3 "$inum"
	start server nsenter -t "${pid[other]}" -n "$bin/server" --port "$port" --timeout $limit --accept loop
	hear server READY
}

# joined SECONDS PPM: the second recording as that of another clock; its ladders, and what is said of the clocks
joined()
{
	local name

	stop server
	for name in web1 db3; do
		kill -INT "${pid[$name]}"
		wait "${pid[$name]}"
		unset "pid[$name]"
	done
	kill "${pid[other]}" "${pid[relay]}"
	wait "${pid[other]}" "${pid[relay]}" 2> /dev/null
	unset 'pid[other]' 'pid[relay]'
	"$bin/shift" web1 0 0 < "$dir/web1.tcp" > "$dir/web1" && "$bin/shift" db3 "$1" "$2" < "$dir/db3.tcp" > "$dir/db3" ||
		die "shift: $(tail -n 1 "$dir/errors")"
	"$tcptrace" flow -r "$dir/web1" -r "$dir/db3" > "$dir/flow" 2>> "$dir/errors" || fail "flow: $?"
	"$tcptrace" conns -j -r "$dir/web1" -r "$dir/db3" > "$dir/conns" 2>> "$dir/errors" || fail "conns: $?"
	cp "$dir/flow" "$OUT/$mechanism/$scenario.$family.flow"
	json=$dir/clock
	grep '"type":"clock","host":"db3"' "$dir/conns" > "$dir/clock"
}

# clock KEY
clock() { awk -f "$here/json.awk" -f <(echo "{ print get(\"$1\") }") "$dir/clock"; }

# off_by TRUE_NS: of what is said, and it is within the bound
off_by()
{
	local off=$(($(clock offset_ns) - $1))

	off=${off#-}
	((off <= $(clock error_ns))) || fail "off by $off ns, more than it says it can be: $(clock error_ns)"
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
	within "ns off" "$(off_by $((3700000000 + drifted)))" 0 300000
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
	apart 1000 1000 0 81
	"$bin/client" 10.98.0.2 "$port" > "$dir/client" 2>> "$dir/errors" || fail "client: $?"
	timeout 1 bash -c 'exec 5<> /dev/tcp/10.98.0.2/81' 2> /dev/null
	"$bin/client" 10.98.0.2 "$port" > "$dir/client" 2>> "$dir/errors" || fail "client: $?"
	joined 1 0
	expect ladders "$(grep -c '^conn.*server.*  db3$' "$dir/flow")" 2
	expect "one-sided" "$(grep -c 'none of the recordings   10.98.0.2:81' "$dir/flow")" 1
	# by tracepoints not every SYN is seen
	expect "what is said" "$(grep -cE 'its SYN did not reach the TCP of db3|db3 .* has gaps, or was not seeing' "$dir/flow")" 1
}
