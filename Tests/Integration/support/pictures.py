"""PNG files, looked at closely: a picture that opens is one whose every chunk and pixel row is there."""

import struct
import zlib
from dataclasses import dataclass, field

SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


@dataclass
class Picture:
    width: int
    height: int
    text: dict = field(default_factory=dict)


def read_png(data):
    """The picture of a PNG file; raises ValueError for whatever a decoder would stumble over."""
    if not data.startswith(SIGNATURE):
        raise ValueError(f"starts with {data[:8]!r}")
    at, kinds, pixels, text, head = len(SIGNATURE), [], b"", {}, None
    while at < len(data):
        if len(data) < at + 12:
            raise ValueError("ends inside a chunk")
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + length]
        check = data[at + 8 + length:at + 12 + length]
        if len(check) < 4 or struct.unpack(">I", check)[0] != zlib.crc32(kind + body):
            raise ValueError(f"chunk {kind!r} is damaged")
        kinds.append(kind)
        if kind == b"IHDR":
            head = struct.unpack(">IIBBBBB", body)
        elif kind == b"IDAT":
            pixels += body
        elif kind == b"tEXt":
            keyword, _, value = body.partition(b"\0")
            text[keyword.decode("latin-1")] = value.decode("latin-1")
        elif kind == b"iTXt":
            keyword, _, rest = body.partition(b"\0")
            value = rest[2:].split(b"\0", 2)[2]
            text[keyword.decode("latin-1")] = (zlib.decompress(value) if rest[0] else value).decode()
        at += 12 + length
    if not kinds or kinds[0] != b"IHDR" or kinds[-1] != b"IEND" or head is None:
        raise ValueError(f"chunks {kinds}")
    width, height, depth, colour, _, _, interlace = head
    if interlace:
        raise ValueError("is interlaced, which this reader does not read")
    row = 1 + (width * CHANNELS[colour] * depth + 7) // 8
    if len(zlib.decompress(pixels)) != row * height:
        raise ValueError("has not all its rows")
    return Picture(width, height, text)


def plain_png(width, height, pixel, padding=0):
    """A PNG of 8-bit RGB from a function of x and y: an input that needs no library to make. `padding` makes it so many
    bytes longer, in a chunk that nobody reads."""
    rows = b"".join(b"\0" + b"".join(bytes(pixel(x, y)) for x in range(width)) for y in range(height))
    filler = ((b"prVt", bytes(padding)),) if padding else ()
    head = (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    chunks = (head, *filler, (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return SIGNATURE + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks)
