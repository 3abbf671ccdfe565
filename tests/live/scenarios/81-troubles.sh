# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2046,SC2086,SC2154 # lib.sh has the variables; numbers are not quoted
#
# Troubles planted in servers of the world, and beside each a healthy twin of which
# nothing is told. What the first screen must say: the cause first, the process that can
# change it, its own setting, what it cost the clients.

# shellcheck source=../trouble.sh
. "$here/trouble.sh"

clock='[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}'

# ---- the queue is too short ----

scenario trouble_clamped 4 host alone loose -- "nginx, whose 511 somaxconn made 7 before tcptrace came"
trouble_clamped()
{
	local who master

	sysctl_set core/somaxconn 7
	nginx_at "$port" 511
	master=${pid[nginx]}
	trouble
	overflow_of nginx 31
	end_trouble
	crowd_gone
	end nginx
	told acceptq-somaxconn
	every_client acceptq-somaxconn 23
	who=$(whose acceptq-somaxconn)		# both hold it
	[[ $who == "$worker" || $who == "$master" ]] || fail "whose is '$who', not '$worker' nor '$master'"
	screen "^ ! 127.0.0.1:$port: the accept queue of nginx\[$who\] is too short: it holds 8, 31 clients wanted in before it was empty again" \
		"Its limit is as large as net.core.somaxconn \(7\)" "23 clients refused: [0-9]+ came in after 1 s" \
		"sysctl -w net.core.somaxconn=4096, then let nginx\[$who\] call listen\(\) again"
}

scenario trouble_clamped_seen 4 host alone loose -- "redis, whose 511 somaxconn makes 7 under our eyes"
trouble_clamped_seen()
{
	needs redis-server
	sysctl_set core/somaxconn 7
	trouble
	redis_at "$port" 511
	sysctl_set core/somaxconn 4096
	overflow_of redis 31
	end_trouble
	crowd_gone
	end redis
	told acceptq-somaxconn
	every_client acceptq-somaxconn 23
	screen "redis-server\[${pid_of_redis}\] is too short: it holds 8, 31 clients" \
		"It asked for 511; net.core.somaxconn made it 7\." \
		"net.core.somaxconn is 4096 by now: enough, then let redis-server\[${pid_of_redis}\] call listen\(\) again"
	never_says "sysctl -w"
}

# redis_at PORT BACKLOG [ADDRESS]
redis_at()
{
	background redis redis-server --port "$1" --bind "${3:-127.0.0.1}" --protected-mode no --dir "$dir" --save '' --tcp-backlog "$2" --daemonize no
	pid_of_redis=${pid[redis]}
	until_port "$1"
}

scenario trouble_backlog 4 host alone loose -- "redis with a tcp-backlog of 1: the setting by its name, large enough"
trouble_backlog()
{
	needs redis-server
	redis_at "$port" 1
	trouble
	overflow_of redis 101
	end_trouble
	crowd_gone
	end redis
	told acceptq-backlog
	every_client acceptq-backlog 99
	within "backlog that it advises" "$(evidence acceptq-backlog want)" 101 1024
	screen "^ ! 127.0.0.1:$port: the accept queue of redis-server\[$worker\] is too short: it holds 2, 101 clients wanted in before it was empty again" \
		"99 clients refused: " "Set tcp-backlog \(redis.conf; 511 unless set\) to [0-9]+ or more, then let redis"
}

scenario trouble_knobs 4 host alone loose -- "gunicorn, haproxy, node: each setting by its name"
trouble_knobs()
{
	local name pids=()

	needs gunicorn haproxy node
	small_servers
	trouble
	for name in gunicorn haproxy node; do
		port=${port_of[$name]} overflow_of $name 13
		port=${port_of[$name]} crowd_gone
	done
	end_trouble
	for name in gunicorn haproxy node; do
		end $name
	done
	told acceptq-backlog
	expect "findings" "$(grep -c '^{"type":"finding"' "$json")" 3
	for name in 'Set --backlog (2048 unless set) to' 'Set backlog of its frontend (haproxy.cfg; maxconn unless set) to' \
		'Set backlog of server.listen({ port, backlog }) (511 unless set) to'; do
		grep -qF "\"advice\":\"$name 16 or more" "$json" || fail "no finding advises: $name 16"
	done
	screen 'gunicorn|haproxy|node' 'gunicorn|haproxy|node'
}

# Backlog 3 each; ${port_of[NAME]}
declare -A port_of=([gunicorn]=8081 [haproxy]=8082 [node]=8083)
small_servers()
{
	gunicorn_at 8081 1 --backlog 3 -k gthread --threads 4
	haproxy_at 8082 3
	node_at 8083 3
}

# haproxy_at PORT BACKLOG [GLOBAL SETTING]
haproxy_at()
{
	cat > "$dir/haproxy.cfg" <<-EOC
	global
	  ${3:-}
	defaults
	  mode http
	  timeout connect 5s
	  timeout client 60s
	  timeout server 60s
	frontend f
	  bind 127.0.0.1:$1 backlog $2
	  http-request return status 200
	EOC
	background haproxy haproxy -db -f "$dir/haproxy.cfg"
	until_port "$1"
}

# gunicorn_at PORT WORKERS [ARGS]
gunicorn_at()
{
	cat > "$dir/app.py" <<-EOC
	def app(env, start):
	    start('200 OK', [('Content-Length', '2')])
	    return [b'ok']
	EOC
	background gunicorn gunicorn --chdir "$dir" -b "127.0.0.1:$1" -w "$2" "${@:3}" app:app
	until_port "$1"
	until_children gunicorn "$2"
}

until_children()
{
	local i

	for ((i = 0; i < patience * 20; i++)); do
		(($(pgrep_children "${pid[$1]}" | wc -l) == $2)) && return
		sleep 0.05
	done
	fail "$1 has not $2 children"
}

# node_at PORT BACKLOG: GET /block keeps its loop busy for 2.6 s
node_at()
{
	cat > "$dir/server.js" <<-EOC
	const server = require('http').createServer((req, res) => {
		if (req.url === '/block')
			for (const end = Date.now() + 2600; Date.now() < end;);
		if (req.url === '/nap') {
			for (const end = Date.now() + 1500; Date.now() < end;);
			Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3600);
		}
		res.end('ok');
	});
	server.listen({ host: '127.0.0.1', port: $1, backlog: $2 });
	EOC
	background node node "$dir/server.js"
	until_port "$1"
}

scenario trouble_postgres 4 host alone loose -- "postgres, whose 200 somaxconn makes 4: the postmaster, not one of its children"
trouble_postgres()
{
	sysctl_set core/somaxconn 4
	trouble
	postgres_at "$port"
	worker=${pid[postgres]}
	sleep 1
	kill -STOP "$worker"
	crowd 7
	until_full "$port"
	kill -CONT "$worker"
	crowd_in 7
	end_trouble
	crowd_gone
	end postgres INT
	told acceptq-somaxconn
	every_client acceptq-somaxconn 2
	expect "whose" "$(whose acceptq-somaxconn)" "$worker"
	screen "^ ! 127.0.0.1:$port: the accept queue of postgres\[$worker\] is too short: it holds 5, 7 clients wanted in before it was empty again" \
		"It asked for [0-9]+; net.core.somaxconn made it 4\." "2 clients refused: " "sysctl -w net.core.somaxconn="
}

# ---- nobody accepts ----

scenario trouble_stopped_worker 4 host alone loose -- "gunicorn's only worker is stopped: it is named, not the master"
trouble_stopped_worker()
{
	needs gunicorn
	gunicorn_at "$port" 1 --backlog 5 --timeout 600
	trouble
	client --count 5
	worker_of gunicorn
	kill -STOP $worker
	crowd 6
	crowd_in 6
	until_stalled "$port" 900 6
	end_trouble
	kill -CONT $worker
	crowd_gone
	end gunicorn
	told accept-stalled
	expect "state, waiting" "$(evidence accept-stalled state) $(evidence accept-stalled stall_waiting)" "T 6"
	expect "whose" "$(whose accept-stalled)" "$worker"
	screen "^ ! 127.0.0.1:$port: no accept\(\) by gunicorn\[$worker\] for [0-9.]+ (m?s) from $clock on, while 6 connections waited: it was stopped \(state T\)\." \
		"nobody refused" "kill -CONT $worker lets it go on"
	never_says "${pid_of_gunicorn:-master}|faster"
}

scenario trouble_stopped_all 4 host alone loose -- "5 children share a listener, all are stopped: one is named, and that others are, too"
trouble_stopped_all()
{
	local workers

	server --accept loop --fork 5
	mapfile -t workers < <(pgrep_children "${pid[server]}")
	trouble
	client --count 101 --parallel 3
	kill -STOP "${workers[@]}"
	crowd 6
	crowd_in 6
	until_stalled "$port" 900 6
	end_trouble
	kill -CONT "${workers[@]}"
	crowd_gone
	end server
	told accept-stalled
	expect "state" "$(evidence accept-stalled state)" T
	within "others that accept there and are stopped" "$(evidence accept-stalled alike)" 1 4
}

# asked_beside PATH N: node works for who asks for that, and N clients come meanwhile
asked_beside()
{
	curl -s "http://127.0.0.1:$port/$1" > "$dir/answer" 2>&1 &
	pid[curl]=$!
	until_busy node
	crowd "$2"
	crowd_in "$2"
	wait "${pid[curl]}"
	unset 'pid[curl]'
}

scenario trouble_blocked_loop 4 host alone loose -- "node computes for 2.6 s: when, how long, in what state"
trouble_blocked_loop()
{
	local stall

	needs node curl
	node_at "$port" 16
	trouble
	client --count 11
	asked_beside block 23
	end_trouble
	crowd_gone
	worker=${pid[node]}
	end node
	told accept-stalled
	stall=$(($(evidence accept-stalled stall) / 1000000))
	within "ms that nobody accepted" "$stall" 1000 2700
	every_client accept-stalled 6
	expect "state" "$(evidence accept-stalled state)" R
	screen "^ ! 127.0.0.1:$port: no accept\(\) by node\[$worker\] for [12]\.[0-9] s from $clock on, while 17 connections waited: it was busy with something else \(state R\)" \
		"6 clients refused: " "Take what blocks out of the loop" "perf top -p $worker"
	never_says 'backlog='
}

scenario trouble_nap 4 host alone loose -- "node computes for 1.5 s, then sleeps for 3.6 s: what it did most of the time is told, not what the first look found"
trouble_nap()
{
	needs node curl
	node_at "$port" 16
	trouble
	asked_beside nap 7
	end_trouble
	crowd_gone
	end node
	told accept-stalled
	expect "state" "$(evidence accept-stalled state)" S
	never_says 'busy|runnable|throttled'
}

scenario trouble_script 4 host alone loose -- "redis runs a long script: the same of a server in C"
trouble_script()
{
	needs redis-server redis-cli
	redis_at "$port" 128
	trouble
	client --count 11
	redis-cli -p "$port" eval 'for i = 1, 300000000 do end' 0 > "$dir/script" 2>&1 &
	pid[cli]=$!
	until_busy redis
	crowd 23
	crowd_in 23
	wait "${pid[cli]}"
	unset 'pid[cli]'
	end_trouble
	crowd_gone
	end redis
	told accept-stalled
	expect "state, waiting" "$(evidence accept-stalled state) $(evidence accept-stalled stall_waiting)" "R 23"
	screen "^ ! 127.0.0.1:$port: no accept\(\) by redis-server\[$pid_of_redis\] for [0-9.]+ (m?s) from $clock on, while 23 connections waited: it was busy with something else \(state R\)" \
		"nobody refused"
	never_says 'tcp-backlog'
}

scenario trouble_arrivals 4 host alone loose -- "redis runs a script while clients come one by one: one pause, as long as it was, and the queue is no word of it"
trouble_arrivals()
{
	local i

	needs redis-server
	redis_at "$port" 7
	trouble
	client --count 11
	kill -STOP "${pid[redis]}"
	for i in {1..12}; do
		crowd_of "$i"
		sleep 0.2
	done
	end_trouble
	kill -CONT "${pid[redis]}"
	for i in {1..12}; do
		end "one$i" KILL
	done
	end redis
	told accept-stalled
	within "ms that nobody accepted" $(($(evidence accept-stalled stall) / 1000000)) 2200 4000
	expect "pauses" "$(evidence accept-stalled stalls)" ''
	screen "^ ! 127.0.0.1:$port: no accept\(\) by redis-server\[$pid_of_redis\] for [23]\.[0-9] s from $clock on, while 8 connections waited: it was stopped \(state T\)\."
}

# crowd_of N: one client more, which stays
crowd_of() { background "one$1" "$bin/client" --timeout $limit --timeout-ms 30000 --hold --burst 1 $local "$port"; }

scenario trouble_given_away 4 host alone loose -- "python opens a listener, a child execs with it: who stalls is who has it, from the first moment on"
trouble_given_away()
{
	needs python3
	trouble
	start giver /usr/bin/python3 -c "
import os, socket, sys, time
s = socket.socket()
s.bind(('$local', $port))
s.listen(16)
os.set_inheritable(s.fileno(), True)
child = os.fork()
if not child:
    os.execvp('sleep', ['sleep', '60'])
fd = s.fileno()
s.close()
other = socket.socket()
assert other.fileno() == fd
print('READY', child, flush=True)
sys.stdin.readline()
os.kill(child, 9)"
	hear giver READY
	worker=${reply#READY }
	crowd 6
	crowd_in 6
	until_stalled "$port" 1500 6
	end_trouble
	say giver
	crowd_gone
	finish giver
	told accept-stalled
	expect "whose" "$(whose accept-stalled)" "$worker"
	screen "no accept\(\) by sleep\[$worker\] for [0-9.]+ (m?s) from $clock on, while 6 connections waited"
	never_says 'python3\[[0-9]+\] for'
}

scenario trouble_maxconn 4 host alone loose -- "haproxy has as many connections as it may: its own limit by its name"
trouble_maxconn()
{
	needs haproxy
	haproxy_at "$port" 64 "maxconn 7"
	trouble
	crowd 23
	crowd_in 23
	until_stalled "$port" 900 16
	end_trouble
	crowd_gone
	worker=${pid[haproxy]}
	end haproxy
	told accept-stalled
	expect "state, waiting" "$(evidence accept-stalled state) $(evidence accept-stalled stall_waiting)" "S 16"
	screen "^ ! 127.0.0.1:$port: no accept\(\) by haproxy\[$worker\] for [0-9.]+ (m?s) from $clock on, while 16 connections waited" \
		"raise maxconn \(haproxy.cfg\)"
}

scenario trouble_sync_worker 4 host alone loose -- "gunicorn's only sync worker needs 200 ms for each: what it may raise"
trouble_sync_worker()
{
	local i

	needs gunicorn curl
	gunicorn_at "$port" 1 --backlog 4
	sed -i "s/^def app.*/&\n    __import__('time').sleep(0.2)/" "$dir/app.py"
	kill -HUP "${pid[gunicorn]}"
	sleep 1
	until_children gunicorn 1
	trouble
	for i in {1..19}; do
		curl -s --max-time 6 "http://127.0.0.1:$port/" > /dev/null &
		pid[curl$i]=$!
	done
	sleep 3.5
	end_trouble
	for i in {1..19}; do
		end "curl$i"
	done
	worker_of gunicorn
	end gunicorn
	# what the full queue refused of a client's request comes late: then it waits for that, as long as TCP likes
	[[ $(findings) == accept-slow?( accept-stalled) ]] || fail "findings are '$(findings)'"
	screen "^ ! 127.0.0.1:$port: gunicorn\[$worker\] calls accept\(\) more slowly than clients come" "clients refused: " "raise --workers and --threads\."
}

scenario trouble_busy_child 4 host alone loose -- "python sleeps, its busy child has no listener: it is not the child, and whose work it is, is not known"
trouble_busy_child()
{
	needs python3
	cat > "$dir/server.py" <<-EOC
	import os, socket, time
	s = socket.socket()
	s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
	s.bind(("$local", $port))
	s.listen(16)
	child = os.fork()
	if child == 0:
	    s.close()
	    end = time.monotonic() + 10
	    while time.monotonic() < end:
	        pass
	    os._exit(0)
	time.sleep(60)
	EOC
	trouble
	background python python3 "$dir/server.py"
	until_port "$port"
	crowd 6
	crowd_in 6
	until_stalled "$port" 1500 6
	end_trouble
	crowd_gone
	worker=${pid[python]}
	end python
	told accept-stalled
	expect "whose" "$(whose accept-stalled)" "$worker"
	screen "no accept\(\) by python3\[$worker\] for [0-9.]+ (m?s) from $clock on, while 6 connections waited: nobody had been seen to accept there"
}

scenario trouble_forked_by_thread 4 host alone loose -- "a thread of the master forked its only worker, which sleeps: it is named, not the master"
trouble_forked_by_thread()
{
	needs python3
	trouble
	start python /usr/bin/python3 -c "
import os, socket, sys, threading, time
s = socket.create_server(('$local', $port), backlog=16)
def make_worker():
    child = os.fork()
    if not child:
        time.sleep(60)
    time.sleep(0.1)     # who is younger than the pause is not asked about it
    print('READY', child, flush=True)
    os.waitpid(child, 0)
t = threading.Thread(target=make_worker)
t.start()
t.join()"
	hear python READY
	worker=${reply#READY }
	crowd 6
	crowd_in 6
	until_stalled "$port" 1500 6
	end_trouble
	kill -KILL "$worker"
	crowd_gone
	finish python
	told accept-stalled
	expect "whose" "$(whose accept-stalled)" "$worker"
	expect "state" "$(evidence accept-stalled state)" S
}

scenario trouble_no_worker 4 host alone loose -- "a master whose worker ended before it accepted any: whose work it is, is not known"
trouble_no_worker()
{
	needs python3
	trouble
	start python /usr/bin/python3 -c "
import os, socket, sys
s = socket.create_server(('$local', $port), backlog=16)
child = os.fork()
if not child:
    os._exit(1)
os.waitpid(child, 0)
print('READY', flush=True)
sys.stdin.readline()"
	hear python READY
	crowd 6
	crowd_in 6
	until_stalled "$port" 1500 6
	end_trouble
	crowd_gone
	say python
	finish python
	told accept-stalled
	screen "no accept\(\) by python3\[${pid[python]:-[0-9]+}\] for .*nobody had been seen to accept there, and whether that is its work or a child's is not known"
	never_says 'slept in something else'
}

scenario trouble_gone_elsewhere 4 host alone loose -- "a master of two ports, its worker killed when it had accepted at one: it is named at the other, too"
trouble_gone_elsewhere()
{
	needs python3
	trouble
	start python /usr/bin/python3 -c "
import os, select, socket, sys
both = [socket.create_server(('$local', $port + i), backlog=16) for i in range(2)]
child = os.fork()
if not child:
    print('READY', os.getpid(), flush=True)
    both[1].accept()
    print('TOOK', flush=True)
    select.select([], [], [])
os.waitpid(child, 0)
sys.stdin.readline()"
	hear python READY
	worker=${reply#READY }
	port=$((port + 1)) client --count 1
	hear python TOOK
	kill -KILL "$worker"
	crowd 6
	crowd_in 6
	until_stalled "$port" 1500 6
	end_trouble
	crowd_gone
	say python
	finish python
	told accept-stalled
	expect "who is gone" "$(evidence accept-stalled instead_of)" "$worker"
	screen "it holds the listener, and process $worker, which accepted at another of its ports, is gone"
}

scenario trouble_reloaded 4 host alone loose -- "nginx reloaded, the old worker lives on for a client it has: who is stopped is the new one"
trouble_reloaded()
{
	local old

	head -c 8000000 /dev/zero > "$dir/large"
	nginx_at "$port" 5
	mv "$dir/large" "$dir/www/large"
	worker_of nginx
	old=$worker
	trouble
	exec 8<> "/dev/tcp/127.0.0.1/$port"		# and does not read what it asks for
	printf 'GET /large HTTP/1.0\r\n\r\n' >&8
	until_received "$port"
	kill -HUP "${pid[nginx]}"
	until_children nginx 2
	until_held_by "$port" 2				# master and one worker: the old one has closed it
	worker=$(pgrep_children "${pid[nginx]}" | grep -vx "$old")
	kill -STOP "$worker"
	crowd 4
	crowd_in 4
	until_stalled "$port" 1500 4
	end_trouble
	kill -CONT "$worker"
	crowd_gone
	exec 8>&-
	end nginx
	told accept-stalled
	expect "state, whose" "$(evidence accept-stalled state) $(whose accept-stalled)" "T $worker"
	never_says "nginx\[$old\] for"
}

# until_received PORT: a client that does not read has something to read
until_received()
{
	local i

	for ((i = 0; i < patience * 20; i++)); do
		ss -Htn "dport = :$1" | awk '$2 > 1000 { found = 1 } END { exit !found }' && return
		sleep 0.05
	done
	fail "port $1 sends nothing"
}

# until_held_by PORT N: so many processes have its listener
until_held_by()
{
	local i

	for ((i = 0; i < patience * 20; i++)); do
		(($(ss -Hltnp "sport = :$1" | grep -o 'pid=' | wc -l) == $2)) && return
		sleep 0.05
	done
	fail "the listener of port $1 is not held by $2 processes"
}

scenario trouble_stuck_member 4 host alone loose -- "nginx reuseport, one of two workers stopped: which one"
trouble_stuck_member()
{
	local workers i

	needs nginx
	nginx_at "$port" "64 reuseport" 2
	until_children nginx 2
	mapfile -t workers < <(pgrep_children "${pid[nginx]}")
	trouble
	client --count 31
	kill -STOP "${workers[1]}"
	crowd 23
	hear crowd HELD
	until_stalled "$port" 700 2
	end_trouble
	kill -CONT "${workers[1]}"
	crowd_gone
	end nginx
	told reuseport-imbalance
	expect "whose" "$(whose reuseport-imbalance)" "${workers[1]}"
	screen "^ ! 127.0.0.1:$port: one of 2 SO_REUSEPORT listeners is stuck, that of nginx\[${workers[1]}\]: it was stopped \(state T\)" \
		"kill -CONT ${workers[1]}"
}

# ---- accept() fails ----

scenario trouble_emfile 4 host alone loose -- "python has 24 descriptors: EMFILE first, with the limit, and no word of slowness"
trouble_emfile()
{
	needs python3
	background python bash -c "ulimit -n 24; exec /usr/bin/python3 -m http.server -b 127.0.0.1 $port"
	until_port "$port"
	trouble
	client_hold --count 22
	until_busy python
	worker=${pid[python]}
	may_lose=1		# it tries again at once, a hundred thousand times a second
	end_trouble
	client_go
	end python
	told accept-fails
	expect "errno, limit" "$(evidence accept-fails errno) $(evidence accept-fails nofile)" "EMFILE 24"
	screen "^ ! 127.0.0.1:$port: accept\(\) failed with EMFILE [0-9]+ times in python3\[$worker\], first at $clock: it had no file descriptor left \(RLIMIT_NOFILE; it is 24 now\)\." \
		"prlimit --pid $worker --nofile"
	never_says 'slow|faster'
}

scenario trouble_emfile_killed 4 host alone loose -- "the same, and killed: who waited then had waited for that, one cause"
trouble_emfile_killed()
{
	needs python3
	background python /usr/bin/python3 -c "
import resource, socket, time
resource.setrlimit(resource.RLIMIT_NOFILE, (12, 12))
s = socket.socket()
s.bind(('127.0.0.1', $port))
s.listen(16)
kept = []
while True:
    try:
        kept.append(s.accept())
    except OSError:
        time.sleep(0.05)"
	until_port "$port"
	trouble
	crowd 13
	until_full "$port" 5
	sleep 0.3
	worker=${pid[python]}
	end python KILL
	end_trouble
	crowd_gone
	told accept-fails
	within "who waited then" "$(evidence accept-fails closed)" 4 8
	screen "^ ! 127.0.0.1:$port: accept\(\) failed with EMFILE [0-9]+ times in python3\[$worker\], first at $clock: it had no file descriptor left" \
		"[4-8] connections that waited reset as the listener was closed at $clock" "python3\[$worker\] has ended since\. Give it more at the next start"
}

scenario trouble_late_start 4 host alone loose -- "python listens 2 s before it accepts: that none was accepted before, and since when it listened"
trouble_late_start()
{
	needs python3
	trouble
	background python /usr/bin/python3 -c "
import socket, time
s = socket.socket()
s.bind(('$local', $port))
s.listen(16)
time.sleep(2)
while True:
    s.accept()[0].close()"
	until_port "$port"
	crowd 6
	crowd_in 6
	sleep 2.2
	end_trouble
	crowd_gone
	worker=${pid[python]}
	end python
	told accept-stalled
	screen "no accept\(\) by python3\[$worker\] for [0-9.]+ m?s from $clock on, while 6 connections waited: it slept in something else \(state S\)\." \
		"None had been accepted before, since listen\(\) at $clock\." "If it was not ready yet, let it call listen\(\) when it can accept\."
}

# ---- listeners that are gone ----

scenario trouble_killed 4 host alone loose -- "redis killed while 23 connections waited: they were reset"
trouble_killed()
{
	needs redis-server
	redis_at "$port" 128
	trouble
	kill -STOP "${pid[redis]}"
	crowd 23
	crowd_in 23
	end redis KILL
	end_trouble
	crowd_gone
	if [[ $(findings) == accept-stalled ]]; then		# it took longer: one cause
		expect "closed" "$(evidence accept-stalled closed)" 23
		screen "it was stopped \(state T\)" "23 connections that waited reset as the listener was closed at $clock"
		return
	fi
	told closed-waiting
	expect "closed" "$(evidence closed-waiting closed)" 23
	screen "^ ! 127.0.0.1:$port: the listener of redis-server\[$pid_of_redis\] was closed at $clock with 23 connections that nobody had accepted: they were reset \(the process is gone\)\."
}

scenario trouble_killed_member 4 host alone loose -- "one of two SO_REUSEPORT members is killed while clients wait for it: they were reset"
trouble_killed_member()
{
	local waiting

	needs python3
	background python /usr/bin/python3 -c "
import os, socket, time
for i in range(2):
    if not os.fork():
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        s.bind(('$local', $port))
        s.listen(64)
        kept = []
        while True:
            kept.append(s.accept())
os.wait()
time.sleep($limit)"
	until_port "$port"
	sleep 0.2
	trouble
	worker_of python
	kill -STOP "$worker"
	crowd 17
	crowd_in 17
	waiting=$(ss -Hltn "sport = :$port" | awk '{ print $2 }' | sort -n | tail -n 1)
	kill -KILL "$worker"
	sleep 0.3
	end_trouble
	crowd_gone
	kill $(pgrep_children "${pid[python]}")
	end python
	[[ $(findings) == *accept-stalled* ]] || told closed-waiting
	((waiting)) || skip "the kernel gave it none"
	screen "python3\[$worker\]" "[0-9]+ connections? that (nobody had accepted|waited)"
}

scenario trouble_restart 4 host alone loose -- "redis restarted: 78 SYNs between the two, and who listens since"
trouble_restart()
{
	needs redis-server
	redis_at "$port" 128
	trouble
	client --count 7
	end redis
	client --count 78
	facts client refused=78
	redis_at "$port" 128
	client --count 7
	end_trouble
	end redis
	sees rst-nobody || { told connect-fails; return; }
	told no-listener
	expect "SYNs" "$(evidence no-listener syns)" 78
	within "ms that nobody listened" $(($(evidence no-listener gap) / 1000000)) 1 $((patience * 1000))
	screen "^ ! 78 SYNs to 127.0.0.1:$port answered by RST: nobody listened from $clock to $clock \([0-9.]+ m?s\), when redis-server\[$pid_of_redis\] began to\." \
		"Keep a listener open over a restart"
}

scenario trouble_shut 4 host alone loose -- "python calls shutdown() on its listener and goes on: that it runs, not that it ended"
trouble_shut()
{
	needs python3
	sees rst-nobody || skip "this kernel tells of no RST without a socket"
	trouble
	background python /usr/bin/python3 -c "
import socket, time
s = socket.socket()
s.bind(('$local', $port))
s.listen(16)
for i in range(5):
    s.accept()[0].close()
s.shutdown(socket.SHUT_RDWR)
time.sleep($limit)"
	until_port "$port"
	client --count 5
	while [[ -n $(ss -Hltn "sport = :$port") ]]; do
		sleep 0.01
	done
	client --count 23
	end_trouble
	worker=${pid[python]}
	end python
	told no-listener
	expect "SYNs" "$(evidence no-listener syns)" 23
	screen "^ ! 23 SYNs to 127.0.0.1:$port answered by RST: nobody listened from $clock to $clock \([0-9.]+ m?s\), after the listener of python3\[$worker\] was closed\." \
		"python3\[$worker\] still runs: find out why it listens no more"
	never_says "why it ended|start it again"
}

scenario trouble_not_bound 4 host alone loose -- "a server that does not set SO_REUSEADDR is started again: who could not have the port, and why"
trouble_not_bound()
{
	local program="
import socket, sys
s = socket.socket()
s.bind(('$local', $port))
s.listen(16)
for i in range(5):
    s.accept()[0].close()"

	needs python3
	sees rst-nobody || skip "this kernel tells of no RST without a socket"
	trouble
	background python /usr/bin/python3 -c "$program"
	until_port "$port"
	client_hold --count 5		# its FIN is the first
	wait "${pid[python]}"
	unset 'pid[python]'
	client_go
	/usr/bin/python3 -c "$program" 2> "$dir/second" &
	worker=$!
	wait $worker
	grep -q 'Address already in use' "$dir/second" || skip "it got the port: no connection of the first one is in TIME_WAIT"
	client --count 23
	end_trouble
	told no-listener
	expect "whose" "$(whose no-listener)" "$worker"
	screen "^ ! 23 SYNs to 127.0.0.1:$port answered by RST: nobody listened from $clock to $clock \([0-9.]+ m?s\)\. python3\[$worker\] was to, but its bind\(\) failed with EADDRINUSE at $clock\." \
		"set SO_REUSEADDR before bind\(\)"
}

scenario trouble_no_listener 4 host alone loose -- "a port without listener; single slips to others are none"
trouble_no_listener()
{
	trouble
	port=8099 client --count 23
	facts client refused=23
	port=8098 client --count 1
	end_trouble
	sees rst-nobody || { told connect-fails; return; }
	told no-listener
	expect "SYNs" "$(evidence no-listener syns)" 23
	screen "^ ! 23 SYNs to 127.0.0.1:8099 answered by RST: nobody listened there, from $clock to $clock\." \
		"They came from 127.0.0.1, among them those of client\[[0-9]+\]\."
	never_says 8098
}

scenario trouble_other_address 4 host alone loose -- "a server on one address, clients on another"
trouble_other_address()
{
	needs redis-server
	sees rst-nobody || skip "this kernel tells of no RST without a socket"
	redis_at "$port" 128
	trouble
	local=127.0.0.2 client --count 23
	end_trouble
	end redis
	told no-listener
	screen "^ ! 23 SYNs to 127.0.0.2:$port answered by RST: nobody listens on that address; redis-server\[$pid_of_redis\] listens on 127.0.0.1:$port\."
}

# ---- connect() fails ----

scenario trouble_no_ports 4 host alone loose -- "51 local ports, 101 connections: EADDRNOTAVAIL and the sysctl"
trouble_no_ports()
{
	needs python3
	sysctl_set ipv4/ip_local_port_range '40000 40050'
	server --backlog 200 --accept epoll
	trouble
	connect_all 101
	end_trouble
	stop server
	told connect-fails
	expect "errno" "$(evidence connect-fails errno)" EADDRNOTAVAIL
	expect "failed" "$(evidence connect-fails failed)" "$(cat "$dir/failed")"
	within "failed" "$(cat "$dir/failed")" 50 101
	screen "^ ! connect\(\) to 127.0.0.1:$port failed [0-9]+ times with EADDRNOTAVAIL in python3\[[0-9]+\]: no local port was left for it, of net.ipv4.ip_local_port_range \(now 40000 to 40050\) without ip_local_reserved_ports, or" \
		'sysctl -w net.ipv4.ip_local_port_range="1024 65535"'
}

# connect_all N: keeps what it gets; the number of failures goes to $dir/failed
connect_all()
{
	/usr/bin/python3 - "$local" "$port" "$1" > "$dir/failed" <<-EOC
	import socket, sys
	kept, failed = [], 0
	for _ in range(int(sys.argv[3])):
	    s = socket.socket()
	    try:
	        s.connect((sys.argv[1], int(sys.argv[2])))
	        kept.append(s)
	    except OSError:
	        failed += 1
	print(failed)
	EOC
}

# proxy_at PORT BACKEND: haproxy in front of a redis
proxy_at()
{
	redis_at "$2" 128
	cat > "$dir/haproxy.cfg" <<-EOC
	defaults
	  mode tcp
	  timeout connect 5s
	  timeout client 60s
	  timeout server 60s
	frontend f
	  bind 127.0.0.1:$1
	  default_backend b
	backend b
	  server one 127.0.0.1:$2
	EOC
	background haproxy haproxy -db -f "$dir/haproxy.cfg"
	until_port "$1"
}

# through_proxy N: from each of three addresses N clients, which say PING and stay
through_proxy()
{
	start through python3 -c "
import socket
kept = []
for host in ('127.0.0.2', '127.0.0.3', '127.0.0.4'):
    for _ in range($1):
        kept.append(socket.create_connection(('127.0.0.1', $port), 5, (host, 0)))
        kept[-1].sendall(b'PING\\r\\n')
answers = 0
for s in kept:
    try:
        answered = s.recv(7) == b'+PONG\\r\\n'
    except OSError:
        answered = False
    answers += answered
    if not answered:
        s.close()
print('DONE', answers, flush=True)
input()"
	hear through DONE
}

scenario trouble_proxy_ports 4 host alone loose -- "haproxy has no port left to its backend: which sysctl, and that it is haproxy"
trouble_proxy_ports()
{
	needs python3 haproxy redis-server
	sysctl_set ipv4/ip_local_port_range '40000 40006'
	proxy_at "$port" 8084
	trouble
	through_proxy 5
	end_trouble
	within "clients that were answered" "${reply#DONE }" 1 7
	worker=${pid[haproxy]}
	end through
	end haproxy
	end redis
	told connect-fails
	expect "errno, whose" "$(evidence connect-fails errno) $(whose connect-fails)" "EADDRNOTAVAIL $worker"
	screen "^ ! connect\(\) to 127.0.0.1:8084 failed [0-9]+ times( of [0-9]+)? with EADDRNOTAVAIL in haproxy\[$worker\]: no local port was left for it, of net.ipv4.ip_local_port_range \(now 40000 to 40006\) without"
}

scenario trouble_firewall 4 host alone loose -- "a firewall of this machine drops the SYNs to redis: it is not redis"
trouble_firewall()
{
	needs redis-server python3 nft
	redis_at "$port" 128
	trouble
	client --count 7
	nft -f - <<-EOF || skip "nft does not work here"
	table inet live {
		chain in { type filter hook input priority 0; tcp dport $port tcp flags syn drop; }
	}
	EOF
	/usr/bin/python3 - "$local" "$port" <<-EOC
	import socket, sys
	s = socket.socket()
	s.setsockopt(socket.IPPROTO_TCP, socket.TCP_SYNCNT, 1)
	try:
	    s.connect((sys.argv[1], int(sys.argv[2])))
	except OSError:
	    pass
	EOC
	end_trouble
	end redis
	told connect-fails
	expect "errno" "$(evidence connect-fails errno)" ETIMEDOUT
	screen "^ ! connect\(\) to 127.0.0.1:$port failed 1 time with ETIMEDOUT in python3\[[0-9]+\]: no answer to any SYN, though a listener is there, on this machine, and refused nobody\." \
		"nft list ruleset"
}

scenario trouble_third_packet 4 host alone loose -- "a firewall drops the third packets to redis: told long before they expire"
trouble_third_packet()
{
	needs redis-server nft
	redis_at "$port" 128
	trouble
	client --count 7
	nft -f - <<-EOF || skip "nft does not work here"
	table inet live {
		chain in { type filter hook input priority 0; tcp dport $port tcp flags & (syn | ack) == ack drop; }
	}
	EOF
	crowd 5
	crowd_in 5
	sleep 4
	end_trouble
	nft flush ruleset
	crowd_gone
	end redis
	told requests-expire
	expect "requests that wait for it" "$(evidence requests-expire silent)" 5
	screen "^ ! 127.0.0.1:$port: the third packet does not come: 5 requests waited for it in the SYN queue of redis-server\[$pid_of_redis\] for 3 s and more after [0-9]+ SYN-ACK retransmits, 7 others established\." \
		"The longest waited for [34]\.[0-9] s\." "look at firewalls"
}

scenario trouble_synack 4 host alone loose -- "a firewall drops the SYN-ACKs of redis: it is not said that the SYNs did not get there"
trouble_synack()
{
	needs redis-server python3 nft
	redis_at "$port" 128
	trouble
	client --count 7
	nft -f - <<-EOF || skip "nft does not work here"
	table inet live {
		chain out { type filter hook output priority 0; tcp sport $port tcp flags & (syn | ack) == (syn | ack) drop; }
	}
	EOF
	/usr/bin/python3 - "$local" "$port" <<-EOC
	import socket, sys, time
	kept = [socket.socket() for i in range(5)]
	for s in kept:
	    s.setblocking(False)
	    s.connect_ex((sys.argv[1], int(sys.argv[2])))
	time.sleep(3.5)
	EOC
	end_trouble
	end redis
	told no-answer
	screen "^ ! 5 SYNs of python3\[[0-9]+\] to 127.0.0.1:$port had no answer at first and had to be sent again, though a listener is there, on this machine, which got SYNs whose third packet did not come\." \
		"Something drops its SYN-ACKs" "nft list ruleset"
	never_says 'drops the segments'
}

scenario trouble_black_hole 4 host alone loose -- "nginx gives its upstream 2 s, a firewall drops: no errno comes, and it is told all the same"
trouble_black_hole()
{
	local i

	needs nginx curl nft
	nginx_at "$port" ''
	sed -i "s,root .*;,root $dir/www; location /up { proxy_connect_timeout 2s; proxy_pass http://127.0.0.1:8090; }," "$dir/nginx.conf"
	kill -HUP "${pid[nginx]}"
	nft -f - <<-EOF || skip "nft does not work here"
	table inet live {
		chain in { type filter hook input priority 0; tcp dport 8090 tcp flags syn drop; }
	}
	EOF
	sleep 0.5
	worker_of nginx
	trouble
	for i in {1..5}; do
		curl -s "http://127.0.0.1:$port/up" > /dev/null &
		pid[curl$i]=$!
	done
	for i in {1..5}; do
		wait "${pid[curl$i]}"
		unset "pid[curl$i]"
	done
	end_trouble
	end nginx
	told no-answer
	expect "SYNs, whose" "$(evidence no-answer again) $(whose no-answer)" "5 $worker"
	screen "^ ! 5 SYNs of nginx\[$worker\] to 127.0.0.1:8090 had no answer at first and had to be sent again\." "a firewall drops"
}

scenario trouble_given_up 46 own each loose -- "a listener that takes no SYN (SO_ATTACH_FILTER): clients that wait 0.3 s for an answer are told"
trouble_given_up()
{
	needs python3
	cat > "$dir/clients.py" <<-EOC
	import ctypes, socket, struct
	family = socket.AF_INET6 if ":" in "$local" else socket.AF_INET
	nothing = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0))		# BPF_RET 0
	l = socket.socket(family)
	l.setsockopt(socket.SOL_SOCKET, 26, struct.pack("HL", 1, ctypes.addressof(nothing)))
	l.bind(("$local", $port))
	l.listen(16)
	for i in range(5):
	    c = socket.socket(family)
	    c.settimeout(0.3)
	    try:
	        c.connect(("$local", $port))
	    except TimeoutError:
	        c.close()
	print("DONE", flush=True)
	EOC
	own_trace
	start clients python3 "$dir/clients.py"
	hear clients DONE
	serves=${pid[clients]}
	finish clients
	untrace
	told no-answer
	expect "whose, SYNs" "$(whose no-answer) $(evidence no-answer given) $(evidence no-answer again)" "$serves 5 0"
}

scenario trouble_refused_between 4 host alone loose -- "a firewall refuses in the name of redis: it is not said that nobody listens"
trouble_refused_between()
{
	needs redis-server nft
	redis_at "$port" 128
	nft -f - <<-EOF || skip "nft does not work here"
	table inet live {
		chain in { type filter hook input priority 0; tcp dport $port tcp flags syn reject with tcp reset; }
	}
	EOF
	trouble
	client --count 23
	facts client refused=23
	end_trouble
	end redis
	told connect-fails
	screen "^ ! connect\(\) to 127.0.0.1:$port failed 23 times with ECONNREFUSED in client\[[0-9]+\]: refused, though a listener is there, on this machine\." \
		"nft list ruleset"
	never_says "nobody listens"
}

scenario trouble_refused_later 46 own each loose -- "nobody listens, for programs that do not wait in connect(): each counts once, with -q too"
trouble_refused_later()
{
	local q

	needs python3
	cat > "$dir/clients.py" <<-EOC
	import errno, select, socket
	for again in (False, True) * 6:		# whether it asks for the result by connect()
	    c = socket.socket(socket.AF_INET6 if ":" in "$local" else socket.AF_INET)
	    c.setblocking(False)
	    c.connect_ex(("$local", $port))
	    select.select([], [c], [])
	    if again:
	        assert c.connect_ex(("$local", $port)) == errno.ECONNREFUSED
	    c.close()
	EOC
	json=$dir/json
	for q in '' -q; do	# of the server's side, which would say more, nothing is shown
		"$tcptrace" $q -j --mechanism "$mechanism" -- python3 "$dir/clients.py" > "$json" 2>> "$dir/errors" ||
			fail "tcptrace $q: $(tail -n 1 "$dir/errors")"
		told connect-fails
		# with -q fentry and kprobe see only returns that fail: whose the others are is not known there
		expect "failed" "$(grep '"id":"connect-fails"' "$json" | grep -o '"failed":[0-9]*' | awk -F: '{ n += $2 } END { print n }')" 12
		expect "errno" "$(evidence connect-fails errno)" ECONNREFUSED
	done
}

# reject_with TYPE: of ICMP, in answer to each segment for $port
reject_with()
{
	nft -f - <<-EOF || skip "nft does not work here"
	table inet live {
		chain in { type filter hook input priority 0; tcp dport $port reject with icmp type $1; }
	}
	EOF
}

# Its ICMP comes while connect() has the socket, and is kept for later; that for the second SYN ends it. Transitions tell it,
# which -q leaves out.
scenario trouble_rejected 4 host alone loose -- "a router says that the host is not there, to programs that do not wait in connect()"
trouble_rejected()
{
	needs nft python3
	reject_with host-unreachable
	cat > "$dir/clients.py" <<-EOC
	import errno, select, socket
	s = [socket.socket() for _ in range(5)]
	for c in s:
	    c.setblocking(False)
	    c.connect_ex(("$local", $port))
	for c in s:		# not of the first one's: 7 is TCP_CLOSE
	    while c.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1) != b"\\7":
	        select.select([], [], [], 0.05)
	print("FAILED", sum(c.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.EHOSTUNREACH for c in s), flush=True)
	EOC
	own_trace
	start clients python3 "$dir/clients.py"
	hear clients FAILED
	expect "clients that read EHOSTUNREACH" "$reply" "FAILED 5"
	serves=${pid[clients]}
	finish clients
	untrace
	told connect-fails
	expect "whose" "$(whose connect-fails)" "$serves"
	expect "failed" "$(evidence connect-fails failed) $(evidence connect-fails errno)" "5 EHOSTUNREACH"
}

# As kube-proxy does for a service without a server: no RST; and who does not wait has its errno by SO_ERROR alone.
scenario trouble_no_endpoint 4 host alone loose -- "a firewall rejects by ICMP: it is not said that a RST came, or that a program gave up"
trouble_no_endpoint()
{
	needs nft python3
	reject_with port-unreachable
	cat > "$dir/clients.py" <<-EOC
	import errno, socket, threading
	got = []
	def waits():
	    with socket.socket() as c:
	        got.append(c.connect_ex(("$local", $port)))
	def asks():
	    with socket.socket() as c:
	        c.setblocking(False)
	        c.connect_ex(("$local", $port))
	        got.append(c.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
	all = [threading.Thread(target=f) for f in [waits, asks] * 5]
	[t.start() for t in all]
	[t.join() for t in all]
	print("FAILED", got.count(errno.ECONNREFUSED), flush=True)
	EOC
	own_trace
	start clients python3 "$dir/clients.py"
	hear clients FAILED
	expect "clients with ECONNREFUSED" "$reply" "FAILED 10"
	serves=${pid[clients]}
	finish clients
	untrace
	told connect-fails
	expect "whose" "$(whose connect-fails)" "$serves"
	expect "failed, not known" "$(evidence connect-fails failed) $(evidence connect-fails untold)" "10 "
	expect "by SO_ERROR" "$(grep -c '"errno":"EINPROGRESS","so_error":"ECONNREFUSED"' "$json")" 5
	grep -q '"sentence":"[^"]*: no RST came back but an ICMP message' "$json" || fail "an ICMP message is not told"
}

# ---- connections that nobody closes, requests that do not become any ----

# node_halves PORT HOW: reads what comes and, where HOW is "keeps", never closes its end
node_halves()
{
	cat > "$dir/halves.js" <<-EOC
	require('net').createServer({ allowHalfOpen: '$2' === 'keeps' }, (s) => { s.resume(); s.on('error', () => {}); })
		.listen($1, '127.0.0.1');
	EOC
	background node node "$dir/halves.js"
	until_port "$1"
}

scenario trouble_close_wait 4 host alone loose -- "node never closes its half of 23 connections: who, how many"
trouble_close_wait()
{
	needs node
	node_halves "$port" keeps
	trouble
	client --count 23
	sleep 0.5
	end_trouble
	worker=${pid[node]}
	end node
	told close-wait
	expect "count, whose" "$(evidence close-wait count) $(whose close-wait)" "23 $worker"
	screen "^ ! node\[$worker\] holds 23 connections in CLOSE_WAIT: the peers have closed, the program has not\." \
		"must close\(\) a connection when read\(\) returns 0"
}

scenario trouble_close_wait_children 4 host alone loose -- "a python that forks for each client: 23 children that do not close, one connection each"
trouble_close_wait_children()
{
	needs python3
	background python /usr/bin/python3 -c "
import os, socket, time
s = socket.socket()
s.bind(('$local', $port))
s.listen(64)
while True:
    c, _ = s.accept()
    if not os.fork():
        s.close()
        time.sleep($limit)
        os._exit(0)
    c.close()"
	until_port "$port"
	trouble
	start halves /usr/bin/python3 -c "
import socket, sys
kept = [socket.create_connection(('$local', $port)) for i in range(23)]
for s in kept:
    s.shutdown(socket.SHUT_WR)
print('READY', flush=True)
sys.stdin.readline()"
	hear halves READY
	sleep 0.5
	mapfile -t workers < <(pgrep_children "${pid[python]}")
	end_trouble
	say halves
	finish halves
	end python
	kill "${workers[@]}"
	told close-wait
	expect "count" "$(evidence close-wait count)" 23
	screen "^ ! python3\[[0-9]+\] and others of that name hold 23 connections in CLOSE_WAIT: the peers have closed, the programs have not\."
}

scenario trouble_half_open 4 host alone loose -- "no third packet to redis: they expire, and no setting of redis is blamed"
trouble_half_open()
{
	needs redis-server
	sysctl_set ipv4/tcp_synack_retries 1
	redis_at "$port" 511 0.0.0.0
	trouble
	peer script 'syn 1-9; settle 4500'
	end_trouble
	end redis
	told requests-expire
	expect "expired" "$(evidence requests-expire expired)" 9
	screen "^ ! 0.0.0.0:$port: the third packet did not come: (at least )?9 requests expired in the SYN queue of redis-server\[$pid_of_redis\] after 9 SYN-ACK retransmits, 0 others? established" \
		"Clients vanish or the path loses packets"
	never_says 'tcp-backlog'
}

# talker: says something to each of its clients every half second
talker()
{
	background talker /usr/bin/python3 -c "
import select, socket
s = socket.create_server(('$local', $port), backlog=64)
s.setblocking(False)
kept = []
while True:
    if select.select([s], [], [], 0.5)[0]:
        kept.append(s.accept()[0])
        kept[-1].setblocking(False)
        continue
    for c in kept:
        try:
            c.send(b'news')
        except OSError:
            pass"
	until_port "$port"
}

# vanish: nothing gets from or to $port
vanish()
{
	nft -f - <<-EOF || skip "nft does not work here"
	table inet live {
		chain in { type filter hook input priority 0; tcp dport $port drop; tcp sport $port drop; }
	}
	EOF
}

scenario trouble_vanished 4 host alone loose -- "a firewall forgets 7 connections: nothing is acknowledged any more, told long before they time out"
trouble_vanished()
{
	needs python3 nft
	talker
	trouble
	crowd 7
	crowd_in 7
	sleep 1
	vanish
	sleep 8
	end_trouble
	nft flush ruleset
	crowd_gone
	worker=${pid[talker]}
	end talker
	told no-ack
	expect "connections, whose" "$(evidence no-ack conns) $(whose no-ack)" "7 $worker"
	screen "^ ! 7 connections of python3\[$worker\] at port $port got no acknowledgment for what they sent: the kernel sent again and again" \
		"look at nft list ruleset"
}

scenario healthy_outage 4 host alone loose -- "the way is gone for 0.7 s, twice: nothing is told"
healthy_outage()
{
	needs python3 nft
	talker
	trouble
	crowd 7
	crowd_in 7
	for _ in 1 2; do
		vanish
		sleep 0.7
		nft flush ruleset
		sleep 1.5
	done
	end_trouble
	crowd_gone
	end talker
	told
}

# ---- what a full queue does beside ----

scenario trouble_ghosts 4 host alone loose -- "101 clients, their cookies and third packets: never more than 101"
trouble_ghosts()
{
	needs redis-server
	redis_at "$port" 7 0.0.0.0
	trouble
	kill -STOP "${pid[redis]}"
	peer script 'syn 1-101; settle 20; ack 1-101; data 1-101 10; settle 300; data-again 1-101 10; settle 300; data-again 1-101 10; settle 400'
	kill -CONT "${pid[redis]}"
	end_trouble
	end redis
	expect "findings about the listener" "$(grep -c '^{"type":"finding"' "$json")" 1
	within "clients" "$(evidence "$(findings)" clients)" 80 101
	every_client "$(findings)" "$(evidence "$(findings)" clients)"
	screen "93 clients refused: none came in, 93 clients unaware \(connect\(\) has returned there"
}

scenario trouble_abort 4 host alone loose -- "the same with tcp_abort_on_overflow: they were reset, and it is not advised"
trouble_abort()
{
	needs redis-server
	sysctl_set ipv4/tcp_abort_on_overflow 1
	redis_at "$port" 7 0.0.0.0
	trouble
	kill -STOP "${pid[redis]}"
	peer script 'syn 1-4; settle 5; ack 1-4; settle 5; syn 5-12; settle 5; ack 5-12; settle 700'
	kill -CONT "${pid[redis]}"
	end_trouble
	end redis
	expect "findings about the listener" "$(grep -c '^{"type":"finding"' "$json")" 1
	expect "clients of $(findings) that were reset" "$(evidence "$(findings)" reset)" 4
	screen '4 clients refused: none came in, 4 reset after the third packet\.'
	never_says 'unaware|abort_on_overflow=1'
}

# ---- healthy twins ----

scenario healthy_servers 4 host alone loose -- "nginx, redis, node, gunicorn, haproxy at work: nothing is told"
healthy_servers()
{
	local p

	needs nginx redis-server redis-benchmark wrk node gunicorn haproxy curl
	nginx_at "$port" 511
	port_of[redis]=8084
	redis_at 8084 511
	small_servers
	trouble
	wrk -t 2 -c 23 -d 1s "http://127.0.0.1:$port/" > "$dir/wrk" || fail "wrk failed"
	redis-benchmark -p 8084 -n 2003 -c 23 -q -t ping > "$dir/bench" 2>&1 || fail "redis-benchmark failed"
	for p in 8081 8082 8083; do
		curl -s "http://127.0.0.1:$p/" > /dev/null || fail "curl failed"
	done
	end_trouble
	for p in nginx redis node gunicorn haproxy; do
		end $p
	done
	grep -qE "^ {16}waited .*  [0-9.]+/s$" "$dir/screen" || fail "no rate: $(head -n 24 "$dir/screen")"
	told
}

scenario healthy_reload 4 host alone loose -- "nginx reloads while clients come; localhost is tried by IPv6 first: nothing is told"
healthy_reload()
{
	needs nginx curl
	nginx_at "$port" 511
	trouble
	client --count 23
	kill -HUP "${pid[nginx]}"
	client --count 101
	for _ in 1 2 3 4 5; do
		curl -s "http://localhost:$port/" > /dev/null || fail "curl failed"
	done
	end nginx QUIT
	end_trouble
	told
}

scenario healthy_late 4 host alone loose -- "third packets after 300 ms; node's 23 open connections; postgres, a connection for each query: nothing is told"
healthy_late()
{
	needs redis-server node pgbench
	redis_at "$port" 511 0.0.0.0
	node_halves 8083 closes
	postgres_at 8085
	sleep 1
	echo 'SELECT 1;' > "$dir/query"
	trouble
	peer script 'syn 1-9; settle 300; ack 1-9; settle 50'
	port=8083 client --count 23
	port=8083 client_hold --count 23
	pgbench -h 127.0.0.1 -p 8085 -U postgres -n -C -c 3 -t 7 -f "$dir/query" postgres > "$dir/bench" 2>&1 || fail "pgbench failed: $(tail -n 1 "$dir/bench")"
	end_trouble
	client_go
	end redis
	end node
	end postgres INT
	told
}

scenario healthy_proxy 4 host alone loose -- "haproxy in front of redis: nothing is told"
healthy_proxy()
{
	needs python3 haproxy redis-server
	proxy_at "$port" 8084
	trouble
	through_proxy 5
	end_trouble
	expect "clients that were answered" "${reply#DONE }" 15
	end through
	end haproxy
	end redis
	told
}

# ---- and what is none of it does not hide it ----

scenario many_listeners 4 host alone loose -- "300 short listeners, 40 idle ones, one that refuses: the end of -q can be read"
many_listeners()
{
	local lines

	needs python3
	cat > "$dir/many.py" <<-EOC
	import socket, time
	def listener(port, backlog):
	    s = socket.socket()
	    s.bind(("$local", port))
	    s.listen(backlog)
	    return s
	def client(where):
	    s = socket.socket()
	    s.setblocking(False)
	    s.connect_ex(where)
	    return s
	idle = [listener(0, 1) for _ in range(40)]
	bad = listener($port, 4)
	for i in range(300):
	    s = listener(0, 1)
	    c = socket.create_connection(s.getsockname())
	    a, _ = s.accept()
	    s.close(); a.close(); c.close()
	kept = [client(("$local", $port)) for _ in range(9)]
	print("DONE", flush=True)
	time.sleep(60)
	EOC
	trouble
	start many python3 "$dir/many.py"
	hear many DONE
	until_full "$port"
	end_trouble
	end many
	lines=$(wc -l < "$dir/screen")
	within "lines of the summary" "$lines" 30 120
	within "line of the one that refuses" "$(grep -nm 1 "^$local:$port" "$dir/screen" | cut -d : -f 1)" 2 16
	grep -qxE '29[67] more, closed:  in 29[67]  accepted 29[67]  refused 0' "$dir/screen" || fail "what is folded: $(tail -n 30 "$dir/screen")"
	expect "idle listeners by name" "$(grep -cE "^    $local:.*LISTEN$" "$dir/screen")" 16
	grep -qx '    and 24 more' "$dir/screen" || fail "the other idle ones: $(tail -n 30 "$dir/screen")"
	never_says 'impossible transitions'
	expect "listeners in JSON" "$(grep -c '^{"type":"listener"' "$json")" 341
}
