extension ConfigurationKey {
  /// Every key, in the order of the reference page.
  public static let all: [ConfigurationKey] = [
    .state, .runtime, .queue, .priorityQueue, .deadLetter, .store, .ledger, .topic, .events, .traces, .backend,
    .backendKey, .runtimes, .model, .dynamicModel, .host, .port, .publicURL, .allowedHosts, .proxies, .apiKeys,
    .queueLimit, .webhooks, .webhookSecret, .privateWebhooks, .dashboard, .healthPort, .logLevel, .logFormat,
    .visibility, .grace, .maximumAttempts, .inferenceTimeout, .stallTimeout, .maximumTasks, .lookAhead, .modelAffinity,
    .announceStart, .memoryBudget, .warmUp, .engineMemoryLimit, .emptyStatus, .engineWait, .stopEngine,
    .stopProcesses, .markPod, .serviceAccount, .spotNotices, .s3Inputs, .inputHosts, .outputMetadata,
    .bucket, .relaxed,
  ]

  // MARK: Where things are

  /// Short hand for the `file:` URIs of a directory.
  public static let state = Self(
    "state", .path, .all, default: "sdctl dev: ./.sd",
    "A state directory: short hand for all of the file: URIs below, the queue being that of the runtime.")
  /// The runtime's name.
  public static let runtime = Self(
    "runtime", .text, .workers, "The runtime that is served; names the queue of a state directory.")
  /// Where the worker receives.
  public static let queue = Self(
    "queue", .uri, .workers, "Where tasks are received: file:DIR?queue=NAME, memory:NAME, an SQS URL, sqs:NAME.")
  /// Where urgent tasks are received.
  public static let priorityQueue = Self(
    "priority-queue", .uri, .workers, default: "what the runtimes file says",
    "A queue whose tasks go before all of the other's, addressed as queue is.")
  /// Where letters go.
  public static let deadLetter = Self(
    "dead-letter", .uri, .workers, default: "the queue's redrive target; locally NAME-dlq",
    "Where messages go that cannot be worked, with the reason.")
  /// Where objects are kept.
  public static let store = Self(
    "store", .uri, [.agent, .job, .gateway], "Where images are kept: file:DIR, memory:, s3://bucket/prefix.")
  /// Where task records are kept.
  public static let ledger = Self(
    "ledger", .uri, [.agent, .job, .gateway], default: "beside the store",
    "Where task records are kept: file:DIR, memory:, s3://bucket/prefix.")
  /// Where the door publishes tasks.
  public static let topic = Self(
    "topic", .uri, .gateway, "Where tasks are published for the runtimes' queues: file:DIR, memory:, an SNS ARN.")
  /// Where ends are announced.
  public static let events = Self(
    "events", .uri, [.agent, .job, .gateway], default: "none:",
    "Where the end of a task is announced: file:DIR, memory:, an SNS ARN, none:.")
  /// Where spans go.
  public static let traces = Self(
    "traces", .uri, .all, default: "none:",
    "Where trace spans go: file:PATH, xray://HOST:2000, otlp+http://HOST:4318, none:.")
  /// What makes the pictures.
  public static let backend = Self(
    "backend", .uri, [.agent, .job, .dev],
    default: "webui+http://localhost:8080; sdctl dev: test-pattern:",
    "What makes the pictures: webui+http://HOST:PORT, comfyui+http://HOST:PORT?workflows=DIR, openai+http://HOST:PORT, "
      + "test-pattern:."
  )
  /// What the engine is shown.
  public static let backendKey = Self(
    "backend-api-key", .text, [.agent, .job, .dev], "The API key that an openai+http engine asks for.")
  /// The catalog of runtimes.
  public static let runtimes = Self(
    "runtimes", .path, .all, default: "runtimes.yaml of the state directory",
    "The file that says which runtimes there are, or an object: s3://bucket/key.")
  /// The model that the engine has loaded.
  public static let model = Self(
    "model", .text, .workers, default: "what the runtimes file says",
    "The model file that the engine has loaded.")
  /// Whether tasks choose the model.
  public static let dynamicModel = Self(
    "dynamic-model", .boolean, .workers, default: "what the runtimes file says",
    "Whether a task may make the engine load another model.")

  // MARK: What is served

  /// The address to listen on.
  public static let host = Self(
    "host", .text, [.gateway, .dev], default: "127.0.0.1", "The address to listen on.")
  /// The port to listen on.
  public static let port = Self(
    "port", .count(0...65535), [.gateway, .dev], default: "8811", "The port to listen on; 0 for any free one.")
  /// What clients call the gateway.
  public static let publicURL = Self(
    "public-url", .text, [.gateway, .dev], default: "http://HOST:PORT",
    "What clients put before the paths of links to images.")
  /// The names that requests may call the gateway by.
  public static let allowedHosts = Self(
    "allowed-hosts", .text, [.gateway, .dev], default: "on loopback its own names, else any",
    "Host names that requests may be for, separated by commas.")
  /// Proxies before the gateway.
  public static let proxies = Self(
    "proxies", .count(0...10), [.gateway, .dev], default: "0",
    "How many proxies stand before the gateway: the last so many entries of X-Forwarded-For are theirs.")
  /// The file of API keys.
  public static let apiKeys = Self(
    "api-keys", .path, [.gateway, .dev], default: "none are asked for",
    "The file of API keys, read anew when it changes; it holds the SHA-256 of each key.")
  /// Tasks that may wait.
  public static let queueLimit = Self(
    "queue-limit", .count(1...1_000_000_000), [.gateway, .dev], default: "none",
    "How many tasks may wait for a runtime before more are refused with 429.")
  /// The queue of webhooks.
  public static let webhooks = Self(
    "webhooks", .uri, [.gateway, .dev], default: "the queue webhooks beside the events",
    "The queue that gets the notices of tasks with a webhook; none: for no webhooks.")
  /// What webhooks are signed with.
  public static let webhookSecret = Self(
    "webhook-secret", .secret, [.gateway, .dev], default: "webhook-secret of the state directory",
    "What each tenant's signing secret is derived from: whsec_ and base64, or @ and a file's path.")
  /// Whether webhooks may stay inside.
  public static let privateWebhooks = Self(
    "private-webhooks", .boolean, [.gateway, .dev], default: "false; sdctl dev: true",
    "Whether webhooks may go to addresses that are not public ones.")
  /// Whether the page for people is served.
  public static let dashboard = Self(
    "dashboard", .boolean, [.gateway, .dev], default: "false; sdctl dev: true",
    "Whether the dashboard is served at /: tasks, pictures, queues and dead letters in a browser.")
  /// The agent's health port.
  public static let healthPort = Self(
    "health-port", .count(0...65535), .workers, default: "off",
    "A port that answers GET /healthz and /readyz on every address.")

  // MARK: What is told

  /// The least severe messages shown.
  public static let logLevel = Self(
    "log-level", .choice(["trace", "debug", "info", "notice", "warning", "error", "critical"]), .all,
    default: "info", "The least severe messages that are shown.")
  /// How messages are shown.
  public static let logFormat = Self(
    "log-format", .choice(["text", "json"]), .all, default: "text on a terminal, else json",
    "Text for people, or one JSON object a line.")

  // MARK: How the worker works

  /// How long a lease runs.
  public static let visibility = Self(
    "visibility", .duration, .workers, default: "30s",
    "How long a task is kept from others before the agent must say that it still works on it.")
  /// How long a running task may go on after a signal.
  public static let grace = Self(
    "grace", .duration, .workers, default: "90s",
    "After a signal: how long the running task may go on before it is interrupted and given back.")
  /// Engine starts a task.
  public static let maximumAttempts = Self(
    "max-attempts", .count(1...100), .workers, default: "5", "How often the engine is started for one task.")
  /// The longest inference.
  public static let inferenceTimeout = Self(
    "inference-timeout", .duration, .workers, default: "30m", "The longest that the engine may take for one task.")
  /// The longest standstill.
  public static let stallTimeout = Self(
    "stall-timeout", .duration, .workers, default: "5m",
    "The longest that the engine's progress may stand still, where it tells progress.")
  /// Tasks before the end.
  public static let maximumTasks = Self(
    "max-tasks", .count(1...1_000_000_000), .workers, default: "sd-agent: no end; sd-job: 1",
    "How many tasks to take before ending.")
  /// Whether the next task is prepared meanwhile.
  public static let lookAhead = Self(
    "look-ahead", .boolean, .agent, default: "true",
    "Whether the next task is taken and prepared while the engine works.")
  /// Whether tasks for the loaded model go first.
  public static let modelAffinity = Self(
    "model-affinity", .boolean, .agent, default: "false",
    "With dynamic-model: whether, of the tasks that the agent holds, those for the model used last go first. None is passed over more than four times."
  )
  /// Whether starts are announced.
  public static let announceStart = Self(
    "announce-start", .boolean, .workers, default: "false", "Whether the start of a task is announced too.")
  /// Bytes in memory.
  public static let memoryBudget = Self(
    "memory-budget", .bytes, .workers, default: "256MiB",
    "Bytes of inputs and images, and of converting them, that may be in memory before new work waits.")

  /// What the engine makes before it is used.
  public static let warmUp = Self(
    "warm-up", .size, .workers, default: "off",
    "The size of a picture, as 512x512, that the engine makes in one step before the agent is ready, so that no client waits for a model to be loaded."
  )
  /// Where the engine has grown too large.
  public static let engineMemoryLimit = Self(
    "engine-memory-limit", .bytes, .workers, default: "none",
    "Main memory of the web UI from which on it is made to let go of its model and load it again, between two tasks.")
  /// What becomes of what engines write into pictures.
  public static let outputMetadata = Self(
    "output-metadata", .choice(["keep", "strip"]), .workers, default: "keep",
    "What becomes of what engines write into pictures (prompts, seeds, ComfyUI's graph) where a task does not say.")
  /// Servers of tests in place of hosts.
  public static let inputHosts = Self(
    "input-hosts", .text, .workers, default: "none",
    "For tests: servers that images are fetched from in place of a host: NAME=http://127.0.0.1:PORT, with commas between."
  )

  // MARK: The pod

  /// The exit status of a job without a task.
  public static let emptyStatus = Self(
    "empty-status", .count(0...125), .job, default: "0",
    "The exit status when there was nothing to do; Kubernetes takes all but 0 for a failure.")
  /// How long a job waits for its engine.
  public static let engineWait = Self(
    "engine-wait", .duration, .job, default: "30m",
    "How long a job waits for an engine that is away while tasks are in the queue, before it ends with 70. With an empty queue it does not wait."
  )
  /// Whether the engine is stopped at the end.
  public static let stopEngine = Self(
    "stop-engine", .boolean, .job, default: "false",
    "Whether the engine is asked to end when the job has ended: for pods without native sidecars.")
  /// What is ended by signal at the end.
  public static let stopProcesses = Self(
    "stop-processes", .text, .job, default: "none",
    "Programs or scripts, by name and with commas between, that are ended by signal when the job has ended and the engine has been asked: python3,xray. The pod must share its process namespace."
  )
  /// Whether the pod is marked while it is busy.
  public static let markPod = Self(
    "mark-pod", .boolean, .workers, default: "false",
    "Whether the Kubernetes pod is marked while a task is worked on, so that a scale-in or Karpenter takes an idle one first."
  )
  /// Where the service account is mounted.
  public static let serviceAccount = Self(
    "service-account", .path, .workers, default: "/var/run/secrets/kubernetes.io/serviceaccount",
    "The folder with token, ca.crt and namespace that mark-pod uses.")

  // MARK: AWS

  /// Which notices of a spot instance drain the worker.
  public static let spotNotices = Self(
    "spot-notices", .choice(["off", "interruption", "all"]), .workers, default: "off",
    "Which notices of the EC2 instance drain the worker as a signal does: that it is going to be interrupted, or (all) that this has become likely as well. The agent then stays, unready, until it is told to end."
  )

  /// Where inputs may come from besides the store.
  public static let s3Inputs = Self(
    "s3-inputs", .text, .workers, default: "the store alone",
    "Further buckets that the s3: images of tasks may be read from: bucket or bucket/prefix, with commas between.")

  // MARK: Local plugins

  /// The bucket of a state directory.
  public static let bucket = Self(
    "bucket", .text, .all, default: "local",
    "The bucket of a state directory that images are kept in.")
  /// Whether writes may be lost with the machine.
  public static let relaxed = Self(
    "relaxed", .boolean, .all, default: "false",
    "Whether the last seconds of a state directory may be lost with the machine's power, for speed.")
}
