// swift-tools-version: 6.3
import PackageDescription

// Programs that use the libraries as any other package would: a whole system in one file, and a client in five lines.
let package = Package(
  name: "minimal",
  platforms: [.macOS(.v15)],
  dependencies: [.package(name: "stable-diffusion-on-demand", path: "../..")],
  targets: [
    .executableTarget(
      name: "minimal",
      dependencies: [
        .product(name: "SDCore", package: "stable-diffusion-on-demand"),
        .product(name: "MemoryPlugins", package: "stable-diffusion-on-demand"),
      ]),
    .executableTarget(
      name: "client",
      dependencies: [
        .product(name: "SDClient", package: "stable-diffusion-on-demand")
      ]),
  ]
)
