public import AWSKit

/// Copies model files from S3 into a directory: several parts at once, going on where an earlier pull was cut short.
///
/// A file gets its name when all of its bytes are there and its checksum holds, so that whoever waits for it never sees
/// half of one. Files that are there already and unchanged since they were proven are left as they are.
public struct ModelPull: Sendable {
  /// How it is done.
  public struct Options: Sendable, Hashable {
    /// Parts that are read at once.
    public var concurrency = 8
    /// Bytes of a part.
    public var partSize: Int64 = 64 << 20
    /// The longest that another pull into the same directory is waited for.
    public var patience = Duration.seconds(3600)

    /// Eight parts of 64 MiB at once.
    public init() {}
  }

  let s3: S3
  let source: ModelSource
  let folder: ModelFolder
  let options: Options
  let time: TimeSource
  let report: @Sendable (PullEvent) -> Void

  /// A pull into a directory, which is made where it is missing.
  ///
  /// - Parameter report: hears how it goes, from several tasks.
  /// - Throws: `ModelError` for a directory that cannot be used, `AWSError` for a client without a region.
  public init(
    _ source: ModelSource, into directory: String, client: AWSClient, options: Options = .init(),
    report: @escaping @Sendable (PullEvent) -> Void = { _ in }
  ) throws {
    self.source = source
    self.options = options
    self.report = report
    time = client.time
    s3 = try S3(client)
    folder = try ModelFolder(directory)
  }

  /// Pulls what is missing.
  public func run() async throws -> PulledModels {
    let lock = try await locked()
    defer { withExtendedLifetime(lock) {} }
    let wanted = try await wanted()
    let index = PullIndex(folder)
    var (missing, present): ([WantedFile], [WantedFile]) = ([], [])
    for file in wanted {
      if try await isPresent(file, index) { present.append(file) } else { missing.append(file) }
    }
    let bytes = missing.reduce(0) { $0 + $1.bytes }
    if let free = folder.free, bytes > free {
      throw ModelError(
        .full, "\(source) needs \(bytes) bytes more in \(folder.path), and its disk has room for \(free)")
    }
    report(.planned(files: wanted.count, present: present.count, bytes: bytes))
    try await PartQueue(pull: self, index: index).pull(missing)
    folder.removePartials()
    let there = Set(present)
    return PulledModels(
      files: wanted.map { .init(path: $0.path, bytes: $0.bytes, wasPresent: there.contains($0)) }, received: bytes)
  }

  /// Waits until nobody else fills the directory.
  private func locked() async throws -> ModelFolder.Lock {
    let end = time.uptime() + options.patience
    var isTold = false
    while true {
      if let lock = try folder.lock() { return lock }
      if !isTold { report(.notice("another pull fills \(folder.path): waiting for it")) }
      isTold = true
      guard time.uptime() < end else { throw ModelError(.busy, "another pull still fills \(folder.path)") }
      try await time.sleep(.seconds(1))
    }
  }

  /// The files that are to be there, in the order of their keys.
  private func wanted() async throws -> [WantedFile] {
    var files: [WantedFile] = []
    for try await object in s3.allObjects(.init(bucket: source.bucket, prefix: source.prefix)) {
      guard let path = try source.path(of: object.key), let tag = object.eTag else { continue }
      files.append(WantedFile(key: object.key, path: path, bytes: object.size, eTag: tag))
    }
    guard !files.isEmpty else { throw ModelError(.notFound, "there is nothing under \(source)") }
    return files
  }

  /// Whether a file is there and has the object's bytes; one that nobody has proven yet is read.
  private func isPresent(_ file: WantedFile, _ index: PullIndex) async throws -> Bool {
    guard let status = folder.status(of: file.path), status.bytes == file.bytes else { return false }
    if let known = index[file.path], known.changed == status.changed, known.bytes == status.bytes {
      return known.eTag == file.eTag
    }
    guard let proof = try await proof(of: file), try proof.holds(for: folder.place(file.path)) else { return false }
    try index.note(file)
    return true
  }

  /// What shows that a file has an object's bytes.
  func proof(of file: WantedFile) async throws -> Proof? {
    var input = S3.GetObjectInput(bucket: source.bucket, key: file.key)
    input.ifMatch = file.eTag
    let question = input
    let info = try await unchanged(file) { () async throws(AWSError) in try await s3.headObject(question) }
    return try await Proof(info) { number in
      var input = question
      input.partNumber = number
      return try await s3.headObject(input)
    }
  }

  /// Runs a read, and says so where the object has become another one.
  func unchanged<T>(_ file: WantedFile, _ read: () async throws(AWSError) -> T) async throws -> T {
    do throws(AWSError) { return try await read() } catch {
      guard error.status == 412 || error.status == 404 else { throw error }
      throw ModelError(.changed, "s3://\(source.bucket)/\(file.key) was changed while it was read: pull again")
    }
  }
}

/// A file that is to be there.
struct WantedFile: Sendable, Hashable {
  let key: String
  /// Below the directory.
  let path: String
  let bytes: Int64
  let eTag: String
}
