# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2046,SC2086,SC2154 # lib.sh has the variables; numbers are not quoted
#
# Each finding is provoked once, and once something like it happens that is none.
# (synq-full, cookies, requests-expire and reuseport-imbalance: where their queues
# are tested; those of real servers: 81-troubles.sh.)

# shellcheck source=../trouble.sh
. "$here/trouble.sh"

# found ID WHETHER: 1 it is told, 0 it is not
found() { expect "finding $1" "$(findings | tr ' ' '\n' | grep -cx -- "$1")" "$2"; }

scenario finding_backlog 4 host loose -- "bursts larger than the backlog of a quick program"
finding_backlog()
{
	trace
	server --backlog 7 --accept on-line
	overflow_once
	untrace
	stop server
	found acceptq-backlog 1
	found acceptq-somaxconn 0
	found accept-slow 0
	expect "refused" "$(evidence acceptq-backlog refused)" "$(listener drops)"
	expect "peak" "$(evidence acceptq-backlog peak)" 8
	grep -q '"sentence":"[^"]*server\[' "$json" || fail "the sentence does not name the program"
}

# Eight fit, two are refused; the program takes the eight soon, and all the others at once.
overflow_once()
{
	peer_start 'auto 1-8; syn 1-8; settle 5; syn 9-10; expect-none 9-10 10; say here; wait-line'
	serve 'accept 8'
	peer_go
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13; do
		client --count 1
		serve 'accept 1'
	done
}

scenario finding_somaxconn 4 host loose -- "the same, but somaxconn made the queue short"
finding_somaxconn()
{
	sysctl_set core/somaxconn 7
	trace
	server --backlog 511 --accept on-line
	overflow_once
	untrace
	stop server
	found acceptq-somaxconn 1
	found acceptq-backlog 0
	expect "evidence" "$(evidence acceptq-somaxconn backlog) $(evidence acceptq-somaxconn somaxconn)" "511 7"
	grep -q 'sysctl -w net.core.somaxconn=511' "$json" || fail "the advice does not name the value"
}

scenario finding_elsewhere 4 own -- "in another network namespace: the advice says how to get there"
finding_elsewhere()
{
	local there way

	start other unshare -n bash -c "ip link set lo up; stat -L -c 'HERE %i' /proc/self/ns/net; read -r
		exec '$bin/server' --port 18082 --backlog 1 --accept none"
	hear other HERE
	there=${reply#HERE } way="nsenter -t ${pid[other]} -n"
	mkfifo "$dir/ready"
	"$tcptrace" -q -j --netns "$there" --mechanism "$mechanism" --ready-fd 9 9> "$dir/ready" > "$dir/json" 2> "$dir/talk" &
	pid[tcptrace]=$!
	until_ready
	say other
	hear other READY
	for _ in 1 2 3 4; do
		$way timeout 0.5 bash -c 'exec 3<> /dev/tcp/127.0.0.1/18082' 2> /dev/null
	done
	kill -INT "${pid[tcptrace]}"
	wait "${pid[tcptrace]}"
	unset 'pid[tcptrace]'
	grep -q "\"advice\":\"[^\"]* This is in another network namespace ($there): $way\." "$dir/json" ||
		fail "it does not say $way: $(grep finding "$dir/json")"
	kill "${pid[other]}"
	finish other
}

scenario finding_slow 4 loose -- "a program that takes 200 ms for each accept; one whose queue is long enough; a quick one"
finding_slow()
{
	trace
	server --backlog 2 --accept delay-ms=200 --leak-close-wait
	as=quiet port=8081 server --backlog 100 --accept delay-ms=200 --leak-close-wait
	as=quick port=8082 server --backlog 100 --accept loop
	port=8082 client --count 7
	port=8081 client_hold --count 7
	peer script 'auto 1-13; syn 1-13; settle 900'
	client_go
	untrace
	stop server
	stop quiet
	stop quick
	found accept-slow 1
	found long-wait 1
	expect findings "$(findings)" "accept-slow long-wait"
	expect "listener of accept-slow" "$(of_finding accept-slow)" "$(nth 1)"
	expect "listener of long-wait" "$(of_finding long-wait)" "$(nth 2)"
	within "milliseconds of the longest" "$(($(evidence long-wait p99) / 1000000))" 400 $((SLOW ? 60000 : 5000))
}

of_finding() { sed -n "s/^{\"type\":\"finding\",\"id\":\"$1\",\"listener\":\([0-9]*\).*/\1/p" "$json"; }

scenario finding_none 46 -- "a healthy server: no finding"
finding_none()
{
	trace
	server --accept epoll --echo 1
	client --count 101 --parallel 7 --bytes 100
	untrace
	stop server
	((SLOW)) || expect findings "$(findings)" ""
	listener_is accepted=101
}

scenario finding_close_wait 4 loose -- "a program that never closes; one that holds open ones"
finding_close_wait()
{
	trace
	as=leaky server --accept loop --leak-close-wait
	as=sound port=8081 server --accept epoll
	client --count 23
	all_in_close_wait 23
	port=8081 client_hold --count 23
	untrace
	found close-wait 1
	expect "count" "$(evidence close-wait count)" 23
	expect "whose" "$(grep '"id":"close-wait"' "$json" | awk -f "$here/json.awk" -f <(echo '{ print get("pid") }'))" "${pid[leaky]}"
	client_go
	stop leaky
	stop sound
}

all_in_close_wait()
{
	local i

	for ((i = 0; i < 500; i++)); do
		[[ $(ss -Htn state close-wait | wc -l) == "$1" && -z $(ss -Htn state fin-wait-1) ]] && return
		sleep 0.01
	done
	fail "not $1 in CLOSE_WAIT"
}

# Whoever gets EMFILE tries again at once: not for a guest.
scenario finding_accept_fails 4 own host loose -- "accept() fails for want of descriptors; EAGAIN is no failure"
finding_accept_fails()
{
	own_trace
	(ulimit -n 12 && exec "$bin/server" --port 8081 --accept epoll < /dev/null > "$dir/poor" 2>&1) &
	pid[poor]=$!
	server --accept epoll
	until_listening 8081
	client --count 23
	port=8081 client_hold --count 11
	until_told EMFILE
	kill "${pid[poor]}"
	wait "${pid[poor]}"
	unset 'pid[poor]'
	client_go
	may_lose=1		# as fast as a program can fail, a million a second
	untrace
	found accept-fails 1
	expect "listener" "$(of_finding accept-fails)" "$(lines listen lport=8081 | awk -f "$here/json.awk" -f <(echo '{ print get("listener") }'))"
	stop server
}

until_listening()
{
	local i

	for ((i = 0; i < 500; i++)); do
		[[ -n $(ss -Hltn "sport = :$1") ]] && return
		sleep 0.01
	done
	fail "nobody listens on port $1"
}

# At once: each look at all of the lines would take longer than the one before.
until_told()
{
	local i

	for ((i = 0; i < patience * 20; i++)); do
		grep -q -m 1 "\"errno\":\"$1\"" "$json" && return
		sleep 0.05
	done
	fail "tcptrace has told no $1"
}
