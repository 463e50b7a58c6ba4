#!/bin/sh
# The container contract by hand: load a model folder by its path, invoke it, unload it.
#   sh load_by_path.sh http://127.0.0.1:8000 /path/to/model-folder INPUT
set -eu
url=$1 folder=$2 input=$3
data='0.1,0.1,0.1,0.1,0.1,0.1,0.1,0.1,0.1,0.1,0.1,0.1,0.1,0.1,0.1,0.1'

curl -sf "$url/ping"
curl -sf -X POST "$url/models" -d "{\"model_name\": \"mine\", \"url\": \"$folder\"}"
curl -sf "$url/models"
curl -sf -X POST "$url/models/mine/invoke" -d @- <<JSON
{"inputs": [{"name": "$input", "shape": [1, 16], "datatype": "FP32", "data": [$data]}]}
JSON
curl -sf -X DELETE "$url/models/mine"
