# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2046,SC2086,SC2154 # lib.sh has the variables; numbers are not quoted
#
# How a run ends, what it leaves, and that nothing hostile reaches the terminal.

scenario record_replay 46 own -- "-w, then -r: the same lines as live"
record_replay()
{
	own_trace --check -w "$dir/record"
	server --backlog 2 --accept batch 3
	peer script 'auto 1-3; syn 1-4; settle 50; fin 1-3; settle 50'
	client --count 3
	stop server
	untrace
	"$tcptrace" --json -r "$dir/record" > "$dir/replay" 2> "$dir/talk" || fail "replay: $(cat "$dir/talk")"
	grep -v -e '"type":"ledger"' -e '"type":"end"' "$json" | without_wall > "$dir/live.cmp"
	grep -v '"type":"end"' "$dir/replay" | without_wall > "$dir/replay.cmp"
	cmp -s "$dir/live.cmp" "$dir/replay.cmp" ||
		fail "replay differs: $(diff "$dir/live.cmp" "$dir/replay.cmp" | head -n 3)"
	within "lines compared" "$(wc -l < "$dir/live.cmp")" 60 1000
}

# The wall clock of a replay is the recording's, within what NTP does to it. What waits has waited until the run was
# over; a recording ends with its last record.
# A replay does not ask whether a process is there still, as the advice does, and the sentence about a listener that was
# closed over the last clients, if they were not accepted yet.
without_wall()
{
	sed 's/"time":"[^"]*",//; s/"oldest_ns":[0-9]*,//g; s/"full_ns":[0-9]*,//g; s/"advice":"[^"]*",//
		s/ (the process is gone)//'
}

scenario record_killed 4 own -- "SIGKILL while recording: what was written can be read"
record_killed()
{
	local rc was

	own_trace -w "$dir/record"
	server --accept loop --max 23
	client --count 23
	finish server
	wait_seen 23 accept
	was=${pid[tcptrace]}
	kill -KILL "$was"
	wait "$was" 2>/dev/null
	expect "exit status" $? 137
	unset 'pid[tcptrace]'
	"$tcptrace" --json -r "$dir/record" > "$dir/replay" 2> "$dir/talk"
	rc=$?
	json=$dir/replay
	events accept:23
	within "exit status of the replay" $rc 0 1
	left_nothing "$was"
}

# none_left: no tcptrace runs in this namespace, not even one that only lets go of functions
none_left()
{
	local proc here

	here=$(readlink /proc/self/ns/net)
	for proc in /proc/[0-9]*; do
		[[ $(readlink "$proc/ns/net" 2>/dev/null) != "$here" || $(cat "$proc/comm" 2>/dev/null) != tcptrace ]] || return 1
	done
}

# left_nothing PID: no program of its stays attached. To let go of functions takes a child some seconds.
left_nothing()
{
	local i

	for ((i = 0; i < patience * 20; i++)); do
		! none_left || break
		sleep 0.05
	done
	none_left || fail "a tcptrace has not ended"
	command -v bpftool > /dev/null || return
	expect "BPF programs that process $1 holds" "$(bpftool prog show 2>/dev/null | grep -c "tcptrace($1)")" 0
}

scenario sigterm 46 own -- "SIGTERM ends like Ctrl-C: summary, status 0, and nobody waits until the hooks are gone"
sigterm()
{
	local was at

	own_trace --check
	server --accept loop --max 7
	client --count 7
	finish server
	was=${pid[tcptrace]}
	at=${EPOCHREALTIME/./}
	kill -TERM "$was"
	wait "$was"
	expect "exit status" $? 0
	# by fentry 4.9 s in a guest, by kprobe 4.0 s
	[[ $mechanism == tracepoint ]] || within "ms until it has ended" $(((${EPOCHREALTIME/./} - at) / 1000)) 0 3000
	unset 'pid[tcptrace]'
	judge_end
	listener_is accepted=7
	left_nothing "$was"
}

scenario reader_gone 4 own -- "the reader of the pipe goes away: the end, quietly"
reader_gone()
{
	local p

	mkfifo "$dir/pipe" "$dir/ready"
	"$tcptrace" --json --netns "$ns" --mechanism "$mechanism" --ready-fd 9 > "$dir/pipe" \
		9> "$dir/ready" 2> "$dir/talk" &
	p=$!
	pid[tcptrace]=$p
	exec {r}< "$dir/pipe"
	until_ready
	exec {r}<&-
	client --count 3
	kill_late "$p"
	wait "$p"
	within "exit status" $? 0 0
	unset 'pid[tcptrace]'
	expect "what it says" "$(grep -vc '^Tracing TCP' "$dir/talk")" 0
}

scenario reader_sleeps 4 own -- "the reader of the pipe sleeps: a signal ends it all the same, and says what is lost"
reader_sleeps()
{
	local p

	mkfifo "$dir/pipe" "$dir/ready"
	exec {r}<> "$dir/pipe"
	"$tcptrace" --json --netns "$ns" --mechanism "$mechanism" --ready-fd 9 > "$dir/pipe" \
		9> "$dir/ready" 2> "$dir/talk" &
	p=$!
	pid[tcptrace]=$p
	until_ready
	start load "$bin/load" --count 211 --port $port
	finish load
	until_blocked "$p"
	kill -INT "$p"
	ended_within $((SLOW ? 20 : 5)) "$p"
	grep -q 'its reader sleeps; what it has not read is lost' "$dir/talk" || fail "it says $(cat "$dir/talk")"

	# and a program that it runs gets the signal
	"$tcptrace" --json --mechanism "$mechanism" -- bash -c "
		trap 'echo told > \"$dir/told\"; exit 3' TERM
		'$bin/load' --count 211 --port $port
		while :; do sleep 0.05; done" > "$dir/pipe" 2>> "$dir/talk" &
	p=$!
	pid[tcptrace]=$p
	until_blocked "$p"
	kill -TERM "$p"
	ended_within $((SLOW ? 20 : 5)) "$p"
	wait "$p"
	expect "exit status" $? 3
	unset 'pid[tcptrace]'
	expect "the program was" "$(cat "$dir/told")" told
	exec {r}<&-
}

# until_waits PID: for the writer of a FIFO
until_waits()
{
	local i

	for ((i = 0; i < patience * 20; i++)); do
		grep -q wait_for_partner "/proc/$1/stack" && return
		sleep 0.05
	done
	die "process $1 does not wait: $(cat "/proc/$1/stack")"
}

scenario no_recorder 4 own -- "SIGUSR1, which sets a recorder's files aside, ends no other run"
no_recorder()
{
	trace
	kill -USR1 "${pid[tcptrace]}"
	until_said "SIGUSR1: without -C and -W nothing is set aside"
	server --accept loop --max 1
	client --count 1
	finish server
	untrace
	events accept:1
}

scenario fifo 4 own -- "-w FIFO: waits for its reader before anything is attached, and a signal ends that"
fifo()
{
	mkfifo "$dir/pipe" "$dir/ready"
	"$tcptrace" -q --netns "$ns" --mechanism "$mechanism" -w "$dir/pipe" --ready-fd 9 > /dev/null 9<> "$dir/ready" \
		2> "$dir/talk" &
	pid[tcptrace]=$!
	until_said "'.*pipe': waiting for its reader"
	expect "BPF programs of one that waits" "$(descriptors "${pid[tcptrace]}" | grep -c anon_inode:bpf)" 0
	cat "$dir/pipe" > "$dir/record" &
	until_ready
	client --count 3
	kill -INT "${pid[tcptrace]}"
	ended_within $patience "${pid[tcptrace]}"
	wait $!
	"$tcptrace" -j -r "$dir/record" > "$dir/replay"
	json=$dir/replay
	events connect:3

	"$tcptrace" -q -w "$dir/pipe" > /dev/null 2> "$dir/talk" &
	pid[tcptrace]=$!
	until_said "'.*pipe': waiting for its reader"
	kill -INT "${pid[tcptrace]}"
	ended_within 3 "${pid[tcptrace]}"
	unset 'pid[tcptrace]'
}

# Of a FIFO: what was to be written there is not, which its status says.
scenario fifo_left 4 own -- "-w FIFO and -o FIFO: a reader that goes away ends it, and that is said"
fifo_left()
{
	local option

	mkfifo "$dir/pipe"
	for option in -w -o; do
		mkfifo "$dir/ready"
		"$tcptrace" --netns "$ns" --mechanism "$mechanism" $option "$dir/pipe" --ready-fd 9 > /dev/null 9<> "$dir/ready" \
			2> "$dir/talk" &
		pid[tcptrace]=$!
		exec {r}< "$dir/pipe"
		until_ready
		exec {r}<&-
		client --count 3
		kill_late "${pid[tcptrace]}"
		wait "${pid[tcptrace]}"
		expect "exit status with $option" $? 1
		unset 'pid[tcptrace]'
		grep -q "cannot write '.*pipe': its reader has gone" "$dir/talk" || fail "with $option it says $(cat "$dir/talk")"
	done
}

scenario fifo_read 4 own -- "-w FIFO and -o FIFO: their readers are there first, and stay"
fifo_read()
{
	local r1 r2

	mkfifo "$dir/pipe" "$dir/lines" "$dir/ready"
	cat "$dir/pipe" > "$dir/record" &
	r1=$!
	cat "$dir/lines" > "$dir/text" &
	r2=$!
	until_waits $r1
	until_waits $r2
	"$tcptrace" --netns "$ns" --mechanism "$mechanism" -w "$dir/pipe" -o "$dir/lines" --ready-fd 9 9<> "$dir/ready" \
		2> "$dir/talk" &
	pid[tcptrace]=$!
	until_ready
	client --count 3
	kill -INT "${pid[tcptrace]}"
	ended_within $patience "${pid[tcptrace]}"
	wait "${pid[tcptrace]}"
	expect "exit status ($(tail -n 1 "$dir/talk"))" $? 0
	unset 'pid[tcptrace]'
	wait $r1 $r2
	expect "waited for" "$(grep -c 'waiting for its reader' "$dir/talk")" 0
	expect "lines of connect()" "$(grep -c '^connect ' "$dir/text")" 3
	"$tcptrace" -j -r "$dir/record" > "$dir/replay"
	json=$dir/replay
	events connect:3
}

scenario limits 4 own host -- "descriptors 0 to 2 closed, few open files, small files, no /proc, no /sys: it says what is wrong"
limits()
{
	local i size

	for i in 0 1 2; do
		eval "'$tcptrace' -q -d 0.2 -w '$dir/record.$i' $i>&- > '$dir/text'" 2> "$dir/talk"
		"$tcptrace" -q -r "$dir/record.$i" > /dev/null 2> "$dir/talk" || fail "without $i: $(cat "$dir/talk")"
		expect "what the replay says" "$(cat "$dir/talk")" ''
	done
	"$tcptrace" -q -d 0.2 -w "$dir/record" >&- 2> "$dir/talk"
	expect "exit status without standard output" $? 1
	grep -q 'cannot write to standard output: Bad file descriptor' "$dir/talk" || fail "it says $(cat "$dir/talk")"

	(ulimit -n 12; timeout $patience "$tcptrace" -d 1 > "$dir/text" 2> "$dir/talk")
	expect "exit status with 12 files" $? 1
	grep -q 'the limit of open files is too low' "$dir/talk" || fail "it says $(cat "$dir/talk")"

	(ulimit -f 8; "$tcptrace" -q -w "$dir/small" -- "$bin/load" --count 101 --port $port 2>&1 | cat > "$dir/talk")
	grep -q "cannot write '$dir/small': File too large" "$dir/talk" || fail "it says $(cat "$dir/talk")"
	size=$(stat -c %s "$dir/small")
	expect "bytes beside halves of records" $((size % 64)) 0

	unshare -m sh -c "umount -l /proc; '$tcptrace' -d 0.2" > "$dir/text" 2> "$dir/talk"
	expect "exit status without /proc" $? 1
	grep -q '/proc is not mounted' "$dir/talk" || fail "it says $(cat "$dir/talk")"
	unshare -m sh -c "mount -t tmpfs none /sys; '$tcptrace' -d 0.2" > "$dir/text" 2> "$dir/talk"
	expect "exit status without /sys" $? 1
	grep -q '/sys is not mounted' "$dir/talk" || fail "it says $(cat "$dir/talk")"
}

# on_small_disk KB WORD...: in a directory with no more room than that; what is there in the end is in $dir/left
on_small_disk()
{
	rm -rf "$dir/left"
	mkdir -p "$dir/disk" "$dir/left"
	timeout $limit unshare -m sh -c 'mount -t tmpfs -o "size=$0k" none "$1" && cd "$1" && left=$2 && shift 2 && "$@"
		status=$?; cp -a . "$left"; exit $status' "$1" "$dir/disk" "$dir/left" "${@:2}" > "$dir/text" 2> "$dir/talk"
}

# left NAME early|"": it replays, and says so if that is not all
left()
{
	"$tcptrace" -q -r "$dir/left/$1" > "$dir/replay" 2> "$dir/said" || fail "$1: $(cat "$dir/said")"
	grep -q 'events, 0 lost' "$dir/replay" || fail "$1: no summary"
	expect "$1, of which the replay says" "$(grep -o 'ends early' "$dir/said" || cat "$dir/said")" "${2/early/ends early}"
}

scenario small_disk 4 own host -- "a disk that is full, a directory that goes away: said, and no file is taken for whole that is not"
small_disk()
{
	local run=("$tcptrace" -q --mechanism "$mechanism" -P "$port") load=("$bin/load" --port "$port" --count)

	on_small_disk 200 "${run[@]}" -w run -- "${load[@]}" 2003
	expect "exit status" $? 1
	grep -q "cannot write 'run': No space left on device" "$dir/talk" || fail "it says $(cat "$dir/talk")"
	left run early
	on_small_disk 16 "${run[@]}" -w run.gz -- "${load[@]}" 3001
	expect "exit status, packed" $? 1
	grep -q "cannot write 'run.gz': No space left on device" "$dir/talk" || fail "it says $(cat "$dir/talk")"
	left run.gz early
	on_small_disk 2500 "${run[@]}" -C 1 -W 3 -w run -- "${load[@]}" 9001
	expect "exit status, a ring of files" $? 1
	grep -q "cannot write 'run': No space left on device" "$dir/talk" || fail "it says $(cat "$dir/talk")"
	left run.0 ''
	left run.1 ''
	left run.2 early
	on_small_disk 9000 sh -c 'mkdir gone d && exec "$@"' - "${run[@]}" -C 1 -W 3 -w d/run -- sh -c \
		'"$@" 3001; mv d/* gone; rmdir d; kill -USR1 $PPID; sleep 0.5; "$@" 9001' - "${load[@]}"
	expect "exit status, the directory went" $? 1
	grep -q "SIGUSR1: the files of 'd/run' could not be kept: No such file" "$dir/talk" || fail "it says $(cat "$dir/talk")"
	grep -q "cannot write 'd/run': No such file" "$dir/talk" || fail "it says $(cat "$dir/talk")"
	left gone/run.0 ''
}

scenario sudo 4 own host -- "what root records under sudo belongs to who called it; a file that was there keeps its owner"
sudo()
{
	: > "$dir/old"
	export SUDO_UID=1234 SUDO_GID=1235
	"$tcptrace" -q -d 0.2 -w "$dir/record" -o "$dir/text" --out "report:$dir/page" --out "table:$dir/old" 2> "$dir/talk" ||
		fail "$(cat "$dir/talk")"
	unset SUDO_UID SUDO_GID
	expect owners "$(cd "$dir" && stat -c '%n %a %u %g' record text page old)" "record 600 1234 1235
text 644 1234 1235
page 600 1234 1235
old 644 0 0"
}

scenario hostile_words 4 own host -- "escape bytes in words of the command line never reach the terminal raw"
hostile_words()
{
	local args rc word=$'\e[31m\x9b\xe2\x80\xae'

	for args in "-p$word" "-r$word" "$word" "--$word" "-$word" "--netns=$word" "--out=$word" "--cgroup=$word" "-e$word"; do
		"$tcptrace" "$args" > "$dir/text" 2> "$dir/talk" < /dev/null
		rc=$?
		within "exit status of $(printf %q "$args")" $rc 1 2
		expect "control characters" "$(tr -d '\n' < "$dir/talk" | LC_ALL=C tr -cd '\000-\037\177-\377' | wc -c)" 0
	done
	"$tcptrace" -- "$word" > "$dir/text" 2> "$dir/talk" < /dev/null
	expect "exit status" $? 127
	expect "control characters" "$(tr -d '\n' < "$dir/talk" | LC_ALL=C tr -cd '\000-\037\177-\377' | wc -c)" 0
}

# What is there is written in whole pages, at the latest when we look the next time.
scenario recording_killed 4 own -- "a recording cut by SIGKILL: halves of records, no address of the kernel, and it ends early"
recording_killed()
{
	local p i

	mkfifo "$dir/ready"
	"$tcptrace" --quiet --netns "$ns" --mechanism "$mechanism" -w "$dir/run.tcp" --ready-fd 9 > /dev/null 9> "$dir/ready" \
		2> "$dir/talk" &
	p=$!
	pid[tcptrace]=$p
	until_ready
	server --accept loop --max 101
	client --count 101
	finish server
	for ((i = 0; i < patience * 20; i++)); do
		(($(stat -c %s "$dir/run.tcp") < 100 * 1024)) || break
		sleep 0.05
	done
	kill -KILL "$p"
	wait "$p" 2> /dev/null
	unset 'pid[tcptrace]'
	expect "bytes beside halves of records" $(($(stat -c %s "$dir/run.tcp") % 64)) 0
	expect "mode" "$(stat -c %a "$dir/run.tcp")" 600
	"$tcptrace" -q -r "$dir/run.tcp" > "$dir/replay" 2> "$dir/talk"
	expect "exit status of the replay" $? 0
	grep -q 'ends early' "$dir/talk" || fail "the replay does not say that it ends early: $(cat "$dir/talk")"
	# a hash may look like one by chance; the second words of halves are sk and half of an address
	within "kernel addresses" "$(od -An -v -tx8 -w64 -j256 "$dir/run.tcp" | awk '{ print $2; print $3 }' | grep -c '^ffff')" 0 9
}

scenario line_by_line 4 own -- "every line is there at once, on a pipe too"
line_by_line()
{
	own_trace
	client --count 1
	wait_seen 1 connect-return errno=ECONNREFUSED
	untrace
}

scenario recorded_names 4 own each -- "a thread with a name of its own calls, the first one never: a replay has the name of the process, too"
recorded_names()
{
	needs python3
	json=$dir/json
	view "$dir/record" '' -q -w -
	start python python3 -c "
import socket, threading
def serve():
    open('/proc/thread-self/comm', 'w').write('acceptor-7')
    s = socket.create_server(('$local', $port))
    print('READY', flush=True)
    s.accept()
t = threading.Thread(target=serve)
t.start()
t.join()"
	hear python READY
	client --count 1
	finish python
	unview
	"$tcptrace" -j -r "$dir/record" > "$json"
	events listen,comm=python3,thread=acceptor-7:1 accept,comm=python3,thread=acceptor-7:1 comm=acceptor-7:0
}

scenario flood_said 4 own host -- "more lines than anybody reads: said once, while they come, on a terminal alone"
flood_said()
{
	local what='More than a thousand lines a second: .tcptrace top. '

	needs script
	server --accept epoll
	mkfifo "$dir/ready"
	script -qfc "exec '$tcptrace' --netns $ns --mechanism $mechanism --ready-fd 9 9> '$dir/ready' 2> '$dir/talk'" \
		/dev/null > "$dir/screen" < /dev/null &
	pid[script]=$!
	until_ready
	start load "$bin/client" --timeout $limit --count 20000 --parallel 2 $local "$port"
	until_said "$what"
	sleep 2
	kill -INT "$(pgrep_children "${pid[script]}")"
	wait "${pid[script]}"
	unset 'pid[script]'
	end load KILL
	said "$what"
	view "$dir/lines" ''
	start load "$bin/client" --timeout $limit --count 1000 $local "$port"
	finish load
	unview
	stop server
	not_said "$what"
}

scenario flood_at_end 4 own host -- "more lines than anybody reads in one second of a quiet run: the hint that scrolled away stands at the end, too"
flood_at_end()
{
	local what='More than a thousand lines a second:'

	needs script
	server --accept epoll
	mkfifo "$dir/ready"
	script -qfc "exec '$tcptrace' --netns $ns --mechanism $mechanism --ready-fd 9 9> '$dir/ready' 2> '$dir/talk'" \
		/dev/null > "$dir/screen" < /dev/null &
	pid[script]=$!
	until_ready
	client --count 200 --parallel 2
	until_said "$what"
	sleep 9
	kill -INT "$(pgrep_children "${pid[script]}")"
	wait "${pid[script]}"
	unset 'pid[script]'
	stop server
	expect "hints at the end" "$(tail -n 5 "$dir/screen" | grep -c "$what")" 1
}

scenario flood_ends 4 own host -- "a terminal that is behind: the hint comes all the same, and Ctrl-C ends the lines"
flood_ends()
{
	needs script
	server --accept epoll
	mkfifo "$dir/ready" "$dir/slow"
	cat < "$dir/slow" > /dev/null &
	pid[slow]=$!
	script -qfc "exec '$tcptrace' --netns $ns --mechanism $mechanism --ready-fd 9 9> '$dir/ready' 2> '$dir/talk'" \
		/dev/null > "$dir/slow" < /dev/null &
	pid[script]=$!
	until_ready
	start load "$bin/client" --timeout $limit --count 20000 --parallel 2 $local "$port"
	until_said 'More than a thousand lines a second: .tcptrace top. '
	kill -STOP "${pid[slow]}"
	sleep 3
	kill -INT "$(pgrep_children "${pid[script]}")"
	kill -CONT "${pid[slow]}"
	until_said 'the terminal was behind: [0-9]* more steps are counted, but not shown'
	wait "${pid[script]}" "${pid[slow]}"
	unset 'pid[script]' 'pid[slow]'
	end load KILL
	stop server
}

scenario there_before 4 own -- "sockets that were there: 24 rows, then how many; -c counts none, -e exists shows and counts all"
there_before()
{
	local more

	server --accept on-line --backlog 64
	client_hold --count 40
	view "$dir/screen" '' -c 1
	peer script 'syn 1; settle 50'
	ended_by_itself
	expect "rows of what was there" "$(grep -c '^exists ' "$dir/screen")" 24
	more=$(sed -n 's/^and \([0-9]*\) more that were there: .*ESTABLISHED.*/\1/p' "$dir/screen")
	within "what has no row" "${more:-0}" 50 90
	expect "rows of steps" "$(sed '/^$/q' "$dir/screen" | grep -cvE '^exists |^and |^EVENT|^$')" 1
	view "$dir/all" '' -e exists -c 70
	ended_by_itself
	expect "rows of -e exists" "$(grep -c '^exists ' "$dir/all")" 70
	client_go
	stop server
}

# It had seen enough (-c).
ended_by_itself()
{
	kill_late "${pid[tcptrace]}"
	wait "${pid[tcptrace]}"
	expect "exit status" $? 0
	unset 'pid[tcptrace]'
}

scenario hostile_comm 4 own -- "names with ESC and quotes never reach the terminal raw"
hostile_comm()
{
	local name=$'\e[31m"x\\\n\t\x7f'

	cp "$bin/client" "$dir/$name"
	own_trace
	start client "$dir/$name" $local $port
	finish client
	untrace
	expect "control characters in the JSON" "$(tr -d '\n' < "$json" | tr -cd '\000-\037\177' | wc -c)" 0
	expect "comm" "$(values comm socket)" '\u001b[31m\"x\\\u000a\u0009\u007f'
	timeout 20 "$tcptrace" --mechanism "$mechanism" -- "$dir/$name" $local $port > "$dir/table" 2> "$dir/talk"
	grep -q ECONNREFUSED "$dir/table" || fail "no line of it in the table"
	expect "control characters in the table" "$(tr -d '\n' < "$dir/table" | tr -cd '\000-\037\177' | wc -c)" 0
	expect "and on standard error" "$(tr -d '\n' < "$dir/talk" | tr -cd '\000-\037\177' | wc -c)" 0
}

scenario doctor 4 own -- "doctor runs and names a mechanism for each hook"
doctor()
{
	"$tcptrace" --mechanism "$mechanism" doctor > "$dir/doctor" 2>&1
	expect "exit status" $? 0
	within "hooks with a mechanism" "$(grep -c " \(fentry\|kprobe\|tracepoint\|none\)  " "$dir/doctor")" 25 40
	# what has a fallback is not missed otherwise
	expect "programs that the verifier refused" "$(grep "not better: \(fentry\|kprobe\) load:" "$dir/doctor")" ""
	expect "what a snapshot does not see" "$(grep '^snapshot: .* none  ' "$dir/doctor")" ""
	# measured on 6.12; before 6.2 nothing is said
	! grep -q bpf_rdonly_cast /proc/kallsyms || grep -q '^What it costs: about [1-9]' "$dir/doctor" || fail "doctor does not say what it costs"
	case $mechanism in
	fentry | kprobe) within "hooks with this mechanism" "$(grep -v '^ ' "$dir/doctor" | grep -c " $mechanism  ")" 8 40 ;;
	tracepoint) expect "others" "$(grep -v '^ ' "$dir/doctor" | grep -c " \(fentry\|kprobe\)  ")" 0 ;;
	esac
}

scenario listeners_command 46 own -- "tcptrace listeners shows what ss -ltn shows"
listeners_command()
{
	server --backlog 7 --accept on-line
	peer_start 'auto 1-3; syn 1-5; settle 50; say here; wait-line; rst 4-5; settle 50'
	json=$dir/listeners
	"$tcptrace" --json --netns "$ns" listeners > "$json" 2> "$dir/talk"
	expect "exit status" $? 0
	expect "ss" "$(ss -Hltn | awk '{ print $2, $3 }')" "$(listener acceptq_now) $(listener effective)"
	listener_is lport=$port synq_now=2 acceptq_now=3 effective=7 opener.pid="${pid[server]}" opener.comm=server
	"$tcptrace" --netns "$ns" listeners > "$dir/table" 2>&1
	expect "exit status" $? 0
	grep -q ":$port .*server" "$dir/table" || fail "the table has no such line: $(cat "$dir/table")"
	peer_go
	stop server
}
