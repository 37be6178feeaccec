"""One stripe: the same rows of every picture of a segment, coded with no reference outside it.

header │ palette │ range coder: displacements, planes, displacements, planes …
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ivc.codecs.lossless import palette, quick
from ivc.codecs.lossless.light import Light, code_light, new_light
from ivc.codecs.lossless.mixing import Mixer, new_mixer
from ivc.codecs.lossless.model import State, code_plane, new_state
from ivc.codecs.lossless.motion import MOTION_CONTEXTS, SIDE, code_motion, find_motion
from ivc.codecs.lossless.plans import TAPS, Buffers, Place
from ivc.codecs.lossless.tools import ALL, Tools
from ivc.entropy import Decoder, Encoder, new_contexts
from ivc.entropy.fields import integer, pack, unpack
from ivc.errors import BitstreamError
from ivc.signal import colour
from ivc.signal.lossless import LosslessPlane
from ivc.types import Layout, PixelFormat

RAW, QUICK, FAST = 0, 1, 2
LIGHT, MIXED = 4, 6
TRIAL = 1 << 17
"""Luma samples on which the encoder tries ways to code a stripe, at most."""
WHOLLY_TRIED = 1 << 15
"""Luma samples of a picture that is tried as a whole."""
WIDEST = 8192
"""Luma samples in a row up to which the best model is used, whose memory grows with them."""
REPEATS = 7
"""Model that pictures which repeat themselves are tried with, too: others may look too far."""
SMALL = 1 << 14
"""Luma samples below which the tables of the quick model cost more than they save."""
FULLY_TRIED = 3
"""Effort that codes the whole stripe in all ways that are quick enough for it."""


@dataclass(frozen=True)
class Header:
    """What a stripe begins with.

    Attributes:
        model: samples as they are, the quick or the fast model; from 4 the light one and from 6
            the best one, at that level of ``plans.TAPS``.
        colour: reversible transform, a constant of ``ivc.signal.colour``.
        colours: of the palette; 0 for none.
        matching: 1 if values behind the same neighbours are tried first.
    """

    model: int = integer(0, max(TAPS))
    colour: int = integer(0, 2)
    colours: int = integer(0, palette.MOST)
    matching: int = integer(0, 1)


@dataclass(frozen=True)
class Choice:
    """A way to code a stripe.

    Attributes:
        header: the stripe's.
        indices: (T, H, W) int32 of a palette, if it has one.
        entries: the bytes of the palette.
    """

    header: Header
    indices: np.ndarray | None = None
    entries: bytes = b""


def _places(header: Header, pixel_format: PixelFormat, width: int, height: int) -> list[Place]:
    top = pixel_format.max_value
    if header.colours:
        return [Place((height, width), (0, 0), 0, header.colours - 1)]
    sx, sy = pixel_format.layout.chroma_shift
    places = []
    for i, shape in enumerate(pixel_format.plane_shapes(width, height)):
        low = -top if header.colour != colour.IDENTITY and i in (1, 2) else 0
        shift = (sy, sx) if i in (1, 2) else (0, 0)
        places.append(Place(shape, shift, low, top))
    return places


def _mixed_payload(
    coder: object, header: Header, places: list[Place], pictures: list[list[np.ndarray]],
    decoding: bool, tools: Tools,
) -> bool:  # fmt: skip
    """Code or decode all pictures with the mixed model; False if the data ran out."""
    buffers = Buffers(places, min(len(pictures), 2))
    mixers: list[Mixer] = []
    lights: dict[int, Light] = {}
    states: dict[int, State] = {}
    height, width = places[0].shape
    motion = np.zeros((2, -(-height // SIDE), -(-width // SIDE)), np.int32)
    contexts = new_contexts(MOTION_CONTEXTS)
    for t, picture in enumerate(pictures):
        parity, first = t % 2, t == 0 or not tools.previous
        # what the first picture learns does not suit those with a predecessor
        kept = t > 0 or not tools.previous
        if not decoding:
            for i, plane in enumerate(picture):
                buffers.plane(i, parity)[:] = plane
        if not first:
            if not decoding and tools.motion:
                find_motion(buffers.plane(0, parity), buffers.plane(0, 1 - parity), motion)
            code_motion(coder, contexts, motion)
        for i in range(len(places)):
            kind = 0 if i == 0 else 1
            plan = buffers.plan(i, parity, first, header.model, header.matching, tools.references)
            if header.model < MIXED:
                light = lights.get(i) or new_light(plan)
                if kept:
                    lights[i] = light
                if not code_light(coder, plan, light, buffers.samples, buffers.errors, motion):
                    return False
                continue
            if len(mixers) <= kind:
                mixers.append(new_mixer(tools.learning))
            state = states.get(i) or new_state(plan, tools.knobs)
            if kept:
                states[i] = state
            if not code_plane(
                coder, mixers[kind], plan, state, buffers.samples, buffers.errors, motion
            ):
                return False
        if decoding:
            for i, plane in enumerate(picture):
                plane[:] = buffers.plane(i, parity)
    return True


def _fast_payload(
    coder: object, header: Header, places: list[Place], pictures: list[list[np.ndarray]],
    decoding: bool, depth: int,
) -> bool:  # fmt: skip
    """The same with the model of ``ivc.signal.lossless``, or without any."""
    planes = [LosslessPlane(p.shape, p.low, p.high, depth) for p in places]
    for picture in pictures:
        for i, plane in enumerate(planes):
            if header.model == RAW:
                whole = plane.code_raw(coder, picture[i])
            else:
                if not decoding:
                    plane.choose_modes(picture[i])
                guided = i in (1, 2) and planes[i - 1].shape == plane.shape
                guide = planes[i - 1].magnitudes if guided else None
                whole = plane.code(coder, picture[i], 0, guide)
            if not whole:
                return False
    return True


def _code(
    coder: object, header: Header, places: list[Place], pictures: list[list[np.ndarray]],
    decoding: bool, depth: int, tools: Tools,
) -> bool:  # fmt: skip
    if header.model >= LIGHT:
        return _mixed_payload(coder, header, places, pictures, decoding, tools)
    return _fast_payload(coder, header, places, pictures, decoding, depth)


def _repetitive(plane: np.ndarray, step: int = 1) -> bool:
    """Whether a good part of the samples equal a neighbour exactly; looks at every step-th row."""
    if min(plane.shape) < 2:
        return False
    centre, left, above = plane[1::step, 1:], plane[1::step, :-1], plane[:-1:step, 1:]
    return float(((centre == left) | (centre == above)).mean()) > 0.4


def _to_code(
    header: Header, pixel_format: PixelFormat, planes: Sequence[np.ndarray],
    indices: np.ndarray | None,
) -> list[list[np.ndarray]]:  # fmt: skip
    """Pictures as the model sees them: int32 planes after the palette or colour transform."""
    pictures = []
    for t in range(planes[0].shape[0]):
        if indices is not None:
            pictures.append([np.ascontiguousarray(indices[t])])
            continue
        source = [plane[t] for plane in planes]
        if pixel_format.layout is Layout.RGB:
            picture = [np.empty(plane.shape, np.int32) for plane in source[:3]]
            colour.forward_reversible(*source[:3], header.colour, *picture)
            source = source[3:]
        else:
            picture = []
        picture += [plane.astype(np.int32) for plane in source]
        pictures.append(picture)
    return pictures


def encode(
    planes: Sequence[np.ndarray], pixel_format: PixelFormat, effort: int, tools: Tools = ALL
) -> bytes:
    """Code a stripe.

    Args:
        planes: (T, H, W) each, as in ``Frames``.
        pixel_format: of the planes.
        effort: 1 to 9.
        tools: stages that are used.
    """
    choices = _choices(planes, pixel_format, effort, tools)
    if len(choices) > 1 and effort != FULLY_TRIED:
        choices = [_tried(choices, pixel_format, planes, tools)]
    payload = min((_encode(c, pixel_format, planes, tools) for c in choices), key=len)
    raw_size = -(-sum(plane.size for plane in planes) * pixel_format.depth // 8)
    if len(payload) > raw_size + 8:
        raw = Header(model=RAW, colour=colour.IDENTITY, colours=0, matching=0)
        payload = _encode(Choice(raw), pixel_format, planes, tools)
    return payload


def _choices(
    planes: Sequence[np.ndarray], pixel_format: PixelFormat, effort: int, tools: Tools
) -> list[Choice]:
    """What may be the smallest."""
    found = None
    if tools.palette and pixel_format.layout.chroma_shift == (0, 0):
        found = palette.find(list(planes))
        if found is not None and len(found[0]) * 8 >= planes[0].size + 64:
            found = None
    kinds = {colour.IDENTITY}
    if tools.colours and pixel_format.layout is Layout.RGB:
        rgb = [plane[planes[0].shape[0] // 2] for plane in planes[:3]]
        kinds = {colour.choose_reversible_quickly(rgb)} if effort < LIGHT else set()
        if effort > 1:
            # planes that refer to each other do not gain from YCoCg-R
            known = [colour.SUBTRACT_GREEN, colour.IDENTITY] + [colour.YCOCG_R] * (effort < LIGHT)
            kinds.add(colour.choose_reversible(rgb, known))
    middle = planes[0].shape[0] // 2
    look = planes[0][middle] if found is None else found[1][middle]
    matching = tools.matching and (found is not None or _repetitive(look, 8 if effort < 2 else 1))
    if effort >= LIGHT:
        models = [effort if planes[0].shape[2] <= WIDEST else min(effort, MIXED - 1)]
        if matching and models[0] > REPEATS:
            models.append(REPEATS)
    elif look.size < SMALL:
        models, matching = [FAST], False
    else:
        models = [QUICK] if effort < 2 else [QUICK, FAST]
    choices = []
    for model in models:
        matches = (1, 0) if matching and model != FAST else (0,)
        for match in matches if model == models[0] or effort < LIGHT else (1,):
            if found is not None:
                entries = palette.pack(found[0], pixel_format.depth)
                header = Header(model, colour.IDENTITY, len(found[0]), match)
                choices.append(Choice(header, found[1], entries))
            if found is None or effort >= LIGHT:
                choices += [Choice(Header(model, kind, 0, match)) for kind in sorted(kinds)]
    return choices


def _tried(
    choices: list[Choice], pixel_format: PixelFormat, planes: Sequence[np.ndarray], tools: Tools
) -> Choice:
    """What made the rows in the middle of the middle picture smallest."""
    pictures, height, width = planes[0].shape
    count = min(max(height // 8, 64), max(TRIAL // width, 16), height)
    if height * width <= WHOLLY_TRIED:
        count = height
    t = slice(pictures // 2, pictures // 2 + 1)
    top = (height - count) // 2 & ~1
    shift = pixel_format.layout.chroma_shift[1]
    cut = [
        np.ascontiguousarray(plane[t, top >> s : -(-(top + count) >> s)])
        for i, plane in enumerate(planes)
        for s in [shift if i in (1, 2) else 0]
    ]

    def cost(choice: Choice) -> float:
        indices = choice.indices
        some = None if indices is None else indices[t, top : top + count]
        data = _encode(replace(choice, indices=some, entries=b""), pixel_format, cut, tools)
        return len(data) + len(choice.entries) * count / height

    return min(choices, key=cost)


def _encode(
    choice: Choice, pixel_format: PixelFormat, planes: Sequence[np.ndarray], tools: Tools
) -> bytes:
    _, height, width = planes[0].shape
    header = choice.header
    head = pack(header) + choice.entries
    pictures = _to_code(header, pixel_format, planes, choice.indices)
    places = _places(header, pixel_format, width, height)
    if header.model == QUICK:
        matching = bool(header.matching)
        return head + quick.encode(places, pictures, pixel_format.depth, matching)
    encoder = Encoder()
    _code(encoder.coder, header, places, pictures, False, pixel_format.depth, tools)
    return head + encoder.finish()


def decode(
    data: memoryview, pixel_format: PixelFormat, out: Sequence[np.ndarray], tools: Tools = ALL
) -> None:
    """Decode a stripe into ``out``, (T, H, W) each.

    Raises:
        BitstreamError: when the data are damaged.
    """
    header, rest = unpack(Header, bytes(data))
    count, height, width = out[0].shape
    if header.model >= MIXED and width > WIDEST:
        raise BitstreamError("rows are too wide for that model; the data are damaged")
    if header.model == RAW and (header.colours or header.colour != colour.IDENTITY):
        raise BitstreamError("samples as they are have no other colours; the data are damaged")
    if FAST < header.model < LIGHT:
        raise BitstreamError("there is no such model; the data are damaged")
    if header.colours and pixel_format.layout.chroma_shift != (0, 0):
        raise BitstreamError("a palette in a picture of subsampled colour; the data are damaged")
    if header.colour != colour.IDENTITY and pixel_format.layout is not Layout.RGB:
        raise BitstreamError("a colour transform in a picture without RGB; the data are damaged")
    table, rest = palette.unpack(rest, header.colours, len(out), pixel_format.depth)
    places = _places(header, pixel_format, width, height)
    pictures = [[np.zeros(p.shape, np.int32) for p in places] for _ in range(count)]
    if header.model == QUICK:
        quick.decode(rest, places, pictures, pixel_format.depth, bool(header.matching))
    else:
        decoder = Decoder(rest)
        if not _code(decoder.coder, header, places, pictures, True, pixel_format.depth, tools):
            decoder.finish()
            raise BitstreamError("coded data end too early; they are cut short or damaged")
        decoder.finish()
    for t, picture in enumerate(pictures):
        target = [plane[t] for plane in out]
        if header.colours:
            for i, plane in enumerate(target):
                plane[:] = table[:, i][picture[0]]
            continue
        if pixel_format.layout is Layout.RGB:
            colour.inverse_reversible(
                *picture[:3], header.colour, pixel_format.max_value, *target[:3]
            )
            rest_from = 3
        else:
            rest_from = 0
        for i in range(rest_from, len(target)):
            target[i][:] = picture[i]
