"""What becomes of bytes that were right: cut, changed, doubled, spliced with others."""

import random
from collections.abc import Sequence

Metadata = tuple[tuple[str, str | bytes], ...]

_MOST = 5
_BYTES_OF_NOISE = 400


def noise(chance: random.Random) -> bytes:
    return chance.randbytes(chance.randint(0, _BYTES_OF_NOISE))


def mutated(raw: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    """Change bytes in one way or several."""
    changed = bytearray(raw)
    for _ in range(chance.randint(1, _MOST)):
        at = chance.randint(0, len(changed))
        match chance.choice(("flip", "change", "insert", "cut", "drop", "double", "splice")):
            case "flip" if at < len(changed):
                changed[at] ^= 1 << chance.randrange(8)
            case "change" if at < len(changed):
                changed[at] = chance.choice((0, 0x7F, 0x80, 0xFF, chance.randrange(256)))
            case "cut":
                del changed[at:]
            case "drop":
                del changed[at : at + chance.randint(1, 8)]
            case "double":
                changed[at:at] = changed[at : at + 64] * chance.randint(1, 4)
            case "splice":
                other = chance.choice(others)
                changed[at:] = other[chance.randint(0, len(other)) :]
            case _:
                changed[at:at] = chance.randbytes(chance.randint(1, 8))
    return bytes(changed)


def metadata(chance: random.Random) -> Metadata:
    """Some metadata that nobody would send; gRPC's own client lets no other characters out."""
    names = ("authorization", "x-forwarded-for", "grpc-trace-bin", "traceparent", "user-agent", "x-", "a" * 200)
    pairs: list[tuple[str, str | bytes]] = []
    for _ in range(chance.randint(1, 4)):
        name = chance.choice(names)
        text = "".join(chr(chance.randint(0x20, 0x7E)) for _ in range(chance.randint(0, 300)))
        pairs.append((name, chance.randbytes(50) if name.endswith("-bin") else text))
    return tuple(pairs)
