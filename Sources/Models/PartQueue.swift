import AWSKit
import Synchronization

/// The parts of all files, read by a few at once, file after file; whoever brings the last part of a file sees to its end.
struct PartQueue: Sendable {
  let pull: ModelPull
  let index: PullIndex

  private static let tries = 6

  func pull(_ files: [WantedFile]) async throws {
    let cursor = PartCursor(pull, files)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<max(1, pull.options.concurrency) {
        group.addTask {
          while let work = try cursor.next() {
            try Task.checkCancellation()
            guard let part = work.part else {
              try await end(work)
              continue
            }
            try await read(part, of: work)
            if try work.partial.finish(part) { try await end(work) }
          }
        }
      }
      try await group.waitForAll()
    }
  }

  // MARK: Bytes

  /// Reads a part to its end; what breaks is gone on with.
  private func read(_ part: Int, of work: PartCursor.Work) async throws {
    let range = work.partial.range(of: part)
    var offset = range.lowerBound
    var attempt = 1
    while offset < range.upperBound {
      do {
        try await read(offset..<range.upperBound, of: work, &offset)
        if offset < range.upperBound { throw AWSError(.checksumMismatch, "the answer was shorter than was asked for") }
      } catch let error as AWSError where Self.mayPass(error) {
        guard attempt < Self.tries else { throw error }
        pull.report(.retrying(path: work.file.path, reason: error.message))
        try await pull.time.sleep(.milliseconds(200 << attempt))
        attempt += 1
      }
    }
  }

  /// Whether a failure may be of the moment: an answer that broke off. What S3 refuses was tried again below.
  private static func mayPass(_ error: AWSError) -> Bool {
    switch error.code {
    case .connection, .timeout, .checksumMismatch: true
    default: error.status.map { $0 >= 500 } ?? false
    }
  }

  private func read(_ range: Range<Int64>, of work: PartCursor.Work, _ offset: inout Int64) async throws {
    var input = S3.GetObjectInput(
      bucket: pull.source.bucket, key: work.file.key, range: .closed(range.lowerBound...(range.upperBound - 1)))
    input.ifMatch = work.file.eTag
    let question = input
    let object = try await pull.unchanged(work.file) { () async throws(AWSError) in
      try await pull.s3.getObject(question)
    }
    for try await chunk in object.body {
      let wanted = chunk.prefix(Int(clamping: range.upperBound - offset))
      try work.partial.write(wanted, at: offset)
      offset += Int64(wanted.count)
      pull.report(.received(path: work.file.path, bytes: wanted.count))
      if offset == range.upperBound { return }
    }
  }

  // MARK: The end of a file

  /// Compares a whole file with its object's checksum, and gives it its name.
  private func end(_ work: PartCursor.Work) async throws {
    let file = work.file
    if let proof = try await pull.proof(of: file) {
      if try !proof.holds(for: work.partial.path) { try await again(work, proof) }
    } else {
      pull.report(.notice("S3 keeps no checksum of \(file.path) that can be compared: its length alone was"))
    }
    try pull.folder.makeRoom(for: file.path)
    try work.partial.commit(to: pull.folder.place(file.path))
    try index.note(file)
    pull.report(.finished(path: file.path, bytes: file.bytes))
  }

  /// Reads a file once more from its beginning: what an earlier run had left may have been damaged.
  private func again(_ work: PartCursor.Work, _ proof: Proof) async throws {
    let reason = "its bytes do not have the object's checksum"
    pull.report(.retrying(path: work.file.path, reason: reason))
    pull.report(.discarded(path: work.file.path, bytes: work.file.bytes))
    try work.partial.restart()
    for part in work.partial.missingParts {
      try await read(part, of: work)
      _ = try work.partial.finish(part)
    }
    guard try proof.holds(for: work.partial.path) else {
      try work.partial.restart()
      throw ModelError(
        .mismatch, "\(work.file.path): \(reason), twice; is the object in \(pull.source.bucket) what it should be?")
    }
  }
}

/// Where the reading is: files are opened one by one, as the parts of those before are taken.
final class PartCursor: Sendable {
  struct Work: Sendable {
    let file: WantedFile
    let partial: PartialFile
    /// `nil` where all bytes are there.
    let part: Int?
  }

  private struct State {
    var files: ArraySlice<WantedFile>
    /// Of the file that was opened last, the next one at the end.
    var open: [Work] = []
  }

  private let pull: ModelPull
  private let state: Mutex<State>

  init(_ pull: ModelPull, _ files: [WantedFile]) {
    self.pull = pull
    state = Mutex(State(files: files[...]))
  }

  /// What is to be done next.
  func next() throws(ModelError) -> Work? {
    try state.withLock { state throws(ModelError) in
      while state.open.isEmpty, let file = state.files.popFirst() { state.open = try work(on: file) }
      return state.open.popLast()
    }
  }

  private func work(on file: WantedFile) throws(ModelError) -> [Work] {
    let partial = try PartialFile(
      pull.folder.partial(file.path), eTag: file.eTag, bytes: file.bytes, partSize: pull.options.partSize)
    let missing = partial.missingParts
    let there = file.bytes - missing.reduce(Int64(0)) { $0 + Int64(partial.range(of: $1).count) }
    if there > 0 { pull.report(.received(path: file.path, bytes: Int(there))) }
    if missing.isEmpty { return [Work(file: file, partial: partial, part: nil)] }
    return missing.reversed().map { Work(file: file, partial: partial, part: $0) }
  }
}
