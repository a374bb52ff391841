import ArgumentParser
import Glibc
import SDClient
import SDCore

/// `sdctl submit`.
struct SubmitCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "submit", abstract: "Submit a task.",
    discussion: """
      Say what is wanted by flags, or give a whole task as JSON in a file or on standard input (-):

        sdctl submit --prompt "a lighthouse" --steps 20 --wait --out .
        sdctl submit task.json
        sdctl submit --content graph.json --type pipeline --runtime comfy

      Exit status: 0 submitted, and with --wait succeeded; 1 the task failed, was cancelled or expired; 2 used \
      wrongly; 3 the server cannot be reached; 4 the server refused; 5 another failure.
      """)

  @OptionGroup var options: ServerOptions
  @Argument(help: "A file with a whole task as JSON, - for standard input.", completion: .file()) var file: String?
  @Option(name: .shortAndLong, help: "What the picture is to show.") var prompt: String?
  @Option(help: "What it is not to show.") var negativePrompt: String?
  @Option(help: "The runtime; the server's first unless said.") var runtime: String?
  @Option(
    help: ArgumentHelp("One of \(TaskType.allCases.map(\.rawValue).joined(separator: ", "))."),
    completion: .list(TaskType.allCases.map(\.rawValue)))
  var type: String?
  @Option(help: "The seed; the same gives the same picture.") var seed: Int?
  @Option(help: "Sampling steps.") var steps: Int?
  @Option(help: "Width in pixels.") var width: Int?
  @Option(help: "Height in pixels.") var height: Int?
  @Option(help: "How many pictures.") var batch: Int?
  @Option(
    help: ArgumentHelp("A picture to start from; makes the task image-to-image.", valueName: "file"),
    completion: .file())
  var initImage: String?
  @Option(help: "An id of your own.") var id: String?
  @Option(help: "Where the outputs are to go in the store.") var prefix: String?
  @Option(
    help: ArgumentHelp("What the engine is sent, as JSON; - for standard input. Flags go over it.", valueName: "file"),
    completion: .file())
  var content: String?
  @Option(help: "What pictures are stored as: png, jpeg or webp; as the engine makes them unless said.") var format:
    String?
  @Option(help: "Quality of JPEG and WebP, 1 to 100.") var quality: Int?
  @Option(
    help: ArgumentHelp("Store a small picture beside each, its longest side so many pixels.", valueName: "pixels"))
  var thumbnail: Int?
  @Flag(help: "Store pictures without prompt, seed and graph in them.") var stripMetadata = false
  @Flag(help: "Wait for the task's end.") var wait = false
  @Option(
    help: ArgumentHelp("Download the outputs into a directory; waits for the end.", valueName: "dir"),
    completion: .directory)
  var out: String?

  func validate() throws {
    guard file == nil || !hasContentFlags else {
      throw ValidationError("Give a whole task, or flags that make one; not both.")
    }
    guard file != nil || hasContentFlags else {
      throw ValidationError("Say what is wanted: --prompt, --content, or a file with a task.")
    }
    if let type, TaskType(wire: type) == nil {
      throw ValidationError("--type is none of \(TaskType.allCases.map(\.rawValue).joined(separator: ", ")).")
    }
  }

  private var hasContentFlags: Bool { prompt != nil || content != nil || initImage != nil }

  func run() async throws {
    try await CommandExit.reporting(options) {
      let client = try options.client()
      if let out { try Directory.make(out) }
      let submission = try await submission(client)
      let task = try await client.submit(submission)
      guard wait || out != nil else { return show(task, isFinal: false) }
      if Terminal.isInteractive, options.format == .text {
        Terminal.note("submitted \(task.id) to \(task.runtime ?? "-")")
      }
      let done = try await TaskFollower(client: client, format: options.format, printsEvents: false)
        .follow(task.id, run: task.run)
      var files: [String] = []
      if let out {
        for output in done.outputs {
          let path = out + (out.hasSuffix("/") ? "" : "/") + output.fileName
          try await client.download(output, to: path)
          files.append(path)
        }
      }
      show(done, isFinal: true, files: files)
      guard done.state == .succeeded else {
        let why = done.error.map { ": \(Terminal.plain($0.message))" } ?? ""
        throw CommandFailure(code: CommandExit.taskFailed, message: "task \(done.id) \(done.state.ending)\(why)")
      }
    }
  }

  private func show(_ task: TaskView, isFinal: Bool, files: [String] = []) {
    switch options.format {
    case .json:
      var json = task.json
      if out != nil { json["files"] = .strings(files) }
      Terminal.print(json.text)
    case .text:
      if !isFinal { return Terminal.print(task.id) }
      guard task.state == .succeeded else { return }
      for line in files.isEmpty ? task.outputs.map(\.uri) : files { Terminal.print(Terminal.plain(line)) }
    }
  }

  private func submission(_ client: SDClient) async throws -> TaskSubmission {
    var task: TaskSubmission
    if let file {
      task = try TaskSubmission(json: try InputFile.json(file))
    } else {
      let type = type.flatMap(TaskType.init(wire:)) ?? (initImage == nil ? .textToImage : .imageToImage)
      task = TaskSubmission(type: type, content: try engineContent())
    }
    if let id { task.id = id }
    if let prefix { task.prefix = prefix }
    if let runtime { task.runtime = runtime }
    task.outputs = try outputs(over: task.outputs)
    if task.runtime == nil, task.model == nil {
      guard let first = try await client.runtimes().first else {
        throw CommandFailure(code: CommandExit.refused, message: "the server has no runtimes")
      }
      task.runtime = first.name
    }
    return task
  }

  private func outputs(over given: SDCore.OutputOptions?) throws -> SDCore.OutputOptions? {
    var json = given?.json ?? [:]
    if let format { json["format"] = .string(format) }
    if let quality { json["quality"] = .int(quality) }
    if let thumbnail { json["thumbnail"] = .int(thumbnail) }
    if stripMetadata { json["metadata"] = "strip" }
    return json == [:] ? given : try SDCore.OutputOptions(json: json)
  }

  private func engineContent() throws -> JSONValue {
    var content = try content.map(InputFile.json) ?? [:]
    guard content.object != nil else { throw CommandFailure.usage("the content is a \(content.kind), not an object") }
    if let prompt { content["prompt"] = .string(prompt) }
    if let negativePrompt { content["negative_prompt"] = .string(negativePrompt) }
    for (name, value) in [
      ("seed", seed), ("steps", steps), ("width", width), ("height", height), ("batch_size", batch),
    ] {
      if let value { content[name] = .int(value) }
    }
    if let initImage { content["init_images"] = [.string(try InputFile.dataURL(initImage))] }
    return content
  }
}

extension TaskState {
  /// How a task ended, after its name.
  var ending: String {
    switch self {
    case .succeeded: "succeeded"
    case .failed: "failed"
    case .cancelled: "was cancelled"
    case .expired: "expired"
    case .queued, .running: "is \(rawValue)"
    }
  }
}

/// A directory that results go to.
enum Directory {
  /// Makes it unless it is there; found out before anything is submitted.
  static func make(_ path: String) throws {
    if mkdir(path, 0o755) == 0 { return }
    let code = errno
    var status = stat()
    if code == EEXIST, stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR { return }
    throw CommandFailure.usage("making the directory \(path) failed: \(String(cString: strerror(code)))")
  }
}
