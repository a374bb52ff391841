import ImageKit
import Testing
