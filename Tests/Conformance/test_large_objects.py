"""Objects of 1 GiB up and down, in a process of their own whose memory is measured."""

from object_server import ObjectServer

GIB = 1 << 30
MEMORY = 64 << 20


def test_a_gibibyte_goes_up_in_little_memory(probe, tmp_path):
    path = tmp_path / "sparse"
    with open(path, "wb") as file:
        file.truncate(GIB)
    with ObjectServer() as server:
        [report] = probe("upload", server.url, path)
    assert report["bytes"] == GIB and report["result"]["eTag"] == '"all"'
    assert sorted(server.parts) == list(range(1, 129)) and sum(server.parts.values()) == GIB
    assert server.faults == [] and server.completed.count("<PartNumber>") == 128
    print(f"peak {report['peak'] / 2**20:.1f} MiB")
    assert report["peak"] < MEMORY


def test_a_gibibyte_comes_down_in_little_memory(probe, tmp_path):
    with ObjectServer(download=GIB) as server:
        [report] = probe("download", server.url, tmp_path / "copy")
    assert report["bytes"] == (tmp_path / "copy").stat().st_size == GIB
    print(f"peak {report['peak'] / 2**20:.1f} MiB")
    assert report["peak"] < MEMORY
