// swift-tools-version: 6.3
import PackageDescription

// A program that uses the libraries as any other package would.
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
      ])
  ]
)
