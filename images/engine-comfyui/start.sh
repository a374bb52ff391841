#!/bin/sh
# Starts ComfyUI for one agent; everything that it writes goes to DATA_DIR.
#
#   ENGINE_ADDRESS, ENGINE_PORT   where it listens; 127.0.0.1:8080
#   MODELS_DIR                    models, in folders as ComfyUI or the web UIs name them; /models
#   EXTRA_CMD_ARG                 further flags
#   DATA_DIR, ENGINE_HOME         where it writes, /data, and where it is, /opt/engine
set -eu

models=${MODELS_DIR:-/models}
data=${DATA_DIR:-/data}
mkdir -p "$data/output" "$data/input" "$data/user"
cat >"$data/model-paths.yaml" <<YAML
models:
  base_path: $models
  checkpoints: |
    checkpoints
    Stable-diffusion
  clip: |
    clip
    text_encoders
  clip_vision: clip_vision
  configs: configs
  controlnet: |
    controlnet
    ControlNet
  diffusion_models: |
    diffusion_models
    unet
  embeddings: embeddings
  loras: |
    loras
    Lora
  upscale_models: |
    upscale_models
    ESRGAN
    RealESRGAN
    SwinIR
  vae: |
    vae
    VAE
YAML

cd "${ENGINE_HOME:-/opt/engine}"
# shellcheck disable=SC2046,SC2086
exec python3 main.py --listen "${ENGINE_ADDRESS:-127.0.0.1}" --port "${ENGINE_PORT:-8080}" \
  --output-directory "$data/output" --input-directory "$data/input" --user-directory "$data/user" \
  --temp-directory "$data" --extra-model-paths-config "$data/model-paths.yaml" $(cat .flags) ${EXTRA_CMD_ARG:-}
