#!/bin/sh
# Make the whole sample catalogue anew: pictures (about 10 minutes on two free cores), then the words.
set -eu
cd "$(dirname "$0")"
blender -b -P render.py -- catalogue "$@"
python3 write.py
