"""Serves a small language model for tests, by llama.cpp, as OpenAI's API does.

Its arguments are the folder that scripts/language_model.sh fills, and the key that it takes. Prints one line of JSON when
it listens. Ends with its standard input, so that none outlives its test.
"""

import json
import os
import pathlib
import sys

folder = pathlib.Path(sys.argv[1])
sys.path.insert(0, str(folder))

import xllamacpp

parameters = xllamacpp.CommonParams()
parameters.model.path = str(folder / "model.gguf")
parameters.api_keys = [sys.argv[2]]
parameters.n_ctx = 4096
parameters.n_parallel = 1
parameters.port = 0
parameters.warmup = False
# One thread each: threads that wait for each other take a busy machine many times as long.
parameters.cpuparams.n_threads = 1
parameters.cpuparams_batch.n_threads = 1
server = xllamacpp.Server(parameters)
print(json.dumps({"endpoint": server.listening_address}), flush=True)
sys.stdin.read()
# Its threads end with the process; they are waited for by nobody.
os._exit(0)
