"""What goes over a member's connection to its leader: a tap between them that keeps all and changes nothing."""
import collections
import socket
import struct
import threading

REQUEST, PROPOSAL, COMMIT, SYNC, INFORM, SNAP = 1, 2, 4, 7, 8, 15
SNAPSHOT_END = b"BenWasHere"
SYNC_REQUEST = 9

Packet = collections.namedtuple("Packet", "type zxid data")


def packet_end(data, at):
    """Where the packet ends that begins there, with the snapshot behind it; None: it has not come whole."""
    try:
        kind, _, length = struct.unpack_from(">iqi", data, at)
        at += 16 + max(length, 0)
        identities = struct.unpack_from(">i", data, at)[0]
        at += 4
        for _ in range(2 * max(identities, 0)):
            at += 4 + max(struct.unpack_from(">i", data, at)[0], 0)
    except struct.error:
        return None
    if kind == SNAP:
        end = data.find(SNAPSHOT_END, at)
        return end + len(SNAPSHOT_END) if end >= 0 else None
    return at if at <= len(data) else None


def packets_of(data):
    at, end = 0, packet_end(data, 0)
    while end is not None:
        kind, zxid, length = struct.unpack_from(">iqi", data, at)
        yield Packet(kind, zxid, data[at + 16:at + 16 + max(length, 0)])
        at, end = end, packet_end(data, end)


class Link:
    """One connection. A request is known by session and cxid, a sync, whose answer names nothing, as "sync"."""

    def __init__(self):
        self.from_member, self.from_leader = bytearray(), bytearray()

    def asked(self):
        """What the member has forwarded, in order."""
        requests = [struct.unpack_from(">qii", packet.data) for packet in packets_of(bytes(self.from_member)) if packet.type == REQUEST]
        return ["sync" if kind == SYNC_REQUEST else (session, cxid) for session, cxid, kind in requests]

    def answered(self):
        """What of that the leader has answered, in order: a write by its commit."""
        own, proposed, answers = set(self.asked()), {}, []
        for packet in packets_of(bytes(self.from_leader)):
            about = None
            if packet.type in (PROPOSAL, INFORM):
                about = proposed[packet.zxid] = struct.unpack_from(">qi", packet.data)
            if packet.type == COMMIT:
                about = proposed.get(packet.zxid)
            if packet.type == SYNC:
                answers.append("sync")
            elif packet.type != PROPOSAL and about in own:
                answers.append(about)
        return answers


class Tap:
    """Listens on a port of its own, for one that is to come to another one."""

    def __init__(self, port):
        self.target, self.links = port, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                member = self.listener.accept()[0]
            except OSError:
                return
            try:
                leader = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                member.close()
                continue
            link = Link()
            self.links.append(link)
            for kept, source, target in ((link.from_member, member, leader), (link.from_leader, leader, member)):
                source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self.pass_on, args=(kept, source, target), daemon=True).start()

    @staticmethod
    def pass_on(kept, source, target):
        try:
            data = source.recv(65536)
            while data:
                kept.extend(data)
                target.sendall(data)
                data = source.recv(65536)
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def tap(ensemble, sid, leader):
    """For a member that has not been started: it finds that leader behind the tap."""
    there = ensemble.members[leader]
    tapped = Tap(there.quorum_port)
    ensemble[sid].settings["server.%d" % leader] = "%s:%d:%d:%s" % (there.server.host, tapped.port, there.election_port, there.role)
    return tapped
