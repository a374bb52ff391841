public import FoundationEssentials

extension EC2 {
  /// A snapshot of a volume.
  public struct Snapshot: Sendable, Hashable {
    /// The id, `snap-…`.
    public var id: String
    /// `pending`, `completed`, `error`.
    public var state: String
    /// Why it failed.
    public var stateMessage: String?
    /// How far it is, `42%`.
    public var progress: String?
    /// The volume.
    public var volumeID: String?
    /// GiB of the volume.
    public var volumeSize: Int?
    /// When it was begun.
    public var startedAt: Date?
    /// What its maker wrote.
    public var description: String?
    /// Whether it is encrypted.
    public var isEncrypted: Bool
    /// The tags.
    public var tags: [String: String]

    init(xml item: XMLElement) throws(AWSError) {
      id = try item.required("snapshotId")
      state = item.string("status") ?? ""
      stateMessage = item.string("statusMessage")
      progress = item.string("progress")
      volumeID = item.string("volumeId")
      volumeSize = try item.integer("volumeSize")
      startedAt = try item.date("startTime")
      description = item.string("description")
      isEncrypted = try item.bool("encrypted") ?? false
      tags = try item.ec2Tags()
    }
  }

  /// Begins a snapshot of a volume.
  public func createSnapshot(volumeID: String, description: String? = nil, tags: [String: String] = [:])
    async throws(AWSError) -> Snapshot
  {
    try await core.query("CreateSnapshot") { form in
      form.add("Description", description)
      form.add("VolumeId", volumeID)
      form.add(tags: [("snapshot", tags)])
    } read: { result throws(AWSError) in
      try Snapshot(xml: result)
    }
  }

  /// Begins to copy a snapshot into the client's region; gives the copy's id.
  ///
  /// - Parameters:
  ///   - sourceRegion: where the snapshot is.
  ///   - isEncrypted: whether the copy is encrypted; those of encrypted snapshots always are.
  ///   - kmsKeyID: the key that it is encrypted with.
  public func copySnapshot(
    id: String, sourceRegion: String, description: String? = nil, isEncrypted: Bool? = nil, kmsKeyID: String? = nil,
    tags: [String: String] = [:]
  ) async throws(AWSError) -> String {
    @Sendable func write(_ form: inout QueryForm) {
      form.add("Description", description)
      form.add("DestinationRegion", core.region)
      form.add("Encrypted", isEncrypted)
      form.add("KmsKeyId", kmsKeyID)
      form.add("SourceRegion", sourceRegion)
      form.add("SourceSnapshotId", id)
      form.add(tags: [("snapshot", tags)])
    }
    // The source region is asked by the destination's with a URL that only the owner of both can sign.
    let url = try await presignedCopy(from: sourceRegion, write)
    return try await core.query("CopySnapshot") { form in
      write(&form)
      form.add("PresignedUrl", url)
    } read: { result throws(AWSError) in
      try result.required("snapshotId")
    }
  }

  private func presignedCopy(from region: String, _ write: (inout QueryForm) -> Void) async throws(AWSError) -> String {
    let source = try ServiceClient(.ec2, core.client, region: region, errorFormat: .query)
    var form = QueryForm(action: "CopySnapshot", version: core.service.apiVersion)
    write(&form)
    return try await source.presignedURL(query: String(decoding: form.bytes, as: UTF8.self), lifetime: .seconds(3600))
  }

  /// One page of snapshots, by id, owner (`self`) or filters.
  public func describeSnapshots(
    ids: [String] = [], owners: [String] = [], filters: [Filter] = [], nextToken: String? = nil
  ) async throws(AWSError) -> Page<Snapshot> {
    try await describe(
      "DescribeSnapshots", "SnapshotId", ids, filters, nextToken, in: "snapshotSet",
      more: { $0.add("Owner", list: owners.isEmpty ? nil : owners) }
    ) { item throws(AWSError) in try Snapshot(xml: item) }
  }

  /// Deletes a snapshot.
  public func deleteSnapshot(id: String) async throws(AWSError) {
    try await core.query("DeleteSnapshot") { $0.add("SnapshotId", id) }
  }

  // MARK: Fast restore

  /// A snapshot that is held ready in a zone.
  public struct FastSnapshotRestore: Sendable, Hashable {
    /// The snapshot.
    public var snapshotID: String
    /// The zone.
    public var availabilityZone: String
    /// `enabling`, `optimizing`, `enabled`, `disabling`, `disabled`.
    public var state: String

    init(xml item: XMLElement) throws(AWSError) {
      snapshotID = try item.required("snapshotId")
      availabilityZone = item.string("availabilityZone") ?? ""
      state = item.string("state") ?? ""
    }
  }

  /// Begins to hold snapshots ready, so that volumes made of them need no first read.
  public func enableFastSnapshotRestores(snapshotIDs: [String], availabilityZones: [String]) async throws(AWSError)
    -> FastSnapshotRestoreChange
  {
    try await fastRestores("EnableFastSnapshotRestores", snapshotIDs, availabilityZones)
  }

  /// Holds snapshots ready no more.
  public func disableFastSnapshotRestores(snapshotIDs: [String], availabilityZones: [String]) async throws(AWSError)
    -> FastSnapshotRestoreChange
  {
    try await fastRestores("DisableFastSnapshotRestores", snapshotIDs, availabilityZones)
  }

  /// What came of a change, snapshot by snapshot and zone by zone.
  public struct FastSnapshotRestoreChange: Sendable, Hashable {
    /// What is on its way.
    public var successful: [FastSnapshotRestore]
    /// What is not.
    public var failed: [Failure]

    /// Why a snapshot's change failed in a zone.
    public struct Failure: Sendable, Hashable {
      /// The snapshot.
      public var snapshotID: String
      /// The zone.
      public var availabilityZone: String?
      /// The service's code.
      public var code: AWSError.Code
      /// The service's words.
      public var message: String
    }
  }

  private func fastRestores(_ action: String, _ snapshotIDs: [String], _ zones: [String]) async throws(AWSError)
    -> FastSnapshotRestoreChange
  {
    try await core.query(action) { form in
      form.add("AvailabilityZone", list: zones)
      form.add("SourceSnapshotId", list: snapshotIDs)
    } read: { result throws(AWSError) in
      let failed = try result.list("unsuccessful", of: "item") { item throws(AWSError) in
        let id = item.string("snapshotId") ?? ""
        return try item.list("fastSnapshotRestoreStateErrorSet", of: "item") { state in
          FastSnapshotRestoreChange.Failure(
            snapshotID: id, availabilityZone: state.string("availabilityZone"),
            code: .init(state["error"]?.string("code") ?? ""), message: state["error"]?.string("message") ?? "")
        }
      }
      let successful = try result.list("successful", of: "item") { item throws(AWSError) in
        try FastSnapshotRestore(xml: item)
      }
      return FastSnapshotRestoreChange(successful: successful, failed: failed.flatMap(\.self))
    }
  }

  /// One page of snapshots that are held ready.
  public func describeFastSnapshotRestores(filters: [Filter] = [], nextToken: String? = nil) async throws(AWSError)
    -> Page<FastSnapshotRestore>
  {
    try await describe("DescribeFastSnapshotRestores", "", [], filters, nextToken, in: "fastSnapshotRestoreSet") {
      item throws(AWSError) in try FastSnapshotRestore(xml: item)
    }
  }
}
