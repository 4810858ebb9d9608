"""What a lens and a shutter make soft: blurs of all kinds, and the table of what is soft or sharp."""

from collections.abc import Mapping
from types import MappingProxyType

import cv2
import numpy as np

from streamedit.darkroom.canvas import Brief, Done, Operation, retouching
from streamedit.darkroom.copies import shrunk_light, small_light
from streamedit.darkroom.layers import FINE_PX, grid, over, spot
from streamedit.darkroom.linear_light import near_encoded, near_linear
from streamedit.darkroom.operations.clarity import deblur, denoise, sharpen, smooth_skin
from streamedit.darkroom.optics import banded, floats, grey, luma, mixed, side, smoothstep
from streamedit.darkroom.photograph import Floats

_BELOW_THE_MIDDLE = 0.2
"""Where the sharp band of a tilt-shift lies: what stands on the ground is there more often than in the middle."""

_DISC_PX = 5
"""Radius of the aperture of a lens blur; a wider one is made in a smaller copy."""

_ZOOMED_PX = 1024
"""The longer side of the copy that a zoom blur is made in."""

_DIRECTIONS = MappingProxyType({"up": 90.0, "down": 90.0, "vertical": 90.0})


def blur(rgb: Floats, brief: Brief) -> Done:
    """The whole picture out of focus, evenly; the number is the deviation of the Gauss curve in pixels."""
    full = brief.details.number if brief.details.number is not None and brief.amount else 0.024 * brief.amount * side(rgb)
    return lambda part: _blurred(rgb, min(full * part, 0.5 * max(rgb.shape)))


def lens_blur(rgb: Floats, brief: Brief) -> Done:
    """Out of focus as through a wide open lens: lights turn to discs."""
    return lambda part: _mixed(rgb, 0.03 * brief.amount * part * side(rgb))


def tilt_shift(rgb: Floats, brief: Brief) -> Done:
    """A model world: one band sharp, what is above and below more and more out of focus, the colours a little stronger."""
    _, y = grid(rgb, FINE_PX)
    middle = spot(rgb, (0, brief.details.place[1] * 0.6 if brief.details.place else _BELOW_THE_MIDDLE))[1]
    off = np.clip((np.abs(y - middle) / max(1e-3, float(np.abs(y).max())) - 0.16) / 0.75, 0, 1)
    depth = smoothstep(off * 0.5) * 2

    def effect(part: float) -> Floats:
        amount = brief.amount * part
        layers = [_disc_blurred(rgb, 0.03 * amount * side(rgb) * reach) for reach in (0.25, 0.5, 1)]

        def work(band: Floats, its: Floats, *softer: Floats) -> Floats:
            steps = [np.clip(its * 3 - step, 0, 1)[..., None] for step in range(3)]
            light = near_linear(band)
            for softly, step in zip(softer, steps, strict=True):
                light = light + (softly - light) * step
            colours = near_encoded(light)
            return floats(cv2.addWeighted(colours, 1 + 0.25 * amount, grey(luma(colours)), -0.25 * amount, 0))

        return over(rgb, work, depth, *layers)

    return effect


def motion_blur(rgb: Floats, brief: Brief) -> Done:
    """The camera moved while the shutter was open, in a straight line; the number is its angle to the horizon."""
    said = brief.details.number
    angle = np.deg2rad(said if said is not None else _DIRECTIONS.get(brief.details.side or "", 0.0))
    reach = 0.09 * brief.amount * side(rgb)

    def effect(part: float) -> Floats:
        across, down = float(np.cos(angle)) * reach * part, -float(np.sin(angle)) * reach * part
        halo = int(np.ceil(abs(down))) + 2
        return banded(lambda band: near_encoded(_swept(near_linear(band), across, down)), rgb, halo_px=halo)

    return effect


def zoom_blur(rgb: Floats, brief: Brief) -> Done:
    """The lens was zoomed while the shutter was open: lines run out from one place, which stays sharp."""
    place = brief.details.place or (0, 0)
    light = small_light(rgb, _ZOOMED_PX)
    height, width = light.shape[:2]
    centre = ((0.6 * place[0] + 1) / 2 * (width - 1), (0.6 * place[1] + 1) / 2 * (height - 1))
    shrink = rgb.shape[1] / width

    def effect(part: float) -> Floats:
        zoomed = _zoomed(light, centre, 0.22 * brief.amount * part)
        if shrink <= 1:
            return near_encoded(zoomed)
        # the small copy is as sharp as the large picture where it moves more than its pixels: elsewhere the large one stays
        x, y = np.ogrid[0:width, 0:height]
        moved = np.hypot(x.T - centre[0], y.T - centre[1]) * (0.22 * brief.amount * part)
        return _shared(rgb, zoomed, floats(moved / 2))

    return effect


def soft_focus(rgb: Floats, brief: Brief) -> Done:
    """A soft-focus lens: a sharp picture and a soft one together, their lights blooming."""
    small = shrunk_light(rgb, max(1, side(rgb) // 240))
    small = floats(cv2.GaussianBlur(small, (0, 0), max(0.5, 0.016 * min(small.shape[:2]))))

    def effect(part: float) -> Floats:
        amount = np.float32(brief.amount * part)

        def work(band: Floats, its: Floats) -> Floats:
            light = near_linear(band)
            return near_encoded(light + (its * (1 + 0.12 * amount) - light) * (np.float32(0.85) * amount))

        return over(rgb, work, small)

    return effect


def _blurred(rgb: Floats, sigma_px: float) -> Floats:
    """Gaussian blur of light. A narrow one band by band, a wide one in a small copy: what it keeps fits there."""
    if sigma_px < 0.15:
        return rgb.copy()
    if sigma_px < 5:

        def work(band: Floats) -> Floats:
            return near_encoded(floats(cv2.GaussianBlur(near_linear(band), (0, 0), sigma_px)))

        return banded(work, rgb, halo_px=int(np.ceil(3 * sigma_px)) + 1)
    shrink = int(sigma_px / 3)
    small = floats(cv2.GaussianBlur(shrunk_light(rgb, shrink), (0, 0), sigma_px / shrink))
    return over(rgb, lambda _, its: near_encoded(its), small)


def _mixed(rgb: Floats, radius_px: float) -> Floats:
    """Lens blur; one of less than two pixels comes in by and by."""
    softly = _disc_blurred(rgb, radius_px)
    share = np.full((1, 1), min(1.0, radius_px / 2), np.float32)
    return _shared(rgb, softly, share)


def _shared(rgb: Floats, layer: Floats, share: Floats) -> Floats:
    """A layer of light in the picture's place, as far as a plane says."""

    def work(band: Floats, its: Floats, much: Floats) -> Floats:
        return near_encoded(mixed(near_linear(band), its, np.clip(much, 0, 1)))

    return over(rgb, work, layer, share)


def _disc_blurred(rgb: Floats, radius_px: float) -> Floats:
    """The light of the picture through an open aperture, as a layer: what burns counts for more than a file can say."""
    shrink = max(1, int(radius_px / _DISC_PX))
    small = shrunk_light(rgb, shrink)
    radius = max(0.5, radius_px / shrink)
    reach = int(np.ceil(radius))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(np.float32)
    disc = np.clip(radius + 0.5 - np.hypot(x, y), 0, 1)
    weight = 1 + 6 * luma(small)[..., None] ** 4
    sums = cv2.filter2D(np.dstack([small * weight, weight]), cv2.CV_32F, disc / disc.sum(), borderType=cv2.BORDER_REPLICATE)
    return floats(sums)[..., :3] / floats(sums)[..., 3:]


def _swept(light: Floats, across: float, down: float) -> Floats:
    """The mean of a picture on its way along a line, by doubling: each step adds a copy from half as far as the one before."""
    reach = float(np.hypot(across, down))
    steps = max(1, int(np.ceil(np.log2(max(1.0, reach / 1.5)))) + 1)
    light = _shifted(light, -across / 2, -down / 2)
    for step in range(1, steps + 1):
        light = floats(cv2.addWeighted(light, 0.5, _shifted(light, across / 2**step, down / 2**step), 0.5, 0))
    return light


def _shifted(light: Floats, across: float, down: float) -> Floats:
    move = np.array([[1, 0, across], [0, 1, down]])
    size = (light.shape[1], light.shape[0])
    return floats(cv2.warpAffine(light, move, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


def _zoomed(light: Floats, centre: tuple[float, float], growth: float) -> Floats:
    """The mean of a picture while it grows, by doubling as in `_swept`."""
    size = (light.shape[1], light.shape[0])
    steps = max(1, int(np.ceil(np.log2(max(1.0, growth * max(size) / 3)))) + 1)
    for step in range(1, steps + 1):
        scale = (1 + growth) ** (1 / 2**step)
        grow = np.array([[scale, 0, centre[0] * (1 - scale)], [0, scale, centre[1] * (1 - scale)]])
        grown = cv2.warpAffine(light, grow, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        light = floats(cv2.addWeighted(light, 0.5, grown, 0.5, 0))
    return light


FOCUS: Mapping[str, Operation] = MappingProxyType(
    {
        "blur": retouching(blur),
        "lens blur": retouching(lens_blur),
        "tilt-shift": retouching(tilt_shift),
        "motion blur": retouching(motion_blur),
        "zoom blur": retouching(zoom_blur),
        "soft focus": retouching(soft_focus),
        "sharpen": retouching(sharpen),
        "denoise": retouching(denoise),
        "smooth skin": retouching(smooth_skin),
        "deblur": retouching(deblur),
    }
)
"""By the names of the instructions."""
