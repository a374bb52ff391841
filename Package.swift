// swift-tools-version: 6.3
import PackageDescription

// One line a module: what it is, where it lives, what it may import. `scripts/check-imports` proves the same table
// against the sources; `docs/modules.md` says it in prose.

/// What a module is built on: our own modules by name, other packages' products by package.
struct Module {
  /// A tool is an executable that tests run; it is no product.
  enum Kind { case library, executable, tool, test, system, c }
  var kind: Kind
  var name: String
  var path: String
  var ours: [String] = []
  var theirs: [Product] = []
  var exclude: [String] = []
  var resources: [Resource] = []
}

struct Product {
  var name: String
  var package: String
  init(_ name: String, _ package: String) { (self.name, self.package) = (name, package) }
}

let logging = Product("Logging", "swift-log")
let metrics = Product("Metrics", "swift-metrics")
let metricsTestKit = Product("MetricsTestKit", "swift-metrics")
let tracing = Product("Tracing", "swift-distributed-tracing")
let lifecycle = Product("ServiceLifecycle", "swift-service-lifecycle")
let lifecycleSignals = Product("UnixSignals", "swift-service-lifecycle")
let crypto = Product("Crypto", "swift-crypto")
let httpTypes = Product("HTTPTypes", "swift-http-types")
let collections = Product("DequeModule", "swift-collections")
let grdb = Product("GRDB", "GRDB.swift")
let yams = Product("Yams", "Yams")
let arguments = Product("ArgumentParser", "swift-argument-parser")
let subprocess = Product("Subprocess", "swift-subprocess")
let hummingbird = Product("Hummingbird", "hummingbird")
let hummingbirdCore = Product("HummingbirdCore", "hummingbird")
let nio = [Product("NIOCore", "swift-nio"), Product("NIOPosix", "swift-nio"), Product("NIOHTTP1", "swift-nio")]
let nioHTTPTypes = Product("NIOHTTPTypes", "swift-nio-extras")

let modules: [Module] = [
  // The core: contracts and domain.
  .init(
    kind: .library, name: "SDCore", path: "Sources/SDCore", theirs: [logging, metrics, tracing, lifecycle, crypto]),

  // Bytes over libcurl.
  .init(kind: .system, name: "CCurl", path: "Sources/HTTPTransport/CCurl"),
  .init(kind: .c, name: "CHTTPTransport", path: "Sources/HTTPTransport/CHTTPTransport", ours: ["CCurl"]),
  .init(
    kind: .library, name: "HTTPTransport", path: "Sources/HTTPTransport/HTTPTransport",
    ours: ["CHTTPTransport"], theirs: [logging, httpTypes, collections, crypto]),

  // The AWS client.
  .init(kind: .system, name: "CXML2", path: "Sources/AWSKit/CXML2"),
  .init(kind: .c, name: "CAWSKit", path: "Sources/AWSKit/CAWSKit", ours: ["CXML2"]),
  .init(
    kind: .library, name: "AWSKit", path: "Sources/AWSKit/AWSKit", ours: ["HTTPTransport", "CAWSKit"],
    theirs: [logging, httpTypes, crypto]),

  // Images without a codec.
  .init(kind: .system, name: "CZlib", path: "Sources/ImageKit/CZlib"),
  .init(kind: .c, name: "CImageKit", path: "Sources/ImageKit/CImageKit", ours: ["CZlib"]),
  .init(kind: .library, name: "ImageKit", path: "Sources/ImageKit/ImageKit", ours: ["CImageKit"]),

  // Images with codecs, for those who convert or shrink them.
  .init(kind: .system, name: "CJPEG", path: "Sources/ImageCodecs/CJPEG"),
  .init(kind: .system, name: "CPNG", path: "Sources/ImageCodecs/CPNG"),
  .init(kind: .system, name: "CWebP", path: "Sources/ImageCodecs/CWebP"),
  .init(
    kind: .c, name: "CImageCodecs", path: "Sources/ImageCodecs/CImageCodecs", ours: ["CJPEG", "CPNG", "CWebP"]),
  .init(
    kind: .library, name: "ImageCodecs", path: "Sources/ImageCodecs/ImageCodecs", ours: ["ImageKit", "CImageCodecs"]),

  // The plugins.
  .init(
    kind: .library, name: "MemoryPlugins", path: "Sources/Plugins/MemoryPlugins", ours: ["SDCore"], theirs: [logging]),
  .init(
    kind: .library, name: "LocalPlugins", path: "Sources/Plugins/LocalPlugins", ours: ["SDCore"],
    theirs: [logging, crypto, grdb]),
  .init(
    kind: .library, name: "BackendPlugins", path: "Sources/Plugins/BackendPlugins",
    ours: ["SDCore", "HTTPTransport", "ImageKit"], theirs: [logging, httpTypes, crypto]),
  .init(
    kind: .library, name: "OutputPlugins", path: "Sources/Plugins/OutputPlugins",
    ours: ["SDCore", "ImageKit", "ImageCodecs"]),
  .init(
    kind: .library, name: "AWSPlugins", path: "Sources/Plugins/AWSPlugins", ours: ["SDCore", "AWSKit"],
    theirs: [logging, crypto]),
  .init(
    kind: .library, name: "OTLPPlugin", path: "Sources/Plugins/OTLPPlugin", ours: ["SDCore", "HTTPTransport"],
    theirs: [httpTypes]),

  // Nodes that start with their images.
  .init(
    kind: .library, name: "Snapshots", path: "Sources/Snapshots", ours: ["AWSKit", "HTTPTransport"],
    theirs: [logging, httpTypes, crypto]),
  .init(kind: .library, name: "Models", path: "Sources/Models", ours: ["AWSKit"], theirs: [crypto]),

  // The HTTP API, both sides.
  .init(
    kind: .library, name: "SDClient", path: "Sources/SDClient", ours: ["SDCore", "HTTPTransport"], theirs: [httpTypes]),
  .init(
    kind: .library, name: "SDGateway", path: "Sources/SDGateway",
    ours: ["SDCore", "HTTPTransport", "ImageKit", "ImageCodecs"],
    theirs: [
      logging, metrics, tracing, lifecycle, httpTypes, hummingbird, hummingbirdCore, nio[0], nio[2], nioHTTPTypes,
    ], resources: [.embedInCode("Dashboard/Files")]),

  // Stacks and charts from one file.
  .init(
    kind: .library, name: "Deployment", path: "Sources/Deployment", ours: ["SDCore", "AWSKit"],
    theirs: [yams, subprocess, crypto]),

  // The composition root and the programs.
  .init(
    kind: .library, name: "SDRuntime", path: "Sources/SDRuntime",
    ours: [
      "SDCore", "HTTPTransport", "AWSKit", "MemoryPlugins", "LocalPlugins", "AWSPlugins", "BackendPlugins",
      "OutputPlugins", "OTLPPlugin",
    ],
    theirs: [logging, metrics, tracing, lifecycle, lifecycleSignals, httpTypes, yams, arguments]),
  .init(kind: .executable, name: "sd-agent", path: "Sources/sd-agent", ours: ["SDRuntime"], theirs: [arguments]),
  .init(kind: .executable, name: "sd-job", path: "Sources/sd-job", ours: ["SDRuntime"], theirs: [arguments]),
  .init(
    kind: .executable, name: "sd-gateway", path: "Sources/sd-gateway", ours: ["SDCore", "SDRuntime", "SDGateway"],
    theirs: [arguments, logging, lifecycle]),
  .init(
    kind: .executable, name: "sdctl", path: "Sources/sdctl",
    ours: ["SDCore", "SDRuntime", "SDGateway", "SDClient", "AWSKit", "Snapshots", "Models", "Deployment"],
    theirs: [arguments, logging, lifecycle, lifecycleSignals]),

  // Tests.
  .init(
    kind: .library, name: "SDTestKit", path: "Sources/SDTestKit", ours: ["SDCore"],
    theirs: [logging, crypto] + nio),
  .init(
    kind: .test, name: "SDCoreTests", path: "Tests/SDCoreTests", ours: ["SDCore", "MemoryPlugins", "SDTestKit"],
    theirs: [logging, metrics, metricsTestKit, lifecycle, tracing], exclude: ["FilterPolicyVectors.json"]),
  .init(
    kind: .test, name: "HTTPTransportTests", path: "Tests/HTTPTransportTests", ours: ["HTTPTransport", "SDTestKit"],
    theirs: [httpTypes]),
  .init(
    kind: .test, name: "AWSKitTests", path: "Tests/AWSKitTests", ours: ["AWSKit", "HTTPTransport", "SDTestKit"],
    theirs: [httpTypes, logging], exclude: ["Vectors"]),
  .init(
    kind: .tool, name: "awskit-probe", path: "Tests/AWSKitProbe", ours: ["AWSKit", "HTTPTransport"],
    theirs: [httpTypes]),
  .init(
    kind: .test, name: "DeploymentTests", path: "Tests/DeploymentTests",
    ours: ["SDCore", "Deployment", "AWSKit", "HTTPTransport", "SDTestKit"], theirs: [yams]),
  .init(kind: .test, name: "ImageKitTests", path: "Tests/ImageKitTests", ours: ["ImageKit"]),
  .init(kind: .test, name: "ImageCodecsTests", path: "Tests/ImageCodecsTests", ours: ["ImageCodecs", "ImageKit"]),
  .init(
    kind: .test, name: "MemoryPluginsTests", path: "Tests/MemoryPluginsTests",
    ours: ["SDCore", "MemoryPlugins", "SDTestKit"]),
  .init(kind: .c, name: "CSyncCount", path: "Tests/CSyncCount"),
  .init(kind: .c, name: "CSmallDisk", path: "Tests/CSmallDisk"),
  .init(
    kind: .test, name: "LocalPluginsTests", path: "Tests/LocalPluginsTests",
    ours: ["SDCore", "LocalPlugins", "SDTestKit", "CSyncCount", "CSmallDisk"],
    theirs: [grdb, logging]),
  .init(
    kind: .test, name: "BackendPluginsTests", path: "Tests/BackendPluginsTests",
    ours: ["SDCore", "BackendPlugins", "HTTPTransport", "ImageKit", "OutputPlugins", "SDTestKit"], theirs: [httpTypes]),
  .init(
    kind: .test, name: "OutputPluginsTests", path: "Tests/OutputPluginsTests",
    ours: ["SDCore", "OutputPlugins", "ImageKit", "ImageCodecs"]),
  .init(
    kind: .test, name: "AWSPluginsTests", path: "Tests/AWSPluginsTests",
    ours: ["SDCore", "AWSPlugins", "AWSKit", "HTTPTransport", "MemoryPlugins", "SDTestKit"],
    theirs: [httpTypes, logging]),
  .init(
    kind: .test, name: "OTLPPluginTests", path: "Tests/OTLPPluginTests",
    ours: ["SDCore", "OTLPPlugin", "HTTPTransport", "SDTestKit"], theirs: [httpTypes]),
  .init(
    kind: .test, name: "SDRuntimeTests", path: "Tests/SDRuntimeTests",
    ours: ["SDCore", "SDRuntime", "MemoryPlugins", "HTTPTransport", "SDTestKit"],
    theirs: [logging, metrics, lifecycle, lifecycleSignals, arguments, httpTypes]),
  .init(
    kind: .test, name: "SnapshotsTests", path: "Tests/SnapshotsTests",
    ours: ["Snapshots", "AWSKit", "HTTPTransport", "SDTestKit"], theirs: [httpTypes, logging]),
  .init(
    kind: .test, name: "SDGatewayTests", path: "Tests/SDGatewayTests",
    ours: [
      "SDCore", "SDGateway", "SDClient", "HTTPTransport", "ImageCodecs", "ImageKit", "MemoryPlugins", "SDTestKit",
    ],
    theirs: [httpTypes, lifecycle, logging, metrics, metricsTestKit]),
]

let packages: [String: Package.Dependency] = [
  "swift-log": .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
  "swift-metrics": .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
  "swift-distributed-tracing": .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.7.3"),
  "swift-service-lifecycle": .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
  "swift-crypto": .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
  "swift-http-types": .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0", traits: []),
  "swift-collections": .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
  "swift-nio": .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
  "swift-nio-extras": .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
  "GRDB.swift": .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
  "Yams": .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  "swift-argument-parser": .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
  // Without Foundation, which the trait of that name is for.
  "swift-subprocess": .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2", traits: []),
  "hummingbird": .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
]

// `SD_ONLY=AWSKit,SDCore swift test` builds those modules, what they stand on, and their tests: sanitizers and work on
// one module need not build the rest.
let wanted: Set<String> = {
  let byName = Dictionary(uniqueKeysWithValues: modules.map { ($0.name, $0) })
  guard let only = Context.environment["SD_ONLY"], !only.isEmpty else { return Set(byName.keys) }
  var open = only.split(separator: ",").map(String.init)
  for name in open where byName[name] == nil { fatalError("SD_ONLY names no module of this package: \(name)") }
  open += open.map { $0 + "Tests" }.filter { byName[$0] != nil }
  var reached: Set<String> = []
  while let name = open.popLast() {
    guard let module = byName[name], reached.insert(name).inserted else { continue }
    open += module.ours
  }
  return reached
}()

let strict: [SwiftSetting] =
  [
    "ExistentialAny", "MemberImportVisibility", "InternalImportsByDefault", "NonisolatedNonsendingByDefault",
    "InferIsolatedConformances", "ImmutableWeakCaptures",
  ].map { .enableUpcomingFeature($0) } + [.treatAllWarnings(as: .error)]
  // Thread Sanitizer does not see the kernel hand a contended `Synchronization.Mutex` on; with this, modules that have a
  // `Mutex+ThreadSanitizer.swift` use a lock that it understands.
  + (Context.environment["SD_SANITIZE"] == "thread" ? [.define("SD_TSAN")] : [])
  // Tests wait longer where everything is slower.
  + (Context.environment["SD_SANITIZE"] == nil ? [] : [.define("SD_SANITIZED")])

let systemLibraries: [String: (pkgConfig: String, apt: String)] = [
  "CCurl": ("libcurl", "libcurl4-openssl-dev"),
  "CXML2": ("libxml-2.0", "libxml2-dev"),
  "CZlib": ("zlib", "zlib1g-dev"),
  "CJPEG": ("libjpeg", "libjpeg-dev"),
  "CPNG": ("libpng", "libpng-dev"),
  "CWebP": ("libwebp", "libwebp-dev"),
]

let kept = modules.filter { wanted.contains($0.name) }

let targets: [Target] = kept.map { module in
  let dependencies: [Target.Dependency] =
    module.ours.map { .target(name: $0) } + module.theirs.map { .product(name: $0.name, package: $0.package) }
  switch module.kind {
  case .system:
    let library = systemLibraries[module.name]!
    return .systemLibrary(
      name: module.name, path: module.path, pkgConfig: library.pkgConfig, providers: [.apt([library.apt])])
  case .c:
    return .target(name: module.name, dependencies: dependencies, path: module.path, exclude: module.exclude)
  case .library:
    return .target(
      name: module.name, dependencies: dependencies, path: module.path, exclude: module.exclude,
      resources: module.resources, swiftSettings: strict)
  case .executable, .tool:
    return .executableTarget(
      name: module.name, dependencies: dependencies, path: module.path, exclude: module.exclude, swiftSettings: strict)
  case .test:
    return .testTarget(
      name: module.name, dependencies: dependencies, path: module.path, exclude: module.exclude,
      resources: module.resources, swiftSettings: strict)
  }
}

let products: [PackageDescription.Product] = kept.compactMap { module in
  switch module.kind {
  case .library where module.name != "SDTestKit": .library(name: module.name, targets: [module.name])
  case .executable: .executable(name: module.name, targets: [module.name])
  default: nil
  }
}

let package = Package(
  name: "stable-diffusion-on-demand",
  platforms: [.macOS(.v15)],
  products: products,
  dependencies: Set(kept.flatMap { $0.theirs.map(\.package) }).sorted().map { packages[$0]! },
  targets: targets,
  swiftLanguageModes: [.v6],
  cLanguageStandard: .c11
)
