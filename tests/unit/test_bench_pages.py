"""What the benchmarks' page says is what was measured: putting it together, its medians, and what etcd is sent."""

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import Message

from tests.bench import etcd_wire, page
from tests.bench.figures import Figures, of_calls, of_deliveries
from tests.bench.native_drain import Quantiles, Result

_BYTES = descriptor_pb2.FieldDescriptorProto.TYPE_BYTES
_OPTIONAL = descriptor_pb2.FieldDescriptorProto.LABEL_OPTIONAL


def test_a_section_that_is_measured_again_replaces_itself_alone() -> None:
    first = page.page_of({"one": "## One\n\ntext", "two": "## Two\n\n| a |"}, ["two", "one"])
    again = page.page_of(page.sections_of(first) | {"one": "## One\n\nnew\n"}, ["two", "one"])
    assert page.sections_of(again) == {"two": "## Two\n\n| a |", "one": "## One\n\nnew"}
    assert again == first.replace("text", "new")


def test_a_section_that_was_never_measured_is_not_on_the_page() -> None:
    assert page.sections_of(page.page_of({"two": "## Two"}, ["one", "two"])) == {"two": "## Two"}


def test_the_table_of_targets_tells_which_are_met() -> None:
    table = page.targets_table(
        [page.Target("speed", ">= 2", "3.00", met=True), page.Target("memory", "<= 1", "2", met=False)]
    )
    assert table.splitlines()[2:] == ["| speed | >= 2 | 3.00 | yes |", "| memory | <= 1 | 2 | no |"]


def test_the_page_in_the_repository_is_made_of_its_sections() -> None:
    text = page.PATH.read_text()
    sections = page.sections_of(text)
    assert sections
    assert page.page_of(sections, sections) == text


def test_calls_are_counted_by_the_second_until_the_last_answer_and_by_the_core() -> None:
    results = [_result(calls=calls, answered_seconds=2, cpu=1.0) for calls in (100, 300, 200)]
    assert of_calls(results) == Figures(rate=100, per_core=200, cores=0.5, p50=0.1, p99=0.2)


def test_deliveries_are_counted_to_every_stream_until_the_last_has_all() -> None:
    results = [_result(changes=50, delivered_seconds=5, answered_seconds=1, cpu=2.5)]
    assert of_deliveries(results, 1_000) == Figures(rate=10_000, per_core=20_000, cores=0.5, p50=0.3, p99=0.4)


def test_work_too_short_for_the_clock_of_processor_time_counts_as_one_tick() -> None:
    assert of_calls([_result(calls=1, answered_seconds=1, cpu=0.0)]).per_core == 100


def test_etcd_is_sent_what_its_api_describes() -> None:
    put = etcd_wire.put("page-1", b"x" * 300)
    assert _read(put) == {1: b"page-1", 2: b"x" * 300}
    assert _read(etcd_wire.get("page-1")) == {1: b"page-1"}
    assert _read(_read(etcd_wire.watch_all())[1]) == {1: b"\0", 2: b"\0"}
    operation = _read(etcd_wire.transaction([put]))[2]
    assert _read(operation) == {2: put}
    assert etcd_wire.transaction([put, put]) == 2 * etcd_wire.transaction([put])


def _read(encoded: bytes) -> dict[int, bytes]:
    """Decode a message of bytes fields 1 to 3 by protobuf itself."""
    message: Message = _ANY.FromString(encoded)
    return {field.number: value for field, value in message.ListFields()}


def _message_of_bytes() -> type[Message]:
    fields = [
        descriptor_pb2.FieldDescriptorProto(name=f"field_{number}", number=number, type=_BYTES, label=_OPTIONAL)
        for number in (1, 2, 3)
    ]
    message = descriptor_pb2.DescriptorProto(name="Any", field=fields)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(descriptor_pb2.FileDescriptorProto(name="any.proto", package="test", message_type=[message]))
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("test.Any"))


_ANY = _message_of_bytes()


def _result(
    *, calls: int = 0, answered_seconds: float = 0, changes: int = 0, delivered_seconds: float = 0, cpu: float = 0
) -> Result:
    return Result(
        opened_seconds=0,
        calls=calls,
        answered_seconds=answered_seconds,
        call_latency=Quantiles(0.1, 0.2, 1),
        changes=changes,
        delivered_seconds=delivered_seconds,
        first_seconds=0,
        watch_latency=Quantiles(0.3, 0.4, 1),
        last_latency=Quantiles(0.5, 0.6, 1),
        messages=0,
        bytes=0,
        server_cpu_seconds=cpu,
        drain_cpu_seconds=0,
    )
