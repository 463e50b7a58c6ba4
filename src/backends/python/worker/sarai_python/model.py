"""The user's class, TritonPythonModel, and what is called of it when."""
import asyncio
import importlib.util
import inspect
import json
import os
import sys
import threading
import traceback
import types

from . import data_types
from .auto_complete import ModelConfig
from .errors import Code, WorkerError
from .failure import describe
from .requests import InferenceResponse


class UserModel:
    def __init__(self, name, version, file, directory):
        self.name = name
        self.version = version
        self.file = file
        self.directory = directory
        self.decoupled = False
        self.declared_types = {}
        self._class = None
        self._object = None
        self._loop = None

    # --- its life ---

    def load(self):
        """Imports the file. What it prints, and a traceback, go to the log."""
        folder = os.path.dirname(self.file)
        sys.path.extend(dict.fromkeys((folder, os.path.dirname(folder), self.directory)))
        module = self._guard("cannot be imported", lambda: _import(self.file))
        self._class = getattr(module, "TritonPythonModel", None)
        if not inspect.isclass(self._class):
            raise WorkerError(Code.DATA_LOSS, f"'{self.file}' has no class TritonPythonModel")
        if not callable(getattr(self._class, "execute", None)):
            raise WorkerError(Code.DATA_LOSS,
                              f"TritonPythonModel in '{self.file}' has no method execute")

    def auto_complete(self, config_json):
        """The configuration as the model completes it; "" when it leaves that to the file."""
        complete = getattr(self._class, "auto_complete_config", None)
        if complete is None:
            return ""
        config = self._guard("auto_complete_config failed",
                             lambda: complete(ModelConfig(config_json)))
        if not isinstance(config, ModelConfig):
            raise WorkerError(Code.INVALID_ARGUMENT,
                              "auto_complete_config must return the ModelConfig that it was "
                              f"given, not {type(config).__name__}")
        return json.dumps(config.as_dict())

    def initialize(self, config_json, instance):
        config = json.loads(config_json)
        self.decoupled = config.get("model_transaction_policy", {}).get("decoupled", False)
        self.declared_types = {output["name"]: data_types.by_config_name(output["data_type"])
                               for output in config.get("output", [])}
        self._object = self._guard("its constructor failed", self._class)
        if hasattr(self._object, "initialize"):
            args = {"model_config": config_json, "model_name": self.name,
                    "model_version": self.version, "model_repository": self.directory, **instance}
            self._guard("initialize failed", lambda: self._object.initialize(args))

    def finalize(self):
        if hasattr(self._object, "finalize"):
            self._guard("finalize failed", self._object.finalize)

    def is_ready(self):
        check = getattr(self._object, "is_ready", None)
        return True if check is None else bool(self._guard("is_ready failed", check))

    # --- its runs ---

    def execute(self, requests, all_answers):
        """Every request of `all_answers` has been answered, or a sender has been taken for it."""
        try:
            result = self._object.execute(requests)
            if inspect.isawaitable(result):
                if self.decoupled:  # the next run may begin meanwhile
                    asyncio.run_coroutine_threadsafe(self._await(result, all_answers),
                                                     self._event_loop())
                    return
                result = asyncio.run(_as_coroutine(result))
            self._hand_out(result, all_answers)
        except BaseException as error:  # pylint: disable=broad-except: whatever a model raises
            self._fail_all(error, all_answers)

    async def _await(self, result, all_answers):
        try:
            self._hand_out(await result, all_answers)
        except BaseException as error:  # pylint: disable=broad-except
            self._fail_all(error, all_answers)

    def _hand_out(self, responses, all_answers):
        if self.decoupled:
            if responses is not None:
                raise TypeError("a decoupled model's execute returns None; its responses go "
                                "through request.get_response_sender()")
            responses = [None] * len(all_answers)
        elif responses is None:
            responses = [None] * len(all_answers)
        responses = list(responses)
        if len(responses) != len(all_answers):
            raise ValueError(f"execute returned {len(responses)} responses to {len(all_answers)} "
                             "requests")
        for answers, response in zip(all_answers, responses):
            self._hand_one(answers, response)

    def _hand_one(self, answers, response):
        if response is None:
            if not answers.sender_taken and not answers.ended:
                answers.fail(Code.INTERNAL, f"model '{self.name}' has not answered: execute "
                                            "returned None for the request, and its response "
                                            "sender was not taken")
        elif not isinstance(response, InferenceResponse):
            answers.fail(Code.INTERNAL, f"model '{self.name}': execute must return a list of "
                                        "pb_utils.InferenceResponse, this is a "
                                        + type(response).__name__)
        else:
            answers.send(response, final=True)

    def _fail_all(self, error, all_answers):
        traceback.print_exception(type(error), error, error.__traceback__)
        message = (f"Failed to process the request(s) for model '{self.name}', message: "
                   + describe(error, self.file))
        for answers in all_answers:
            answers.fail(Code.INTERNAL, message)
        if not isinstance(error, Exception):
            raise error  # SystemExit, KeyboardInterrupt: the process is to end

    def _event_loop(self):
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            threading.Thread(target=self._loop.run_forever, name="sarai-async",
                             daemon=True).start()
        return self._loop

    def _guard(self, what, step):
        try:
            return step()
        except WorkerError:
            raise
        except BaseException as error:  # pylint: disable=broad-except: whatever a model raises
            traceback.print_exception(type(error), error, error.__traceback__)
            raise WorkerError(Code.INTERNAL, f"{what}: {describe(error, self.file)}") from error


async def _as_coroutine(awaitable):
    return await awaitable


def _import(file):
    """As a module of the version's folder, so that `from . import other` finds its neighbours."""
    folder = os.path.dirname(file)
    package = types.ModuleType(os.path.basename(folder))
    package.__path__ = [folder]
    sys.modules.setdefault(package.__name__, package)
    name = package.__name__ + "." + os.path.splitext(os.path.basename(file))[0]
    spec = importlib.util.spec_from_file_location(name, file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
