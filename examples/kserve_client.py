"""Triton's own HTTP client on `sarai instance`: nothing is loaded until it is asked for.

  python kserve_client.py 127.0.0.1:8000 MODEL
"""
import sys

import numpy as np
import tritonclient.http as triton
from tritonclient.utils import triton_to_np_dtype

address, model = sys.argv[1:]
client = triton.InferenceServerClient(address)
print("repository:", [entry["name"] for entry in client.get_model_repository_index()])

metadata = client.get_model_metadata(model)
inputs = []
for spec in metadata["inputs"]:
    shape = [1 if dim < 0 else dim for dim in spec["shape"]]
    tensor = triton.InferInput(spec["name"], shape, spec["datatype"])
    tensor.set_data_from_numpy(np.full(shape, 0.1, triton_to_np_dtype(spec["datatype"])))
    inputs.append(tensor)

answer = client.infer(model, inputs)
for spec in metadata["outputs"]:
    print(spec["name"], answer.as_numpy(spec["name"]).ravel()[:4])
