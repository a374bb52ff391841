import AWSKit
import ArgumentParser
import Deployment
import SDClient
import SDCore

/// `sdctl smoke`.
struct SmokeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "smoke", abstract: "Post a task to a deployed system, and fetch the picture.",
    discussion: """
      Address and API key are asked of the stack that config.yaml names; --server and SDCTL_API_KEY go before. A runtime \
      without nodes buys one first: that takes minutes.

      Examples:

        sdctl smoke --config config.yaml
        sdctl smoke --config config.yaml --runtime sdruntime --out pictures
        sdctl smoke --server http://127.0.0.1:8811

      Exit status: 0 the picture is here; 1 the task failed, or it took too long; 2 used wrongly; 3 it cannot be \
      reached; 4 it refused; 5 what came is no picture.
      """)

  @OptionGroup(title: "What") var what: DeployOptions
  @OptionGroup(title: "Account") var aws: AWSOptions
  @Option(help: ArgumentHelp("The API's address, instead of the stack's.", valueName: "url")) var server: String?
  @Option(help: "The runtime; default: the first.") var runtime: String?
  @Option(help: "What the picture is to show.") var prompt = "a lighthouse"
  @Option(help: ArgumentHelp("Where the picture goes.", valueName: "dir"), completion: .directory) var out = "."
  @Option(help: "Minutes that it may take.") var timeout = 20
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if !(1...1440).contains(timeout) { throw ValidationError("--timeout must be 1 to 1440 minutes") }
  }

  func run() async throws {
    try await CommandExit.reporting {
      try Directory.make(out)
      let (client, key) = try await client()
      Terminal.note("API      \(client.server)")
      let runtimes = try await runtimes(client, key)
      let names = runtimes.map(\.name).joined(separator: ", ")
      guard let runtime = runtimes.first(where: { runtime == nil || $0.name == runtime }) else {
        let why = runtime.map { "there is no runtime \($0); there are: \(names)" } ?? "the API knows no runtime"
        throw CommandFailure(code: CommandExit.refused, message: why)
      }
      Terminal.note("runtime  \(runtime.name)\(runtimes.count > 1 ? ", one of \(names)" : "")")
      let task = try await submit(to: runtime, client)
      Terminal.note("task     \(task.id)")
      let done = try await ended(task, client)
      let files = try await fetch(done, client)
      output.show(["task": .string(done.id), "runtime": .string(runtime.name), "files": .strings(files)]) {
        for file in files { Terminal.print(Terminal.plain(file)) }
      }
    }
  }

  /// The client of the address that was named, or of the one that the stack says; and whose its key is.
  private func client() async throws -> (SDClient, key: String?) {
    let own = Environment["SDCTL_API_KEY"]
    if let server { return (try SDClient(server, apiKey: own), own.map { _ in "of SDCTL_API_KEY" }) }
    let target = try await DeployTarget(what, aws)
    let stack = target.plan.pipeline.name
    let access = try await APIAccess.find(stack: stack, client: target.client)
    let key = own == nil ? access.key.map { _ in "of stack \(stack)" } : "of SDCTL_API_KEY"
    return (try SDClient(access.address, apiKey: own ?? access.key), key)
  }

  /// The runtimes: the first call, which tells whether the key is taken.
  private func runtimes(_ client: SDClient, _ key: String?) async throws -> [RuntimeView] {
    do { return try await client.runtimes() } catch let error as SDClientError
      where error.status == 401 || error.status == 403
    {
      let why = key.map { "the API key \($0) is not taken" } ?? "an API key is wanted: set SDCTL_API_KEY"
      throw CommandFailure(code: CommandExit.refused, message: "\(why). \(Terminal.plain(error.message))")
    }
  }

  /// Posts the task by the API whose tasks the runtime gets.
  private func submit(to runtime: RuntimeView, _ client: SDClient) async throws -> TaskView {
    let content: JSONObject = ["prompt": .string(prompt), "steps": 20, "width": 512, "height": 512]
    guard runtime.routing == .reference else {
      return try await client.submit(
        TaskSubmission(runtime: runtime.name, type: .textToImage, content: .object(content)))
    }
    guard let model = runtime.model else {
      throw CommandFailure.usage(
        "runtime \(runtime.name) gets tasks that name a model only; name another with --runtime")
    }
    return try await client.submitV1Alpha1(runtime: runtime.name, model: model, content: content)
  }

  private func ended(_ task: TaskView, _ client: SDClient) async throws -> TaskView {
    let done: TaskView?
    do {
      done = try await withThrowingTaskGroup(of: TaskView?.self) { group in
        group.addTask {
          try await TaskFollower(client: client, format: .text, printsEvents: false).follow(task.id, run: task.run)
        }
        group.addTask {
          try await ContinuousClock().sleep(for: .seconds(60 * timeout))
          return nil
        }
        defer { group.cancelAll() }
        return try await group.next() ?? nil
      }
    }
    guard let done else {
      throw CommandFailure(
        code: CommandExit.taskFailed,
        message:
          "task \(task.id) has not ended within \(timeout) minutes; it goes on. Look with: sdctl watch \(task.id)")
    }
    guard done.state == .succeeded else {
      let why = done.error.map { ": \($0.message)" } ?? ""
      throw CommandFailure(
        code: CommandExit.taskFailed, message: "task \(done.id) \(done.state.ending)\(Terminal.plain(why))")
    }
    return done
  }

  private func fetch(_ task: TaskView, _ client: SDClient) async throws -> [String] {
    var files: [String] = []
    for output in task.outputs {
      let path = "\(out)/\(output.fileName)"
      try await client.download(output, to: path)
      guard output.contentType.hasPrefix("image/") else {
        throw CommandFailure(code: CommandExit.other, message: "\(path) is \(output.contentType), not a picture")
      }
      files.append(path)
    }
    guard !files.isEmpty else {
      throw CommandFailure(code: CommandExit.other, message: "task \(task.id) succeeded without a picture")
    }
    return files
  }
}
