// swift-tools-version: 6.3
import PackageDescription

// A package of its own, so that who imports the libraries does not build the benchmarks. `make bench` runs them.

let strict: [SwiftSetting] =
  [
    "ExistentialAny", "MemberImportVisibility", "InternalImportsByDefault", "NonisolatedNonsendingByDefault",
    "InferIsolatedConformances", "ImmutableWeakCaptures",
  ].map { .enableUpcomingFeature($0) } + [.treatAllWarnings(as: .error)]

let package = Package(
  name: "benchmarks",
  platforms: [.macOS(.v15)],
  dependencies: [
    .package(name: "stable-diffusion-on-demand", path: ".."),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
  ],
  targets: [
    .executableTarget(
      name: "queue-benchmark",
      dependencies: [
        .product(name: "SDCore", package: "stable-diffusion-on-demand"),
        .product(name: "LocalPlugins", package: "stable-diffusion-on-demand"),
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: strict)
  ],
  swiftLanguageModes: [.v6]
)
