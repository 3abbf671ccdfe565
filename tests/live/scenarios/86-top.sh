# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2046,SC2086,SC2154 # lib.sh has the variables; numbers are not quoted
#
# `tcptrace top` while it runs: its intervals add up to what happened, and what the screen costs.

# sum_of KEY: of all intervals of port $port
sum_of()
{
	awk -f "$here/json.awk" -f <(echo "
		/\"type\":\"top\"/ && get(\"lport\") == $port { n += get(\"interval.$1\") }
		END { print n + 0 }") "$json"
}

most_of()
{
	awk -f "$here/json.awk" -f <(echo "
		/\"type\":\"top\"/ && get(\"lport\") == $port { v = get(\"interval.$1\") + 0; n = v > n ? v : n }
		END { print n + 0 }") "$json"
}

scenario top_intervals 46 own each loose -- "top -j: intervals add up, peaks between two looks are seen"
top_intervals()
{
	json=$dir/json
	view "$json" top -j -i 0.2
	server --accept loop --max 23
	client --count 23
	finish server
	listen_2_refuses
	end tcptrace INT
	expect "new, of all intervals" "$(sum_of new)" $((23 + 3))
	expect "accepted, of all intervals" "$(sum_of accepted)" 23
	within "refused, of all intervals" "$(sum_of refused)" 1 100
	within "longest accept queue of an interval" "$(most_of acceptq_peak)" 3 23
	expect "lost" "$(last_line end lost)" 0
}

# A queue of three that nobody takes from, and one more client
listen_2_refuses()
{
	server --backlog 2 --accept none
	client_hold --count 3
	timeout 0.4 "$bin/client" --timeout 1 --count 1 $local "$port" > /dev/null 2>&1
	sleep 0.3		# an interval
	client_go
	stop server
}

# on_screen COMMAND...: in tmux, in this namespace
on_screen()
{
	tmux -S "$dir/tmux" -f /dev/null new-session -d -x 80 -y 24 "$(printf '%q ' "$@") > /dev/tty; sleep 1000"
}
on_screen_pid() { pgrep_children "$(tmux -S "$dir/tmux" list-panes -F '#{pane_pid}')"; }
shown() { tmux -S "$dir/tmux" capture-pane -p; }
until_shown()
{
	local i

	for ((i = 0; i < patience * 10; i++)); do
		shown | grep -qF -- "$1" && return
		sleep 0.1
	done
	die "no '$1' on the screen: $(shown)"
}
cpu_of() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }	# ticks

scenario top_screen 4 host alone loose own -- "top on a screen: 100 idle listeners cost at most 1 % CPU, a load loses nothing"
top_screen()
{
	local i top ticks before served

	needs nginx wrk curl tmux
	mkdir -p "$dir/tmp"
	chmod 755 "$dir" "$dir/tmp"
	{
		echo "daemon off; worker_processes 1; pid $dir/nginx.pid; error_log $dir/nginx.error; events { }"
		echo "http { access_log off; keepalive_timeout 0; client_body_temp_path $dir/tmp; proxy_temp_path $dir/tmp;"
		echo "fastcgi_temp_path $dir/tmp; uwsgi_temp_path $dir/tmp; scgi_temp_path $dir/tmp; server {"
		for ((i = 0; i < 100; i++)); do echo "listen 127.0.0.1:$((port + i));"; done
		echo "location = /status { stub_status; } location / { return 200 x; } } }"
	} > "$dir/nginx.conf"
	background nginx nginx -p "$dir" -c "$dir/nginx.conf"
	until_port $((port + 99))
	on_screen env TERM=xterm-256color LC_ALL=C.UTF-8 "$tcptrace" top --netns "$ns" --mechanism "$mechanism"
	until_shown "listeners 100/100"
	top=$(on_screen_pid)
	ticks=$(cpu_of "$top")
	sleep 5
	within "CPU ticks of 500 with 100 idle listeners" $(($(cpu_of "$top") - ticks)) 0 5
	before=$(curl -s "http://127.0.0.1:$port/status" | awk 'NR == 3 { print $1 }')
	wrk -t 1 -c 23 -d 2s "http://127.0.0.1:$port/" > "$dir/wrk" || fail "wrk failed"
	tmux -S "$dir/tmux" send-keys Space
	until_shown FROZEN
	wrk -t 1 -c 23 -d 1s "http://127.0.0.1:$port/" >> "$dir/wrk" || fail "wrk failed"
	served=$(curl -s "http://127.0.0.1:$port/status" | awk 'NR == 3 { print $1 }')
	until_shown FROZEN
	tmux -S "$dir/tmux" send-keys Space Enter
	until_shown "accept queue"
	tmux -S "$dir/tmux" send-keys Q
	until_shown " lost"
	tmux -S "$dir/tmux" capture-pane -p -S - > "$dir/screen"
	tmux -S "$dir/tmux" kill-server
	end nginx QUIT
	expect "lost" "$(sed -n 's/.* events, \([0-9]*\) lost.*/\1/p' "$dir/screen")" 0
	expect "accepted by nginx, and seen, the frozen time too" \
		"$(sed -n "/^127.0.0.1:$port /,/accepted/s/.*accepted \([0-9]*\).*/\1/p" "$dir/screen")" $((served - before + 1))
	within "connections" $((served - before)) 100 10000000
}

keys() { tmux -S "$dir/tmux" send-keys "$@"; }
until_gone()
{
	local i

	for ((i = 0; i < patience * 10; i++)); do
		shown | grep -qF -- "$1" || return
		sleep 0.1
	done
	die "'$1' stays on the screen: $(shown)"
}

# programs PID: how many BPF programs it has loaded
programs() { descriptors "$1" | grep -c bpf-prog; }

scenario top_ladder 4 own each loose -- "top on a screen: hooks for a connection while its ladder is open, and R records"
top_ladder()
{
	local top before during i

	needs tmux
	server --accept on-line
	(cd "$dir" && on_screen env TERM=xterm-256color LC_ALL=C.UTF-8 "$tcptrace" top --netns "$ns" --mechanism "$mechanism")
	until_shown ":$port"
	top=$(on_screen_pid)
	before=$(programs "$top")
	keys Enter
	until_shown "WHERE"
	client_hold
	serve accept
	until_shown " 127.0.0.1:"
	keys R
	until_shown "RECORDING"
	keys End Enter
	until_shown "while this screen is open"
	during=$(programs "$top")
	within "programs more for a ladder" $((during - before)) 4 60
	client_go
	until_shown "CLOSE_WAIT"
	keys Escape
	until_gone "while this screen is open"
	for ((i = 0; i < patience * 10 && $(programs "$top") > before; i++)); do
		sleep 0.1		# they are detached one after the other
	done
	expect "programs after it" "$(programs "$top")" "$before"
	keys R
	until_shown "recorded: tcptrace top -r tcptrace-"
	keys Q
	until_shown " lost"
	tmux -S "$dir/tmux" kill-server
	stop server
	"$tcptrace" -j -r "$dir"/tcptrace-2*.tcp > "$dir/json" 2>> "$dir/errors" || fail "the recording does not replay"
	json=$dir/json
	expect "for its owner alone" "$(stat -c %a "$dir"/tcptrace-2*.tcp)" 600
	within "transitions to CLOSE_WAIT in it" "$(count state new=CLOSE_WAIT lport=$port)" 1 1
	within "sockets that were there before" "$(count exists lport=$port)" 1 10
}
