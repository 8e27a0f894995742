"""Distortions on whole batches: crop, turn, flip, background, colour, blur, erasing. All take and
give tensors, so that a step costs milliseconds; `harsh` is the fixed distortion of the held-back test.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageFilter

MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)


def uniform(n: int, low: float, high: float) -> torch.Tensor:
    return torch.empty(n).uniform_(low, high)


def normalise(x: torch.Tensor) -> torch.Tensor:
    return (x - torch.tensor(MEAN).view(1, 3, 1, 1)) / torch.tensor(STD).view(1, 3, 1, 1)


def to_float(pixels: np.ndarray) -> torch.Tensor:
    """uint8 [B, S, S, 4] -> float [B, 4, S, S] in 0..1, colour premultiplied by coverage."""
    x = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
    x[:, :3] *= x[:, 3:]
    return x


def similarity(n: int, zoom, turn: float, shift: float, flip: float) -> torch.Tensor:
    """A random similarity per picture, [n, 2, 3]; `zoom` is the range of the visible part's side."""
    part = uniform(n, *zoom)
    aspect = torch.exp(uniform(n, -0.15, 0.15))
    angle = torch.randn(n).clamp(-2, 2) * math.radians(turn) / 2
    mirror = torch.where(torch.rand(n) < flip, -1.0, 1.0)
    cos, sin = torch.cos(angle), torch.sin(angle)
    slack = (1 - part).abs() + shift
    return torch.stack(
        [
            torch.stack([part * aspect * cos * mirror, -part / aspect * sin, slack * uniform(n, -1, 1)], 1),
            torch.stack([part * aspect * sin * mirror, part / aspect * cos, slack * uniform(n, -1, 1)], 1),
        ],
        1,
    )


def warp(x: torch.Tensor, theta: torch.Tensor, size: int, padding: str) -> torch.Tensor:
    """Pictures, or maps of them, seen through the similarities."""
    grid = F.affine_grid(theta, (len(x), x.shape[1], size, size), align_corners=False)
    return F.grid_sample(x, grid, mode="bilinear", padding_mode=padding, align_corners=False)


def view(x: torch.Tensor, theta: torch.Tensor, size: int, padding: str) -> torch.Tensor:
    """`warp` without aliasing: CLIP's own preprocessing has none, and pictures that do look like other ones."""
    return F.avg_pool2d(warp(x, theta, 2 * size, padding), 2)


def as_is(x: torch.Tensor, size: int) -> torch.Tensor:
    """Only made smaller, as CLIP's preprocessing does it."""
    return F.interpolate(x, (size, size), mode="bicubic", antialias=True).clamp(0, 1)


def backgrounds(n: int, size: int, scenes: torch.Tensor, plain: float) -> torch.Tensor:
    """White (`plain` of them), one colour, a gradient, noise, or a piece of a shop photo."""
    pick = torch.rand(n)
    flat = torch.rand(n, 3, 1, 1)
    ramp = torch.linspace(-0.5, 0.5, size)
    tilt = torch.randn(n, 2, 1, 1, 1) * 0.4
    slope = tilt[:, 0] * ramp.view(1, 1, size, 1) + tilt[:, 1] * ramp.view(1, 1, 1, size)
    grain = F.interpolate(torch.rand(n, 3, 6, 6), size=(size, size), mode="bilinear") - 0.5
    rough = torch.rand(n, 1, size, size) - 0.5
    theta = similarity(n, (0.3, 0.9), 60, 0.0, 0.5)
    scene = warp(scenes[torch.randint(len(scenes), (n,))], theta, size, "reflection")
    made = flat + slope * (torch.rand(n, 1, 1, 1) < 0.6)
    made = made + grain * (torch.rand(n, 1, 1, 1) < 0.4) * 0.8 + rough * (torch.rand(n, 1, 1, 1) < 0.3) * 0.25
    out = torch.where((pick < plain + (1 - plain) * 0.5).view(n, 1, 1, 1), made, scene)
    return torch.where((pick < plain).view(n, 1, 1, 1), torch.ones_like(out), out).clamp(0, 1)


def lay_on(x: torch.Tensor, ground: torch.Tensor) -> torch.Tensor:
    return x[:, :3] + ground * (1 - x[:, 3:])


def colour(x: torch.Tensor, amount: float) -> torch.Tensor:
    """Light and camera: brightness, contrast, saturation, white balance. Hue stays: it tells goods apart."""
    n = len(x)

    def each(t):
        return t.view(n, -1, 1, 1)

    x = x * each(uniform(n, 1 - 0.4 * amount, 1 + 0.35 * amount))
    x = x * (1 + each(uniform(3 * n, -0.12 * amount, 0.12 * amount)))
    grey = x.mean(1, keepdim=True)
    x = grey + (x - grey) * each(uniform(n, 1 - 0.4 * amount, 1 + 0.4 * amount))
    mid = x.mean((1, 2, 3), keepdim=True)
    x = mid + (x - mid) * each(uniform(n, 1 - 0.35 * amount, 1 + 0.35 * amount))
    return x.clamp(0, 1)


def soften(x: torch.Tensor, share: float) -> torch.Tensor:
    """Some of the batch out of focus or noisy."""
    n, _, s, _ = x.shape
    small = F.interpolate(x, scale_factor=0.5, mode="area")
    blurred = F.interpolate(small, size=(s, s), mode="bilinear")
    x = torch.where((torch.rand(n) < share).view(n, 1, 1, 1), blurred, x)
    return x + torch.randn_like(x) * (0.04 * torch.rand(n, 1, 1, 1)) * (torch.rand(n, 1, 1, 1) < share)


def erase(x: torch.Tensor, share: float) -> torch.Tensor:
    """Covers a rectangle, as a hand or a price tag would."""
    n, _, s, _ = x.shape
    line = torch.arange(s)
    w, h = uniform(n, 0.15, 0.5) * s, uniform(n, 0.15, 0.5) * s
    left, top = torch.rand(n) * (s - w), torch.rand(n) * (s - h)
    inside = ((line >= left[:, None]) & (line < (left + w)[:, None]))[:, None, None, :]
    inside = inside & ((line >= top[:, None]) & (line < (top + h)[:, None]))[:, None, :, None]
    inside = inside & (torch.rand(n) < share).view(n, 1, 1, 1)
    return torch.where(inside, torch.rand(n, 3, 1, 1).expand_as(x), x)


def photos(pixels: np.ndarray, whole: np.ndarray, size: int, still: np.ndarray | None = None) -> torch.Tensor:
    """Distorted pictures. `whole` marks full pictures, which may be cropped further than ready-made
    views; `still` those that are only resized, and mirrored half of the time."""
    theta = similarity(len(pixels), (0.65, 1.05), 24, 0.04, 0.5)
    wide = torch.from_numpy(whole)
    theta[wide] = similarity(int(wide.sum()), (0.45, 1.05), 24, 0.04, 0.5)
    x = to_float(pixels)[:, :3]
    out = erase(soften(colour(view(x, theta, size, "reflection"), 1.0), 0.15), 0.25)
    if still is not None and still.any():
        same, mirror = as_is(x[still], size), torch.rand(int(still.sum())) < 0.5
        out[still] = torch.where(mirror.view(-1, 1, 1, 1), same.flip(-1), same)
    return out.clamp(0, 1)


def objects(pixels: np.ndarray, scenes: torch.Tensor, plain: float, size: int, clean: float = 0.0) -> torch.Tensor:
    """Cut-outs on some background; fully covered pictures simply fill it. A share `clean` of them stays as
    it is, on white."""
    x = to_float(pixels)
    full = (x[:, 3] > 0.99).flatten(1).all(1)
    theta = similarity(len(x), (0.6, 1.4), 30, 0.08, 0.5)
    theta[full] = similarity(int(full.sum()), (0.6, 1.0), 30, 0.02, 0.5)
    cut = view(x, theta, size, "zeros")
    if full.any():
        cut[full] = view(x[full], theta[full], size, "reflection")
        cut[full, 3] = 1
    out = lay_on(cut, backgrounds(len(x), size, scenes, plain))
    out = erase(soften(colour(out, 0.9), 0.2), 0.2)
    still = torch.rand(len(x)) < clean
    if still.any():
        out[still] = lay_on(as_is(x[still], size), torch.ones(1))
    return out.clamp(0, 1)


def mixed(x: torch.Tensor, target: torch.Tensor, share: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Pictures and their labels, a share of them mixed with another of the batch: half by a rectangle that
    the other covers (CutMix), half by shining through (MixUp)."""
    n, _, s, _ = x.shape
    partner, pick = torch.randperm(n), torch.rand(n)
    area, stretch = uniform(n, 0.1, 0.5), torch.exp(uniform(n, -0.5, 0.5))
    line, inside = torch.arange(s), []
    for f in (stretch, 1 / stretch):
        side = (area.sqrt() * f * s).round().clamp(1, s)
        first = (torch.rand(n) * (s - side + 1)).floor()
        inside.append((line >= first[:, None]) & (line < (first + side)[:, None]))
    over = (inside[0][:, None, :, None] & inside[1][:, None, None, :]).float()
    over = torch.where((pick < share / 2).view(n, 1, 1, 1), over, area.view(n, 1, 1, 1).expand_as(over))
    over = over * (pick < share).view(n, 1, 1, 1)
    part = over.mean((1, 2, 3))[:, None]
    return x + over * (x[partner] - x), target + part * (target[partner] - target)


def harsh(image: Image.Image, ground: Image.Image, rng) -> Image.Image:
    """The held-back test's distortion of an RGBA picture: crop to 70-95 %, turn by 15 degrees,
    recolour each channel by up to 25 %, paste on a texture. A PIL picture in, an RGB one out."""
    w, h = image.size
    keep = rng.uniform(0.7, 0.95)
    x, y = rng.uniform(0, w * (1 - keep)), rng.uniform(0, h * (1 - keep))
    image = image.crop((round(x), round(y), round(x + w * keep), round(y + h * keep)))
    image = image.rotate(rng.choice((-15, 15)), Image.Resampling.BICUBIC, expand=True)
    gains = [rng.uniform(0.75, 1.25) for _ in range(3)]
    bands = image.split()
    bands = [b.point(lambda v, g=g: min(255, round(v * g))) for b, g in zip(bands[:3], gains)] + [bands[3]]
    image = Image.merge("RGBA", bands)
    side = round(max(image.size) * 1.1)
    out = ground.convert("RGB").resize((side, side), Image.Resampling.BICUBIC)
    out = out.filter(ImageFilter.GaussianBlur(side / 200))
    out.paste(image, ((side - image.width) // 2, (side - image.height) // 2), image)
    return out


def texture(rng, side: int = 256) -> Image.Image:
    """Coarse coloured noise under fine noise."""
    gen = np.random.default_rng(rng.getrandbits(32))
    base = gen.integers(40, 216, 3)
    coarse = gen.normal(0, 35, (rng.choice((3, 6, 12)),) * 2 + (3,)) + base
    image = Image.fromarray(coarse.clip(0, 255).astype(np.uint8)).resize((side, side), Image.Resampling.BICUBIC)
    fine = np.asarray(image).astype(np.float32) + gen.normal(0, 12, (side, side, 1))
    return Image.fromarray(fine.clip(0, 255).astype(np.uint8))
