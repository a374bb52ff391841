import ArgumentParser
import SDClient
import SDCore

/// Which tasks a command is about.
struct TaskFilter: ParsableArguments {
  private static let known = TaskState.allCases.map(\.rawValue)

  @Option(
    help: ArgumentHelp(
      "Only those in a state; may be given several times. One of \(known.joined(separator: ", "))."),
    completion: .list(known))
  var state: [String] = []
  @Option(help: "Only those of a runtime.") var runtime: String?

  func validate() throws {
    if let unknown = state.first(where: { TaskState(rawValue: $0) == nil }) {
      throw ValidationError("--state \(unknown) is none of \(Self.known.joined(separator: ", ")).")
    }
  }

  var states: [TaskState] { state.compactMap(TaskState.init) }

  private static let pageSize = 1000
  /// An end is set to the number of pages, whatever the server says.
  private static let maximumPages = 100_000

  /// Hands out page after page, newest first, while the body wants more.
  ///
  /// Pages may be short or empty and not the last.
  func pages(
    of client: SDClient, limit: Int?, _ body: ([TaskView]) async throws -> Bool
  ) async throws {
    var cursor: String?
    var count = 0
    for _ in 0..<Self.maximumPages {
      let wanted = limit.map { min(Self.pageSize, $0 - count) } ?? Self.pageSize
      guard wanted > 0 else { return }
      let page = try await client.tasks(states: states, runtime: runtime, limit: wanted, cursor: cursor)
      count += page.tasks.count
      guard try await body(page.tasks), let next = page.next, next != cursor else { return }
      cursor = next
    }
  }
}
