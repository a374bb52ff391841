import SDCore

extension ComfyWorkflows {
  /// For Stable Diffusion checkpoints: 1.x, 2.x, XL.
  static let own: [String: ComfyWorkflow] = {
    var graph = drawing
    graph["5"] = node("EmptyLatentImage", ["width": 512, "height": 512, "batch_size": 1])
    var parameters = shared
    parameters["width"] = "5.width"
    parameters["height"] = "5.height"
    parameters["batch_size"] = "5.batch_size"
    var again = drawing
    again["10"] = node("LoadImage", ["image": ""])
    again["11"] = node("VAEEncode", ["pixels": ["10", 0], "vae": ["4", 2]])
    again["5"] = node("RepeatLatentBatch", ["samples": ["11", 0], "amount": 1])
    var more = shared
    more["init_images"] = ["input": "10.image", "required": true]
    more["denoising_strength"] = ["input": "3.denoise", "default": .double(0.75)]
    more["batch_size"] = "5.amount"
    let texts: [(String, JSONValue)] = [
      ("text-to-image", ["parameters": parameters, "graph": graph]),
      ("image-to-image", ["parameters": more, "graph": again]),
    ]
    return texts.reduce(into: [:]) { workflows, text in
      guard let workflow = try? ComfyWorkflow(text.0, text.1) else {
        preconditionFailure("a workflow of this source has a fault")
      }
      workflows[text.0] = workflow
    }
  }()

  /// Everything but the latent that it begins with, which is node 5.
  private static var drawing: JSONValue {
    [
      "3": node(
        "KSampler",
        [
          "seed": 0, "steps": 20, "cfg": 7, "sampler_name": "euler", "scheduler": "normal", "denoise": 1,
          "model": ["4", 0], "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["5", 0],
        ]),
      "4": node("CheckpointLoaderSimple", ["ckpt_name": ""]),
      "6": node("CLIPTextEncode", ["text": "", "clip": ["4", 1]]),
      "7": node("CLIPTextEncode", ["text": "", "clip": ["4", 1]]),
      "8": node("VAEDecode", ["samples": ["3", 0], "vae": ["4", 2]]),
      "9": node("SaveImage", ["filename_prefix": "ComfyUI", "images": ["8", 0]]),
    ]
  }

  private static var shared: JSONValue {
    [
      "prompt": "6.text", "negative_prompt": "7.text", "seed": "3.seed", "steps": "3.steps", "cfg_scale": "3.cfg",
      "model": "4.ckpt_name",
      "sampler_name": ["input": "3.sampler_name", "words": samplers],
      "scheduler": [
        "input": "3.scheduler", "words": ["automatic": "normal", "uniform": "normal", "sgm uniform": "sgm_uniform"],
      ],
    ]
  }

  /// The web UIs' words for ComfyUI's samplers.
  private static let samplers: JSONValue = [
    "euler a": "euler_ancestral", "k_euler_a": "euler_ancestral", "euler": "euler", "k_euler": "euler", "heun": "heun",
    "lms": "lms", "dpm2": "dpm_2", "dpm2 a": "dpm_2_ancestral", "dpm++ 2s a": "dpmpp_2s_ancestral",
    "dpm++ 2m": "dpmpp_2m", "dpm++ sde": "dpmpp_sde", "dpm++ 2m sde": "dpmpp_2m_sde", "dpm++ 3m sde": "dpmpp_3m_sde",
    "dpm fast": "dpm_fast", "dpm adaptive": "dpm_adaptive", "lcm": "lcm", "ddim": "ddim", "ddpm": "ddpm",
    "unipc": "uni_pc",
  ]

  private static func node(_ type: String, _ inputs: JSONValue) -> JSONValue {
    ["class_type": .string(type), "inputs": inputs]
  }
}
