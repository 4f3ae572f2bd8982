"""How many floating point operations a second this machine sustains, with random weights, in seconds.

    python benchmarks/measure_throughput.py --out throughput.json
    python benchmarks/measure_throughput.py --device cuda --layers 24 --hidden 1024 --batch 32 --length 384

The small default shape is for a CPU. A GPU is measured with the shape and batch that it will run.
"""

import argparse
import json
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path


def encoder_flops(layers: int, hidden: int, intermediate: int, length: float) -> float:
    """Floating point operations of one forward pass for one token of an encoder.

    Parameters
    ----------
    layers, hidden, intermediate : int
        Its shape.
    length : float
        Tokens of the window, on which attention depends.

    Returns
    -------
    float
        Two for each weight of a layer, and two for each product of the two attention matrices. Training takes
        three times as many: forward, and twice that backward.

    Examples
    --------
    >>> encoder_flops(1, 2, 4, 0) == 2 * (4 * 2 * 2 + 2 * 2 * 4)
    True
    """
    weights = 4 * hidden * hidden + 2 * hidden * intermediate
    return layers * (2 * weights + 4 * length * hidden)


def timed(step: Callable[[], None], seconds: float, synchronize: Callable[[], None]) -> float:
    """Mean seconds of a step, repeated for about so long after one that does not count."""
    step()
    synchronize()
    count, start = 0, time.perf_counter()
    while count == 0 or time.perf_counter() - start < seconds:
        step()
        synchronize()
        count += 1
    return (time.perf_counter() - start) / count


def measure(options: argparse.Namespace) -> dict:
    """Measure training, inference and a matrix product."""
    import torch
    from transformers import BertConfig, BertForQuestionAnswering

    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    config = BertConfig(
        num_hidden_layers=options.layers,
        hidden_size=options.hidden,
        num_attention_heads=options.hidden // 64,
        intermediate_size=4 * options.hidden,
    )
    model = BertForQuestionAnswering(config).to(options.device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5)
    shape = (options.batch, options.length)
    ids = torch.randint(1000, 20000, shape, device=options.device)
    places = torch.zeros(options.batch, dtype=torch.long, device=options.device)
    half = torch.autocast(options.device, torch.bfloat16, enabled=options.precision == "bf16")
    synchronize = torch.cuda.synchronize if options.device == "cuda" else lambda: None

    def train() -> None:
        with half:
            loss = model(input_ids=ids, start_positions=places, end_positions=places).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    def infer() -> None:
        with torch.inference_mode():
            model(input_ids=ids)

    matrix = torch.rand(1024, 1024, device="cpu")
    tokens = options.batch * options.length
    forward = tokens * encoder_flops(options.layers, options.hidden, 4 * options.hidden, options.length)
    model.train()
    training = timed(train, options.seconds, synchronize)
    model.eval()
    inference = timed(infer, options.seconds, synchronize)
    product = timed(lambda: matrix @ matrix, options.seconds / 2, lambda: None)
    gpu = torch.cuda.get_device_name(0) if options.device == "cuda" else None
    return {
        "device": options.device,
        "machine": gpu or processor(),
        "threads": options.threads,
        "precision": options.precision,
        "measured_shape": {k: getattr(options, k) for k in ("layers", "hidden", "batch", "length")},
        "training_flops_per_second": round(3 * forward / training),
        "inference_flops_per_second": round(forward / inference),
        "matrix_flops_per_second": round(2 * 1024**3 / product),
        "load_average": round(os.getloadavg()[0], 1),
        "torch": torch.__version__,
    }


def processor() -> str:
    """Model name of the processor."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
        return names[0]
    except (OSError, IndexError):
        return platform.processor() or platform.machine()


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32", help="of training")
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--hidden", type=int, default=256)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--length", type=int, default=256, help="tokens of a window")
    parser.add_argument("--seconds", type=float, default=4.0, help="for each of the measurements")
    parser.add_argument("--out", type=Path, help="json file; printed where absent")
    options = parser.parse_args()
    text = json.dumps(measure(options), indent=2) + "\n"
    if options.out:
        options.out.write_text(text, encoding="utf-8")
    print(text, end="")


if __name__ == "__main__":
    main()
