// swift-tools-version: 6.3
import PackageDescription

// A package of its own, since its program has libFuzzer's `main`: only `scripts/fuzz` (`make fuzz`) can build it.

let strict: [SwiftSetting] =
  [
    "ExistentialAny", "MemberImportVisibility", "InternalImportsByDefault", "NonisolatedNonsendingByDefault",
    "InferIsolatedConformances", "ImmutableWeakCaptures",
  ].map { .enableUpcomingFeature($0) } + [.treatAllWarnings(as: .error)]

func ours(_ name: String) -> Target.Dependency { .product(name: name, package: "stable-diffusion-on-demand") }

let package = Package(
  name: "fuzz",
  platforms: [.macOS(.v15)],
  dependencies: [
    .package(name: "stable-diffusion-on-demand", path: ".."),
    .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0", traits: []),
  ],
  targets: [
    .executableTarget(
      name: "fuzz",
      dependencies: [
        ours("AWSKit"), ours("HTTPTransport"), ours("ImageKit"), ours("BackendPlugins"), ours("SDClient"),
        ours("SDCore"), .product(name: "HTTPTypes", package: "swift-http-types"),
      ],
      swiftSettings: strict)
  ],
  swiftLanguageModes: [.v6]
)
