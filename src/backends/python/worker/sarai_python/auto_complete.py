"""pb_utils.ModelConfig: what auto_complete_config is given and gives back."""
import json

_TENSOR_KEYS = {"input": ("name", "data_type", "dims"), "output": ("name", "data_type", "dims")}
_OPTIONAL_KEYS = {"input": ("optional",), "output": ()}


class ModelConfig:
    """A configuration that a model may complete, and may not contradict: each setter raises
    ValueError where the file says something else."""

    def __init__(self, model_config):
        self._model_config = json.loads(model_config)
        self._model_config.setdefault("input", [])
        self._model_config.setdefault("output", [])
        self._model_config.setdefault("max_batch_size", 0)
        self._model_config.setdefault("name", "")

    def as_dict(self):
        return self._model_config

    def _where(self):
        return f"auto_complete_config of model '{self._model_config['name']}'"

    def set_max_batch_size(self, max_batch_size):
        configured = self._model_config["max_batch_size"]
        if configured > max_batch_size:
            raise ValueError(f"{self._where()} sets max_batch_size {max_batch_size}, below the "
                             f"configuration's {configured}")
        self._model_config["max_batch_size"] = max_batch_size

    def set_dynamic_batching(self):
        for scheduler in ("sequence_batching", "ensemble_scheduling"):
            if scheduler in self._model_config:
                raise ValueError(f"{self._where()} sets dynamic_batching, but the configuration "
                                 f"has {scheduler}")
        self._model_config.setdefault("dynamic_batching", {})

    def add_input(self, input):  # noqa: A002: models may pass it by name
        self._add("input", input)

    def add_output(self, output):
        self._add("output", output)

    def set_model_transaction_policy(self, transaction_policy_dict):
        unknown = [key for key in transaction_policy_dict if key != "decoupled"]
        if unknown:
            raise ValueError(f"{self._where()}: a model_transaction_policy has no '{unknown[0]}', "
                             "only 'decoupled'")
        policy = self._model_config.setdefault("model_transaction_policy", {})
        if "decoupled" not in transaction_policy_dict:
            return
        decoupled = transaction_policy_dict["decoupled"]
        if policy.get("decoupled", decoupled) != decoupled:
            raise ValueError(f"{self._where()} sets decoupled {decoupled}, but the configuration "
                             f"says {policy['decoupled']}")
        policy["decoupled"] = decoupled

    def _add(self, kind, tensor):
        name = tensor.get("name", "")
        where = f"{self._where()}: {kind} '{name}'"
        for key in tensor:
            if key not in _TENSOR_KEYS[kind] + _OPTIONAL_KEYS[kind]:
                raise ValueError(f"{where} has '{key}'; it may have "
                                 + ", ".join(_TENSOR_KEYS[kind] + _OPTIONAL_KEYS[kind]))
        for key in _TENSOR_KEYS[kind]:
            if key not in tensor:
                raise ValueError(f"{where} has no '{key}'")
        for configured in self._model_config[kind]:
            if configured["name"] == name:
                return self._complete(where, configured, tensor)
        self._model_config[kind].append(dict(tensor))
        return None

    @staticmethod
    def _complete(where, configured, tensor):
        unset = {"data_type": ("TYPE_INVALID",), "dims": ([],), "optional": ()}
        for key, nothing in unset.items():
            if key not in tensor:
                continue
            value = list(tensor[key]) if key == "dims" else tensor[key]
            if configured.get(key, value) != value and configured[key] not in nothing:
                raise ValueError(f"{where} has {key} {value}, but the configuration says "
                                 f"{configured[key]}")
            configured[key] = value
