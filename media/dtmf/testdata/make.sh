#!/usr/bin/env bash
# Makes keys.ul anew: the 16 keys, row by row, for 50 ms each with 50 ms
# between them, by sox. Needs sox.
set -euo pipefail
cd "$(dirname "$0")"
declare -A low=([1]=697 [4]=770 [7]=852 [s]=941) high=([1]=1209 [2]=1336 [3]=1477 [A]=1633)
rows="1 4 7 s" columns="1 2 3 A"
parts=()
for r in $rows; do
	for c in $columns; do
		sox -D -n -r 8000 -b 16 "key$r$c.wav" synth 0.05 sine "${low[$r]}" sine "${high[$c]}" remix - gain -12 pad 0.025 0.025
		parts+=("key$r$c.wav")
	done
done
sox -D "${parts[@]}" -t ul keys.ul
rm -f key*.wav
