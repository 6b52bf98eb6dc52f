"""What an ONNX file says about its input, output and itself, read without the onnx package.

An ONNX file is a protocol buffer: fields, each with a number, that may hold fields again. Of all that could
be in it eight are of interest here; the weights are skipped.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# Numbers of the fields, from onnx.proto.
_MODEL_GRAPH, _MODEL_METADATA = 7, 14
_GRAPH_INITIALIZER, _GRAPH_INPUT, _GRAPH_OUTPUT = 5, 11, 12
_INITIALIZER_NAME = 8
_VALUE_NAME, _VALUE_TYPE = 1, 2
_TYPE_TENSOR, _TENSOR_KIND, _TENSOR_SHAPE = 1, 1, 2
_SHAPE_SIDE, _SIDE_LENGTH = 1, 1
_ENTRY_KEY, _ENTRY_TEXT = 1, 2

_KINDS = {1: "float32", 2: "uint8", 10: "float16"}

_VARINT, _EIGHT_BYTES, _CHUNK, _FOUR_BYTES = 0, 1, 2, 5


class OnnxError(ValueError):
    """An ONNX file that cannot be used; says which and why."""


@dataclass(frozen=True, slots=True)
class OnnxHeader:
    """The input of a network that has one, and what else the file says.

    Attributes:
        input_name: the input's name.
        kind: of its numbers, "float32", "float16" or "uint8"; "" if it is another.
        shape: its sides; None where the network takes any.
        metadata: names and texts that were put in by whoever wrote the file.
        output_name: the first output's name; "" if the file names none.
    """

    input_name: str
    kind: str
    shape: tuple[int | None, ...]
    metadata: dict[str, str]
    output_name: str = ""


def read_onnx_header(path: Path) -> OnnxHeader:
    """Read a file's header.

    Raises:
        OnnxError: if it is no ONNX file, or its network has not exactly one input.
    """
    try:
        model = list(_fields(memoryview(path.read_bytes())))
        graph = _only(_chunks(model, _MODEL_GRAPH))
        fields = list(_fields(graph))
        weights = {_text(tensor, _INITIALIZER_NAME) for tensor in _chunks(fields, _GRAPH_INITIALIZER)}
        inputs = {_text(value, _VALUE_NAME): value for value in _chunks(fields, _GRAPH_INPUT)}
        # Old files list the weights among the inputs.
        names = [name for name in inputs if name not in weights]
        if len(names) != 1:
            raise OnnxError(f"{path}: a network with {len(names)} inputs; expected one, the images")
        kind, shape = _tensor(inputs[names[0]])
        outputs = [_text(value, _VALUE_NAME) for value in _chunks(fields, _GRAPH_OUTPUT)]
        entries = _chunks(model, _MODEL_METADATA)
        metadata = {_text(entry, _ENTRY_KEY): _text(entry, _ENTRY_TEXT) for entry in entries}
    except OSError as error:
        raise OnnxError(f"{path}: cannot be read ({error.strerror})") from error
    except (_WireError, UnicodeDecodeError) as error:
        raise OnnxError(f"{path}: not an ONNX file, or a damaged one") from error
    return OnnxHeader(names[0], kind, shape, metadata, next(iter(outputs), ""))


class _WireError(Exception):
    """Bytes that are no protocol buffer, or not the one that was expected."""


_Field = tuple[int, int | memoryview]


def _tensor(value: memoryview) -> tuple[str, tuple[int | None, ...]]:
    """Kind and shape of an input."""
    kind_of_type = _only(_chunks(_fields(value), _VALUE_TYPE))
    fields = list(_fields(_only(_chunks(_fields(kind_of_type), _TYPE_TENSOR))))
    kind = next((number for field, number in fields if field == _TENSOR_KIND), 0)
    shape: list[int | None] = []
    for sides in _chunks(fields, _TENSOR_SHAPE):
        for side in _chunks(_fields(sides), _SHAPE_SIDE):
            lengths = [number for field, number in _fields(side) if field == _SIDE_LENGTH]
            length = lengths[0] if lengths else 0
            shape.append(length if isinstance(length, int) and length > 0 else None)
    return _KINDS.get(kind, "") if isinstance(kind, int) else "", tuple(shape)


def _text(message: memoryview, number: int) -> str:
    texts = _chunks(_fields(message), number)
    return bytes(texts[0]).decode() if texts else ""


def _chunks(fields: Iterator[_Field] | list[_Field], number: int) -> list[memoryview]:
    """The contents of all fields of that number."""
    return [value for field, value in fields if field == number and isinstance(value, memoryview)]


def _only(messages: list[memoryview]) -> memoryview:
    if len(messages) != 1:
        raise _WireError
    return messages[0]


def _fields(message: memoryview) -> Iterator[_Field]:
    """(Number, value) of the fields of a message; the value is an integer, or a view of whatever it is."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, wire = key >> 3, key & 7
        if wire == _VARINT:
            value, at = _varint(message, at)
            yield number, value
            continue
        if wire == _CHUNK:
            length, at = _varint(message, at)
        elif wire in (_EIGHT_BYTES, _FOUR_BYTES):
            length = 8 if wire == _EIGHT_BYTES else 4
        else:
            raise _WireError
        if at + length > len(message):
            raise _WireError
        yield number, message[at : at + length]
        at += length


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """An integer in groups of seven bits, the lowest first, and where it ends."""
    value = shift = 0
    while at < len(message):
        byte = message[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
    raise _WireError
