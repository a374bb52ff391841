#!/bin/sh
# Starts a web UI's API (A1111, Forge) for one agent: no pages, nothing fetched, everything that it writes in DATA_DIR.
#
#   ENGINE_ADDRESS, ENGINE_PORT   where it listens; 127.0.0.1:8080
#   MODELS_DIR                    models, in folders as the web UI names them (Stable-diffusion, VAE, Lora, ...); /models
#   SD_MODEL_CHECKPOINT           the file that is loaded; not with DYNAMIC_SD_MODEL=true
#   EXTRA_CMD_ARG                 further flags
#   DATA_DIR, ENGINE_HOME         where it writes, /data, and where it is, /opt/engine
set -eu

models=${MODELS_DIR:-/models}
data=${DATA_DIR:-/data}
mkdir -p "$data/models" "$data/extensions" "$data/embeddings"
# The models may lie on something that cannot be written to, and the web UI makes the folders that it misses.
for folder in "$models"/*/; do
  [ -d "$folder" ] || continue
  ln -sfn "${folder%/}" "$data/models/$(basename "$folder")"
done

# Models may also lie on a network: reading them by memory map is many times slower there.
[ -e "$data/config.json" ] || cat >"$data/config.json" <<'JSON'
{"disable_mmap_load_safetensors": true, "sd_checkpoint_hash": "", "samples_format": "png", "save_init_img": false}
JSON

set -- --nowebui --api --server-name "${ENGINE_ADDRESS:-127.0.0.1}" --port "${ENGINE_PORT:-8080}" \
  --data-dir "$data" --ui-settings-file "$data/config.json" --skip-prepare-environment --no-download-sd-model \
  --do-not-download-clip --disable-console-progressbars
if [ "${DYNAMIC_SD_MODEL:-}" != true ] && [ -n "${SD_MODEL_CHECKPOINT:-}" ]; then
  found=
  for file in "$models/Stable-diffusion/$SD_MODEL_CHECKPOINT" "$models/checkpoints/$SD_MODEL_CHECKPOINT" \
    "$models/$SD_MODEL_CHECKPOINT"; do
    [ -f "$file" ] && { found=$file; break; }
  done
  [ -n "$found" ] || { echo "engine: $SD_MODEL_CHECKPOINT is not under $models, where there is:" >&2; ls -R "$models" >&2; exit 1; }
  set -- "$@" --ckpt "$found"
fi
cd "${ENGINE_HOME:-/opt/engine}"
# shellcheck disable=SC2086
exec python3 launch.py "$@" ${EXTRA_CMD_ARG:-}
