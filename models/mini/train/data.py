"""Reads the sources once and keeps them as one array of small pictures, so that a training step
touches no JPEG or PNG.

A cache folder holds
  pictures.npy   uint8 [N, SIDE, SIDE, 4]: colour and coverage (alpha)
  index.json     one row a picture: kind, product, instance, captions
  held.json      the clip-art pictures held back for the never-seen test
  tokenizer.json
  teacher.pt     the picture teacher, fine-tuned (see teachers.py)
"""

import csv
import json
import random
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFile

import tokenizer

ImageFile.LOAD_TRUNCATED_IMAGES = True
SIDE = 192
HELD_BACK = 500


@dataclass
class Row:
    kind: str  # photo | angle | studio | clip
    product: int = -1  # index into the products, or -1
    instance: int = -1  # pictures of the same thing share it
    view: int = 0
    captions: list = field(default_factory=list)


def fit(image: Image.Image, side: int = SIDE) -> Image.Image:
    """What CLIP's processor sees: shortest edge to `side`, centre crop."""
    scale = side / min(image.size)
    w, h = (max(side, round(x * scale)) for x in image.size)
    image = image.resize((w, h), Image.Resampling.BICUBIC)
    left, top = (w - side) // 2, (h - side) // 2
    return image.crop((left, top, left + side, top + side))


def pad(image: Image.Image, side: int = SIDE) -> Image.Image:
    """The whole picture on a clear square."""
    image = image.copy()
    image.thumbnail((side, side), Image.Resampling.BICUBIC)
    out = Image.new("RGBA", (side, side), (255, 255, 255, 0))
    out.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    return out


def random_view(image: Image.Image, rng: random.Random) -> Image.Image:
    """A random part of the whole photo, borders included, that CLIP's centre crop would lose."""
    w, h = image.size
    area = w * h * rng.uniform(0.3, 1.0)
    ratio = rng.uniform(0.8, 1.25)
    cw, ch = min(w, round((area * ratio) ** 0.5)), min(h, round((area / ratio) ** 0.5))
    x, y = rng.randint(0, w - cw), rng.randint(0, h - ch)
    return image.resize((SIDE, SIDE), Image.Resampling.BICUBIC, box=(x, y, x + cw, y + ch))


def cut_out(image: Image.Image) -> Image.Image:
    """Makes a studio picture's background clear: what joins the border and is near the smooth surface
    that the border's colours suggest. Where that leaves next to nothing, the picture stays whole."""
    rgb = image.convert("RGB")
    small = np.asarray(rgb.resize((160, 160), Image.Resampling.BILINEAR)).astype(np.float32)
    y, x = np.mgrid[-1:1:160j, -1:1:160j]
    terms = np.stack([np.ones_like(x), x, y, x * y, x * x, y * y], -1)
    edge = np.ones((160, 160), bool)
    edge[6:-6, 6:-6] = False
    fitted, *_ = np.linalg.lstsq(terms[edge], small[edge], rcond=None)
    away = np.abs(small - terms @ fitted).max(-1)
    near = away < np.clip(4 * away[edge].mean() + 6, 8, 22)
    mask = Image.fromarray(np.where(near, 255, 0).astype(np.uint8))
    probe = Image.new("L", (162, 162), 255)
    probe.paste(mask, (1, 1))
    ImageDraw.floodfill(probe, (0, 0), 128)
    alpha = np.where(np.asarray(probe)[1:-1, 1:-1] == 128, 0, 255).astype(np.uint8)
    if (alpha > 0).mean() < 0.06:
        alpha[:] = 255
    out = rgb.convert("RGBA")
    out.putalpha(Image.fromarray(alpha).resize(rgb.size, Image.Resampling.BILINEAR))
    return out


def load(path: Path, mode: str) -> Image.Image:
    with Image.open(path) as image:
        return image.convert(mode)


def products_of(folder: Path) -> list[dict]:
    """A catalogue's products, lines of one id joined: id, title, category, description, images."""
    found: dict[str, dict] = {}
    for line in (folder / "description.json").read_text(encoding="utf-8").splitlines():
        if not line.strip():
            continue
        row = json.loads(line)
        paths = row.get("image_path") or row.get("images") or []
        paths = [paths] if isinstance(paths, str) else paths
        title = row.get("title") or Path(paths[0]).stem
        known = found.setdefault(row.get("id") or title, {"images": [], "texts": []})
        known.update(id=row.get("id") or title, title=title, category=row.get("category") or "")
        known["images"] += [str(folder / p) for p in paths]
        for key in ("description", "details"):
            if row.get(key) and row[key] not in known["texts"]:
                known["texts"].append(row[key])
    return list(found.values())


def product_captions(p: dict) -> list[str]:
    title, category = p["title"], p["category"].replace("-", " ")
    said = [title, title, title.lower(), f"a photo of {title}", f"{title}, {category}",
            f"{category}: {title}", f"a photo of {title}, a kind of {category}",
            f"do you have {title}?", f"what is this {title}", f"how much is the {title}"]
    said += [t for t in p["texts"]]
    said += [f"{title}. {t}" for t in p["texts"]]
    said += [s.strip() for t in p["texts"] for s in t.split(".") if len(s.strip()) > 12]
    return said


def clip_captions(path: Path, root: Path) -> list[str]:
    name = tokenizer.words_of(path.name)
    folders = [tokenizer.words_of(p) for p in path.relative_to(root).parts[:-1]]
    kind = folders[-1] if folders else ""
    said = [name or kind, f"a picture of {name or kind}", f"{name} {kind}".strip()]
    return said + ([f"clip art of {name}, {kind}"] if kind and kind != "unsorted" else [])


def _picture(job):
    """One job of the pool: (how, path, seed) -> uint8 [SIDE, SIDE, 4], or None if unreadable."""
    how, path, seed = job
    try:
        if how == "clip":
            image = pad(load(path, "RGBA"))
        elif how == "studio":
            image = pad(cut_out(load(path, "RGB")))
        elif how == "view":
            image = random_view(load(path, "RGB"), random.Random(seed)).convert("RGBA")
        else:
            image = fit(load(path, "RGB")).convert("RGBA")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    return np.asarray(image)


def clip_files(root: Path) -> list[Path]:
    return sorted(p for p in Path(root).rglob("*.png") if p.is_file() and not p.is_symlink())


def angle_files(root: Path) -> list[tuple[Path, str]]:
    """(picture, product) from the `labels.csv` of `new_angles.py`."""
    with open(Path(root) / "labels.csv", newline="") as f:
        return [(Path(root) / r["photo"], r["product_id"]) for r in csv.DictReader(f)]


def prepare(cache: Path, grocery, clipart, kb, angles, views: int, seed: int) -> None:
    cache.mkdir(parents=True, exist_ok=True)
    jobs, rows, products, rng = [], [], [], random.Random(seed)
    instance = 0

    def add(how, path, **row):
        jobs.append((how, str(path), rng.getrandbits(32)))
        rows.append(Row(**row))

    for name, folder in (("grocery", grocery and Path(grocery) / "catalogue"), ("kb", kb and Path(kb))):
        if not folder:
            continue
        for p in products_of(folder):
            p["set"] = name
            for path in p["images"]:
                # A grey studio is part of how its pictures look, so they are shown with it too.
                for how in ("studio", "fit") if name == "kb" else ("studio",):
                    add(how, path, kind="studio", product=len(products), instance=instance)
            instance += 1
            products.append(p)
    if grocery:
        at = {p["id"]: i for i, p in enumerate(products) if p["set"] == "grocery"}
        with open(Path(grocery) / "train.csv", newline="") as f:
            for line in csv.DictReader(f):
                for view in range(views):
                    add("fit" if view == 0 else "view", Path(grocery) / line["photo"],
                        kind="photo", product=at[line["product_id"]], instance=instance, view=view)
                instance += 1
    if angles:
        at = {p["id"]: i for i, p in enumerate(products) if p["set"] == "kb"}
        for path, product in angle_files(angles):
            add("fit", path, kind="angle", product=at[product], instance=instance, view=1)
            instance += 1
    if clipart:
        for path in clip_files(clipart):
            add("clip", path, kind="clip", instance=instance, captions=clip_captions(path, Path(clipart)))
            instance += 1

    out = np.lib.format.open_memmap(
        cache / "pictures.npy", mode="w+", dtype=np.uint8, shape=(len(jobs), SIDE, SIDE, 4))
    kept, held, seen_clips = [], [], set()
    clip_at = [i for i, r in enumerate(rows) if r.kind == "clip"]
    # Held-back pictures come first, so that a training picture that equals one is dropped. They have
    # look-alikes among themselves too: those are made up for by further ones.
    chosen = random.Random(7).sample(clip_at, 2 * HELD_BACK) if len(clip_at) > 4 * HELD_BACK else []
    chosen = sorted(chosen[:HELD_BACK]) + chosen[HELD_BACK:]
    order = chosen + sorted(set(range(len(jobs))) - set(chosen))
    chosen = set(chosen)
    with ProcessPoolExecutor(2) as pool:
        for i, picture in zip(order, pool.map(_picture, [jobs[i] for i in order], chunksize=32)):
            if picture is None:
                continue
            if rows[i].kind == "clip":
                if not picture[..., 3].any():
                    continue
                tiny = Image.fromarray(picture).resize((12, 12), Image.Resampling.BOX)
                key = (np.asarray(tiny) // 24).tobytes()
                if key in seen_clips:
                    continue
                seen_clips.add(key)
            if i in chosen and len(held) < HELD_BACK:
                held.append(jobs[i][1])
                continue
            out[len(kept)] = picture
            kept.append(rows[i])
    out.flush()
    (cache / "held.json").write_text(json.dumps(
        [str(Path(p).relative_to(clipart)) for p in held], indent=0))
    (cache / "index.json").write_text(json.dumps(
        {"rows": [asdict(r) for r in kept], "products": products, "written": len(jobs)}))

    # Not the sample catalogue's texts: the tokenizer is the same with and without it.
    texts = [c for p in products if p["set"] == "grocery" for c in product_captions(p)]
    texts += [c for r in kept if r.kind == "clip" for c in r.captions[:2]]
    tok = tokenizer.train(texts)
    tokenizer.save(tok, cache)


class Pictures:
    def __init__(self, cache: Path):
        index = json.loads((cache / "index.json").read_text())
        self.rows = [Row(**r) for r in index["rows"]]
        self.products = index["products"]
        self.pixels = np.load(cache / "pictures.npy", mmap_mode="r")[: len(self.rows)]

    def where(self, kind: str) -> np.ndarray:
        return np.array([i for i, r in enumerate(self.rows) if r.kind == kind], dtype=np.int64)

