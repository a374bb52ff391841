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

  /// One page of volumes, by id or by filters.
  public func describeVolumes(ids: [String] = [], filters: [Filter] = [], nextToken: String? = nil)
    async throws(AWSError) -> Page<Volume>
  {
    try await describe("DescribeVolumes", "VolumeId", ids, filters, nextToken, in: "volumeSet") {
      item throws(AWSError) in
      Volume(
        id: try item.required("volumeId"), state: item.string("status") ?? "", size: try item.integer("size"),
        volumeType: item.string("volumeType"), iops: try item.integer("iops"),
        throughput: try item.integer("throughput"), availabilityZone: item.string("availabilityZone"),
        snapshotID: item.string("snapshotId"), isEncrypted: try item.bool("encrypted") ?? false,
        instanceIDs: try item.list("attachmentSet", of: "item") { $0.string("instanceId") ?? "" },
        tags: try item.ec2Tags())
    }
  }

  /// Deletes a volume that is attached to nothing.
  public func deleteVolume(id: String) async throws(AWSError) {
    try await core.query("DeleteVolume") { $0.add("VolumeId", id) }
  }

  /// A change of a volume.
  public struct ModifyVolumeInput: QueryOperation {
    static let action: String = "ModifyVolume"
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

  /// Changes size, type, IOPS or throughput of a volume in use; gives the state of the change.
  public func modifyVolume(_ input: ModifyVolumeInput) async throws(AWSError) -> String? {
    try await core.query(input)
  }

  /// How far a change of a volume is.
  public struct VolumeModification: Sendable, Hashable {
    /// The volume.
    public var volumeID: String
    /// `modifying`, `optimizing`, `completed`, `failed`.
    public var state: String
    /// Percent.
    public var progress: Int?
    /// Why it failed.
    public var statusMessage: String?
  }

  /// One page of changes of volumes, by the volumes' ids or by filters.
  public func describeVolumesModifications(
    volumeIDs: [String] = [], filters: [Filter] = [], nextToken: String? = nil
  ) async throws(AWSError) -> Page<VolumeModification> {
    try await describe(
      "DescribeVolumesModifications", "VolumeId", volumeIDs, filters, nextToken, in: "volumeModificationSet"
    ) { item throws(AWSError) in
      VolumeModification(
        volumeID: try item.required("volumeId"), state: item.string("modificationState") ?? "",
        progress: try item.integer("progress"), statusMessage: item.string("statusMessage"))
    }
  }
}
