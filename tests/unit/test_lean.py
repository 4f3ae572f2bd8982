"""Transformers without a compiler: the same numbers, and whoever asks for what was put off gets it."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from miniature.files import write_parquet
from miniature.models.build import build_model
from small_models import ARCHITECTURE, save_bert_tokenizer, toy_reviews

SCRIPTS = Path(__file__).parents[2] / "scripts"
LABELS = ["bad", "good"]
PUT_OFF = ["torch._dynamo", "torch.distributed.tensor", "sklearn", "scipy.optimize"]
# As a job: the wrapper is imported by a script that Snakemake has given its rule.
PROGRAM = f"""
import json, resource, sys
from types import SimpleNamespace
folder, rule = sys.argv[1:]
snakemake = SimpleNamespace(rule=rule)
sys.path.insert(0, {str(SCRIPTS)!r})
import _job
from miniature.files import read_parquet
from miniature.inference.classification import predict
table, embeddings = predict(
    folder + "/c", read_parquet(folder + "/t.parquet"), labels={LABELS!r},
    text_settings={{"max_length": 12}}, feature="cls", batch_tokens=64, device="cpu",
)
said = {{
    "table": [[row.tolist() for row in table["probabilities"]], table["prediction"].tolist()],
    "embeddings": embeddings.tobytes().hex(),
    "imported": [name for name in {PUT_OFF!r} if name in sys.modules],
    "seconds": resource.getrusage(resource.RUSAGE_SELF).ru_utime,
}}
import sklearn.metrics, torch._dynamo
from scipy.optimize import linear_sum_assignment
from transformers.generation.candidate_generator import roc_curve
said["real"] = [callable(torch._dynamo.optimize), len(roc_curve([0, 1], [0.1, 0.2])),
                linear_sum_assignment([[1, 2], [2, 1]])[1].tolist(), torch.distributed.is_available()]
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    model, tokenizer = build_model(
        {"architecture": ARCHITECTURE | {"initializer_range": 0.5}},
        head="classification", labels=LABELS, vocabulary=save_bert_tokenizer(folder / "vocabulary"), seed=1,
    )  # fmt: skip
    model.save_pretrained(folder / "c")
    tokenizer.save_pretrained(folder / "c")
    write_parquet(toy_reviews(20), folder / "t.parquet")
    return folder


@pytest.fixture(scope="module")
def said(model_folder):
    def run(rule):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, model_folder, rule], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return run("predict_split"), run("")


@pytest.mark.slow
def test_the_predictions_are_those_of_transformers_as_it_is(said):
    lean, usual = said
    assert lean["table"] == usual["table"]
    assert lean["embeddings"] == usual["embeddings"]


@pytest.mark.slow
def test_nothing_that_was_put_off_is_imported_by_a_prediction(said):
    lean, usual = said
    assert lean["imported"] == []
    assert usual["imported"] == PUT_OFF
    assert lean["seconds"] < usual["seconds"]


@pytest.mark.slow
def test_whoever_asks_for_what_was_put_off_gets_it(said):
    lean, usual = said
    assert lean["real"] == usual["real"] == [True, 3, [0, 1], True]


# What a training rule does, from its wrapper to the saved weights.
TRAINING = f"""
import gc, hashlib, json, sys
from pathlib import Path
from types import SimpleNamespace
folder, rule, output = sys.argv[1:]
snakemake = SimpleNamespace(rule=rule, log=[], params={{}})
sys.path.insert(0, {str(SCRIPTS)!r})
import _job
from miniature.files import read_parquet
from miniature.training.finetune import FineTuning, finetune

def main(_):
    assert gc.isenabled()
    how = FineTuning(
        task="classification", labels={LABELS!r}, text_settings={{"max_length": 12}}, seed=1, device="cpu",
        checkpoint_folder=output + "/.steps", settings=dict(
            batch_size=4, epochs=1, learning_rate=1e-3, warmup_ratio=0.1, weight_decay=0.01, order="shuffled",
            max_gradient_norm=1.0, checkpoint_every=2, precision="fp32",
        ),
    )
    table = read_parquet(folder + "/t.parquet")
    finetune(dict(path=folder + "/c"), table, how, vocabulary=None, output_folder=output)

_job.run_job(main, snakemake)
weights = hashlib.sha256((Path(output) / "model.safetensors").read_bytes()).hexdigest()
imported = [name for name in {[*PUT_OFF, "datasets", "scipy.stats"]!r} if name in sys.modules]
import datasets, torch._dynamo
print(json.dumps([weights, imported, callable(torch._dynamo.optimize), hasattr(datasets, "Dataset")]))
"""


@pytest.mark.slow
def test_a_training_gives_the_same_weights_and_imports_nothing_that_was_put_off(model_folder, tmp_path):
    found = {}
    for rule in ("finetune_model", ""):
        done = subprocess.run(
            [sys.executable, "-c", TRAINING, model_folder, rule, tmp_path / (rule or "usual")],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        found[rule] = json.loads(done.stdout.splitlines()[-1])
    weights, imported, *real = found["finetune_model"]
    assert weights == found[""][0]
    assert imported == []
    assert "torch._dynamo" in found[""][1]
    assert real == [True, True]


@pytest.mark.slow
def test_an_attack_imports_no_compiler():
    program = (
        "import sys; from miniature.job.lean import import_transformers; import_transformers(); "
        "import miniature.attack.search.load; "
        f"print([name for name in {[*PUT_OFF, 'bert_score', 'datasets']!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=SCRIPTS
    )
    assert done.returncode == 0, done.stderr
    # NLTK and flair import the rest of it.
    assert set(ast.literal_eval(done.stdout)) <= {"sklearn", "scipy.optimize"}
