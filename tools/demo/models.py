"""The demo's 26 models: ResNet-50 as TorchScript and as ONNX from the same weights, and 12
fine-tunes of each with a last layer of their own, packed and uploaded."""
import concurrent.futures
import dataclasses
import pathlib
import shutil

import numpy as np

from testkit import models, safetensors

FINE_TUNES = 12
SEED = 2022
FRAMEWORKS = {"pt": "PyTorch", "onnx": "ONNX"}

@dataclasses.dataclass
class DemoModel:
    key: str        # TargetModel
    framework: str  # "pt" or "onnx"
    expected: np.ndarray


def picture():
    """A 224x224 picture: coloured waves, normalised as ResNets want it."""
    y, x = np.mgrid[0:224, 0:224].astype(np.float32) / 224
    planes = np.stack([np.sin(9 * x + 4 * y), np.cos(7 * y - 2 * x), np.sin(12 * x * y)])
    return planes[np.newaxis].astype(np.float32)


_worker = {}


def _start_worker(scratch):
    net = models.resnet50(SEED)
    base = pathlib.Path(scratch) / "base.safetensors"
    _worker.update(net=net, base=base, scratch=pathlib.Path(scratch), picture=picture())


def _make(framework, number):
    """Writes, packs and answers one model; number 0 is the model itself, others are fine-tunes."""
    net, scratch = _worker["net"], _worker["scratch"]
    name = f"resnet_{framework}_v{number}"
    head = models.fine_tuned_head(net, "fc", SEED + number) if number else None
    folder = scratch / name / "resnet"
    models.write_model_folder(net, folder, framework, [_worker["base"]], head, max_batch_size=128)
    artifact = folder / "1" / models.PLATFORMS[framework][3]
    answer = models.torch_answer if framework == "pt" else models.onnx_answer
    expected = answer(artifact, _worker["picture"])
    archive = models.pack(folder, scratch / f"{name}.tar.gz")
    shutil.rmtree(scratch / name)
    return DemoModel(archive.name, framework, expected), archive


def make_and_upload(scratch, client, bucket, prefix, progress):
    """Returns the 26 models, uploaded below s3://bucket/prefix."""
    scratch = pathlib.Path(scratch)
    safetensors.save(scratch / "base.safetensors", models.resnet50(SEED).parameters)
    wanted = [(framework, number) for number in range(FINE_TUNES + 1) for framework in FRAMEWORKS]
    made = []
    with concurrent.futures.ProcessPoolExecutor(2, initializer=_start_worker,
                                                initargs=(str(scratch),)) as pool:
        futures = [pool.submit(_make, *one) for one in wanted]
        for future in concurrent.futures.as_completed(futures):
            model, archive = future.result()
            client.upload_file(str(archive), bucket, prefix + model.key)
            archive.unlink()
            made.append(model)
            progress(len(made), len(wanted), model.key)
    (scratch / "base.safetensors").unlink()
    order = {f"resnet_{framework}_v{number}.tar.gz": i
             for i, (framework, number) in enumerate(wanted)}
    return sorted(made, key=lambda model: order[model.key])
