# Sourced by the other scripts: how a step is announced, timed and reported.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
logs=$root/.setup/log
began=$SECONDS

say() { printf '%s\n' "$*"; }

die() {
	printf 'error: %s\n' "$*" >&2
	exit 1
}

# step NAME WHAT ADVICE COMMAND... says what is done and runs the command with
# its output in a log; meanwhile it shows every so often how long it has taken
# and the log's last line. A failure ends the script with one line: what the
# command said last, and the advice.
step() {
	local name=$1 what=$2 advice=$3 log line started pid shown status=0
	shift 3
	mkdir -p "$logs"
	log=$logs/$name.log
	started=$SECONDS
	say "==> $what"
	"$@" >"$log" 2>&1 </dev/null &
	pid=$!
	# An interrupt ends the command too.
	trap 'kill "$pid" 2>/dev/null; exit 130' INT TERM
	shown=$SECONDS
	while kill -0 "$pid" 2>/dev/null; do
		sleep 0.2
		if ((SECONDS - shown >= 10)); then
			shown=$SECONDS
			line=$(last_line "$log")
			say "    $((SECONDS - started)) s${line:+: $line}"
		fi
	done
	wait "$pid" || status=$?
	trap - INT TERM
	if ((status)); then
		die "$name: $(last_error "$log") - $advice (everything it said: ${log#"$root"/})"
	fi
	say "    done in $((SECONDS - started)) s"
}

last_line() { tail -c 4000 "$1" | tr '\r' '\n' | awk 'NF { line = $0 } END { print substr(line, 1, 110) }'; }

# last_error prints the first line that looks like the cause, else the last.
last_error() {
	local line
	line=$(grep -m 1 -E '^(E|Err|error|fatal|npm (ERR!|error))[: ]|: error:|no required module|dial tcp|cannot find' "$1" | cut -c 1-200) || true
	printf '%s' "${line:-$(last_line "$1")}"
}

# timed NAME COMMAND... runs a command in the open and tells how long it took.
timed() {
	local name=$1 started=$SECONDS status=0
	shift
	say "==> $name"
	"$@" || status=$?
	if ((status)); then
		say "    $name failed after $((SECONDS - started)) s"
		exit "$status"
	fi
	say "    $name: $((SECONDS - started)) s"
}
