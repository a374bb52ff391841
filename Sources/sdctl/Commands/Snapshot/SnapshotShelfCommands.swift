import ArgumentParser
import SDCore
import Snapshots

/// `sdctl snapshot list`.
struct SnapshotListCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the snapshots that were made, the newest first.",
    discussion: """
      Examples:

        sdctl snapshot list
        sdctl snapshot list --name gpu-nodes --output json
      """)

  @OptionGroup var aws: AWSOptions
  @OptionGroup var output: OutputOptions
  @Option(help: "Only those of a name.") var name: String?

  func run() async throws {
    try await CommandExit.reporting {
      let found = try await SnapshotCatalog(try await aws.client()).list(name: name)
      output.show(.array(found.map(\.json))) {
        guard !found.isEmpty else { return Terminal.note("No snapshots.") }
        var table = SnapshotCatalog.Entry.table
        for entry in found { table.add(entry.row) }
        Terminal.print(table.text)
      }
    }
  }
}

/// `sdctl snapshot prune`.
struct SnapshotPruneCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prune", abstract: "Delete older snapshots of a name.",
    discussion: """
      One that a machine image uses stays. Nodes that run are not touched: their volumes are copies.

      Examples:

        sdctl snapshot prune --keep 3
        sdctl snapshot prune --keep 1 --name gpu-nodes --yes
      """)

  @OptionGroup var aws: AWSOptions
  @OptionGroup var output: OutputOptions
  @Option(help: "The name.") var name = "default"
  @Option(help: "How many stay, the newest.") var keep: Int
  @Flag(name: .shortAndLong, help: "Do not ask.") var yes = false

  func validate() throws { if keep < 1 { throw ValidationError("--keep is 1 or more.") } }

  func run() async throws {
    try await CommandExit.reporting {
      let catalog = try SnapshotCatalog(try await aws.client())
      let old = try await catalog.list(name: name).dropFirst(keep)
      guard !old.isEmpty else {
        return output.show(["deleted": [], "failed": [:]]) { Terminal.note("Nothing to delete.") }
      }
      try Terminal.confirm("Delete \(old.map(\.id).joined(separator: ", "))?", unless: yes)
      let (deleted, failed) = try await catalog.prune(name: name, keeping: keep)
      let reasons = failed.sorted { $0.key < $1.key }
      output.show([
        "deleted": .strings(deleted), "failed": .object(JSONObject(reasons.map { ($0.key, .string($0.value)) })),
      ]) {
        for id in deleted { Terminal.print("\(id) deleted") }
      }
      for (id, reason) in reasons { Terminal.complain("\(id) stays: \(reason)") }
      if !failed.isEmpty { throw CommandExit.refused }
    }
  }
}

/// `sdctl snapshot clean`.
struct SnapshotCleanCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "clean", abstract: "Remove what runs left behind.",
    discussion: """
      Runs whose process is gone are removed; a run of another machine counts as gone when nothing was heard of it for \
      ten minutes. A run that was kept, or is being worked on, is removed when it is named.

      Examples:

        sdctl snapshot clean
        sdctl snapshot clean --dry-run
        sdctl snapshot clean 4f1c2ab90d77
      """)

  @OptionGroup var aws: AWSOptions
  @OptionGroup var output: OutputOptions
  @Argument(help: "Runs by their ids.") var runs: [String] = []
  @Flag(help: "Tell which runs there are, and do nothing.") var dryRun = false

  func run() async throws {
    try await CommandExit.reporting {
      let catalog = try SnapshotCatalog(try await aws.client())
      let found = try await catalog.runs()
      if dryRun { return show(found) }
      let removed = try await catalog.clean(runs.isEmpty ? nil : Set(runs))
      output.show(["removed": .strings(removed)]) {
        if removed.isEmpty, runs.isEmpty { Terminal.note("Nothing is left behind.") }
        for run in removed { Terminal.print("run \(run) removed") }
      }
      for run in found where !removed.contains(run.id) && runs.isEmpty {
        Terminal.note("run \(run.id) stays: it \(run.standing == "kept" ? "was kept" : "is being worked on")")
      }
      let missing = Set(runs).subtracting(removed)
      for run in missing.sorted() { Terminal.complain("there is nothing of run \(run)") }
      if !missing.isEmpty { throw CommandExit.refused }
    }
  }

  private func show(_ found: [SnapshotCatalog.Run]) {
    output.show(.array(found.map(\.json))) {
      guard !found.isEmpty else { return Terminal.note("No runs.") }
      var table = Table(["RUN", "STANDING", "STEP", "STACK", "INSTANCE", "SNAPSHOT"])
      for run in found {
        table.add([
          run.id, run.standing, run.step?.rawValue ?? "-", run.stack ?? "-", run.instance ?? "-", run.snapshot ?? "-",
        ])
      }
      Terminal.print(table.text)
    }
  }
}
