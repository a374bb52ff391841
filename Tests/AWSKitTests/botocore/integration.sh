#!/bin/sh
# Compares AWSKit with botocore over thousands of fresh cases, then runs every call against moto.
#
#   integration.sh [seed]
#
# PYTHON is an interpreter with requirements.txt installed (the project's .venv), PYTHON_SQS one with
# requirements-sqs.txt; a folder for the latter is made beside the former if it is not named.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
seed=${1:-$(date +%j)}
PYTHON=${PYTHON:-$root/.venv/bin/python}
if [ -z "${PYTHON_SQS:-}" ]; then
  "$PYTHON" -m venv "$root/.venv/sqs"
  PYTHON_SQS=$root/.venv/sqs/bin/python
  "$PYTHON_SQS" -m pip install --quiet -r "$here/requirements-sqs.txt"
fi
work=$(mktemp -d)
trap 'kill "${moto:-0}" 2>/dev/null || true; rm -rf "$work"' EXIT
echo "seed $seed"
"$PYTHON" "$here/signing.py" --seed "$seed" --count 6000 >"$work/signing.jsonl"
"$PYTHON" "$here/signing.py" --seed "$seed" --count 500 --chunks >"$work/chunks.jsonl"
"$PYTHON" "$here/sharedconfig.py" --seed "$seed" --count 20000 >"$work/sharedconfig.jsonl"
"$PYTHON" "$here/endpoints.py" --every 3 >"$work/endpoints.jsonl"
"$PYTHON" "$here/calls.py" --seed "$seed" --count 60 >"$work/requests.jsonl"
"$PYTHON_SQS" "$here/calls.py" --services sqs --seed "$seed" --count 60 >"$work/requests-sqs.jsonl"
mkfifo "$work/stdin"
"$PYTHON" "$here/moto_server.py" <"$work/stdin" >"$work/url" &
moto=$!
exec 9>"$work/stdin"
tries=0
until [ -s "$work/url" ]; do
  tries=$((tries + 1))
  [ "$tries" -lt 300 ] || { echo "moto did not start" >&2; exit 1; }
  sleep 0.1
done
cd "$root"
AWSKIT_VECTORS=$work AWSKIT_MOTO_URL=$(cat "$work/url") swift test --disable-xctest --filter AWSKitTests
