// swift-tools-version: 6.3
import PackageDescription

// A package of its own, so that who imports the libraries does not build the benchmarks. `make bench` runs them.

let strict: [SwiftSetting] =
  [
    "ExistentialAny", "MemberImportVisibility", "InternalImportsByDefault", "NonisolatedNonsendingByDefault",
    "InferIsolatedConformances", "ImmutableWeakCaptures",
  ].map { .enableUpcomingFeature($0) } + [.treatAllWarnings(as: .error)]

func ours(_ name: String) -> Target.Dependency { .product(name: name, package: "stable-diffusion-on-demand") }

let package = Package(
  name: "benchmarks",
  platforms: [.macOS(.v15)],
  dependencies: [
    .package(name: "stable-diffusion-on-demand", path: ".."),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
  ],
  targets: [
    // Reports, clocks and child processes.
    .target(name: "BenchmarkKit", swiftSettings: strict),
    // The local queue beside a plain Python one.
    .executableTarget(
      name: "queue-benchmark",
      dependencies: [
        "BenchmarkKit", ours("SDCore"), ours("LocalPlugins"), .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: strict),
    // An engine's answer on its way to the object store.
    .executableTarget(
      name: "decode-benchmark",
      dependencies: [
        "BenchmarkKit", ours("SDCore"), ours("BackendPlugins"), ours("HTTPTransport"), ours("ImageKit"),
        ours("LocalPlugins"), ours("MemoryPlugins"), .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: strict),
    // AWSKit beside boto3: starts the programs below, and their counterparts in python/.
    .executableTarget(name: "aws-benchmark", dependencies: ["BenchmarkKit"], swiftSettings: strict),
    // The gateway beside FastAPI, and from its start as a Lambda function to its first answer: whole programs.
    .executableTarget(name: "gateway-benchmark", dependencies: ["BenchmarkKit"], swiftSettings: strict),
    // What is measured: a program that has AWSKit and nothing else.
    .executableTarget(
      name: "aws-client", dependencies: [ours("AWSKit"), ours("HTTPTransport")], swiftSettings: strict),
    // Answers as SQS and S3 would, faster than either client asks.
    .target(name: "CTLS", linkerSettings: [.linkedLibrary("ssl"), .linkedLibrary("crypto")]),
    .executableTarget(
      name: "aws-stand-in", dependencies: ["CTLS", ours("AWSKit"), .product(name: "Crypto", package: "swift-crypto")],
      swiftSettings: strict),
  ],
  swiftLanguageModes: [.v6],
  cLanguageStandard: .c11
)
