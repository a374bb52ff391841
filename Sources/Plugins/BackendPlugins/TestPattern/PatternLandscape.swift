/// A landscape: a sky with a sun or a moon and clouds, ridges one behind the other, and a lake that mirrors them.
struct PatternLandscape {
  private let scheme: PatternScheme
  private let size: (width: Int, height: Int)
  /// What decides the composition, and what the ridges come from besides it.
  private let seed: UInt64
  private let otherSeed: UInt64
  /// How much of the ridges comes from `otherSeed`.
  private let share: Double
  private let octaves: Int
  /// Where the land's foot is, and the lake begins: a row.
  private let shore: Int
  private let sun: (x: Double, y: Double, radius: Double)

  init(_ pattern: TestPattern, _ scheme: PatternScheme) {
    self.scheme = scheme
    size = (pattern.width, pattern.height)
    let ownSeed = PatternNoise.mix(pattern.seed)
    if let digest = pattern.initDigest {
      (seed, otherSeed) = (PatternNoise.hash(digest), ownSeed)
      share = min(1, max(0, pattern.denoisingStrength))
    } else {
      (seed, otherSeed, share) = (ownSeed, ownSeed, 0)
    }
    // One step gives bare hills, sixty all the detail there is.
    octaves = 2 + min(5, max(1, pattern.steps).bitWidth - max(1, pattern.steps).leadingZeroBitCount - 1)
    var noise = PatternNoise(seed)
    let (width, height) = (Double(size.width), Double(size.height))
    shore = Int(height * noise.next(0.58...0.68))
    let radius = min(width, height) * noise.next(0.045...0.085)
    sun = (width * noise.next(0.15...0.85), Double(shore) * noise.next(0.22...0.62), radius)
  }

  /// Paints all of the canvas.
  func paint(on canvas: inout PatternCanvas) {
    let ridges = (0..<PatternCanvas.Index.layers).map(ridge)
    canvas.pixels.withUnsafeMutableBufferPointer { pixels in
      paintSky(pixels)
      if scheme.hasStars { paintStars(pixels) }
      paintSun(pixels)
      for layer in ridges.indices { paint(ridges[layer], layer, pixels) }
      paintWater(pixels)
    }
  }

  /// The sky's brightness on a coarse grid, drawn out between its points, dithered between the palette's levels.
  private func paintSky(_ pixels: UnsafeMutableBufferPointer<UInt8>) {
    let cell = max(1, min(size.width, size.height) / 64)
    let (columns, rows) = (size.width / cell + 2, shore / cell + 2)
    let unit = 1.0 / Double(min(size.width, size.height))
    let cloudSeed = PatternNoise.mix(seed &+ 1)
    let top = Double(PatternCanvas.Index.skyCount - 1)
    var grid = [Int](repeating: 0, count: columns * rows)
    for row in 0..<rows {
      let y = Double(row * cell)
      let fall = min(1, y / Double(max(1, shore)))
      for column in 0..<columns {
        let x = Double(column * cell)
        let (dx, dy) = ((x - sun.x) * unit, (y - sun.y) * unit)
        let glow = 0.42 / (1 + 55 * (dx * dx + dy * dy))
        let cloud = PatternNoise.fractal(cloudSeed, x * unit * 2.2, y * unit * 7, octaves: min(5, octaves))
        let veil = max(0, cloud - 0.5) * (1.3 - fall)
        let light = fall * fall * 0.35 + fall * 0.5 + glow + veil - 0.03
        grid[row * columns + column] = Int(min(1, max(0, light)) * top * 65536)
      }
    }
    let bayer = PatternCanvas.bayer.map { $0 * 1024 + 512 }
    grid.withUnsafeBufferPointer { grid in
      bayer.withUnsafeBufferPointer { bayer in
        for y in 0..<shore {
          let (row, below) = (y / cell * columns, y % cell)
          let tile = (y & 7) * 8
          var place = y * size.width
          var x = 0
          for column in 0..<(columns - 1) where x < size.width {
            let at = row + column
            var value = grid[at] + (grid[at + columns] - grid[at]) * below / cell
            let right = grid[at + 1] + (grid[at + 1 + columns] - grid[at + 1]) * below / cell
            let step = (right - value) / cell
            let end = min(size.width, x + cell)
            while x < end {
              pixels[place] = UInt8(truncatingIfNeeded: (value + bayer[tile + x & 7]) >> 16)
              value += step
              place += 1
              x += 1
            }
          }
        }
      }
    }
  }

  private func paintStars(_ pixels: UnsafeMutableBufferPointer<UInt8>) {
    var noise = PatternNoise(seed &+ 2)
    for _ in 0..<min(400, size.width * size.height / 900) {
      let (x, y) = (Int(noise.next() * Double(size.width)), Int(noise.next() * noise.next() * Double(shore)))
      let isBright = noise.next() > 0.8
      for side in 0..<(isBright ? max(1, min(size.width, size.height) / 384) : 1) where x + side < size.width {
        pixels[y * size.width + x + side] = isBright ? PatternCanvas.Index.text : PatternCanvas.Index.star
      }
    }
  }

  private func paintSun(_ pixels: UnsafeMutableBufferPointer<UInt8>) {
    let (left, right) = (max(0, Int(sun.x - sun.radius) - 1), min(size.width - 1, Int(sun.x + sun.radius) + 1))
    let (top, bottom) = (max(0, Int(sun.y - sun.radius) - 1), min(shore - 1, Int(sun.y + sun.radius) + 1))
    guard left <= right, top <= bottom else { return }
    for y in top...bottom {
      for x in left...right {
        let (dx, dy) = (Double(x) - sun.x, Double(y) - sun.y)
        let cover = sun.radius + 0.5 - (dx * dx + dy * dy).squareRoot()
        guard cover > 0 else { continue }
        let edge = PatternCanvas.Index.sunEdge + UInt8(min(2, cover * 3))
        pixels[y * size.width + x] = cover >= 1 ? PatternCanvas.Index.sun : edge
      }
    }
  }

  /// The rows at which a layer begins, a column each; the first layer is the farthest.
  private func ridge(_ layer: Int) -> [Int] {
    let last = PatternCanvas.Index.layers - 1
    let depth = Double(layer) / Double(last)
    let unit = 1.0 / Double(min(size.width, size.height))
    let reach = Double(shore) * (0.62 - 0.46 * depth)
    func height(_ seed: UInt64, _ x: Double) -> Double {
      let own = PatternNoise.mix(seed &+ 10 &+ UInt64(layer))
      let noise = PatternNoise.fractal(own, x * unit * (1.6 + 2.2 * depth), octaves: octaves, gain: 0.46)
      // Near ones are hills. Far ones are peaks: a fold in the noise makes its middle the crest.
      guard layer < 3 else { return noise }
      let fold = 1 - abs(2 * noise - 1)
      return fold * fold * (layer == 2 ? 0.8 : 1)
    }
    var rows = (0..<size.width).map { x in
      var value = height(seed, Double(x))
      if share > 0 { value += (height(otherSeed, Double(x)) - value) * share }
      return max(0, shore - Int(reach * (0.12 + 0.88 * value)))
    }
    if layer == last && scheme.hasTrees { plant(&rows) }
    return rows
  }

  /// Spruces on the nearest ridge, where the noise makes a wood.
  private func plant(_ rows: inout [Int]) {
    var noise = PatternNoise(seed &+ 3)
    let side = Double(min(size.width, size.height))
    guard side >= 48 else { return }
    let (ground, wood) = (rows, PatternNoise.mix(seed &+ 4))
    var x = 0.0
    while x < Double(size.width) {
      x += max(2, side * noise.next(0.008...0.028))
      let tall = side * noise.next(0.03...0.075)
      let middle = Int(x)
      guard middle < size.width, PatternNoise.line(wood, x / side * 5) > 0.42 else { continue }
      let half = max(1, Int(tall * 0.2))
      for offset in -half...half where rows.indices.contains(middle + offset) {
        // Branches: the outline goes down in steps.
        let distance = abs(offset)
        let rise = Int(tall * (1 - Double(distance) / Double(half + 1))) - (distance % 3 == 1 ? Int(tall * 0.08) : 0)
        rows[middle + offset] = max(0, min(rows[middle + offset], ground[middle] - rise))
      }
    }
  }

  private func paint(_ ridge: [Int], _ layer: Int, _ pixels: UnsafeMutableBufferPointer<UInt8>) {
    let levels = PatternCanvas.Index.layerLevels
    let first = PatternCanvas.Index.skyCount + layer * levels
    guard let top = ridge.min(), top < shore else { return }
    ridge.withUnsafeBufferPointer { ridge in
      withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 8) { tile in
        for y in top..<shore {
          let light = (y - top) * (levels - 1) * 64 / max(1, shore - top)
          for x in 0..<8 { tile[x] = UInt8(first + (light + PatternCanvas.bayer[(y & 7) * 8 + x]) / 64) }
          let row = y * size.width
          for x in 0..<size.width where y >= ridge[x] { pixels[row + x] = tile[x & 7] }
        }
      }
    }
  }

  /// The lake: the rows above the shore upside down, drawn apart by waves that grow towards the viewer.
  private func paintWater(_ pixels: UnsafeMutableBufferPointer<UInt8>) {
    guard shore > 0 else { return }
    let waves = PatternNoise.mix(seed &+ 5)
    let side = Double(min(size.width, size.height))
    let map = PatternCanvas.Index.inWater
    var noise = PatternNoise(seed &+ 6)
    map.withUnsafeBufferPointer { map in
      for y in shore..<size.height {
        let depth = y - shore
        let near = Double(depth) / side
        let wave = PatternNoise.line(waves, (near * 90).squareRoot() * 6) - 0.5
        let shift = Int(wave * side * (0.01 + 0.1 * near))
        let source = min(shore - 1, max(0, shore - 1 - depth - Int(wave * 60 * near))) * size.width
        let row = y * size.width
        for x in 0..<size.width {
          let from = min(size.width - 1, max(0, x + shift))
          pixels[row + x] = map[Int(pixels[source + from])]
        }
        glitter(row, near, &noise, pixels)
      }
    }
  }

  /// A few short lines of light below the sun.
  private func glitter(
    _ row: Int, _ near: Double, _ noise: inout PatternNoise, _ pixels: UnsafeMutableBufferPointer<UInt8>
  ) {
    let spread = sun.radius * (0.6 + near * 3)
    for _ in 0..<2 {
      let middle = sun.x + (noise.next() + noise.next() - 1) * spread
      let length = sun.radius * noise.next(0.05...0.5) * (0.5 + near * 2)
      guard noise.next() > 0.45 else { continue }
      let (from, to) = (max(0, Int(middle - length)), min(size.width, Int(middle + length)))
      guard from < to else { continue }
      for x in from..<to { pixels[row + x] = PatternCanvas.Index.sunInWater }
    }
  }
}
