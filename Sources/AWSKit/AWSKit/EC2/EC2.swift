/// Amazon Elastic Compute Cloud, as far as making a snapshot of a volume needs it.
public struct EC2: Sendable {
  let core: ServiceClient
  static let version: StaticString = "2016-11-15"

  /// A client of EC2.
  ///
  /// - Parameters:
  ///   - client: what it shares with the other services.
  ///   - region: goes before the client's.
  /// - Throws: ``AWSError/Code/invalidEndpoint`` without a region.
  public init(_ client: AWSClient, region: String? = nil) throws(AWSError) {
    core = try ServiceClient(.ec2, client, region: region, errorFormat: .query)
  }

  private func call<Operation: QueryOperation>(_ operation: Operation) async throws(AWSError) -> Operation.Output {
    try await core.query(operation, version: Self.version)
  }

  /// What a list is narrowed by: a name, `tag:purpose`, and values of which one must fit.
  public struct Filter: Sendable, Hashable {
    /// The name.
    public var name: String
    /// The values; `*` and `?` stand for characters.
    public var values: [String]
    /// A filter.
    public init(_ name: String, _ values: [String]) { (self.name, self.values) = (name, values) }
  }

  /// One page of a list.
  public struct Page<Element: Sendable>: Sendable {
    /// The elements.
    public var elements: [Element]
    /// What the next page is asked for with; `nil` on the last one.
    public var nextToken: String?
  }

  // MARK: Instances

  /// Starts instances; a repetition of the same input, client token included, starts nothing more.
  public func runInstances(_ input: RunInstancesInput) async throws(AWSError) -> [Instance] {
    var input = input
    if input.clientToken == nil { input.clientToken = IdempotencyToken.make() }
    return try await call(input)
  }

  /// One page of instances, by id or by filters.
  public func describeInstances(ids: [String] = [], filters: [Filter] = [], nextToken: String? = nil)
    async throws(AWSError) -> Page<Instance>
  {
    try await call(DescribeInstances(ids: ids, filters: filters, nextToken: nextToken))
  }

  /// Stops instances; their volumes stay.
  public func stopInstances(ids: [String], force: Bool? = nil) async throws(AWSError) -> [InstanceStateChange] {
    try await call(ChangeInstances<StopKind>(ids: ids, force: force))
  }

  /// Starts instances that were stopped.
  public func startInstances(ids: [String]) async throws(AWSError) -> [InstanceStateChange] {
    try await call(ChangeInstances<StartKind>(ids: ids, force: nil))
  }

  /// Ends instances; volumes that are marked so go with them.
  public func terminateInstances(ids: [String]) async throws(AWSError) -> [InstanceStateChange] {
    try await call(ChangeInstances<TerminateKind>(ids: ids, force: nil))
  }

  /// One page of images, by id, owner or filters.
  public func describeImages(ids: [String] = [], owners: [String] = [], filters: [Filter] = []) async throws(AWSError)
    -> [Image]
  {
    try await call(DescribeImages(ids: ids, owners: owners, filters: filters))
  }

  // MARK: Volumes and snapshots

  /// One page of volumes, by id or by filters.
  public func describeVolumes(ids: [String] = [], filters: [Filter] = [], nextToken: String? = nil)
    async throws(AWSError) -> Page<Volume>
  {
    try await call(DescribeVolumes(ids: ids, filters: filters, nextToken: nextToken))
  }

  /// Changes size, type, IOPS or throughput of a volume in use; gives the state of the change.
  public func modifyVolume(_ input: ModifyVolumeInput) async throws(AWSError) -> String? { try await call(input) }

  /// Deletes a volume that is attached to nothing.
  public func deleteVolume(id: String) async throws(AWSError) { try await call(DeleteVolume(id: id)) }

  /// Begins a snapshot of a volume.
  public func createSnapshot(volumeID: String, description: String? = nil, tags: [String: String] = [:])
    async throws(AWSError) -> Snapshot
  {
    try await call(CreateSnapshot(volumeID: volumeID, description: description, tags: tags))
  }

  /// One page of snapshots, by id, owner (`self`) or filters.
  public func describeSnapshots(
    ids: [String] = [], owners: [String] = [], filters: [Filter] = [], nextToken: String? = nil
  ) async throws(AWSError) -> Page<Snapshot> {
    try await call(DescribeSnapshots(ids: ids, owners: owners, filters: filters, nextToken: nextToken))
  }

  /// Deletes a snapshot.
  public func deleteSnapshot(id: String) async throws(AWSError) { try await call(DeleteSnapshot(id: id)) }

  /// Begins to hold snapshots ready, so that volumes made of them need no first read.
  public func enableFastSnapshotRestores(snapshotIDs: [String], availabilityZones: [String]) async throws(AWSError)
    -> [FastSnapshotRestore]
  {
    try await call(EnableFastSnapshotRestores(snapshotIDs: snapshotIDs, zones: availabilityZones))
  }

  /// One page of snapshots that are held ready.
  public func describeFastSnapshotRestores(filters: [Filter] = [], nextToken: String? = nil) async throws(AWSError)
    -> Page<FastSnapshotRestore>
  {
    try await call(DescribeFastSnapshotRestores(filters: filters, nextToken: nextToken))
  }

  /// Adds tags to resources.
  public func createTags(resourceIDs: [String], tags: [String: String]) async throws(AWSError) {
    try await call(CreateTags(ids: resourceIDs, tags: tags))
  }
}
