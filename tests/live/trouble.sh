# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154 # lib.sh has the variables
#
# Planted troubles: what the first screen says of them, on a terminal of 80 columns
# and 24 rows. One tcptrace writes JSON and one the screen; both are quiet.
#
#	trouble; ...; end_trouble; told ID; screen 'accept queue' 'nginx\[[0-9]+\]'

trouble()
{
	own_trace -q
	mkfifo "$dir/ready"
	COLUMNS=80 "$tcptrace" -q --netns "$ns" --mechanism "$mechanism" --ready-fd 9 \
		9> "$dir/ready" > "$dir/screen" 2> "$dir/screen.talk" &
	pid[screen]=$!
	until_ready
}

end_trouble()
{
	kill -INT "${pid[screen]}"
	kill_late "${pid[screen]}"
	wait "${pid[screen]}"
	expect "exit status of the screen's tcptrace" $? 0
	unset 'pid[screen]'
	untrace
	expect "lines of findings with more than 80 columns" "$(awk -v RS= '/^!/' "$dir/screen" | grep -cE '^.{81}')" 0
	[[ -z $KEEP ]] || cat "$dir/screen"
}

# told [ID...]: these findings and no others
told()
{
	local want

	want=$(printf '%s\n' "$@" | sort -u | paste -sd ' ' -)
	[[ $(findings) == "$want" ]] || fail "findings is '$(findings)', not '$want': $(head -n 24 "$dir/screen")"
}

# screen REGEX...: each in the first 24 rows, in this order; a blank stands for any white space
screen()
{
	local text want=''

	text=$(head -n 24 "$dir/screen" | tr -s ' \n' ' ')
	for want; do
		if [[ ! $text =~ $want ]]; then
			fail "the first screen does not say '$want'${text:+ (in this place)}: $(head -n 24 "$dir/screen")"
			return
		fi
		text=${text#*"${BASH_REMATCH[0]}"}
	done
}

# never_says REGEX: anywhere
never_says() { ! tr -s ' \n' ' ' < "$dir/screen" | grep -qE -- "$1" || fail "it says '$1': $(head -n 24 "$dir/screen")"; }

# evidence ID KEY: of the last finding with that id
evidence()
{
	grep "^{\"type\":\"finding\",\"id\":\"$1\"" "$json" | tail -n 1 |
		awk -f "$here/json.awk" -f <(echo "{ print get(\"evidence.$2\") }")
}

# whose ID: the process that it names
whose()
{
	grep "^{\"type\":\"finding\",\"id\":\"$1\"" "$json" | tail -n 1 |
		awk -f "$here/json.awk" -f <(echo '{ print get("pid") }')
}

# until_full PORT [N]: N (limit + 1) connections wait to be accepted there
until_full()
{
	local i q max

	for ((i = 0; i < patience * 100; i++)); do
		read -r _ q max _ <<< "$(ss -Hltn "sport = :$1")"
		((${q:-0} >= ${2:-${max:-0} + 1})) && return
		sleep 0.01
	done
	fail "the accept queue of port $1 does not fill (${q:-none} of ${max:-?})"
}

# crowd N [ARGS]: N clients at once that stay; crowd_in: all of them are in; crowd_gone
crowd() { start crowd "$bin/client" --timeout $limit --timeout-ms 30000 --hold --burst "$1" "${@:2}" $local "$port"; }
crowd_in() { hear crowd HELD; expect "clients that got in" "$reply" "HELD $1"; }
crowd_gone() { say crowd; finish crowd; }

# nginx_at PORT BACKLOG [WORKERS]: ${pid[nginx]} is the master
nginx_at()
{
	needs nginx
	mkdir -p "$dir/www" "$dir/tmp"
	echo hello > "$dir/www/index.html"
	chmod 755 "$dir" "$dir/www" "$dir/tmp"
	cat > "$dir/nginx.conf" <<-EOC
	daemon off; master_process on; worker_processes ${3:-1}; pid $dir/nginx.pid; error_log $dir/nginx.error;
	events { worker_connections 512; }
	http {
		access_log off; client_body_temp_path $dir/tmp; proxy_temp_path $dir/tmp; fastcgi_temp_path $dir/tmp;
		uwsgi_temp_path $dir/tmp; scgi_temp_path $dir/tmp;
		server { listen $local:$1${2:+ backlog=$2}; root $dir/www; }
	}
	EOC
	background nginx nginx -p "$dir" -c "$dir/nginx.conf"
	until_port "$1"
}

# overflow_of NAME CLIENTS: its (last) process stands still until the queue of $port is full; $worker is that process
overflow_of()
{
	worker_of "$1"
	kill -STOP $worker
	crowd "$2"
	until_full "$port"
	kill -CONT $worker
	crowd_in "$2"
}

# worker_of NAME: $worker is its first child, or itself
worker_of()
{
	worker=$(pgrep_children "${pid[$1]}" | head -n 1)
	worker=${worker:-${pid[$1]}}
}

# until_stalled PORT MS: connections have waited there for as long: whoever saw it did so by the clock
until_stalled()
{
	until_full "$1" "${3:-1}"
	sleep "$(($2 / 1000)).$(printf %03d $(($2 % 1000)))"
}

# until_busy NAME: it has used a fifth of a second of CPU since
until_busy()
{
	local i began now

	began=$(cpu_ticks "${pid[$1]}")
	for ((i = 0; i < patience * 100; i++)); do
		now=$(cpu_ticks "${pid[$1]}")
		((now >= began + 20)) && return
		sleep 0.01
	done
	fail "$1 does nothing"
}

cpu_ticks() { sed 's/.*) //' "/proc/$1/stat" | awk '{ print $12 + $13 }'; }

# every_client ID N: the finding says of each of N clients what became of it
every_client()
{
	local key sum=0 n

	for key in reset in_soon in_1s in_2s in_3s in_5s in_10s in_later never not_yet again ghosts; do
		n=$(evidence "$1" "$key")
		sum=$((sum + ${n:-0}))
	done
	expect "clients of $1, and what became of them" "$(evidence "$1" clients) $sum" "$2 $2"
}
