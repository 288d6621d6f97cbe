#!/usr/bin/env bash
# Makes the files of this folder anew: speech, and the same speech as other
# people's encoders write it. Needs flite, sox, ffmpeg and opus-tools.
set -euo pipefail
cd "$(dirname "$0")"
flite -voice slt -t "Please hold the line, I will check your order." -o speech.wav
sox speech.wav -b 16 -r 16000 -c 1 -t s16 speech.s16 trim 0 2 gain -n -3
raw16=(-t s16 -r 16000 -c 1 speech.s16)
sox "${raw16[@]}" -r 8000 -t raw -e mu-law -b 8 speech.ulaw
sox "${raw16[@]}" -r 8000 -t raw -e a-law -b 8 speech.alaw
ff() { ffmpeg -hide_banner -loglevel error -y "$@"; }
ff -f s16le -ar 16000 -ac 1 -i speech.s16 -c:a g722 -f g722 speech.g722
sox "${raw16[@]}" -t wav -b 16 speech.wav
sox "${raw16[@]}" -t wav -b 16 -r 48000 -c 2 stereo.wav
sox stereo.wav -c 1 full.wav
opus=(--quiet --discard-comments --discard-pictures --padding 0 --serial 1)
opusenc "${opus[@]}" --bitrate 12 --speech speech.wav silk.opus
opusenc "${opus[@]}" --bitrate 36 --speech --framesize 20 full.wav hybrid.opus
opusenc "${opus[@]}" --bitrate 96 --music --framesize 10 speech.wav celt.opus
opusenc "${opus[@]}" --bitrate 20 --speech --framesize 60 speech.wav long.opus
opusenc "${opus[@]}" --bitrate 64 --music --framesize 5 stereo.wav stereo.opus
rm speech.wav stereo.wav full.wav
# G.729 has no other free encoder: ours makes it, ffmpeg decodes it.
(cd .. && go test -run TestG729IsWhatOthersDecode -update . >/dev/null) || true
ff -f g729 -i speech.g729 -f s16le speech.g729.s16
