"""A client that wants a node to run out of memory. It shares nothing with the product but the
.proto files.

    hostile_client.py --address HOST:PORT --stubs FOLDER <attack>

Prints each status that the node answered and how often, and ends with 0 when all of them are clear
refusals or successes; with 1 when a call broke or the node answered something that is no refusal.
An attack that is to hang prints READY when it hangs, and waits to be killed.
"""

import argparse
import collections
import sys
import threading
import time

import grpc

MIB = 1 << 20
GROUP = "sw_load"
MEASURE = "service_resp_time"
CLEAR = {"OK", "RESOURCE_EXHAUSTED", "INVALID_ARGUMENT", "NOT_FOUND", "ALREADY_EXISTS",
         "FAILED_PRECONDITION", "UNIMPLEMENTED", "DEADLINE_EXCEEDED", "UNKNOWN",
         "PERMISSION_DENIED"}
WRITE = "/banyandb.measure.v1.MeasureService/Write"
QUERY = "/banyandb.measure.v1.MeasureService/Query"
UNARY = [
    QUERY,
    "/banyandb.measure.v1.MeasureService/TopN",
    "/banyandb.measure.v1.MeasureService/DeleteExpiredSegments",
    "/banyandb.database.v1.SnapshotService/Snapshot",
    "/banyandb.database.v1.NodeQueryService/GetCurrentNode",
    "/ficus.admin.v1.AdminService/RunBackup",
    "/ficus.admin.v1.AdminService/PruneBackups",
    "/grpc.health.v1.Health/Check",
] + [f"/banyandb.database.v1.{kind}RegistryService/{method}"
     for kind in ("Group", "Measure", "IndexRule", "IndexRuleBinding", "TopNAggregation")
     for method in ("Create", "Update", "Get", "Exist")]


class Client:
    def __init__(self, address):
        self.address = address
        self.statuses = collections.Counter()
        self.lock = threading.Lock()

    def channel(self):
        """A connection of its own."""
        return grpc.insecure_channel(self.address, options=[
            ("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1),
            ("grpc.use_local_subchannel_pool", 1)])

    def note(self, what, status, details=""):
        with self.lock:
            self.statuses[(what, status)] += 1
            if status not in CLEAR:
                print(f"{what}: {status} {details}")

    def call(self, channel, path, body, timeout=60):
        try:
            answer = channel.unary_unary(path)(body, timeout=timeout)
            self.note(path, "OK")
            return answer
        except grpc.RpcError as error:
            self.note(path, error.code().name, error.details())
            return None

    def stream(self, channel, bodies):
        try:
            for _ in channel.stream_stream(WRITE)(iter(bodies), timeout=60):
                pass
            self.note(WRITE, "OK")
        except grpc.RpcError as error:
            self.note(WRITE, error.code().name, error.details())

    def verdict(self):
        for (what, status), count in sorted(self.statuses.items()):
            print(f"{count:6} {status} {what}")
        return 0 if all(status in CLEAR for _, status in self.statuses) else 1


def together(tasks):
    threads = [threading.Thread(target=task) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def varint(number):
    data = bytearray()
    while number > 127:
        data.append(number & 127 | 128)
        number >>= 7
    data.append(number)
    return bytes(data)


def empty_messages(path, size=8 * MIB):
    """A message full of empty sub-messages in the field that the numbers lead to: two bytes each on
    the wire, much more in memory."""
    body = bytes([path[-1] << 3 | 2, 0]) * (size // 2)
    for field in reversed(path[:-1]):
        body = bytes([field << 3 | 2]) + varint(len(body)) + body
    return body


def empty_sub_messages(client):
    """8 MiB each, for every method, several at once."""
    def unary(path):
        channel = client.channel()
        for field in range(1, 9):
            client.call(channel, path, empty_messages([field]))
        for field in range(1, 3):
            client.call(channel, path, empty_messages([1, field]))

    def write(path):
        client.stream(client.channel(), [empty_messages(path) for _ in range(4)])

    for first in range(0, len(UNARY), 4):
        together([lambda path=path: unary(path) for path in UNARY[first:first + 4]])
    together([lambda path=path: write(path) for path in
              ((1,), (2,), (3,), (2, 2), (2, 3), (2, 2, 1), (4,), (4, 1), (5,))])


class Shape:
    """Which tags and fields the measure has."""

    def __init__(self, client):
        from banyandb.database.v1 import rpc_pb2
        request = rpc_pb2.MeasureRegistryServiceGetRequest()
        request.metadata.group, request.metadata.name = GROUP, MEASURE
        answer = rpc_pb2.MeasureRegistryServiceGetResponse.FromString(client.call(
            client.channel(), "/banyandb.database.v1.MeasureRegistryService/Get",
            request.SerializeToString()))
        self.family = answer.measure.tag_families[0].name
        self.tags = [tag.name for tag in answer.measure.tag_families[0].tags]
        self.fields = [field.name for field in answer.measure.fields]

    def query(self, limit, entities=()):
        from banyandb.measure.v1 import query_pb2
        request = query_pb2.QueryRequest(groups=[GROUP], name=MEASURE, limit=limit)
        request.time_range.begin.seconds = int(time.time()) - 86400
        request.time_range.end.seconds = int(time.time()) + 86400
        family = request.tag_projection.tag_families.add(name=self.family)
        family.tags.extend(self.tags)
        request.field_projection.names.extend(self.fields)
        if entities:
            condition = request.criteria.condition
            condition.name = self.tags[0]
            condition.op = 9  # IN
            condition.value.str_array.value.extend(entities)
        return request.SerializeToString()


def wide_queries(client):
    """Everything at once, and lists of names that nobody has."""
    shape = Shape(client)
    names = [f"no-such-entity-{i}" for i in range(100_000)]
    bodies = [shape.query(2**31 - 1), shape.query(2**31 - 1, names), shape.query(100, names),
              shape.query(2**32 - 1)]

    def ask(body):
        channel = client.channel()
        for _ in range(3):
            client.call(channel, QUERY, body)

    together([lambda body=body: ask(body) for body in bodies for _ in range(3)])


def never_read(client):
    """Asks for everything on many connections, and is stopped before it has read it."""
    shape = Shape(client)
    channels = [client.channel() for _ in range(24)]
    for channel in channels:
        grpc.channel_ready_future(channel).result(60)
    body = shape.query(2**31 - 1)
    futures = [channel.unary_unary(QUERY).future(body, timeout=600) for channel in channels]
    print("READY", flush=True)
    for future in futures:
        future.exception()
    threading.Event().wait()


def never_read_replies(client):
    """Writes without end; each of the small wrong messages has a reply that nobody takes."""
    from banyandb.measure.v1 import write_pb2
    request = write_pb2.WriteRequest(message_id=1)
    request.metadata.group, request.metadata.name = GROUP, MEASURE
    request.data_point.timestamp.seconds = 1  # long ago
    body = request.SerializeToString()

    def endless():
        while True:
            yield body

    streams = [client.channel().stream_stream(WRITE)(endless()) for _ in range(16)]
    print("READY", flush=True)
    threading.Event().wait()
    del streams


def many_streams(client):
    """Calls that begin and say nothing more."""
    silence = threading.Event()

    def nothing():
        silence.wait()
        return
        yield

    channels = [client.channel() for _ in range(20)]
    streams = [channel.stream_stream(WRITE)(nothing()) for channel in channels for _ in range(20)]
    for channel in channels:
        grpc.channel_ready_future(channel).result(60)
    print("READY", flush=True)
    silence.wait()
    del streams


def many_connections(client):
    channels = [client.channel() for _ in range(400)]
    for channel in channels:
        client.call(channel, "/grpc.health.v1.Health/Check", b"")
    print("READY", flush=True)
    threading.Event().wait()


def main():
    attacks = [empty_sub_messages, wide_queries, never_read, never_read_replies, many_streams,
               many_connections]
    parser = argparse.ArgumentParser()
    parser.add_argument("--address", required=True)
    parser.add_argument("--stubs", required=True)
    parser.add_argument("attack", choices=[attack.__name__ for attack in attacks])
    options = parser.parse_args()
    sys.path.insert(0, options.stubs)
    client = Client(options.address)
    globals()[options.attack](client)
    sys.exit(client.verdict())


if __name__ == "__main__":
    main()
