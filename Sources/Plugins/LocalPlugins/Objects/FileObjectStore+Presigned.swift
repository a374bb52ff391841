public import SDCore

/// The local gateway serves what this store signs.
extension FileObjectStore: PresignedAccessVerifier {}
