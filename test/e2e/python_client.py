"""A client of the public API that shares nothing with the product but the .proto files.

It creates a schema, writes points, half-closes its stream before it reads a single reply, queries
and checks every answer. Ends with 0 when all is as promised; otherwise says what was not.
"""

import argparse
import itertools
import sys
import threading
import time

import grpc

GROUP = "py_metrics"
MEASURE = "service_latency"
REGIONS = ["eu", "us", "ap"]
SERVICES = 100
STEP_MS = 1000


class Api:
    """Stubs by hand: one callable per method."""

    def __init__(self, address):
        from banyandb.common.v1 import rpc_pb2 as common
        from banyandb.database.v1 import rpc_pb2 as database
        from banyandb.measure.v1 import query_pb2 as query
        from banyandb.measure.v1 import write_pb2 as write

        options = [("grpc.max_receive_message_length", -1)]
        self.channel = grpc.insecure_channel(address, options=options)
        self.version = self.unary("banyandb.common.v1.Service/GetAPIVersion",
                                  common.GetAPIVersionRequest, common.GetAPIVersionResponse)
        for kind in ("Group", "Measure", "IndexRule", "IndexRuleBinding", "TopNAggregation"):
            for method in ("Create", "Update", "Delete", "Get", "List", "Exist"):
                service = kind + "RegistryService"
                name = f"{kind}_{method}".lower()
                setattr(self, name, self.unary(f"banyandb.database.v1.{service}/{method}",
                                               getattr(database, service + method + "Request"),
                                               getattr(database, service + method + "Response")))
        self.query = self.unary("banyandb.measure.v1.MeasureService/Query",
                                query.QueryRequest, query.QueryResponse)
        self.write = self.channel.stream_stream(
            "/banyandb.measure.v1.MeasureService/Write",
            request_serializer=write.WriteRequest.SerializeToString,
            response_deserializer=write.WriteResponse.FromString)

    def unary(self, path, request, response):
        call = self.channel.unary_unary("/" + path, request_serializer=request.SerializeToString,
                                        response_deserializer=response.FromString)
        return lambda message: call(message, timeout=60, wait_for_ready=True)

    def raw(self, path, body):
        return self.channel.unary_unary("/" + path)(body, timeout=60)


def check(condition, *values):
    if not condition:
        raise AssertionError(" ".join(str(value) for value in values))


def equal(actual, expected, what):
    check(actual == expected, f"{what}: {actual!r} instead of {expected!r}")


def fails_with(code, call, *arguments):
    try:
        call(*arguments)
    except grpc.RpcError as error:
        equal(error.code(), code, "code of the refusal")
        return error.details()
    raise AssertionError(f"no {code}")


# --- Schema -----------------------------------------------------------------------------------


def group_request(name, ttl_days=7):
    from banyandb.common.v1 import common_pb2 as common
    from banyandb.database.v1 import rpc_pb2 as database
    request = database.GroupRegistryServiceCreateRequest()
    request.group.metadata.name = name
    request.group.catalog = common.CATALOG_MEASURE
    options = request.group.resource_opts
    options.shard_num = 2
    options.segment_interval.unit = common.IntervalRule.UNIT_DAY
    options.segment_interval.num = 1
    options.ttl.unit = common.IntervalRule.UNIT_DAY
    options.ttl.num = ttl_days
    return request


def measure_request(group, name):
    from banyandb.database.v1 import rpc_pb2 as database
    from banyandb.database.v1 import schema_pb2 as schema
    request = database.MeasureRegistryServiceCreateRequest()
    measure = request.measure
    measure.metadata.group = group
    measure.metadata.name = name
    measure.interval = "1m"
    measure.entity.tag_names.append("service")
    family = measure.tag_families.add(name="searchable")
    family.tags.add(name="service", type=schema.TAG_TYPE_STRING)
    family.tags.add(name="region", type=schema.TAG_TYPE_STRING)
    family.tags.add(name="code", type=schema.TAG_TYPE_INT)
    family.tags.add(name="labels", type=schema.TAG_TYPE_STRING_ARRAY)
    for field, kind in (("calls", schema.FIELD_TYPE_INT), ("latency", schema.FIELD_TYPE_FLOAT),
                        ("note", schema.FIELD_TYPE_STRING), ("raw", schema.FIELD_TYPE_DATA_BINARY)):
        measure.fields.add(name=field, field_type=kind,
                           encoding_method=schema.ENCODING_METHOD_GORILLA,
                           compression_method=schema.COMPRESSION_METHOD_ZSTD)
    return request


def metadata_request(service, method, group, name):
    from banyandb.database.v1 import rpc_pb2 as database
    request = getattr(database, f"{service}RegistryService{method}Request")()
    request.metadata.group = group
    request.metadata.name = name
    return request


def index_requests(group, measure, tag):
    from banyandb.common.v1 import common_pb2 as common
    from banyandb.database.v1 import rpc_pb2 as database
    from banyandb.database.v1 import schema_pb2 as schema
    rule = database.IndexRuleRegistryServiceCreateRequest()
    rule.index_rule.metadata.group = group
    rule.index_rule.metadata.name = tag
    rule.index_rule.tags.append(tag)
    rule.index_rule.type = schema.IndexRule.TYPE_INVERTED
    binding = database.IndexRuleBindingRegistryServiceCreateRequest()
    binding.index_rule_binding.metadata.group = group
    binding.index_rule_binding.metadata.name = f"{measure}-{tag}"
    binding.index_rule_binding.rules.append(tag)
    binding.index_rule_binding.subject.catalog = common.CATALOG_MEASURE
    binding.index_rule_binding.subject.name = measure
    binding.index_rule_binding.begin_at.FromSeconds(1_600_000_000)
    binding.index_rule_binding.expire_at.FromSeconds(4_070_908_800)
    return rule, binding


def schema(api):
    from banyandb.common.v1 import rpc_pb2 as common
    from banyandb.database.v1 import rpc_pb2 as database
    equal(api.version(common.GetAPIVersionRequest()).version.version, "0.10", "API version")
    fails_with(grpc.StatusCode.NOT_FOUND, api.measure_create, measure_request("nowhere", MEASURE))
    check(api.group_create(group_request(GROUP)).mod_revision > 0, "a group has no revision")
    fails_with(grpc.StatusCode.ALREADY_EXISTS, api.group_create, group_request(GROUP))
    wanted = measure_request(GROUP, MEASURE)
    revision = api.measure_create(wanted).mod_revision
    check(revision > 0, "a measure has no revision")
    fails_with(grpc.StatusCode.ALREADY_EXISTS, api.measure_create, wanted)
    stored = api.measure_get(metadata_request("Measure", "Get", GROUP, MEASURE)).measure
    equal(stored.metadata.mod_revision, revision, "revision")
    for part in ("tag_families", "fields", "entity", "interval"):
        equal(getattr(stored, part), getattr(wanted.measure, part), part)
    for tag in ("region", "code"):
        rule, binding = index_requests(GROUP, MEASURE, tag)
        api.indexrule_create(rule)
        api.indexrulebinding_create(binding)
        got = api.indexrule_get(metadata_request("IndexRule", "Get", GROUP, tag)).index_rule
        check(got.metadata.id != 0, "an index rule has no id")
    listed = api.measure_list(database.MeasureRegistryServiceListRequest(group=GROUP)).measure
    check(MEASURE in [measure.metadata.name for measure in listed], "the measure is not listed")
    exists = api.measure_exist(metadata_request("Measure", "Exist", GROUP, MEASURE))
    check(exists.has_group and exists.has_measure, "the measure does not exist")
    exists = api.measure_exist(metadata_request("Measure", "Exist", "nowhere", "x"))
    check(not exists.has_group and not exists.has_measure, "something that is not there exists")
    fails_with(grpc.StatusCode.NOT_FOUND, api.measure_get,
               metadata_request("Measure", "Get", GROUP, "nothing"))
    fails_with(grpc.StatusCode.INVALID_ARGUMENT, api.measure_list,
               database.MeasureRegistryServiceListRequest())
    deleted = api.measure_delete(metadata_request("Measure", "Delete", GROUP, "nothing"))
    check(not deleted.deleted, "something that is not there was deleted")
    print("schema: ok")


# --- Points -----------------------------------------------------------------------------------


class Points:
    """Point n: service n % SERVICES at time start + n // SERVICES. Its values follow from n."""

    def __init__(self, start_ms, count):
        self.start_ms = start_ms
        self.count = count

    def time(self, n):
        return self.start_ms + n // SERVICES * STEP_MS

    @property
    def end_ms(self):
        return self.time(self.count - 1)

    @staticmethod
    def service(n):
        return f"service-{n % SERVICES:03}"

    @staticmethod
    def region(n):
        return REGIONS[n % SERVICES % len(REGIONS)]

    @staticmethod
    def code(n):
        return 200 if n % 7 else 500

    @staticmethod
    def calls(n):
        return n * 37 % 1001 - 100

    @staticmethod
    def latency(n):
        return (n * 13 % 997) / 8

    def request(self, n, message_id):
        from banyandb.measure.v1 import write_pb2 as write
        request = write.WriteRequest(message_id=message_id)
        point = request.data_point
        point.timestamp.FromMilliseconds(self.time(n))
        tags = point.tag_families.add()
        tags.tags.add().str.value = self.service(n)
        tags.tags.add().str.value = self.region(n)
        tags.tags.add().int.value = self.code(n)
        tags.tags.add().str_array.value.extend(["a", str(n % 3)])
        point.fields.add().int.value = self.calls(n)
        point.fields.add().float.value = self.latency(n)
        point.fields.add().str.value = f"note {n % 5}"
        point.fields.add().binary_data = bytes([n % 256, 0, 255])
        return request


def with_metadata(request, group=GROUP, name=MEASURE):
    request.metadata.group = group
    request.metadata.name = name
    return request


def write_all(api, requests):
    """Sends everything, half-closes, and only then reads. Returns the statuses by message id."""
    sent = threading.Event()

    def all_requests():
        yield from requests
        sent.set()

    call = api.write(all_requests(), timeout=300)
    check(sent.wait(300), "the node stopped taking messages")
    statuses = {}
    for response in call:
        check(response.message_id not in statuses, "two replies to", response.message_id)
        statuses[response.message_id] = response.status
    equal(call.code(), grpc.StatusCode.OK, "code of the stream")
    return statuses


def write(api, points):
    began = time.monotonic()
    requests = (points.request(n, n + 1) for n in range(points.count))
    first = next(requests)
    statuses = write_all(api, itertools.chain([with_metadata(first)], requests))
    equal(len(statuses), points.count, "replies")
    equal(set(statuses.values()), {"STATUS_SUCCEED"}, "statuses")
    print(f"write: ok, {points.count} points in {time.monotonic() - began:.1f} s, "
          "replies read after half-closing")


def bad_rows(api, points):
    """A wrong row gets its status, and the stream goes on."""
    now = int(time.time() * 1000)
    cases = []

    def case(status, change):
        cases.append((status, change))

    def at(milliseconds, nanos=0):
        def change(request):
            request.data_point.timestamp.FromMilliseconds(milliseconds)
            request.data_point.timestamp.nanos += nanos
        return change

    def measure(name, group=GROUP, revision=0):
        def change(request):
            with_metadata(request, group, name)
            request.metadata.mod_revision = revision
        return change

    def without_entity(request):
        del request.data_point.tag_families[0].tags[:]

    def too_many_families(request):
        request.data_point.tag_families.add().tags.add().str.value = "x"

    case("STATUS_INVALID_TIMESTAMP", at(now, 1))
    case("STATUS_INVALID_TIMESTAMP", at(now + 48 * 3_600_000))
    case("STATUS_INVALID_TIMESTAMP", at(now - 30 * 24 * 3_600_000))
    case("STATUS_INTERNAL_ERROR", measure("unknown"))
    case("STATUS_INTERNAL_ERROR", measure(MEASURE, "unknown"))
    case("STATUS_NOT_FOUND", measure("unknown", GROUP, 7))
    case("STATUS_EXPIRED_SCHEMA", measure(MEASURE, GROUP, 7))
    case("STATUS_SCHEMA_NOT_APPLIED", measure(MEASURE, GROUP, 2**62))
    case("STATUS_INTERNAL_ERROR", without_entity)
    case("STATUS_INTERNAL_ERROR", too_many_families)

    def requests():
        for number, (_, change) in enumerate(cases):
            wrong = with_metadata(points.request(0, 2 * number + 1))
            change(wrong)
            yield wrong
            yield with_metadata(points.request(number, 2 * number + 2))

    statuses = write_all(api, requests())
    for number, (status, _) in enumerate(cases):
        equal(statuses[2 * number + 1], status, f"wrong row {number}")
        equal(statuses[2 * number + 2], "STATUS_SUCCEED", f"right row behind wrong row {number}")

    def ended(request):
        call = api.write(iter([request]), timeout=60)
        return fails_with_stream(call)

    equal(ended(points.request(0, 1))[0], grpc.StatusCode.UNKNOWN, "no metadata")
    equal(ended(with_metadata(points.request(0, 0)))[0], grpc.StatusCode.INVALID_ARGUMENT,
          "message id 0")
    print(f"bad rows: ok, {len(cases)} kinds")


def fails_with_stream(call):
    try:
        for _ in call:
            pass
    except grpc.RpcError as error:
        return error.code(), error.details()
    return grpc.StatusCode.OK, ""


# --- Queries ----------------------------------------------------------------------------------


def query_request(points, fields=("calls",), tags=("service",), limit=0, **options):
    from banyandb.measure.v1 import query_pb2 as query
    request = query.QueryRequest(groups=[GROUP], name=MEASURE, limit=limit, **options)
    request.time_range.begin.FromMilliseconds(points.start_ms)
    request.time_range.end.FromMilliseconds(points.end_ms)
    if tags:
        request.tag_projection.tag_families.add(name="searchable", tags=tags)
    request.field_projection.names.extend(fields)
    return request


def condition(name, operation, **value):
    from banyandb.model.v1 import query_pb2 as model
    criteria = model.Criteria()
    criteria.condition.name = name
    criteria.condition.op = getattr(model.Condition, "BINARY_OP_" + operation)
    for kind, content in value.items():
        if kind.endswith("_array"):
            getattr(criteria.condition.value, kind).value.extend(content)
        else:
            getattr(criteria.condition.value, kind).value = content
    return criteria


def both(operation, left, right):
    from banyandb.model.v1 import query_pb2 as model
    criteria = model.Criteria()
    criteria.le.op = getattr(model.LogicalExpression, "LOGICAL_OP_" + operation)
    criteria.le.left.CopyFrom(left)
    criteria.le.right.CopyFrom(right)
    return criteria


def key(row):
    return row.tag_families[0].tags[0].value.str.value, row.timestamp.ToMilliseconds()


def expect_rows(api, points, what, wanted, criteria=None):
    """The rows are exactly those of the points `wanted`, with all their values."""
    request = query_request(points, fields=("calls", "latency", "note", "raw"),
                            tags=("service", "region", "code", "labels"), limit=2**31 - 1)
    if criteria is not None:
        request.criteria.CopyFrom(criteria)
    rows = api.query(request).data_points
    equal(len(rows), len(wanted), f"rows of {what}")
    expected = {(points.service(n), points.time(n)): n for n in wanted}
    last = 0
    for row in rows:
        n = expected.pop(key(row), None)
        check(n is not None, what, "unexpected row", key(row))
        check(row.timestamp.ToMilliseconds() >= last, what, "rows are not in the order of time")
        last = row.timestamp.ToMilliseconds()
        tags = row.tag_families[0].tags
        equal([tag.key for tag in tags], ["service", "region", "code", "labels"], "tags")
        equal(tags[1].value.str.value, points.region(n), "region")
        equal(tags[2].value.int.value, points.code(n), "code")
        equal(list(tags[3].value.str_array.value), ["a", str(n % 3)], "labels")
        equal(row.fields[0].value.int.value, points.calls(n), "calls")
        equal(row.fields[1].value.float.value, points.latency(n), "latency")
        equal(row.fields[2].value.str.value, f"note {n % 5}", "note")
        equal(row.fields[3].value.binary_data, bytes([n % 256, 0, 255]), "raw")
        check(row.sid != 0 and row.version > 0, what, "row without series id or version")
    check(not expected, what, "rows are missing")


def rows_and_criteria(api, points):
    numbers = range(points.count)
    expect_rows(api, points, "everything", numbers)
    expect_rows(api, points, "one service",
                [n for n in numbers if n % SERVICES == 7],
                condition("service", "EQ", str=points.service(7)))
    expect_rows(api, points, "three services",
                [n for n in numbers if n % SERVICES in (1, 2, 99)],
                condition("service", "IN", str_array=["service-001", "service-002", "service-099"]))
    expect_rows(api, points, "an indexed string",
                [n for n in numbers if points.region(n) == "us"],
                condition("region", "EQ", str="us"))
    expect_rows(api, points, "an indexed number above",
                [n for n in numbers if points.code(n) > 200],
                condition("code", "GT", int=200))
    expect_rows(api, points, "and",
                [n for n in numbers if points.region(n) == "eu" and points.code(n) == 500],
                both("AND", condition("region", "EQ", str="eu"), condition("code", "EQ", int=500)))
    expect_rows(api, points, "or",
                [n for n in numbers if points.region(n) == "eu" or points.code(n) == 500],
                both("OR", condition("region", "EQ", str="eu"), condition("code", "NE", int=200)))
    expect_rows(api, points, "nothing", [], condition("service", "EQ", str="service-none"))


def ranges_and_pages(api, points):
    inner = Points(points.start_ms + 3 * STEP_MS, 2 * SERVICES)
    rows = api.query(query_request(inner, limit=10_000)).data_points
    equal(len(rows), 2 * SERVICES, "rows of two ticks, both included")
    equal(len(api.query(query_request(points)).data_points), 100, "rows without a limit")
    whole = [key(row) for row in api.query(query_request(points, limit=500)).data_points]
    page = [key(row) for row in api.query(query_request(points, limit=50, offset=200)).data_points]
    equal(page, whole[200:250], "second page")
    from banyandb.model.v1 import query_pb2 as model
    request = query_request(points, limit=10)
    request.order_by.sort = model.SORT_DESC
    times = [row.timestamp.ToMilliseconds() for row in api.query(request).data_points]
    equal(times, [points.end_ms] * 10, "newest rows")


def aggregates(api, points):
    from banyandb.model.v1 import common_pb2 as model
    by_region = {region: [points.calls(n) for n in range(points.count) if points.region(n) == region]
                 for region in REGIONS}
    functions = {"SUM": sum, "MIN": min, "MAX": max, "COUNT": len}
    for name, function in functions.items():
        request = query_request(points, tags=("region",), limit=100)
        request.group_by.tag_projection.tag_families.add(name="searchable", tags=["region"])
        request.group_by.field_name = "calls"
        request.agg.function = getattr(model, "AGGREGATION_FUNCTION_" + name)
        request.agg.field_name = "calls"
        answer = {row.tag_families[0].tags[0].value.str.value: row.fields[0].value.int.value
                  for row in api.query(request).data_points}
        equal(answer, {region: function(calls) for region, calls in by_region.items()}, name)
    request = query_request(points, fields=("latency",), tags=(), limit=100)
    request.agg.function = model.AGGREGATION_FUNCTION_MEAN
    request.agg.field_name = "latency"
    rows = api.query(request).data_points
    equal(len(rows), 1, "rows of a mean")
    mean = sum(points.latency(n) for n in range(points.count)) / points.count
    check(abs(rows[0].fields[0].value.float.value - mean) < 1e-6 * mean, "mean of a float")
    check(not rows[0].HasField("timestamp"), "an aggregate has a time")

    from banyandb.model.v1 import query_pb2 as order
    request = query_request(points, limit=100)
    request.group_by.tag_projection.tag_families.add(name="searchable", tags=["service"])
    request.agg.function = model.AGGREGATION_FUNCTION_SUM
    request.agg.field_name = "calls"
    request.top.number = 3
    request.top.field_name = "calls"
    request.top.field_value_sort = order.SORT_DESC
    sums = [0] * SERVICES
    for n in range(points.count):
        sums[n % SERVICES] += points.calls(n)
    answer = [row.fields[0].value.int.value for row in api.query(request).data_points]
    equal(answer, sorted(sums, reverse=True)[:3], "top 3")


def refused_queries(api, points):
    request = query_request(points)
    request.criteria.CopyFrom(condition("labels", "HAVING", str_array=["a"]))
    fails_with(grpc.StatusCode.UNKNOWN, api.query, request)  # no index rule
    request = query_request(points, fields=("nothing",))
    fails_with(grpc.StatusCode.UNKNOWN, api.query, request)
    request = query_request(points)
    request.name = "nothing"
    fails_with(grpc.StatusCode.UNKNOWN, api.query, request)
    request = query_request(points)
    request.time_range.begin.nanos += 1
    fails_with(grpc.StatusCode.INVALID_ARGUMENT, api.query, request)
    request = query_request(points)
    request.ClearField("groups")
    fails_with(grpc.StatusCode.INVALID_ARGUMENT, api.query, request)
    request = query_request(points, trace=True)
    check(api.query(request).trace.spans, "no plan although it was asked for")


def read(api, points):
    began = time.monotonic()
    rows_and_criteria(api, points)
    ranges_and_pages(api, points)
    aggregates(api, points)
    refused_queries(api, points)
    print(f"queries: ok in {time.monotonic() - began:.1f} s")


def versions(api, points):
    """The highest version of a time wins, whatever the order of arrival; late rows are welcome."""
    late = Points(points.start_ms - 3_600_000, SERVICES)

    def rows():
        for message_id, (calls, version) in enumerate([(1, 5), (2, 9), (3, 7), (4, 9)], 1):
            request = with_metadata(late.request(0, message_id))
            request.data_point.fields[0].int.value = calls
            request.data_point.version = version
            yield request

    equal(set(write_all(api, rows()).values()), {"STATUS_SUCCEED"}, "statuses")
    answer = api.query(query_request(late)).data_points
    equal([(row.fields[0].value.int.value, row.version) for row in answer], [(2, 9)],
          "winner of four versions")
    print("versions: ok")


def deletion(api, points):
    """The rows of a deleted group do not come back with its name."""
    from banyandb.database.v1 import rpc_pb2 as database
    group = "py_deleted"
    api.group_create(group_request(group))
    api.measure_create(measure_request(group, MEASURE))
    equal(write_all(api, iter([with_metadata(points.request(0, 1), group)])),
          {1: "STATUS_SUCCEED"}, "statuses")
    request = query_request(points)
    request.groups[:] = [group]
    equal(len(api.query(request).data_points), 1, "rows in front of the deletion")
    delete = database.GroupRegistryServiceDeleteRequest(group=group)
    fails_with(grpc.StatusCode.FAILED_PRECONDITION, api.group_delete, delete)
    delete.force = True
    api.group_delete(delete)
    exist = database.GroupRegistryServiceExistRequest(group=group)
    deadline = time.monotonic() + 60
    while api.group_exist(exist).has_group:
        check(time.monotonic() < deadline, "the group is still there")
    while True:
        try:
            api.group_create(group_request(group))
            break
        except grpc.RpcError as error:
            # Its files are still being removed.
            check(time.monotonic() < deadline, "the name is still taken:", error.details())
    api.measure_create(measure_request(group, MEASURE))
    equal(len(api.query(request).data_points), 0, "rows behind the deletion")
    print("deletion: ok")


def health(api):
    serving = b"\x08\x01"
    equal(api.raw("grpc.health.v1.Health/Check", b""), serving, "health")
    print("health: ok")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--address", required=True, help="gRPC of the node, host:port")
    parser.add_argument("--stubs", required=True, help="folder with the messages made by protoc")
    parser.add_argument("--points", type=int, default=100_000)
    parser.add_argument("--start-ms", type=int, default=int(time.time()) * 1000 - 2 * 3_600_000,
                        help="time of the first point")
    parser.add_argument("--only-read", action="store_true", help="the points are there already")
    arguments = parser.parse_args()
    sys.path.insert(0, arguments.stubs)
    api = Api(arguments.address)
    points = Points(arguments.start_ms, arguments.points)
    health(api)
    if not arguments.only_read:
        schema(api)
        write(api, points)
        bad_rows(api, points)
        versions(api, points)
        deletion(api, points)
    read(api, points)


if __name__ == "__main__":
    main()
