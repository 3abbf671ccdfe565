# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2046,SC2086,SC2154 # lib.sh has the variables; numbers are not quoted
#
# SO_REUSEPORT: each member of a group has its own queues and its own numbers.

scenario reuseport 46 loose -- "3 processes, each with a listener of its own"
reuseport()
{
	local i sum=0

	trace
	server --accept epoll --fork 3 --reuseport --max 101
	client --count 101 --parallel 3
	finish server
	facts server accepted=101
	untrace
	kernel PassiveOpens=101
	events listen:3 accept:101 acceptq-add:101 acceptq-del,cause=accepted:101
	expect "summary lines" "$(grep -c '^{"type":"listener"' "$json")" 3
	for i in 1 2 3; do
		expect "accepted by listener $i" "$(listener accepted $i)" "$(count accept listener=$(nth $i))"
		expect "and its acceptor" "$(listener acceptor.pid $i)" "$(values pid accept listener=$(nth $i) | unique)"
		sum=$((sum + $(listener accepted $i)))
	done
	expect "accepted by all" "$sum" 101
}

scenario reuseport_stuck 46 loose -- "a group of 4 with one stuck member: the numbers are the member's"
reuseport_stuck()
{
	local n i stuck=4

	trace
	server --listeners 4 --stuck 1 --accept loop --backlog 5 --close-first
	client --count 101 --wait-close --timeout-ms 150 --nonblock
	n=$(fact client timeout)
	untrace
	stop server
	within "clients that met the stuck member" "$n" 7 60
	kernel ListenOverflows=$((n - 6)) ListenDrops=$((n - 6)) PassiveOpens=$((101 - n + 6))
	events drop,cause=acceptq-full-syn:$((n - 6)) drop:$((n - 6)) accept:$((101 - n))
	for i in 1 2 3; do
		expect "refused by listener $i" "$(listener drops $i)" 0
		expect "peak of listener $i" "$(($(listener acceptq.peak $i) <= 6))" 1
	done
	expect "refused by the stuck one" "$(listener drops $stuck)" $((n - 6))
	expect "its accepted" "$(listener accepted $stuck)" 0
	expect "its peak" "$(listener acceptq.peak $stuck)" 6
	expect "accepted by the others" "$(($(listener accepted 1) + $(listener accepted 2) + $(listener accepted 3)))" $((101 - n))
	expect "listener of the refusals" "$(values listener drop | unique)" "$(nth $stuck)"
	expect "finding of imbalance" "$(findings | grep -ow reuseport-imbalance)" reuseport-imbalance
}

# What waits at a closed member moves to the other; 5.10 resets it instead.
scenario migration 46 loose -- "tcp_migrate_req: what waits at a closed member moves to the other"
migration()
{
	local before after

	sysctl_set ipv4/tcp_migrate_req 1
	trace
	server --listeners 2 --accept on-line
	peer_start 'auto 1-23; syn 1-23; settle 50; say here; wait-line; settle 50'
	serve queue
	before=$(fact server acceptq)
	serve 'close-listener 1'
	serve queue
	after=$(fact server acceptq)
	peer_go
	stop server
	untrace
	within "at the first member" "$before" 1 22
	kernel EstabResets=23
	((after == before)) || kernel TCPMigrateReqSuccess=$((after - before))
	events acceptq-add,cause=handshake:23
	if sees migration; then
		events acceptq-add,cause=migrated:$((after - before))
		expect "peak of the first member" "$(listener acceptq.peak 1)" "$after"
	fi
	expect "peak of the second member" "$(listener acceptq.peak 2)" $((23 - before))
	expect "queues at the end" "$(listener acceptq.now 1) $(listener acceptq.now 2)" "0 0"
}

# Their timer moves them, a second after their SYN.
scenario migration_half_open 4 loose -- "tcp_migrate_req: half-open requests of a closed member go on at the other, each as itself"
migration_half_open()
{
	local n

	[[ -e /proc/sys/net/ipv4/tcp_migrate_req ]] || skip "this kernel has no tcp_migrate_req"
	sysctl_set ipv4/tcp_migrate_req 1
	trace
	server --listeners 2 --accept on-line
	peer_start 'syn 1-23; expect-synack 1-23; say here; wait-line; settle 2000; ack 1-23; settle 50'
	serve 'close-listener 1'
	peer_go
	serve queue
	n=$(fact server acceptq)	# 5.10 moves some of them only
	((n > 9)) || fail "only $n moved"
	stop server
	untrace
	events acceptq-add:"$n"
	expect "conns" "$(values conn acceptq-add | unique | wc -w)" "$n"
	expect "established at each" "$(listener established 1) $(listener established 2)" "$n 0"
	expect "SYN queues at the end" "$(listener synq.now 1) $(listener synq.now 2)" "0 0"
}

# One address and port, one listener for each device: they take nothing from each other.
scenario devices 4 loose -- "SO_BINDTODEVICE: two listeners of one address are no group"
devices()
{
	second_device
	trace
	as=stuck server --device lo --backlog 3 --accept none
	as=quick server --device dev0 --backlog 64 --accept loop
	start remote nsenter -t "$other" -n "$bin/client" --count 23 10.99.0.1 "$port"
	finish remote
	client_hold --count 4
	sleep 0.7		# so long is a pause
	untrace
	client_go
	stop stuck
	stop quick
	end other
	expect "accepted by each" "$(listener accepted 1) $(listener accepted 2)" "0 23"
	expect "highest of each" "$(listener acceptq.peak 1)" 4
	expect findings "$(findings)" accept-stalled
}
