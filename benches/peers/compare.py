"""Times Magpie's image tower beside ONNX Runtime's and PyTorch's, on the same photos.

    cargo bench --bench engine --no-run
    python compare.py MODEL PHOTOS --engine PROGRAM --chart docs/embedding.svg

PROGRAM is what cargo printed, MODEL a CLIP in Hugging Face layout (tests/fixtures/full_size.py makes one), PHOTOS a directory of
JPEGs. The engines take turns, one pass each a round, so that whatever else the machine does meets all of
them; each has --threads threads. Prints medians a photo, their ratios to Magpie's, and how far each
engine's vector is from PyTorch's.
"""

import argparse
import datetime
import json
import platform
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

BATCHES = (1, 8, 16)
# Seconds between turns, in which an engine's threads stop spinning, as some do when their work is done.
PAUSE = 0.3


def pixels_of(model, photos, count):
    """`count` photos as the model's own processor makes them, `[count, 3, s, s]`."""
    from PIL import Image
    from transformers import CLIPImageProcessor

    files = sorted(p for p in photos.rglob("*") if p.suffix.lower() in (".jpg", ".jpeg"))[:count]
    if len(files) < count:
        raise SystemExit(f"{photos} has {len(files)} JPEGs, {count} are needed")
    pictures = [Image.open(file).convert("RGB") for file in files]
    pixels = CLIPImageProcessor.from_pretrained(model)(pictures, return_tensors="np")["pixel_values"]
    return np.ascontiguousarray(pixels, dtype=np.float32)


def export(model, folder):
    """The image tower with its projection as ONNX, in f32 and with dynamic int8 weights."""
    import torch
    from onnxruntime.quantization import QuantType, quantize_dynamic

    class Tower(torch.nn.Module):
        def __init__(self, clip):
            super().__init__()
            self.vision, self.projection = clip.vision_model, clip.visual_projection

        def forward(self, x):
            return self.projection(self.vision(pixel_values=x).pooler_output)

    full, eight = folder / "f32.onnx", folder / "int8.onnx"
    if not full.exists():
        size = model.config.vision_config.image_size
        torch.onnx.export(
            Tower(model).eval(),
            (torch.zeros(2, 3, size, size),),
            full,
            input_names=["x"],
            output_names=["y"],
            dynamic_axes={"x": {0: "n"}, "y": {0: "n"}},
            opset_version=17,
            dynamo=False,
        )
    if not eight.exists():
        quantize_dynamic(full, eight, weight_type=QuantType.QInt8, per_channel=True, op_types_to_quantize=["MatMul", "Gemm"])
    return full, eight


class Magpie:
    def __init__(self, program, model, kind, pixels):
        self.process = subprocess.Popen(
            [program, str(model), kind, str(pixels)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __call__(self, batch):
        self.process.stdin.write(f"{batch}\n")
        self.process.stdin.flush()
        took, *vector = map(float, self.process.stdout.readline().split())
        return took, np.array(vector)


def timed(run):
    """`run` of a batch size, as a function that gives milliseconds and the first vector."""

    def call(batch):
        begun = time.perf_counter()
        vectors = run(batch)
        return 1000 * (time.perf_counter() - begun), np.asarray(vectors)[0]

    return call


def engines(arguments, pixels, work):
    import onnxruntime
    import torch
    from transformers import CLIPModel

    torch.set_num_threads(arguments.threads)
    clip = CLIPModel.from_pretrained(arguments.model, dtype=torch.float32).eval()

    def pytorch(batch):
        with torch.inference_mode():
            return clip.visual_projection(clip.vision_model(pixel_values=torch.from_numpy(pixels[:batch])).pooler_output)

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = arguments.threads
    sessions = [
        onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        for path in export(clip, arguments.onnx or work)
    ]
    full, eight = ((lambda batch, s=s: s.run(None, {"x": pixels[:batch]})[0]) for s in sessions)
    raw = work / "pixels.f32"
    pixels.tofile(raw)
    kinds = {"Magpie f32": "f32", "Magpie f32, huge pages": "huge", "Magpie int8": "int8", "candle's layers": "candle"}
    own = {name: Magpie(arguments.engine, arguments.model, kind, raw) for name, kind in kinds.items()}
    return {"PyTorch f32": timed(pytorch), "ONNX Runtime f32": timed(full), "ONNX Runtime int8": timed(eight), **own}


def measure(all_engines, batch, rounds):
    """Median milliseconds a photo of each engine, and its first vector."""
    times = {name: [] for name in all_engines}
    vectors = {}
    for number in range(rounds + 2):
        # Nobody always follows the same one.
        names = list(all_engines)
        for name in names[number % len(names):] + names[: number % len(names)]:
            time.sleep(PAUSE)
            all_engines[name](1)  # wakes its threads and brings its code into the caches
            took, vectors[name] = all_engines[name](batch)
            if number >= 2:  # the first two warm up
                times[name].append(took / batch)
    return {name: statistics.median(values) for name, values in times.items()}, vectors


def machine():
    names = [line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line]
    return f"{names[0] if names else platform.processor()}, {len(names)} cores"


def draw(path, results, title):
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    plt.rcParams["svg.hashsalt"] = "magpie"
    names = list(next(iter(results.values())))
    figure, axes = plt.subplots(figsize=(8, 3.6))
    height = 0.8 / len(results)
    for i, (batch, medians) in enumerate(results.items()):
        places = [n + i * height for n in range(len(names))]
        bars = axes.barh(places, [medians[n] for n in names], height, label=f"batch {batch}", color=("#1b3a57", "#3f7cac", "#95bfdd")[i % 3])
        axes.bar_label(bars, fmt="%.0f", padding=2, fontsize=8)
    axes.set_yticks([n + height for n in range(len(names))], names)
    axes.invert_yaxis()
    axes.set_xlabel("milliseconds a photo, ViT-B/32 (less is better)")
    axes.set_title(title, fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--engine", required=True, help="the program that benches/peers/engine.rs makes")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--onnx", type=Path, help="keep the exported towers here")
    parser.add_argument("--chart", type=Path, help="draw the medians to this SVG")
    parser.add_argument("--json", type=Path, help="write the medians to this file")
    arguments = parser.parse_args()

    pixels = pixels_of(arguments.model, arguments.photos, max(BATCHES))
    results = {}
    with tempfile.TemporaryDirectory() as work:
        all_engines = engines(arguments, pixels, Path(work))
        for batch in BATCHES:
            results[batch], vectors = measure(all_engines, batch, max(15, arguments.rounds // batch + 3))
    unit = {name: np.asarray(v, dtype=np.float64) / np.linalg.norm(v) for name, v in vectors.items()}
    print(f"{machine()}, {arguments.threads} threads each, {datetime.date.today()}\n")
    print("| engine | " + " | ".join(f"batch {b}, ms | ÷ Magpie f32 | ÷ int8" for b in BATCHES) + " | cosine to PyTorch |")
    print("|---|" + "---|" * (3 * len(BATCHES) + 1))
    for name in all_engines:
        cells = [
            f"{results[b][name]:.1f} | {results[b][name] / results[b]['Magpie f32']:.2f} | "
            f"{results[b][name] / results[b]['Magpie int8']:.2f}"
            for b in BATCHES
        ]
        print(f"| {name} | " + " | ".join(cells) + f" | {unit[name] @ unit['PyTorch f32']:.7f} |")
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n")
    if arguments.chart:
        draw(arguments.chart, results, f"{machine()}, {datetime.date.today()}")


if __name__ == "__main__":
    main()
