// The kinds of tasks that the form knows: their fields, and an example that works as it stands.

/** A field of the form: its name is the member of the content that it becomes. */
const prompt = { name: "prompt", label: "Prompt", kind: "text", wide: true };
const negative = { name: "negative_prompt", label: "Negative prompt", kind: "text", wide: true, rows: 2, hint: "What should not be seen." };
const size = [
  { name: "width", label: "Width", kind: "integer", min: 16, max: 8192, step: 8 },
  { name: "height", label: "Height", kind: "integer", min: 16, max: 8192, step: 8 },
];
const sampling = [
  { name: "steps", label: "Steps", kind: "integer", min: 1, max: 500 },
  { name: "cfg_scale", label: "Guidance (CFG)", kind: "number", min: 0, max: 50, step: 0.1 },
  { name: "sampler_name", label: "Sampler", kind: "line", list: ["Euler a", "Euler", "DPM++ 2M", "DPM++ 2M Karras", "DPM++ SDE", "DDIM", "UniPC", "LCM"] },
  { name: "seed", label: "Seed", kind: "seed", placeholder: "random" },
  { name: "batch_size", label: "Pictures", kind: "integer", min: 1, max: 16 },
];
const source = { name: "init_images", label: "Picture to begin with", kind: "picture", list: true };
const strength = { name: "denoising_strength", label: "Strength", kind: "number", min: 0, max: 1, step: 0.05, hint: "0 keeps the picture, 1 forgets it." };
const upscaling = [
  { name: "upscaler_1", label: "Upscaler", kind: "line", list: ["R-ESRGAN 4x+", "R-ESRGAN 4x+ Anime6B", "ESRGAN_4x", "Lanczos", "Nearest"] },
  { name: "upscaling_resize", label: "Factor", kind: "number", min: 1, max: 8, step: 0.5 },
];
const lighthouse = "a lighthouse on a rocky shore at dusk, long exposure, calm sea";
const base = { width: 512, height: 512, steps: 20, cfg_scale: 7, sampler_name: "Euler a", batch_size: 1 };

export const kinds = [
  {
    id: "text", label: "Text to image", type: "text-to-image", fields: [prompt, negative, ...size, ...sampling],
    about: "A picture from words.",
    example: { ...base, prompt: lighthouse, negative_prompt: "people, text, watermark" },
  },
  {
    id: "image", label: "Image to image", type: "image-to-image", fields: [source, prompt, negative, strength, ...size, ...sampling],
    about: "A picture from another one and words.",
    example: { ...base, prompt: "the same shore in winter, snow, soft light", denoising_strength: 0.6, init_images: "sample" },
  },
  {
    id: "inpaint", label: "Inpainting", type: "image-to-image",
    fields: [source,
      { name: "mask", label: "Mask", kind: "picture", hint: "White is painted anew, black stays." },
      prompt, negative, strength,
      { name: "inpainting_fill", label: "Begin the masked part with", kind: "choice", number: true, options: [["0", "its surroundings"], ["1", "what is there"], ["2", "noise"], ["3", "nothing"]] },
      { name: "mask_blur", label: "Blur of the edge", kind: "integer", min: 0, max: 64 },
      { name: "inpaint_full_res", label: "Whole resolution for the masked part", kind: "check" }, ...size, ...sampling],
    about: "A part of a picture is painted anew.",
    example: { ...base, prompt: "a full moon", denoising_strength: 0.8, init_images: "sample", mask: "mask", inpainting_fill: 1, mask_blur: 4, inpaint_full_res: false },
  },
  {
    id: "control", label: "ControlNet", type: "text-to-image",
    fields: [{ name: "image", label: "Picture that guides", kind: "picture", at: "control" },
      { name: "module", label: "Preprocessor", kind: "line", at: "control", list: ["canny", "depth_midas", "openpose_full", "lineart_standard", "none"] },
      { name: "model", label: "ControlNet model", kind: "line", at: "control" },
      { name: "weight", label: "Weight", kind: "number", at: "control", min: 0, max: 2, step: 0.05 },
      prompt, negative, ...size, ...sampling],
    about: "Words make the picture, another picture its composition.",
    example: { ...base, prompt: "an etching of a harbour", image: "sample", module: "canny", model: "control_v11p_sd15_canny", weight: 1 },
  },
  {
    id: "upscale", label: "Upscale", type: "extra-single-image",
    fields: [{ name: "image", label: "Picture", kind: "picture" }, ...upscaling], about: "A picture becomes larger.",
    example: { image: "sample", upscaler_1: "R-ESRGAN 4x+", upscaling_resize: 2 },
  },
  {
    id: "batch", label: "Batch upscale", type: "extra-batch-images",
    fields: [{ name: "imageList", label: "Pictures", kind: "pictures" }, ...upscaling], about: "Many pictures become larger, in one task.",
    example: { imageList: "sample", upscaler_1: "R-ESRGAN 4x+", upscaling_resize: 2 },
  },
  {
    id: "graph", label: "ComfyUI graph", type: "pipeline",
    fields: [{ name: "graph", label: "Graph", kind: "json", wide: true, hint: "As ComfyUI exports it for its API (“Export (API)”)." }],
    about: "A whole workflow, node by node.",
    example: {
      graph: {
        3: { class_type: "KSampler", inputs: { seed: 8566257, steps: 20, cfg: 7, sampler_name: "euler", scheduler: "normal", denoise: 1, model: ["4", 0], positive: ["6", 0], negative: ["7", 0], latent_image: ["5", 0] } },
        4: { class_type: "CheckpointLoaderSimple", inputs: { ckpt_name: "v1-5-pruned-emaonly.safetensors" } },
        5: { class_type: "EmptyLatentImage", inputs: { width: 512, height: 512, batch_size: 1 } },
        6: { class_type: "CLIPTextEncode", inputs: { text: lighthouse, clip: ["4", 1] } },
        7: { class_type: "CLIPTextEncode", inputs: { text: "text, watermark", clip: ["4", 1] } },
        8: { class_type: "VAEDecode", inputs: { samples: ["3", 0], vae: ["4", 2] } },
        9: { class_type: "SaveImage", inputs: { filename_prefix: "lighthouse", images: ["8", 0] } },
      },
    },
  },
];

/** The content of a task from the values of its fields. */
export function content(kind, values) {
  if (kind.id === "graph") return { prompt: values.graph };
  const [content, unit] = [{}, { enabled: true }];
  for (const field of kind.fields) {
    const value = values[field.name];
    if (value === undefined || value === "") continue;
    if (field.at === "control") unit[field.name] = value;
    else if (field.kind === "pictures") content[field.name] = value.map((one, n) => ({ data: one, name: `picture-${n + 1}.png` }));
    else content[field.name] = field.list === true ? [value] : value;
  }
  if (kind.id === "control") content.alwayson_scripts = { controlnet: { args: [unit] } };
  return content;
}

/** The other way: which kind a submitted task is, the values of its fields, and what the form has no field for. */
export function recognised(task) {
  const content = task.content ?? {};
  const unit = content.alwayson_scripts?.controlnet?.args?.[0];
  const id = task.type === "pipeline" ? "graph"
    : task.type === "extra-single-image" ? "upscale"
      : task.type === "extra-batch-images" ? "batch"
        : task.type === "image-to-image" ? (content.mask ? "inpaint" : "image")
          : unit ? "control" : "text";
  const kind = kinds.find((one) => one.id === id);
  if (id === "graph") return { kind, values: { graph: content.prompt ?? content }, rest: {} };
  const [values, rest] = [{}, { ...content }];
  for (const field of kind.fields) {
    const value = field.at === "control" ? unit[field.name] : content[field.name];
    if (field.at !== "control") delete rest[field.name];
    if (value === undefined) continue;
    if (field.kind === "pictures") values[field.name] = value.map((one) => one.data);
    else values[field.name] = field.list === true ? value[0] : value;
  }
  if (id === "control") delete rest.alwayson_scripts;
  return { kind, values, rest };
}

/** A picture to try with: a shore at dusk, drawn here, as a data URL. */
export function samplePicture() {
  return drawn((pen, edge) => {
    const sky = pen.createLinearGradient(0, 0, 0, edge * 0.7);
    sky.addColorStop(0, "#33307a");
    sky.addColorStop(0.6, "#c65b7c");
    sky.addColorStop(1, "#f6b56b");
    pen.fillStyle = sky;
    pen.fillRect(0, 0, edge, edge);
    disc(pen, "#ffeccb", edge * 0.62, edge * 0.52, edge * 0.1);
    for (const [height, colour] of [[0.62, "#5b3d78"], [0.74, "#3d2c5e"], [0.86, "#251c40"]]) {
      pen.fillStyle = colour;
      pen.beginPath();
      pen.moveTo(0, edge);
      for (let x = 0; x <= edge; x += 4) {
        pen.lineTo(x, edge * (height + 0.04 * Math.sin(x / 61 + height * 40) + 0.02 * Math.sin(x / 23 + height * 9)));
      }
      pen.lineTo(edge, edge);
      pen.fill();
    }
  });
}

/** The mask that goes with it: its sun. */
export function sampleMask() {
  return drawn((pen, edge) => {
    pen.fillStyle = "#000";
    pen.fillRect(0, 0, edge, edge);
    disc(pen, "#fff", edge * 0.62, edge * 0.5, edge * 0.16);
  });
}

function disc(pen, colour, x, y, radius) {
  pen.fillStyle = colour;
  pen.beginPath();
  pen.arc(x, y, radius, 0, 2 * Math.PI);
  pen.fill();
}

function drawn(draw) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 512;
  draw(canvas.getContext("2d"), 512);
  return canvas.toDataURL("image/png");
}
