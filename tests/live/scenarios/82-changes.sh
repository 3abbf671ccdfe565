# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154 # lib.sh has the variables
#
# Listeners that change hands, places and groups while clients come: what is said of each is what the
# program itself counted.

# shellcheck source=../trouble.sh
. "$here/trouble.sh"

# program NAME: the script on stdin, as $dir/NAME.py, with what its users share
program()
{
	{
		cat <<-EOC
		import os, socket, sys, time
		WHERE = ("$local", $port)
		def listener(backlog=64, group=False):
		    s = socket.socket()
		    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
		    if group:
		        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
		    s.bind(WHERE)
		    s.listen(backlog)
		    return s
		def client():
		    s = socket.socket()
		    s.setblocking(False)
		    s.connect_ex(WHERE)
		    return s
		def take(s, kept, most, seconds):	# accept() until there are so many, or time is up: how many
		    s.setblocking(False)
		    n, end = 0, time.monotonic() + seconds
		    while n < most and time.monotonic() < end:
		        try:
		            kept.append(s.accept()[0])
		            n += 1
		        except BlockingIOError:
		            time.sleep(0.01)
		    return n
		def say(*words):
		    print(*words, flush=True)
		EOC
		cat
	} > "$dir/$1.py"
}

# As fork() and exec() of a helper, stopped between the two.
scenario forked_meanwhile 4 own alone loose -- "the server forks while clients wait: it did not accept, its child is nobody's worker"
forked_meanwhile()
{
	needs python3
	program server <<-EOC
	s = listener(8)
	say("READY")
	sys.stdin.readline()
	if not os.fork():
	    time.sleep(3)
	    os._exit(0)
	time.sleep(3)
	say("TOOK", take(s, [], 3, 5))
	os.wait()
	EOC
	start server python3 "$dir/server.py"
	serves=${pid[server]}
	hear server READY
	trouble
	start crowd "$bin/client" --timeout $limit --hold --count 3 $local "$port"
	hear crowd HELD
	say server
	hear server TOOK
	end_trouble
	say crowd
	finish crowd
	finish server
	told accept-stalled
	expect "whose" "$(whose accept-stalled)" "${serves:-}"
}

scenario reopened 4 own -- "closed and opened again while clients are refused: no group, one finding, and where they came in"
reopened()
{
	needs python3
	program reopened <<-EOC
	first = listener(2)
	kept = [client() for _ in range(5)]
	time.sleep(0.3)
	first.close()
	second = listener(2)
	others = [client() for _ in range(3)]
	time.sleep(1.2)		# the two are refused again: it is full, too
	say("TOOK", take(second, kept, 5, 15))
	sys.stdin.readline()
	EOC
	trace
	start reopened python3 "$dir/reopened.py"
	hear reopened TOOK
	expect "accepted in all" "$reply" "TOOK 5"
	say reopened
	finish reopened
	untrace
	expect "accepted, each" "$(listener accepted 1) $(listener accepted 2)" "0 5"
	expect "refused by both" "$(listener drops 1) $(($(listener drops 2) >= 2))" "2 1"
	! findings | grep -q reuseport || fail "a listener and the one after it are a group: $(findings)"
	expect "findings of what was thrown out" "$(grep -c '"id":"closed-waiting"' "$json")" 1
}

# By tracepoints the move is not seen: who accepts tells.
scenario group_shrinks 4 own loose -- "tcp_migrate_req: who took what a closed member had"
group_shrinks()
{
	needs python3
	[[ -e /proc/sys/net/ipv4/tcp_migrate_req ]] || skip "this kernel has no tcp_migrate_req"
	sysctl_set ipv4/tcp_migrate_req 1
	program shrinks <<-EOC
	a, b = listener(group=True), listener(group=True)
	kept = [client() for _ in range(31)]
	time.sleep(0.3)
	a.close()
	say("TOOK", take(b, kept, 31, 3))
	sys.stdin.readline()
	EOC
	trace
	start shrinks python3 "$dir/shrinks.py"
	hear shrinks TOOK
	say shrinks
	finish shrinks
	untrace
	expect "accepted, each" "$(listener accepted 1) $(listener accepted 2)" "0 ${reply#TOOK }"
	expect "queues at the end" "$(listener acceptq.now 1) $(listener acceptq.now 2)" "0 0"
}

scenario thread_number 4 own -- "-p of a thread: that it is one is said, and of a process nothing"
thread_number()
{
	needs python3
	program thread <<-EOC
	import threading
	s = listener()
	threading.Thread(target=s.accept, daemon=True).start()
	say("NUMBERS", *(t.native_id for t in threading.enumerate()))
	sys.stdin.readline()
	EOC
	start thread python3 "$dir/thread.py"
	hear thread NUMBERS
	read -r _ process thread <<< "$reply"
	own_trace -p "$thread,$process"
	say thread
	finish thread
	untrace
	expect "said of the thread" "$(grep -c -- "-p $thread: that is a thread" "$dir/talk")" 1
	expect "said of the process" "$(grep -c -- "-p $process:" "$dir/talk")" 0
}
