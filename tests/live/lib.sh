# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154,SC2086 # run and the scenarios share the variables
#
# What a scenario is made of. It runs in a bash of its own, in a network
# namespace of its own; `run` sources this file and calls it.
#
#	trace; server --backlog 2 ...; client ...; finish server; untrace
#	expect drops "$(count drop cause=acceptq-full-syn)" 5
#
# Before untrace there is traffic, behind it there are the lines that tcptrace
# printed about this namespace, in $json. No step waits for luck: programs say
# READY or answer, tcptrace writes to --ready-fd.

patience=$((SLOW ? 60 : 20))	# seconds until a program that does not answer has failed
bad=0
limit=$((patience * 3))	# seconds that a program may run; in a batch it waits for the others
[[ -z ${SHARED:-} ]] || limit=900
declare -A pid reader writer last
port=8080

fail()
{
	bad=$((bad + 1))
	echo "$scenario $family: $*"
}

skip() { echo "skip: $*"; exit 77; }
die() { fail "$@"; exit 1; }

# expect WHAT ACTUAL EXPECTED
expect() { [[ $2 == "$3" ]] || fail "$1 is '$2', not '$3'"; }
# within WHAT ACTUAL MIN MAX
within()
{
	[[ $2 =~ ^-?[0-9]+$ ]] && (($2 >= $3 && $2 <= $4)) || fail "$1 is '$2', not $3 to $4"
}

sysctl_set() { echo "$2" > "/proc/sys/net/$1" || die "sysctl $1"; }

# ---- programs: NAME is who it is; its answers are read, its last line is kept ----

# start NAME COMMAND...
start()
{
	local name=$1 r w

	shift
	rm -f "$dir/$name.in" "$dir/$name.out"
	mkfifo "$dir/$name.in" "$dir/$name.out"
	exec {w}<> "$dir/$name.in"
	"$@" < "$dir/$name.in" > "$dir/$name.out" 2>> "$dir/errors" &
	pid[$name]=$!
	exec {r}< "$dir/$name.out"
	reader[$name]=$r
	writer[$name]=$w
	last[$name]=''
}

# hear NAME WORD: until a line begins with it; that line is $reply
hear()
{
	while IFS= read -r -t "$patience" -u "${reader[$1]}" reply; do
		last[$1]=$reply
		[[ $reply == "$2"* ]] && return
	done
	reply=''
	die "$1 never said $2 (last: ${last[$1]}; $(tail -n 1 "$dir/errors"))"
}

say() { echo "${*:2}" >&"${writer[$1]}"; }

# finish NAME [STATUS]: to its end
finish()
{
	local line rc r=${reader[$1]} w=${writer[$1]}

	while IFS= read -r -t "$patience" -u "$r" line; do
		last[$1]=$line
	done
	exec {r}<&- {w}>&-
	kill_late "${pid[$1]}"
	wait "${pid[$1]}"
	rc=$?
	unset "pid[$1]"
	expect "exit status of $1" "$rc" "${2:-0}"
}

# Until no connection is on its way out any more: a lost ACK of a FIN takes a retransmit.
all_gone()
{
	local i

	for ((i = 0; i < 100; i++)); do
		[[ -n $(ss -Htan state last-ack state fin-wait-1 state closing state close-wait) ]] || return 0
		sleep 0.1
	done
}

# Its output has ended, so it has too, or it hangs.
kill_late()
{
	local i state

	for ((i = 0; i < (SLOW ? patience * 100 : 500); i++)); do
		state=Z
		{ read -r _ _ state _ < "/proc/$1/stat"; } 2> /dev/null
		[[ $state != Z ]] || return
		sleep 0.01
	done
	fail "process $1 does not end"
	kill -KILL "$1"
}

# ended_within SECONDS PID: and says how
ended_within()
{
	local i

	for ((i = 0; i < $1 * 20; i++)); do
		[[ -e /proc/$2/stat && $(cut -d' ' -f3 < "/proc/$2/stat") != Z ]] || break
		sleep 0.05
	done
	((i < $1 * 20)) || fail "it has not ended in $1 s"
}

# until_said PATTERN: on standard error
until_said()
{
	local i

	for ((i = 0; i < patience * 20; i++)); do
		grep -qs "$1" "$dir/talk" && return
		sleep 0.05
	done
	die "it never says '$1': $(cat "$dir/talk")"
}

# until_blocked PID: it sleeps in a write to a pipe
until_blocked()
{
	local i

	for ((i = 0; i < patience * 20; i++)); do
		grep -q pipe_write "/proc/$1/stack" && return
		sleep 0.05
	done
	die "process $1 does not write: $(cat "/proc/$1/stack")"
}

# fact NAME KEY: of the last line
fact()
{
	local word

	for word in ${last[$1]}; do
		[[ $word == "$2="* ]] && { echo "${word#*=}"; return; }
	done
	echo "no $2 in '${last[$1]}'"
}

# facts NAME KEY=VALUE...
facts()
{
	local name=$1 want

	shift
	for want; do
		expect "$name's ${want%%=*}" "$(fact "$name" "${want%%=*}")" "${want#*=}"
	done
}

# server ARGS: listening on $port when this returns; named by $as, or "server"
server()
{
	local name=${as:-server}

	start "$name" "$bin/server" $any --port "$port" --timeout $limit "$@"
	hear "$name" READY
}

# serve COMMAND: what an --accept on-line server does; its answer is the last line
serve()
{
	say "${as:-server}" "$1"
	hear "${as:-server}" ''
	[[ $reply == ok* ]] || fail "the server says '$reply' to '$1'"
}

# stop NAME: a program that goes on until told
stop()
{
	kill "${pid[$1]}"
	finish "$1" "${2:-0}"
}

# peer ARGS: to its end.  peer_start SCRIPT: until it says "here"; peer_go: on, to its end
peer() { start peer "$bin/peer" $v6 --port "$port" --timeout $limit "$@"; finish peer; }
peer_start() { start peer "$bin/peer" $v6 --port "$port" --timeout $limit script "$1"; hear peer here; }
peer_go() { say peer; finish peer; }

# client ARGS, without address and port
client() { start client "$bin/client" --timeout $limit "$@" $local "$port"; finish client; }
client_hold() { start client "$bin/client" --timeout $limit --hold "$@" $local "$port"; hear client HELD; }
client_go() { say client; finish client; }

# ---- programs of the world ----

needs()
{
	local p

	for p; do
		command -v "$p" > /dev/null || skip "no $p here"
	done
}

# background NAME COMMAND...: a server that says nothing of use
background()
{
	local name=$1

	shift
	"$@" > "$dir/$name.log" 2>&1 < /dev/null &
	pid[$name]=$!
}

until_port()
{
	local i

	for ((i = 0; i < 1000; i++)); do
		[[ -n $(ss -Hltn "sport = :$1") ]] && return
		sleep 0.01
	done
	die "nobody listens on port $1: $(tail -n 2 "$dir"/*.log)"
}

# postgres_at PORT [ARGS]: as nobody, it refuses to run as root
postgres_at()
{
	local bin

	needs postgres setpriv
	bin=$(dirname "$(readlink -f "$(command -v postgres)")")
	[[ -x $bin/initdb ]] || skip "no initdb beside postgres"
	chmod 755 "$dir"
	mkdir "$dir/data"
	chown nobody "$dir/data"
	setpriv --reuid nobody --clear-groups "$bin/initdb" -D "$dir/data" -U postgres -A trust --no-sync > "$dir/initdb.log" 2>&1 ||
		die "initdb: $(tail -n 1 "$dir/initdb.log")"
	background postgres setpriv --reuid nobody --clear-groups "$bin/postgres" -D "$dir/data" -p "$1" -k "$dir/data" "${@:2}"
	until_port "$1"
}

end() { kill "-${2:-TERM}" "${pid[$1]}" 2>/dev/null; wait "${pid[$1]}"; unset "pid[$1]"; }

# second_device: $other is a process in a namespace at the other end of dev0 (10.99.0.1)
second_device()
{
	ip link add dev0 type veth peer name dev1 2> /dev/null || skip "no veth in this kernel"
	unshare -n sleep $limit &
	other=$! pid[other]=$!
	until [[ $(readlink "/proc/$other/ns/net") != "$(readlink /proc/self/ns/net)" ]]; do :; done
	ip link set dev1 netns "$other"
	ip addr add 10.99.0.1/24 dev dev0
	ip link set dev0 up
	nsenter -t "$other" -n ip addr add 10.99.0.2/24 dev dev1
	nsenter -t "$other" -n ip link set dev1 up
}

pgrep_children() { cat "/proc/$1/task/$1/children" | tr ' ' '\n' | grep .; }

# ---- tcptrace ----

# trace [ARGS]: attached when this returns. Without ARGS a batch of scenarios may share one.
trace()
{
	if [[ -n $SHARED && $# -eq 0 ]]; then
		shared_wait ready
		own_counters before
		return
	fi
	own_trace --check "$@"
}

# own_trace ARGS
own_trace()
{
	json=$dir/json
	view "$json" '' --json "$@"
	own_counters before
}

# descriptors PID: what each is (a guest's find knows no -lname, its readlink takes one file)
descriptors()
{
	local f

	for f in "/proc/$1/fd/"*; do
		readlink "$f"
	done
}

# view OUT COMMAND [ARGS]: tcptrace COMMAND (may be empty) of this namespace, which writes into OUT, until `unview`
view()
{
	local out=$1 command=$2

	mkfifo "$dir/ready"
	"$tcptrace" ${command:+"$command"} --netns "$ns" --mechanism "$mechanism" --ready-fd 9 "${@:3}" \
		9> "$dir/ready" > "$out" 2> "$dir/talk" &
	pid[tcptrace]=$!
	until_ready
}

unview()
{
	kill -INT "${pid[tcptrace]}" 2>/dev/null
	wait "${pid[tcptrace]}"
	expect "exit status of tcptrace" $? 0
	unset 'pid[tcptrace]'
}

# tcptrace writes a newline; a fifo that ends without one is a tcptrace that failed
until_ready()
{
	local line

	read -r -t "$patience" line < "$dir/ready" || die "tcptrace does not start: $(tail -n 3 "$dir/talk")"
	rm "$dir/ready"
}

# In a batch: tell `run` where we are, and go on when it says so.
shared_wait()
{
	echo "$1 $scenario $family $ns" > "$SHARED/told"
	read -r -t 900 _ < "$SHARED/$scenario.$family.go" || die "the batch is gone"
}

# untrace [STATUS]: stop it, keep what it wrote, and judge the ledger
untrace()
{
	local rc want=${1:-0}

	if [[ -z ${pid[tcptrace]:-} ]]; then
		own_counters after
		shared_wait quiet
		json=$SHARED/$scenario.$family.json
	else
		kill -INT "${pid[tcptrace]}"
		kill_late "${pid[tcptrace]}"
		wait "${pid[tcptrace]}"
		rc=$?
		own_counters after
		unset 'pid[tcptrace]'
		last_line end missed > "$OUT/$mechanism/$scenario.$family.missed"
	fi
	grep '^{"type":"\(ledger\|lost\|end\)"' "$json" >> "$OUT/$mechanism/$scenario.$family.ledger"	# of each try
	[[ ! -e $dir/talk ]] || grep -e '--check:' "$dir/talk" >> "$OUT/$mechanism/$scenario.$family.ledger"
	judge_ledger
	[[ -z ${rc:-} ]] || expect "exit status of tcptrace" "$rc" "$((differ ? 1 : want))"
	judge_end
	multiset > "$OUT/$mechanism/$scenario.$family.events"
	[[ -z $SHARED ]] || head -c 4000000 "$json" > "$OUT/$mechanism/$scenario.$family.json"	# why a comparison differs
}

# vmhwm PID: the most memory it had, in MB, the ring buffer's mapping included
vmhwm() { awk '/^VmHWM/ { print int($2 / 1024) }' "/proc/$1/status"; }

# own_counters FILE: the kernel's numbers as this script reads them
own_counters() { cat /proc/net/snmp /proc/net/netstat > "$dir/$1"; }

# passed_over COUNTER KERNEL COUNTED: too few of what the scenario names in may_miss, as the kernel passes over a kprobe while
# another one runs: no more than tcptrace says, or (before 6.7, which does not) one in a hundred. On this machine no program
# runs in a softirq on top of some threads (perf sees what comes there): timers, which are all that send again, may be there.
passed_over()
{
	local said

	[[ " ${may_miss:-} " == *" $1 "* ]] && (($3 < $2)) || return
	case $mechanism.$release.$1 in
	kprobe.6.1.* | kprobe.5.*) ((($2 - $3) * 100 <= $2)) ;;
	kprobe.*)
		said=$(sed -n "s/.*--check: $1: the kernel passed over .* \([0-9]*\) times$/\1/p" "$dir/talk")
		(($2 - $3 <= ${said:-0})) ;;
	tracepoint.6.18.RetransSegs) ((($2 - $3) * 20 <= $2)) ;;
	*) return 1 ;;
	esac
}

# Each counter of the ledger must agree, but for those that blind_to names; and what
# tcptrace read in the kernel must be what we read.
judge_ledger()
{
	local counter kernel counted ours

	differ=0
	while read -r counter kernel counted ours; do
		[[ -n $counter ]] || continue
		# what a timer sends again between tcptrace's reading and ours is no mistake of either
		[[ $counter == RetransSegs ]] && ((ours >= kernel && (SLOW || ours - kernel <= 2))) ||
			expect "tcptrace's reading of $counter" "$kernel" "$ours"
		[[ $kernel != "$counted" ]] || continue
		differ=$((differ + 1))
		blind_to "$counter" || passed_over "$counter" "$kernel" "$counted" ||
			fail "ledger: $counter: the kernel $kernel, counted $counted"
	done <<< "$(awk -f "$here/json.awk" -f "$here/ledger.awk" "$dir/before" "$dir/after" "$json")"
	[[ -z $SHARED ]] || ((!differ)) || echo "$ns" >> "$SHARED/differ"
}

# kernel COUNTER=VALUE...: by how much it rose, as we read it
kernel()
{
	local want got=()

	mapfile -t got < <(awk -v names="${*%%=*}" -f "$here/json.awk" -f "$here/ledger.awk" \
		"$dir/before" "$dir/after")
	for want; do
		expect "kernel's ${want%%=*}" "${got[0]:-}" "${want#*=}"
		got=("${got[@]:1}")
	done
}

judge_end()
{
	local illegal missed states

	[[ -n $SHARED && ! -e $dir/json ]] && return
	expect "end lines" "$(grep -c '^{"type":"end"' "$json")" 1
	[[ -n ${may_lose:-} ]] || expect lost "$(last_line end lost)" 0
	illegal=$(last_line end illegal)	# not judged by a profile that leaves transitions out
	missed=$(last_line end missed)
	[[ $mechanism != tracepoint || -n $missed ]] || fail "nothing is told of what was missed"
	excused illegal || missed=0
	# There, a softirq on top of some threads runs no program: about one transition in 100,000 is not seen.
	states=$(last_line end by_event.state)
	[[ $release != 6.18 ]] || missed=$((${missed:-0} + ${states:-0} / 50000))
	within "illegal transitions" "${illegal:-0}" 0 "${missed:-0}"
}

# ---- what tcptrace wrote ----

# lines EVENT KEY=VALUE...: EVENT "-": any; KEY=: absent; KEY=*: there; KEY=~REGEX
lines() { awk -f "$here/json.awk" -f "$here/lines.awk" "$@" < "$json"; }
count() { lines "$@" | wc -l; }
# values KEY EVENT KEY=VALUE...: one a line, in their order
values() { lines "${@:2}" | awk -f "$here/json.awk" -f <(echo "{ print get(\"$1\") }"); }
# chain KEY=VALUE...: the transitions of what matches, in their order
chain()
{
	lines state "$@" | awk -f "$here/json.awk" -f <(echo '{ printf "%s%s>%s", (NR > 1 ? " " : ""), get("old"), get("new") }')
}
# unique: the different values of stdin in one line
unique() { sort -u | paste -sd ' ' -; }

# wait_seen N EVENT KEY=VALUE...: until tcptrace, which goes on, has told so many
wait_seen()
{
	local i json=${json:-} want=$1 only=()

	shift
	[[ -n ${pid[tcptrace]:-} ]] || { json=$SHARED/json; only=("netns=$ns"); }
	for ((i = 0; i < patience * 20; i++)); do
		[[ $(count "$@" "${only[@]}") == "$want" ]] && return
		sleep 0.05
	done
	fail "tcptrace has not told $want $*"
}

# last_line TYPE KEY: of the last line of that type
last_line()
{
	grep "^{\"type\":\"$1\"" "$json" | tail -n 1 |
		awk -f "$here/json.awk" -f <(echo "{ print get(\"$2\") }")
}

# listener KEY [N]: of the Nth listener's summary line (1); KEY may be a path: synq.peak
listener()
{
	grep '^{"type":"listener"' "$json" | sed -n "${2:-1}p" |
		awk -f "$here/json.awk" -f <(echo "{ print get(\"$1\") }")
}

# nth N: the number that the Nth listener goes by (others may share the tcptrace)
nth() { listener listener "$1"; }

# listener_is KEY=VALUE...
listener_is()
{
	local want got=() all=''

	for want; do
		all+=" print get(\"${want%%=*}\");"
	done
	mapfile -t got < <(grep '^{"type":"listener"' "$json" | head -n 1 |
		awk -f "$here/json.awk" -f <(echo "{$all }"))
	for want; do
		expect "listener's ${want%%=*}" "${got[0]:-}" "${want#*=}"
		got=("${got[@]:1}")
	done
}

# events WANT...: WANT is EVENT[,KEY=VALUE...]:COUNT
events()
{
	local want got what

	while read -r got what; do
		want=$1
		shift
		[[ $what == "${want%:*}" ]] || fail "counted $what, not $want"
		expect "$what" "$got" "${want##*:}"
	done < <(awk -v count=1 -f "$here/json.awk" -f "$here/lines.awk" "$@" < "$json")
	expect "wants that were not counted" "$#" 0
}

findings() { grep '^{"type":"finding"' "$json" | sed 's/.*"id":"\([^"]*\)".*/\1/' | unique; }

# All the JSON that it wrote in this scenario, by user/doc/schema.json; *.cmp is what the scenario itself made of it.
judge_schema()
{
	local files

	mapfile -d '' files < <(find "$dir" -maxdepth 1 -type f ! -name '*.cmp' ! -name '*.out' -size +0 -print0)
	command -v python3 > /dev/null && ((${#files[@]})) || return 0	# guests have none
	python3 "$here/../golden/check-json.py" "${files[@]}" > "$OUT/$mechanism/$scenario.$family.types" 2> "$dir/schema" ||
		fail "schema: $(tail -n 1 "$dir/schema")"
}

# (event, cause, old, new) with their counts: what mechanisms are compared by
multiset() { awk -f "$here/json.awk" -f "$here/multiset.awk" "$json" | sort; }

# said REGEX: on standard error, in one line
said() { expect "lines on standard error with '$1'" "$(grep -cE "$1" "$dir/talk")" 1; }

not_said() { expect "lines on standard error with '$1'" "$(grep -cE "$1" "$dir/talk")" 0; }

five_accepts()
{
	server --accept loop --max 5
	client --count 5
	finish server
	untrace 0
}

# ---- what a mechanism cannot see: the one list ----

# mechanism | kernels | scenarios | what | reason.  The first three are globs, kernels and
# scenarios apart by a slash. A counter's name excuses the ledger, EVENT or EVENT,CAUSE the
# comparison of mechanisms; other words are for sees(). Mechanism "*": not a matter of mechanisms.
exceptions='
* | * | client_reset | acceptq-del | the RST or accept(), whichever is first
* | * | late_ack | destroy state,FIN_WAIT1,FIN_WAIT2 state,FIN_WAIT2,TIME_WAIT | the peer goes when the last FIN comes
* | * | * | rst-sent cookie-bad retrans synack-retrans | how fast the machine answers; the ledger judges them
* | * | * | exists,TIME_WAIT exists,LAST_ACK state,TIME_WAIT,CLOSE | how long the others of the batch take
* | * | relisten | exists,CLOSE | a snapshot that comes between shutdown() and close() of the listener
* | 5.10/6.1 | trouble_*/asked_* | rst-nobody | tcp_send_reset tells of none without a socket before 6.12
* | 7.2* | load_many | illegal | preemptible: what a program was kept from is counted, and may make a step impossible
tracepoint | 5.10/6.1/6.12 | ledger_firewall/retrans_unqueued/retrans_unrouted | RetransSegs | what a firewall or a full queue refuses is not traced before 6.16
tracepoint | * | conns_ends | minisock | no hook for the end of an orphan in FIN_WAIT2
tracepoint | * | conns_ends | reset-by | no hook has the segment for which tcp_reset() is called
* | 5.10* | conns_ends | reset-by | tcp_reset() is not given its segment before 5.11
tracepoint | 5.10/6.1 | conns_ends | minisock-reset | kfree_skb has no rx_sk before 6.11
tracepoint | * | flood | exists,NEW_SYN_RECV synq-del | a request that the sweep meets while it is being made
tracepoint | * | kernel_listener | kernel-calls | the kernel makes no system calls
kprobe | 5.10* | kernel_listener | kernel-calls | no __inet_accept(): its accepts go by system calls, too
tracepoint | * | not_tcp | connect | one whose address is refused sends no SYN: its return alone is seen
tracepoint | * | migration | migration acceptq-add,migrated acceptq-del | no hook for inet_reqsk_clone()
tracepoint | 5.10/6.1/6.12 | third_unrouted | ListenDrops AttemptFails drop drop,no-memory | only the counter of full queues tells of a third packet that is refused
'

# excused WHAT [MECHANISM]
excused()
{
	local m k s w _

	while IFS='|' read -r m k s w _; do
		m=${m// } k=${k// } s=${s// }
		[[ -n $m && " $w " == *" $1 "* && ${2:-$mechanism} == @($m) &&
			$release == @(${k//\//|}) && $scenario == @(${s//\//|}) ]] && return
	done <<< "$exceptions"
	return 1
}

blind_to() { excused "$1"; }
sees() { ! excused "$1"; }

# ---- the scenario's process ----

cleanup()
{
	local p

	for p in "${pid[@]}"; do
		kill -KILL "$p" 2>/dev/null
	done
	wait 2>/dev/null
	[[ -z $KEEP ]] && rm -rf "$dir"
}

inside()
{
	scenario=$1 family=$2
	dir=$(mktemp -d "${TMPDIR:-/tmp}/live.XXXXXX")
	: > "$dir/errors"
	trap cleanup EXIT
	trap 'exit 1' TERM INT HUP
	[[ -z $KEEP ]] || echo "$scenario $family keeps $dir"
	ip link set lo up
	ns=$(stat -L -c %i /proc/self/ns/net)
	v6='' any='' local=127.0.0.1 family_name=ipv4
	[[ $family == 4 ]] || v6=-6 any=--any local=::1 family_name=ipv6
	shopt -s extglob
	"$scenario"
	judge_schema
	exit $((bad ? 1 : 0))
}
