# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2046,SC2086,SC2154 # lib.sh has the variables; numbers are not quoted
#
# A page and a trace for Perfetto, beside JSON of the same run: they must have its numbers.

# page_is, trace_is: complete, for the owner alone, with the numbers of $json
page_is()
{
	expect "the page's files" "$(cd "$dir" && stat -c '%n %a' page.html*)" "page.html 600"
	python3 "$here/page.py" "$dir/page.html" "$json" > "$dir/verdict" || fail "page: $(cat "$dir/verdict")"
}

trace_is()
{
	local proto=$here/../../user/view

	expect "the trace's files" "$(cd "$dir" && stat -c '%n %a' trace*)" "trace 600"
	protoc --decode=perfetto.Trace --proto_path="$proto" "$proto/perfetto.proto" < "$dir/trace" > "$dir/decoded" ||
		fail "protoc cannot read the trace"
	python3 "$here/../golden/check-perfetto.py" "$dir/decoded" "$json" > "$dir/verdict" || fail "trace: $(cat "$dir/verdict")"
}

# clocks: are MONOTONIC, REALTIME and BOOTTIME of a trace as far from each other as here? perf and ftrace have the last.
clocks()
{
	local proto=$here/../../user/view

	protoc --decode=perfetto.Trace --proto_path="$proto" "$proto/perfetto.proto" | python3 -c '
import re, sys, time
snapshot = sys.stdin.read().split("clock_snapshot {")[1].split("\n  }\n")[0]
at = {int(i): int(t) for i, t in re.findall(r"clock_id: (\d+)\s+timestamp: (\d+)", snapshot)}
for clock, number in ("REALTIME", 1), ("BOOTTIME", 6):
    here = time.clock_gettime_ns(getattr(time, "CLOCK_" + clock)) - time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    if abs(here - (at[number] - at[3])) > 50_000_000:
        sys.exit(f"{clock} is {at[number] - at[3]} ahead of MONOTONIC, here {here}")
print("as this machine\x27s")'
}

scenario pages 46 own -- "a page and a trace beside JSON: the same numbers, arrows between both ends"
pages()
{
	needs python3 protoc
	own_trace --check --out "report:$dir/page.html" --out "perfetto:$dir/trace"
	server --backlog 2 --accept on-line
	client_hold --nonblock --count 8 --timeout-ms 150
	serve "accept 2"
	client_go
	client --count 1
	stop server
	untrace
	page_is
	trace_is
	listener_is accepted=2 established=4 drops=$(count drop)
	expect arrows "$(grep -o '[0-9]* arrows.*' "$dir/verdict")" \
		"$(count acceptq-add) arrows from connect(), $(count accept) to accept()"
}

# As many as the rings hold, however busy this machine is. JSON is made of the recording, in which conns have other numbers.
scenario pages_load 4 own alone loose -- "2,503 connections: the page says what it leaves out, and its memory is bounded"
pages_load()
{
	local n=$((SLOW ? 503 : 2503)) out alone=

	needs python3 protoc
	json=$dir/json
	for out in "" "--out report:$dir/page.html --out perfetto:$dir/trace"; do
		view "$dir/text" '' --quiet -w "$dir/record" $out
		start load "$bin/load" --count $n --port $port
		finish load
		[[ -z $out ]] || within "memory of page and trace, MB" "$(($(vmhwm "${pid[tcptrace]}") - alone))" 0 47 # tcptrace(8)
		alone=$(vmhwm "${pid[tcptrace]}")
		all_gone
		unview
	done
	"$tcptrace" --json --netns "$ns" -r "$dir/record" > "$json" 2> "$dir/talk" || fail "$(cat "$dir/talk")"
	expect "events lost" "$(last_line end lost)" 0
	page_is
	within "bytes of the page" "$(stat -c %s "$dir/page.html")" 100000 5242880
	((SLOW)) || grep -q '5,000 of 5,006 are shown' "$dir/page.html" ||
		fail "the page says $(grep -o '<p class="left">[^<]*' "$dir/page.html" | tail -n 1)"
}

scenario pages_program 4 own host -- "report and perfetto of a program: its status, and a file only when it is complete"
pages_program()
{
	local what

	needs python3 protoc
	for what in report perfetto; do
		"$tcptrace" $what -o "$dir/$what" -- "$bin/load" --count 23 --port $port > "$dir/text" 2> "$dir/talk" ||
			fail "$what: $(cat "$dir/talk")"
		expect "$what's file" "$(cd "$dir" && stat -c '%n %a' $what*)" "$what 600"
		within "$what's bytes" "$(stat -c %s "$dir/$what")" 4000 5242880
		"$tcptrace" $what -o "$dir/none" -- sh -c 'exit 7' > "$dir/text" 2> "$dir/talk"
		expect "$what: exit status of a program that fails" $? 7
		rm "$dir/$what" "$dir/none"
	done
	"$tcptrace" --out "report:$dir/page.html" --out "perfetto:$dir/trace" -- "$bin/load" --count 23 --port $port \
		> "$dir/text" 2> "$dir/talk" || fail "beside the table: $(cat "$dir/talk")"
	expect "listeners on it, and in the summary" "$(grep -c '<article' "$dir/page.html") $(grep -c '^0.0.0.0:.* load' "$dir/text") \
$(grep -c '  backlog [0-9]* (asked' "$dir/text")" "1 1 1"
	expect "connections on the page beside the table" "$(grep -c '<tr id="conn-' "$dir/page.html")" 46
	within "lines of the table" "$(grep -c acceptq-add "$dir/text")" 23 23
	expect "clocks of the trace" "$(clocks < "$dir/trace")" "as this machine's"
	expect "connections on the page" "$("$tcptrace" report -o - -- "$bin/load" --count 23 --port $port 2> "$dir/talk" |
		grep -c '<tr id="conn-')" 46
}
