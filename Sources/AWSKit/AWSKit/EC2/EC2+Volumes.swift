public import FoundationEssentials

extension EC2 {
  /// A volume.
  public struct Volume: Sendable, Hashable {
    /// The id, `vol-…`.
    public var id: String
    /// `creating`, `available`, `in-use`, `deleting`, `error`.
    public var state: String
    /// GiB.
    public var size: Int?
    /// `gp3` and so on.
    public var volumeType: String?
    /// I/O operations a second.
    public var iops: Int?
    /// MiB a second.
    public var throughput: Int?
    /// The zone.
    public var availabilityZone: String?
    /// The snapshot that it is made of.
    public var snapshotID: String?
    /// Whether it is encrypted.
    public var isEncrypted: Bool
    /// The instances that it is attached to.
    public var instanceIDs: [String]
    /// The tags.
    public var tags: [String: String]
  }

  struct DescribeVolumes: QueryOperation {
    static let action: StaticString = "DescribeVolumes"
    var ids: [String]
    var filters: [Filter]
    var nextToken: String?
    func encode(to form: inout QueryForm) {
      form.add("VolumeId", list: ids.isEmpty ? nil : ids)
      form.add(filters: filters)
      form.add("NextToken", nextToken)
    }
    func decode(_ result: XMLElement) throws(AWSError) -> Page<Volume> {
      let volumes = try result.list("volumeSet", of: "item") { item throws(AWSError) in
        Volume(
          id: try item.required("volumeId"), state: item.string("status") ?? "", size: try item.integer("size"),
          volumeType: item.string("volumeType"), iops: try item.integer("iops"),
          throughput: try item.integer("throughput"), availabilityZone: item.string("availabilityZone"),
          snapshotID: item.string("snapshotId"), isEncrypted: try item.bool("encrypted") ?? false,
          instanceIDs: try item.list("attachmentSet", of: "item") { $0.string("instanceId") ?? "" },
          tags: try item.ec2Tags())
      }
      return Page(elements: volumes, nextToken: result.nextToken)
    }
  }

  /// A change of a volume.
  public struct ModifyVolumeInput: QueryOperation {
    static let action: StaticString = "ModifyVolume"
    /// The volume.
    public var volumeID: String
    /// GiB; it only grows.
    public var size: Int?
    /// `gp3` and so on.
    public var volumeType: String?
    /// I/O operations a second.
    public var iops: Int?
    /// MiB a second.
    public var throughput: Int?

    /// A change of a volume.
    public init(volumeID: String) { self.volumeID = volumeID }

    func encode(to form: inout QueryForm) {
      form.add("VolumeId", volumeID)
      form.add("Size", size)
      form.add("VolumeType", volumeType)
      form.add("Iops", iops)
      form.add("Throughput", throughput)
    }
    func decode(_ result: XMLElement) throws(AWSError) -> String? {
      result["volumeModification"]?.string("modificationState")
    }
  }

  struct DeleteVolume: QueryOperation {
    typealias Output = Void
    static let action: StaticString = "DeleteVolume"
    var id: String
    func encode(to form: inout QueryForm) { form.add("VolumeId", id) }
  }

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

  struct CreateSnapshot: QueryOperation {
    static let action: StaticString = "CreateSnapshot"
    var volumeID: String
    var description: String?
    var tags: [String: String]
    func encode(to form: inout QueryForm) {
      form.add("Description", description)
      form.add("VolumeId", volumeID)
      form.add(tags: [("snapshot", tags)])
    }
    func decode(_ result: XMLElement) throws(AWSError) -> Snapshot { try Snapshot(xml: result) }
  }

  struct DescribeSnapshots: QueryOperation {
    static let action: StaticString = "DescribeSnapshots"
    var ids, owners: [String]
    var filters: [Filter]
    var nextToken: String?
    func encode(to form: inout QueryForm) {
      form.add("SnapshotId", list: ids.isEmpty ? nil : ids)
      form.add("Owner", list: owners.isEmpty ? nil : owners)
      form.add(filters: filters)
      form.add("NextToken", nextToken)
    }
    func decode(_ result: XMLElement) throws(AWSError) -> Page<Snapshot> {
      let found = try result.list("snapshotSet", of: "item") { item throws(AWSError) in try Snapshot(xml: item) }
      return Page(elements: found, nextToken: result.nextToken)
    }
  }

  struct DeleteSnapshot: QueryOperation {
    typealias Output = Void
    static let action: StaticString = "DeleteSnapshot"
    var id: String
    func encode(to form: inout QueryForm) { form.add("SnapshotId", id) }
  }

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

  struct EnableFastSnapshotRestores: QueryOperation {
    static let action: StaticString = "EnableFastSnapshotRestores"
    var snapshotIDs, zones: [String]
    func encode(to form: inout QueryForm) {
      form.add("AvailabilityZone", list: zones)
      form.add("SourceSnapshotId", list: snapshotIDs)
    }
    func decode(_ result: XMLElement) throws(AWSError) -> [FastSnapshotRestore] {
      if let failed = result["unsuccessful"]?["item"] {
        let reason = failed["fastSnapshotRestoreStateErrorSet"]?["item"]?["error"]
        throw AWSError(
          .init(reason?.string("code") ?? "Unsuccessful"),
          "\(failed.string("snapshotId") ?? ""): \(reason?.string("message") ?? "")", origin: .service)
      }
      return try result.list("successful", of: "item") { item throws(AWSError) in try FastSnapshotRestore(xml: item) }
    }
  }

  struct DescribeFastSnapshotRestores: QueryOperation {
    static let action: StaticString = "DescribeFastSnapshotRestores"
    var filters: [Filter]
    var nextToken: String?
    func encode(to form: inout QueryForm) {
      form.add(filters: filters)
      form.add("NextToken", nextToken)
    }
    func decode(_ result: XMLElement) throws(AWSError) -> Page<FastSnapshotRestore> {
      let found = try result.list("fastSnapshotRestoreSet", of: "item") { item throws(AWSError) in
        try FastSnapshotRestore(xml: item)
      }
      return Page(elements: found, nextToken: result.nextToken)
    }
  }

  struct CreateTags: QueryOperation {
    typealias Output = Void
    static let action: StaticString = "CreateTags"
    var ids: [String]
    var tags: [String: String]
    func encode(to form: inout QueryForm) {
      form.add("ResourceId", list: ids)
      form.add("Tag", map: tags, key: "Key", value: "Value")
    }
  }
}
