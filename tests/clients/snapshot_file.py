"""A snapshot file of ZooKeeper's format, read by code that is nobody else's."""
import struct
import zlib


class Snapshot:
    """`nodes`: path -> (data, czxid, mzxid, version); `zxid`: the one that its digest is of."""

    def __init__(self, data):
        self.data, self.at = data, 0
        magic, _, _ = self.take(">IiQ")
        if magic != 0x5a4b534e:
            raise ValueError("no snapshot")
        self.sessions = dict(self.take(">qi") for _ in range(self.take(">i")[0]))
        self.acls = dict(self.take_acls() for _ in range(self.take(">i")[0]))
        self.nodes = self.take_nodes()
        self.take_seal()
        self.zxid, _, self.digest = self.take(">qiq")
        self.take_seal()
        if self.at != len(data):
            raise ValueError("bytes behind the end")

    def take(self, form):
        values = struct.unpack_from(form, self.data, self.at)
        self.at += struct.calcsize(form)
        return values

    def take_bytes(self):
        size, = self.take(">i")
        if size < 0:
            return None
        self.at += size
        return self.data[self.at - size:self.at]

    def take_acls(self):
        number, count = self.take(">qi")
        return number, [(self.take(">i")[0], self.take_bytes(), self.take_bytes()) for _ in range(count)]

    def take_nodes(self):
        nodes = {}
        while True:
            path = self.take_bytes().decode()
            if path == "/":
                return nodes
            data = self.take_bytes()
            acl, czxid, mzxid, _, _, version, _, _, _, _ = self.take(">qqqqqiiiqq")
            if path in nodes or (path and path.rpartition("/")[0] not in nodes):
                raise ValueError("%s comes twice, or before its parent" % path)
            if acl != -1 and acl not in self.acls:
                raise ValueError("%s has an ACL that is not there" % path)
            nodes[path] = (data, czxid, mzxid, version)

    def take_seal(self):
        start = self.at
        checksum, = self.take(">q")
        if checksum != zlib.adler32(self.data[:start]) or self.take_bytes() != b"/":
            raise ValueError("the seal is wrong")
